#include "weir/http/headers.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"

namespace weir::http {
namespace {

using testing::HasSubstr;

TEST(Headers, NamesCompareWithoutCaseAndOrderIsKept) {
  Headers headers = {{"B", "1"}, {"a", "2"}, {"b", "3"}};

  EXPECT_EQ(headers.Find("A"), "2");
  EXPECT_EQ(headers.Find("b"), "1");
  EXPECT_EQ(headers.Count("b"), 2u);
  EXPECT_EQ(headers.Find("c"), std::nullopt);

  headers.Set("b", "4");
  EXPECT_EQ(headers, (Headers{{"b", "4"}, {"a", "2"}}));
  headers.Set("c", "5");
  headers.Remove("A");
  EXPECT_EQ(headers, (Headers{{"b", "4"}, {"c", "5"}}));
}

TEST(Headers, NothingIsLeftOfWhatIsCleared) {
  Headers headers = {{"a", "1"}, {"b", ""}};
  EXPECT_EQ(headers.lines(), "a: 1\r\nb: \r\n");
  headers.Clear();
  EXPECT_TRUE(headers.empty());
  EXPECT_EQ(headers, Headers());
}

TEST(Headers, ViewsMayBeArgumentsOfTheNextChange) {
  Headers headers = {{"name", "first value"}};

  for (int i = 0; i < 64; ++i) headers.Add("copy", headers[0].value);
  headers.Set(headers[0].name, *headers.Find("copy"));
  headers.Set("name", StrCat(headers[0].value, " grows"));
  headers.Remove(headers[1].name);

  EXPECT_EQ(headers, (Headers{{"name", "first value grows"}}));
}

// A list of pairs is what Headers must behave like.
struct Model {
  std::vector<std::pair<std::string, std::string>> fields;

  void Set(const std::string& name, const std::string& value) {
    const auto same = [&](const auto& field) { return EqualsIgnoreCase(field.first, name); };
    const auto first = std::ranges::find_if(fields, same);
    if (first == fields.end()) {
      fields.emplace_back(name, value);
      return;
    }
    *first = {name, value};
    fields.erase(std::remove_if(first + 1, fields.end(), same), fields.end());
  }
};

RC_GTEST_PROP(Headers, BehaveLikeAListOfPairs, ()) {
  Headers headers;
  Model model;
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4));
  for (const int step : steps) {
    const std::string name = *rc::gen::element<std::string>("a", "A", "bc", "Bc", "long-name");
    const auto value = *rc::gen::container<std::string>(rc::gen::inRange('!', 'z'));
    if (step == 0) {
      headers.Set(name, value);
      model.Set(name, value);
    } else if (step == 1) {
      headers.Remove(name);
      std::erase_if(model.fields, [&](const auto& f) { return EqualsIgnoreCase(f.first, name); });
    } else {
      headers.Add(name, value);
      model.fields.emplace_back(name, value);
    }
    Headers fresh;
    for (const auto& [its_name, its_value] : model.fields) fresh.Add(its_name, its_value);
    RC_ASSERT(headers == fresh);
    RC_ASSERT(std::ranges::equal(headers, model.fields, [](const Header& a, const auto& b) {
      return a.name == b.first && a.value == b.second;
    }));
  }
}

TEST(Headers, TokensAreFoundInListsOfAllFields) {
  const Headers headers = {{"Connection", "TE, Close"}, {"connection", "upgrade"}};

  EXPECT_TRUE(headers.HasToken("connection", "close"));
  EXPECT_TRUE(headers.HasToken("connection", "te"));
  EXPECT_TRUE(headers.HasToken("connection", "upgrade"));
  EXPECT_FALSE(headers.HasToken("connection", "clos"));
  EXPECT_FALSE(headers.HasToken("te", "close"));
}

TEST(HeadWriter, NothingThatBreaksOutOfItsLineIsWritten) {
  const Header bad[] = {
      {"", "v"},        {"a b", "v"},      {"a:", "v"},
      {"a\r\nb", "v"},  {"\xC3\xA9", "v"}, {"a", "v\r\nX: y"},
      {"a", "v\nX: y"}, {"a", "v\rX"},     {"a", std::string_view("v\0", 2)},
      {"a", "v\x7F"},   {"a", " v"},       {"a", "v\t"},
  };
  for (const Header& field : bad) {
    SCOPED_TRACE(testing::Message() << field.name << "|" << field.value);
    std::string out = "before";

    EXPECT_EQ(CheckHeader(field.name, field.value).error().code, Code::kInvalidRequest);
    EXPECT_FALSE(HeadWriter(out).Add(field.name, field.value).has_value());
    EXPECT_FALSE(HeadWriter(out).Add({{"Host", "h"}, field}).has_value());
    EXPECT_EQ(FieldBlock::Make({field}).error().code, Code::kInvalidRequest);
    EXPECT_EQ(out, "before");
  }
}

TEST(Headers, ValuesThatAreUnusualButHarmlessAreAllowed) {
  EXPECT_TRUE(CheckHeader("X-Note", "").has_value());
  EXPECT_TRUE(CheckHeader("X-Note", "a\tb \xC3\xA9").has_value());
  EXPECT_TRUE(CheckHeader("!#$%&'*+-.^_`|~09azAZ", "v").has_value());
}

TEST(HeadWriter, ARequestHeadIsOneFlatText) {
  const Result<FieldBlock> block = FieldBlock::Make({{"Host", "h"}, {"A", "b"}});
  ASSERT_TRUE(block.has_value());
  std::string out = "before ";
  HeadWriter head(out);

  ASSERT_TRUE(head.Start("POST", {"http://h", "/v1", "/x"}).has_value());
  head.AddKnown(*block);
  ASSERT_TRUE(head.Add("B", "").has_value());
  head.AddKnown("Content-Length", "2");
  head.End();

  EXPECT_EQ(out,
            "before POST http://h/v1/x HTTP/1.1\r\nHost: h\r\nA: b\r\nB: \r\n"
            "Content-Length: 2\r\n\r\n");
}

TEST(HeadWriter, MethodAndTargetAreChecked) {
  std::string out;

  for (const std::string_view method : {"", "G T", "GET\r\n", "G:"}) {
    EXPECT_FALSE(HeadWriter(out).Start(method, {"/"}).has_value()) << method;
  }
  for (const std::string_view target : {"", "/a b", "/a\r\nX: y", "/\x7F", "/\t"}) {
    EXPECT_FALSE(HeadWriter(out).Start("GET", {target}).has_value()) << target;
    EXPECT_FALSE(target.empty() ? false : HeadWriter(out).Start("GET", {"/a", target}).has_value());
  }
  EXPECT_EQ(out, "");
}

TEST(HeadWriter, AResponseHeadHasTheReasonOfItsStatus) {
  std::string out;
  HeadWriter head(out);

  ASSERT_TRUE(head.Start(404).has_value());
  ASSERT_TRUE(head.Add({{"A", "b"}}).has_value());
  head.End();
  ASSERT_TRUE(head.Start(299).has_value());

  EXPECT_EQ(out, "HTTP/1.1 404 Not Found\r\nA: b\r\n\r\nHTTP/1.1 299 Unknown\r\n");
  for (const int status : {-1, 0, 99, 1000}) {
    EXPECT_THAT(head.Start(status).error().message, HasSubstr("not an HTTP status"));
  }
}

TEST(Headers, ChunksCarryTheirSizeAndAnEmptyOneIsNotWritten) {
  std::string out;

  AppendChunk(out, "hello, it is me!");
  AppendChunk(out, "");
  AppendLastChunk(out);

  EXPECT_EQ(out, "10\r\nhello, it is me!\r\n0\r\n\r\n");
}

}  // namespace
}  // namespace weir::http
