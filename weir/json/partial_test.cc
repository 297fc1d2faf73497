#include "weir/json/partial.h"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/partial_testing.h"
#include "weir/json/pointer.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::json {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr PartialOptions kEverything = {.numbers = true, .literals = true};
constexpr PartialOptions kOnlyComplete = {.strings = false, .arrays = false, .objects = false};

std::string Shown(PartialReader& reader) {
  const View view = reader.Snapshot();
  return view.exists() ? Write(view) : "nothing";
}

struct PartialCase {
  std::string_view text;
  const char* by_default;
  const char* everything;
};

TEST(Partial, ShowsWhatItsRulesAllow) {
  const PartialCase cases[] = {
      {"", "nothing", "nothing"},
      {" \n", "nothing", "nothing"},
      {"{", "{}", "{}"},
      {"[", "[]", "[]"},
      {R"({"a)", "{}", "{}"},
      {R"({"a")", "{}", "{}"},
      {R"({"a":)", "{}", "{}"},
      {R"({"a":1)", "{}", R"({"a":1})"},
      {R"({"a":1,)", R"({"a":1})", R"({"a":1})"},
      {R"({"a":1 )", R"({"a":1})", R"({"a":1})"},
      {R"({"a":-)", "{}", "{}"},
      {"[1.", "[]", "[1]"},
      {"[-0.5e", "[]", "[-0.5]"},
      {"[12e+", "[]", "[12]"},
      {"[12e+3", "[]", "[12e+3]"},
      {"[t", "[]", "[true]"},
      {"[fals", "[]", "[false]"},
      {"[true", "[true]", "[true]"},
      {R"({"a":[1,{"b":n)", R"({"a":[1,{}]})", R"({"a":[1,{"b":null}]})"},
      {R"({"a":")", R"({"a":""})", R"({"a":""})"},
      {R"({"a":"hel)", R"({"a":"hel"})", R"({"a":"hel"})"},
      {R"(["a\)", R"(["a"])", R"(["a"])"},
      {R"(["a\n)", R"(["a\n"])", R"(["a\n"])"},
      {R"(["a\u00)", R"(["a"])", R"(["a"])"},
      {R"(["a\u00e9)", "[\"a\xC3\xA9\"]", "[\"a\xC3\xA9\"]"},
      {R"(["a\ud83d)", R"(["a"])", R"(["a"])"},
      {R"(["a\ud83d\ude)", R"(["a"])", R"(["a"])"},
      {R"(["a\ud83d\ude00)", "[\"a\xF0\x9F\x98\x80\"]", "[\"a\xF0\x9F\x98\x80\"]"},
      {"[\"a\xF0\x9F\x98", R"(["a"])", R"(["a"])"},
      {"12", "nothing", "12"},
      {"\"te", R"("te")", R"("te")"},
      {R"({"a":{"b":[1]}} )", R"({"a":{"b":[1]}})", R"({"a":{"b":[1]}})"},
  };
  for (const PartialCase& c : cases) {
    PartialReader by_default;
    PartialReader everything(kEverything);
    EXPECT_TRUE(by_default.Feed(c.text).has_value()) << c.text;
    EXPECT_TRUE(everything.Feed(c.text).has_value()) << c.text;
    EXPECT_EQ(Shown(by_default), c.by_default) << c.text;
    EXPECT_EQ(Shown(everything), c.everything) << c.text;
  }
}

TEST(Partial, ContainersCanWaitUntilTheyAreComplete) {
  PartialReader reader({.arrays = false});
  ASSERT_TRUE(reader.Feed(R"({"a":[1,2],"b":[{"c":"x)").has_value());
  EXPECT_EQ(Shown(reader), R"({"a":[1,2]})");
  EXPECT_THAT(reader.OpenPlaces(), ElementsAre(""));

  PartialReader strict(kOnlyComplete);
  ASSERT_TRUE(strict.Feed(R"({"a":[1,2])").has_value());
  EXPECT_EQ(Shown(strict), "nothing");
  EXPECT_THAT(strict.OpenPlaces(), IsEmpty());
  ASSERT_TRUE(strict.Feed("}").has_value());
  EXPECT_EQ(Shown(strict), R"({"a":[1,2]})");
}

TEST(Partial, OpenPlacesLeadInwards) {
  PartialReader reader;
  ASSERT_TRUE(reader.Feed(R"({"done":1,"a/b":[0,{"text":"so f)").has_value());
  EXPECT_THAT(reader.OpenPlaces(), ElementsAre("", "/a~1b", "/a~1b/1", "/a~1b/1/text"));

  ASSERT_TRUE(reader.Feed(R"(ar","n":4)").has_value());
  EXPECT_THAT(reader.OpenPlaces(), ElementsAre("", "/a~1b", "/a~1b/1"));

  ASSERT_TRUE(reader.Feed("2}]}").has_value());
  EXPECT_THAT(reader.OpenPlaces(), IsEmpty());
  EXPECT_TRUE(reader.complete());
}

TEST(Partial, CompletedPlacesAreToldOnce) {
  PartialReader reader({.list_completed = true});
  ASSERT_TRUE(reader.Feed(R"({"a":[1,"x"],"b":{"c":tr)").has_value());
  EXPECT_THAT(reader.TakeCompleted(), ElementsAre("/a/0", "/a/1", "/a"));
  EXPECT_THAT(reader.TakeCompleted(), IsEmpty());

  ASSERT_TRUE(reader.Feed("ue}}").has_value());
  EXPECT_THAT(reader.TakeCompleted(), ElementsAre("/b/c", "/b", ""));
}

TEST(Partial, NumberAtTheRootNeedsTheEnd) {
  PartialReader reader;
  ASSERT_TRUE(reader.Feed("-12").has_value());
  EXPECT_FALSE(reader.complete());

  EXPECT_TRUE(reader.Finish().has_value());
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(Shown(reader), "-12");
  EXPECT_THAT(reader.Feed("3").error().message, HasSubstr("after Finish()"));
}

TEST(Partial, LargeObjectsAreFoundInWhileTheyAreOpen) {
  PartialReader reader;
  ASSERT_TRUE(reader.Feed("{").has_value());
  for (int i = 0; i < 3000; ++i) {
    ASSERT_TRUE(reader.Feed(StrCat("\"key ", i, "\":\"v", i)).has_value());
    const View open = reader.Snapshot();
    ASSERT_EQ(open.size(), static_cast<std::size_t>(i + 1));
    ASSERT_EQ(open.Find(StrCat("key ", i)).StringOr(""), StrCat("v", i));
    ASSERT_EQ(open.Find(StrCat("key ", i / 2)).StringOr(""), StrCat("v", i / 2));
    ASSERT_FALSE(open.Find(StrCat("key ", i + 1)).exists());
    ASSERT_TRUE(reader.Feed("\",").has_value());
  }
  EXPECT_FALSE(reader.Snapshot().has_duplicate_keys());
  ASSERT_TRUE(reader.Feed("\"key 7\":\"again\"").has_value());
  EXPECT_TRUE(reader.Snapshot().has_duplicate_keys());
  EXPECT_EQ(reader.Snapshot().Find("key 7").StringOr(""), "again");
  ASSERT_TRUE(reader.Feed("}").has_value());
  EXPECT_TRUE(reader.Snapshot().has_duplicate_keys());
  EXPECT_EQ(reader.Snapshot().Find("key 2999").StringOr(""), "v2999");
}

TEST(Partial, LimitsAreObeyed) {
  PartialReader reader({.max_depth = 2, .max_bytes = 10});
  ASSERT_TRUE(reader.Feed("[[").has_value());
  EXPECT_THAT(reader.Feed("[").error().message, HasSubstr("more than 2 arrays and objects"));

  PartialReader small({.max_bytes = 10});
  ASSERT_TRUE(small.Feed("[\"23456789").has_value());
  EXPECT_THAT(small.Feed("\"]").error().message, HasSubstr("beyond the limit of 10"));
}

TEST(Partial, WhatCameBeforeAnErrorStays) {
  PartialReader reader;
  EXPECT_FALSE(reader.Feed(R"({"a":1,"b":[2,x)").has_value());
  EXPECT_EQ(Shown(reader), R"({"a":1,"b":[2]})");
  EXPECT_EQ(reader.Feed("3]}").error().message,
            "invalid JSON at line 1, column 15 (byte 14): expected a value, found 'x'");
  EXPECT_EQ(Shown(reader), R"({"a":1,"b":[2]})");
}

// "line 1, column 2 (byte 1)", or what is said instead of a place.
std::string PlaceOf(const Error& error) {
  return error.message.substr(0, error.message.find("): "));
}

// Feeds byte by byte and checks every law between neighbours. The last snapshot, or the error.
Result<std::string> CheckEveryPrefix(std::string_view text, PartialOptions options) {
  PartialReader reader(options);
  Value before = Value::CopyOf(Value());
  bool any = false;
  std::size_t open = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const Result<void> fed = reader.Feed(text.substr(i, 1));
    PartialReader at_once(options);
    EXPECT_EQ(at_once.Feed(text.substr(0, i + 1)).has_value(), fed.has_value());
    const View now = reader.Snapshot();
    EXPECT_EQ(Shown(at_once), now.exists() ? Write(now) : "nothing") << text.substr(0, i + 1);
    EXPECT_TRUE(!any || Grew(before, open, now)) << text.substr(0, i + 1);
    for (const std::string& place : reader.OpenPlaces()) {
      EXPECT_TRUE(Resolve(now, place).has_value()) << place;
    }
    if (!fed) return Fail(fed.error());
    any = now.exists();
    if (any) before = Value::CopyOf(now);
    open = reader.OpenPlaces().size();
  }
  WEIR_CHECK(reader.Finish());
  return Write(reader.Snapshot());
}

constexpr std::string_view kStreamedDocument =
    R"( {"a":[1,-2.5e3,true,null,"x\n\ud83d\ude00)"
    "\xC3\xA9\xF0\x9F\x98\x80"
    R"(\u00e9"],"b":{"c":{},"d":[]},"é":"", "a":[[["deep"]],false,0]})"
    "\t";

TEST(Partial, EveryPrefixReadsAndGrows) {
  for (const PartialOptions& options : {PartialOptions(), kEverything, kOnlyComplete}) {
    const Result<std::string> last = CheckEveryPrefix(kStreamedDocument, options);
    ASSERT_TRUE(last.has_value()) << last.error().message;
    EXPECT_EQ(*last, Write(Read(kStreamedDocument).value()));
  }
}

TEST(Partial, GrewIsNotTrueOfEverything) {
  const auto grew = [](std::string_view before, std::size_t open, std::string_view after) {
    return Grew(Read(before).value(), open, Read(after).value());
  };
  EXPECT_TRUE(grew(R"(["a"])", 2, R"(["ab",1])"));
  EXPECT_FALSE(grew(R"(["a"])", 1, R"(["ab",1])"));
  EXPECT_FALSE(grew(R"(["a"])", 0, R"(["a",1])"));
  EXPECT_FALSE(grew(R"(["a"])", 2, R"(["b"])"));
  EXPECT_FALSE(grew(R"({"a":1})", 1, R"({"b":1})"));
  EXPECT_FALSE(grew(R"([1,2])", 1, R"([1])"));
}

TEST(Partial, ErrorsStandWhereTheStrictReaderSeesThem) {
  for (const std::string_view text : {"[1,]",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{\"a\" 1}",
                                      "[1] x",
                                      "[NaN]",
                                      "[nul]",
                                      "[-]",
                                      "[01]",
                                      "[1.]",
                                      "[1e]",
                                      "[\"a\nb\"]",
                                      "[\"a",
                                      "[\"\\x\"]",
                                      "[\"\\u12\"]",
                                      "[\"\\ud800\"]",
                                      "[\"\\udc00\"]",
                                      "[\"\\ud800\\u0041\"]",
                                      "[\"\\ud800\\n\"]",
                                      "[\"\\ud8zz\"]",
                                      "[\"\xC3\xA9\", \"\xE9\"]",
                                      "[\"\xFF\"]",
                                      "[\"\xED\xA0\x80\"]",
                                      "\xEF\xBB\xBF{}",
                                      "",
                                      " ",
                                      "[",
                                      "\"\xC3",
                                      "-",
                                      "1.",
                                      "tru",
                                      "{\"a\"",
                                      "}"}) {
    const Result<std::string> partial = CheckEveryPrefix(text, {});
    const Result<Value> strict = Read(text);
    ASSERT_FALSE(partial.has_value()) << text;
    EXPECT_EQ(partial.error().code, Code::kInvalidJson);
    EXPECT_EQ(PlaceOf(partial.error()), PlaceOf(strict.error())) << text;
  }
}

void BuildStreamed(Builder& builder, int depth) {
  const int choice = *rc::gen::inRange(0, depth > 0 ? 8 : 6);
  if (choice == 0) return builder.Null();
  if (choice == 1) return builder.Bool(*rc::gen::arbitrary<bool>());
  if (choice == 2) return builder.Int(*rc::gen::arbitrary<std::int64_t>());
  if (choice == 3) return builder.Double(*rc::gen::arbitrary<double>());
  if (choice <= 5) return builder.String(*rc::gen::arbitrary<std::string>());
  const int count = *rc::gen::inRange(0, choice == 6 ? 6 : 24);
  choice == 6 ? builder.BeginArray() : builder.BeginObject();
  for (int i = 0; i < count; ++i) {
    if (choice == 7) builder.Key(*rc::gen::arbitrary<std::string>());
    BuildStreamed(builder, depth - 1);
  }
  choice == 6 ? builder.EndArray() : builder.EndObject();
}

TEST(Partial, ReadsEveryDocumentInEveryCut) {
  EXPECT_TRUE(rc::check("pieces make the document", [] {
    Builder builder;
    BuildStreamed(builder, 2);
    const Value value = std::move(builder).Finish();
    const bool spaced = *rc::gen::arbitrary<bool>();
    const std::string text = spaced ? WriteSpaced(value) : Write(value);
    PartialOptions options;
    options.strings = *rc::gen::arbitrary<bool>();
    options.numbers = *rc::gen::arbitrary<bool>();
    options.literals = *rc::gen::arbitrary<bool>();
    options.list_completed = true;

    PartialReader reader(options);
    Value before;
    std::optional<std::size_t> open;
    std::string_view rest = text;
    while (!rest.empty()) {
      const auto step = *rc::gen::inRange<std::size_t>(1, 12);
      const std::string_view piece = rest.substr(0, step);
      rest.remove_prefix(piece.size());
      RC_ASSERT(reader.Feed(piece).has_value());
      const View now = reader.Snapshot();
      if (open) RC_ASSERT(Grew(before, *open, now));
      if (!now.exists()) continue;
      before = Value::CopyOf(now);
      open = reader.OpenPlaces().size();
      for (const std::string& place : reader.TakeCompleted()) {
        RC_ASSERT(!before.exists() || !options.strings || Resolve(now, place).has_value());
      }
    }
    RC_ASSERT(reader.Finish().has_value());
    RC_ASSERT(reader.Snapshot() == Read(text).value());
    RC_ASSERT(Write(reader.Snapshot()) == Write(Read(text).value()));
  }));
}

TEST(Partial, MillionPiecesCostWhatTheirTextCosts) {
  PartialReader reader;
  ASSERT_TRUE(reader.Feed("[\"").has_value());
  for (int i = 0; i < 500'000; ++i) {
    ASSERT_TRUE(reader.Feed("ab").has_value());
    ASSERT_EQ(reader.Snapshot()[0].StringOr("").size(), 2U * static_cast<std::size_t>(i) + 2);
  }
  ASSERT_TRUE(reader.Feed("\"").has_value());
  for (int i = 0; i < 300'000; ++i) {
    ASSERT_TRUE(reader.Feed(",1").has_value());
    ASSERT_EQ(reader.Snapshot().size(), static_cast<std::size_t>(i) + 1);
  }
  ASSERT_TRUE(reader.Feed("]").has_value());
  EXPECT_EQ(reader.Snapshot().size(), 300'001U);
}

}  // namespace
}  // namespace weir::json
