#include "weir/json/writer.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "weir/json/reader.h"

namespace weir::json {
namespace {

TEST(Writer, CommasComeByThemselves) {
  std::string out;
  Writer writer(out);
  writer.BeginObject();
  writer.Field("a", "text");
  writer.Key("b");
  writer.BeginArray();
  writer.Int(-1);
  writer.Uint(2);
  writer.Double(0.5);
  writer.Bool(true);
  writer.Null();
  writer.Number("1.50");
  writer.BeginObject();
  writer.EndObject();
  writer.BeginArray();
  writer.EndArray();
  writer.Raw("[ 1 ]");
  writer.EndArray();
  writer.Field("c", Value::Of(3));
  writer.EndObject();

  EXPECT_EQ(out, R"({"a":"text","b":[-1,2,0.5,true,null,1.50,{},[],[ 1 ]],"c":3})");
}

TEST(Writer, AppendsToWhatIsThere) {
  std::string out = "data: ";
  Writer(out).Value(Value::Of("x"));

  EXPECT_EQ(out, "data: \"x\"");
}

struct StringCase {
  std::string_view text;
  const char* compact;
  const char* spaced;
};

TEST(Writer, StringsHaveTheFewestEscapes) {
  using namespace std::string_view_literals;
  const StringCase cases[] = {
      {"", R"("")", R"("")"},
      {"plain and long enough for a run", R"("plain and long enough for a run")",
       R"("plain and long enough for a run")"},
      {"\"\\/\b\f\n\r\t", R"("\"\\/\b\f\n\r\t")", R"("\"\\/\b\f\n\r\t")"},
      {"\0\x1F\x7F"sv, "\"\\u0000\\u001f\x7F\"", R"("\u0000\u001f\u007f")"},
      {"12345678\"12345678", R"("12345678\"12345678")", R"("12345678\"12345678")"},
      {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"",
       R"("\u00e9\u20ac\ud83d\ude00")"},
      {"a\xFF\xC3", "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"", R"("a\ufffd\ufffd")"},
      {"\xED\xA0\x80 \xF0\x9F\x98x", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xEF\xBF\xBDx\"",
       R"("\ufffd\ufffd\ufffd \ufffdx")"},
  };
  for (const StringCase& c : cases) {
    const Value value = Value::Of(c.text);
    EXPECT_EQ(Write(value), c.compact);
    EXPECT_EQ(WriteSpaced(value), c.spaced);
    EXPECT_TRUE(Read(Write(value)).has_value());
  }
}

TEST(Writer, EveryByteAtEveryPlaceOfARunGivesValidJson) {
  for (int byte = 0; byte < 256; ++byte) {
    for (std::size_t place = 0; place < 17; ++place) {
      std::string text(17, 'x');
      text[place] = static_cast<char>(byte);
      std::string out;
      AppendQuoted(out, text);
      const Result<Value> again = Read(out);
      ASSERT_TRUE(again.has_value()) << out;
      if (byte < 0x80) EXPECT_EQ(again->StringOr(""), text);
    }
  }
}

TEST(Writer, DoublesHaveTheirShortestText) {
  std::vector<double> values = {0, -0.0, 0.0005, 0.0015, 0.30000000000000004, 1000, 1e-9, 1e300};
  for (int i = 1; i < 1'000'000; i += 7) values.push_back(i / 1000.0);
  for (int i = 1; i < 20'000; ++i) values.push_back(i / 10'000.0);
  for (const double value : values) {
    char buffer[32];
    std::string out;
    Writer(out).Double(value);
    ASSERT_EQ(out, std::string(buffer, std::to_chars(buffer, std::end(buffer), value).ptr));
  }
}

TEST(Writer, IndentsForPeople) {
  const Value value = Read(R"({"a":[1,{"b":{}}],"c":[]})").value();

  EXPECT_EQ(Write(value, {.indent = 2}),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": {}\n    }\n  ],\n  \"c\": []\n}");
}

TEST(Writer, SpacedIsPythonsForm) {
  const Value value = Read(R"({"a":[1,2.50],"b":{"c":null},"d":{}})").value();

  EXPECT_EQ(WriteSpaced(value), R"({"a": [1, 2.50], "b": {"c": null}, "d": {}})");
}

TEST(Writer, CanonicalSortsMembersAndKeepsEqualKeysInOrder) {
  const Value value = Read(R"({"b":1,"a":{"d":1,"c":2},"B":[{"z":0,"y":0}],"b":0})").value();

  EXPECT_EQ(Canonical(value), R"({"B":[{"y":0,"z":0}],"a":{"c":2,"d":1},"b":1,"b":0})");
}

#ifdef NDEBUG
TEST(Writer, WhatJsonCannotSayIsRemembered) {
  std::string out;
  Writer writer(out);
  writer.BeginArray();
  writer.Double(std::nan(""));
  writer.Value(View());
  writer.EndArray();

  EXPECT_EQ(out, "[null,null]");
  EXPECT_EQ(writer.misuse(), "a double that is not finite");
}
#else
TEST(WriterDeathTest, WhatJsonCannotSayStopsADebugBuild) {
  std::string out;
  Writer writer(out);
  EXPECT_DEATH(writer.Double(std::numeric_limits<double>::infinity()), "JSON cannot say");
}
#endif

}  // namespace
}  // namespace weir::json
