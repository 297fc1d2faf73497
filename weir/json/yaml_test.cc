#include "weir/json/yaml.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::json {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string Json(std::string_view yaml) {
  const Result<YamlDocument> document = ReadYaml(yaml, "f.yaml");
  return document ? Write(document->value) : document.error().message;
}

std::string YamlMessageOf(std::string_view yaml, const YamlOptions& options = {}) {
  const Result<YamlDocument> document = ReadYaml(yaml, "f.yaml", options);
  if (document) return "accepted";
  EXPECT_EQ(document.error().code, Code::kConfigError);
  return document.error().message;
}

struct YamlCase {
  std::string_view yaml;
  std::string_view expected;
};

TEST(Yaml, ScalarsFollowTheCoreSchema) {
  const YamlCase cases[] = {
      {"", "null"},
      {"# only a comment\n", "null"},
      {"[~, null, Null, NULL, '']", R"([null,null,null,null,""])"},
      {"[true, True, FALSE, yes, no, on]", R"([true,true,false,"yes","no","on"])"},
      {"[1, -1, +1, 007, 0x1F, 0o17, 0b1]", R"([1,-1,1,7,31,15,"0b1"])"},
      {"[1.50, .5, 1., 1e3, -.5E-2, 1.2.3]", R"([1.50,0.5,1.0,1e3,-0.5E-2,"1.2.3"])"},
      {"[\"1\", '1', !!str 1, \"true\"]", R"(["1","1","1","true"])"},
      {"[!!int 3, !!float 3, !!bool true, !!null ~]", "[3,3,true,null]"},
      {"[12:30, 2024-01-01, 1_000, 0x, -0x1]", R"(["12:30","2024-01-01","1_000","0x","-0x1"])"},
      {"a: |\n  x\n  y\nb: >\n  x\n  y\n", R"({"a":"x\ny\n","b":"x y\n"})"},
      {"\xEF\xBB\xBF"
       "a: '''x'\n",
       R"({"a":"'x"})"},
      {R"(["\N\_\x41é\L"])",
       "[\"\xC2\x85\xC2\xA0"
       "Aé\xE2\x80\xA8\"]"},
      {"a: 'it''s'\nb: \"\\\"\"\n", R"({"a":"it's","b":"\""})"},
      {"200: ok\ntrue: x\n'': y\n", R"({"200":"ok","true":"x","":"y"})"},
      {"a:\nb: []\nc: {}\n", R"({"a":null,"b":[],"c":{}})"},
  };
  for (const YamlCase& c : cases) EXPECT_EQ(Json(c.yaml), c.expected) << c.yaml;
}

TEST(Yaml, JsonIsReadExactly) {
  constexpr std::string_view kJson = "{\n\t\"a\": [1.50, \"\\ud83d\\ude00\\/\"],\n\t\"b\":1e400}";

  EXPECT_TRUE(ReadYaml(kJson, "f.json")->value == Read(kJson).value());
}

TEST(Yaml, AnchorsAndMergeKeysWork) {
  const YamlCase cases[] = {
      {"a: &x [1, 2]\nb: *x\n", R"({"a":[1,2],"b":[1,2]})"},
      {"d: &d {a: 1, b: 2}\ne:\n  <<: *d\n  b: 3\n", R"({"d":{"a":1,"b":2},"e":{"a":1,"b":3}})"},
      {"<<: [{a: 1}, {a: 2, b: 3}]\nc: 4\n", R"({"a":1,"b":3,"c":4})"},
      {"'<<': 1\n", R"({"<<":1})"},
      {"x: &k key\n*k : 1\n", R"({"x":"key","key":1})"},
  };
  for (const YamlCase& c : cases) EXPECT_EQ(Json(c.yaml), c.expected) << c.yaml;
}

TEST(Yaml, ErrorsNameFileLineAndColumn) {
  const YamlCase cases[] = {
      {"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key \"a\" occurs twice"},
      {"{\"a\":1,\n \"a\":2}", "f.yaml:2:2: the key \"a\" occurs twice"},
      {"a: .inf\n", "f.yaml:1:4: the number .inf has no JSON form"},
      {"a: 0xFFFFFFFFFFFFFFFFF\n", "f.yaml:1:4: the number 0xFFFFFFFFFFFFFFFFF has no"},
      {"a: !custom x\n", "f.yaml:1:4: the tag \"!custom\""},
      {"a: !!int x\n", "f.yaml:1:4: the tag"},
      {"a: [1, 2\n", "f.yaml:2:1: broken YAML"},
      {"a:\n\t- x\n", "f.yaml:2:2: broken YAML: illegal block entry; a tab may not indent"},
      {"a:\n  b: 1\n c: 2\n", "f.yaml:3:2: broken YAML: end of map not found; indent this line"},
      {"a: \"x\" y\n", "put the whole value in one pair of quotation marks"},
      {"a: [1\nb: 2\n", "a [ before this place is never closed"},
      {"a: {b: ${C}}\n",
       "f.yaml:1:9: broken YAML: end of map flow not found; inside [ ] and { } a "
       "text with ${...} or {{ ... }} needs quotation marks"},
      {"a: @x\n", "f.yaml:1:4: broken YAML: unknown token; put the text in quotation marks"},
      {"a: 'x\nb: 1\n", "f.yaml:1:4: broken YAML: a quotation starts here that is never closed"},
      {"a: !!str &x\n  \"x\\\"\n", "f.yaml:1:4: broken YAML: a quotation"},
      {"a: 'it''s\n", "f.yaml:1:4: broken YAML: a quotation"},
      {"é: [é, é, é: 'x\n", "f.yaml:2:1: broken YAML"},
      {"é: é: x\n", "f.yaml:1:5: broken YAML"},
      {"a: 1\n\x04", "f.yaml:2:1: a control character"},
      {"? [a]\n: 1\n", "a key must be text"},
      {"~: 1\n", "a key must be text"},
      {"a: &x [*x]\n", "f.yaml:1:8: this alias stands inside"},
      {"a: *x\n", "f.yaml:1:4"},
      {"<<: 1\n", "a merge key (<<) takes a mapping"},
      {"a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document"},
      {"\xFF", "not UTF-8"},
      {"@a", "f.yaml:1:1: broken YAML"},
  };
  for (const YamlCase& c : cases)
    EXPECT_THAT(YamlMessageOf(c.yaml), HasSubstr(c.expected)) << c.yaml;
}

TEST(Yaml, LaughsAreLimited) {
  std::string laughs = "a0: &a0 [lol, lol]\n";
  std::string merges = "m0: &m0 {x: 1}\n";
  for (int i = 1; i < 60; ++i) {
    StrAppend(laughs, "a", i, ": &a", i, " [*a", i - 1, ", *a", i - 1, "]\n");
    StrAppend(merges, "m", i, ": &m", i, " {<<: [*m", i - 1, ", *m", i - 1, "]}\n");
  }
  EXPECT_THAT(YamlMessageOf(laughs), HasSubstr("blow this document up"));
  EXPECT_THAT(YamlMessageOf(merges), HasSubstr("blow this document up"));
}

TEST(Yaml, LimitsAreObeyed) {
  YamlOptions options;
  options.max_depth = 2;
  options.max_bytes = 40;

  EXPECT_EQ(YamlMessageOf("a: [1]", options), "accepted");
  EXPECT_THAT(YamlMessageOf("a: [[1]]", options), HasSubstr("f.yaml:1:5: more than 2 levels"));
  EXPECT_THAT(YamlMessageOf(std::string(41, ' '), options), HasSubstr("more than the limit of 40"));
  EXPECT_THAT(YamlMessageOf(std::string(100'000, '[')), StartsWith("f.yaml:1:"));
}

TEST(Yaml, MarksFollowThePointer) {
  for (const std::string_view text : {"a: 1\nb:\n  - x\n  - c: é\n    d: {e: 2}\n",
                                      "{\"a\":1,\n\"b\":[\n  \"x\", {\n   \"c\":\"é\",  "
                                      "\"d\":{\"e\":2}}]}"}) {
    const YamlDocument document = ReadYaml(text, "f").value();
    ASSERT_EQ(Write(document.value), R"({"a":1,"b":["x",{"c":"é","d":{"e":2}}]})");
    const bool json = text.starts_with('{');

    EXPECT_EQ(document.MarkOf(""), Mark(1, 1));
    EXPECT_EQ(document.MarkOf("/a"), json ? Mark(1, 6) : Mark(1, 4));
    EXPECT_EQ(document.KeyMarkOf("/a"), json ? Mark(1, 2) : Mark(1, 1));
    EXPECT_EQ(document.MarkOf("/b/0"), json ? Mark(3, 3) : Mark(3, 5));
    EXPECT_EQ(document.MarkOf("/b/1/d/e"), json ? Mark(4, 23) : Mark(5, 12));
    EXPECT_EQ(document.KeyMarkOf("/b/1/d"), json ? Mark(4, 14) : Mark(5, 5));
    EXPECT_EQ(document.MarkOf("/b/1/missing/x"), document.MarkOf("/b/1"));
    EXPECT_EQ(document.Where("/a"), StrCat("f:1:", json ? 6 : 4));
  }
}

TEST(Yaml, CutAnywhereItNeverCrashesAndNamesThePlace) {
  constexpr std::string_view kText =
      "a: &x {b: \"c\\n\", d: 'e'}\nf: [*x, {<<: *x, g: |-\n h}]\ni: >\n  j\n\n  k\n? l\n: !!str "
      "1\n";
  for (std::size_t cut = 0; cut <= kText.size(); ++cut) {
    EXPECT_THAT(YamlMessageOf(kText.substr(0, cut)),
                testing::AnyOf("accepted", StartsWith("f.yaml:")));
  }
}

}  // namespace
}  // namespace weir::json
