#include "weir/json/reader.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/builder.h"
#include "weir/json/syntax_error.h"
#include "weir/json/writer.h"

namespace weir::json {
namespace {

using testing::HasSubstr;

std::string MessageOf(std::string_view text, const ReadOptions& options = {}) {
  const Result<Value> value = Read(text, options);
  if (value) return "accepted";
  EXPECT_EQ(value.error().code, Code::kInvalidJson);
  return value.error().message;
}

TEST(Reader, NumbersKeepTheirText) {
  for (const std::string_view text :
       {"1", "-0", "1.50", "1E5", "1e-7", "123456789012345678901234567890", "0.1000000000000000055",
        "1e400", "-1.0e+02", "1e99999999999999999999"}) {
    EXPECT_EQ(Read(text)->NumberText(), text);
    EXPECT_EQ(Write(*Read(StrCat("[", text, "]"))), StrCat("[", text, "]"));
  }
}

TEST(Reader, EscapesBecomeText) {
  const Result<Value> value = Read(R"({"k\u0065y":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 end"})");

  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(value->Find("key").StringOr(""), "a\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80 end");
}

TEST(Reader, LongStringsWithEscapesComeWhole) {
  const std::string part(3000, 'x');
  const Result<Value> value = Read(StrCat("[\"", part, "\\n", part, "\\n", part, "\"]"));

  EXPECT_EQ((*value)[0].StringOr(""), StrCat(part, "\n", part, "\n", part));
}

struct WrongCase {
  std::string_view text;
  const char* message;
};

TEST(Reader, ErrorsSayWhereAndWhat) {
  const WrongCase cases[] = {
      {"", "line 1, column 1 (byte 0): expected a value, found the end of the text"},
      {"{\n  \"a\": 1\n  \"b\": 2}", "line 3, column 3 (byte 13): expected ',' or '}', found '\"'"},
      {"[1,]", "(byte 3): expected a value, found ']'; no comma may stand after the last one"},
      {"{\"a\":1,}", "found '}'; no comma may stand after the last one"},
      {"{a:1}", "(byte 1): expected a member name in double quotes or '}', found 'a'"},
      {"{\"a\" 1}", "expected ':' after the member name, found '1'"},
      {"[1] x", "(byte 4): expected nothing after the document, found 'x'"},
      {"[NaN]", "JSON has no NaN and no Infinity"},
      {"['a']", "JSON strings stand in double quotes"},
      {"[1 // one\n]", "JSON has no comments"},
      {"[nul]", "(byte 4): expected the word null, found ']'"},
      {"[-]", "expected a digit after the minus sign, found ']'"},
      {"[01]", "a number may not start with a zero"},
      {"[1.]", "expected a digit after the decimal point"},
      {"[1e]", "expected a digit in the exponent"},
      {"[\"a\nb\"]", "(byte 3): a string may not hold the control character 0x0A"},
      {"[\"a", "the text ends inside a string"},
      {"[\"\\x\"]", "expected an escape such as \\n, found 'x'"},
      {"[\"\\u12\"]", "expected four hexadecimal digits after \\u, found '\"'"},
      {"[\"\\ud800\"]", "(byte 2): the escape \\ud800 is one half of a surrogate pair"},
      {"[\"\\udc00\"]", "the escape \\udc00 is one half of a surrogate pair"},
      {"[\"\\ud800\\u0041\"]", "the escape \\ud800 is one half of a surrogate pair"},
      {"[\"\xC3\xA9\", \"\xE9\"]", "column 8 (byte 8): invalid UTF-8 at the byte 0xE9"},
      {"\xEF\xBB\xBF{}", "byte order mark"},
  };
  for (const WrongCase& c : cases) EXPECT_THAT(MessageOf(c.text), HasSubstr(c.message)) << c.text;
}

TEST(Reader, DuplicateKeysAreKeptOrRefused) {
  constexpr std::string_view kText = R"({"a":{"x":1,"y":2,"x":3}})";
  ReadOptions reject;
  reject.duplicate_keys = DuplicateKeys::kReject;

  EXPECT_EQ(Read(kText)->Find("a").size(), 3U);
  EXPECT_THAT(MessageOf(kText, reject), HasSubstr("(byte 19): the key \"x\" occurs twice"));
  EXPECT_THAT(MessageOf(R"({"a":1,"\u0061":2})", reject), HasSubstr("the key \"a\" occurs twice"));
  EXPECT_TRUE(Read(R"({"a":{"a":1},"b":{"a":1}})", reject).has_value());
}

TEST(Reader, LimitsAreObeyed) {
  ReadOptions options;
  options.max_depth = 3;
  options.max_bytes = 12;

  EXPECT_TRUE(Read("[[[1]]]", options).has_value());
  EXPECT_THAT(MessageOf("[[[[1]]]]", options), HasSubstr("more than 3 arrays and objects"));
  EXPECT_THAT(MessageOf("[1,2,3,4,5,6]", options), HasSubstr("more than the limit of 12"));
}

TEST(Reader, DeepestNestingFitsTheStack) {
  ReadOptions options;
  options.max_depth = 1'000'000;

  EXPECT_TRUE(Read(std::string(kDeepest, '[') + std::string(kDeepest, ']'), options).has_value());
  EXPECT_FALSE(Read(std::string(1'000'000, '['), options).has_value());
}

TEST(Reader, MillionItemsAreRead) {
  std::string text = "[0";
  for (int i = 1; i < 1'000'000; ++i) StrAppend(text, ',', i);
  text += ']';
  const Result<Value> value = Read(text);

  EXPECT_EQ(value->size(), 1'000'000U);
  EXPECT_EQ((*value)[999'999].AsInt64(), 999'999);
}

TEST(Reader, EveryStrictPrefixIsRefused) {
  constexpr std::string_view kText =
      R"({"a":[1,-2.5e3,true,null,"x\n\ud83d\ude00\u00e9"],"b":{"c":{}},"é":"")"
      "\t}";
  ASSERT_TRUE(Read(kText).has_value());

  for (std::size_t cut = 0; cut < kText.size(); ++cut) {
    EXPECT_NE(MessageOf(kText.substr(0, cut)), "accepted") << cut;
    EXPECT_TRUE(FindSyntaxError(kText.substr(0, cut), 512).has_value()) << cut;
  }
}

rc::Gen<std::string> AnyText() {
  return rc::gen::map(rc::gen::arbitrary<std::string>(), [](const std::string& text) {
    return IsUtf8(text) ? text : std::string("not UTF-8");
  });
}

void BuildAny(Builder& builder, int depth) {
  const int choice = *rc::gen::inRange(0, depth > 0 ? 8 : 6);
  if (choice == 0) return builder.Null();
  if (choice == 1) return builder.Bool(*rc::gen::arbitrary<bool>());
  if (choice == 2) return builder.Int(*rc::gen::arbitrary<std::int64_t>());
  if (choice == 3) return builder.Double(*rc::gen::arbitrary<double>());
  if (choice <= 5) return builder.String(*AnyText());
  const int count = *rc::gen::inRange(0, 20);
  choice == 6 ? builder.BeginArray() : builder.BeginObject();
  for (int i = 0; i < count; ++i) {
    if (choice == 7) builder.Key(*AnyText());
    BuildAny(builder, depth - 1);
  }
  choice == 6 ? builder.EndArray() : builder.EndObject();
}

TEST(Reader, ReadsBackWhatTheWriterWrote) {
  EXPECT_TRUE(rc::check("Read(Write(v)) == v", [] {
    Builder builder;
    BuildAny(builder, 3);
    const Value value = std::move(builder).Finish();
    const std::string text = Write(value);
    const Result<Value> again = Read(text);
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == value);
    RC_ASSERT(Write(*again) == text);
    RC_ASSERT(Read(Write(value, {.indent = 2})).value() == value);
    RC_ASSERT(Read(WriteSpaced(value)).value() == value);
    RC_ASSERT(Read(Canonical(value)).value() == value);
  }));
}

TEST(Reader, AgreesWithTheJsonTestSuite) {
  const char* const suites = std::getenv("WEIR_SUITES");
  if (suites == nullptr || *suites == '\0') {
    std::fputs("WEIR_SUITES is unset: JSONTestSuite is NOT run\n", stderr);
    GTEST_SKIP() << "WEIR_SUITES is unset";
  }
  int cases = 0;
  const std::filesystem::path folder = std::filesystem::path(suites) / "json-parsing/test_parsing";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const Result<Value> value = Read(text);
    if (name.starts_with("y_")) EXPECT_TRUE(value.has_value()) << name;
    if (name.starts_with("n_")) EXPECT_FALSE(value.has_value()) << name;
    if (!value) EXPECT_FALSE(value.error().message.empty()) << name;
    if (value) EXPECT_FALSE(FindSyntaxError(text, limits::kJsonDepth).has_value()) << name;
    ++cases;
  }
  EXPECT_GT(cases, 300);
}

}  // namespace
}  // namespace weir::json
