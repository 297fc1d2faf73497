#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/schema/compiled.h"
#include "weir/schema/schema.h"
#include "weir/schema/schema_testing.h"

namespace weir::schema {
namespace {

struct Case {
  std::string schema;
  std::size_t shortcuts;  // of the sort that its test is about
  std::vector<std::string> accepted;
  std::vector<std::string> refused;
};

void Judge(const Case& one, const Schema& schema) {
  for (const bool fine : {true, false}) {
    for (const std::string& text : fine ? one.accepted : one.refused) {
      const json::Value value = json::Read(text).value();
      EXPECT_EQ(schema.Accepts(value), fine) << one.schema << "\n" << text;
      EXPECT_EQ(AcceptsWithoutShortcuts(schema, value), fine) << one.schema << "\n" << text;
      EXPECT_EQ(schema.Check(value).empty(), fine) << one.schema << "\n" << text;
    }
  }
}

TEST(Shortcuts, AlternativesAreToldApartByATextOfTheirOwn) {
  const std::string kinds =
      R"([{"type": "object", "required": ["kind"], "properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}},
          {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["b", "c"]}, "s": {"type": "string"}}}])";
  const std::vector<std::string> accepted = {R"({"kind": "a", "n": 1})", R"({"kind": "a", "s": 1})",
                                             R"({"kind": "c", "n": "x"})",
                                             R"({"kind": "b", "kind": "c"})"};
  const std::vector<std::string> refused = {R"({"kind": "a", "n": "1"})",
                                            R"({"kind": "d"})",
                                            R"({"n": 1})",
                                            R"({"kind": 1})",
                                            R"([])",
                                            R"("a")",
                                            R"({"kind": "a", "kind": "b"})"};
  const Case cases[] = {
      {R"({"oneOf": )" + kinds + "}", 1, accepted, refused},
      {R"({"anyOf": )" + kinds + "}", 1, accepted, refused},
      // What is no object is judged by each of them.
      {R"({"oneOf": [{"required": ["k"], "properties": {"k": {"const": "a"}}},
                     {"required": ["k"], "properties": {"k": {"const": "b"}}, "type": ["object", "null"]}]})",
       1,
       {R"({"k": "a"})", R"({"k": "b"})", R"([])", R"("x")"},
       {R"(null)", R"({"k": "c"})", R"({})"}},
      // By way of references, with the property that tells behind one that does not.
      {R"({"$defs": {"cat": {"required": ["age", "is"], "properties": {"age": {}, "is": {"const": "cat"}}},
                     "dog": {"required": ["is"], "properties": {"age": {"maximum": 20}, "is": {"const": "dog"}}}},
           "type": "object", "anyOf": [{"$ref": "#/$defs/cat"}, {"$ref": "#/$defs/dog"}]})",
       1,
       {R"({"is": "cat", "age": 30})", R"({"is": "dog"})"},
       {R"({"is": "cat"})", R"({"is": "dog", "age": 21})", R"({"is": "cow", "age": 1})"}},
  };
  for (const Case& one : cases) {
    const Schema schema = Compiled(one.schema);
    EXPECT_EQ(schema.compiled().telltales.size(), one.shortcuts) << one.schema;
    Judge(one, schema);
  }
}

TEST(Shortcuts, AlternativesThatMayMeetAreAllTried) {
  const Case cases[] = {
      // The same text twice.
      {R"({"oneOf": [{"required": ["k"], "properties": {"k": {"const": "a"}}},
                     {"required": ["k"], "properties": {"k": {"enum": ["a", "b"]}}}]})",
       0,
       {R"({"k": "b"})"},
       {R"({"k": "a"})"}},
      // It may be missing.
      {R"({"oneOf": [{"properties": {"k": {"const": "a"}}},
                     {"required": ["k"], "properties": {"k": {"const": "b"}}}]})",
       0,
       {R"({})", R"({"k": "a"})", R"({"k": "b"})"},
       {R"({"k": "c"})"}},
      // It may be something else than a text.
      {R"({"anyOf": [{"required": ["k"], "properties": {"k": {"enum": ["a", 1]}}},
                     {"required": ["k"], "properties": {"k": {"const": "b"}}}]})",
       0,
       {R"({"k": 1})", R"({"k": "b"})"},
       {R"({"k": 2})"}},
  };
  for (const Case& one : cases) {
    const Schema schema = Compiled(one.schema);
    EXPECT_EQ(schema.compiled().telltales.size(), one.shortcuts) << one.schema;
    Judge(one, schema);
  }
}

std::size_t MergedNodes(const Schema& schema) {
  const auto is_merged = [](const Node& node) { return node.merged != kNone; };
  return static_cast<std::size_t>(std::ranges::count_if(schema.compiled().nodes, is_merged));
}

TEST(Shortcuts, ObjectsOfPartsAreLookedThroughOnce) {
  const Case cases[] = {
      {R"({"type": "object", "properties": {"a": {}},
           "allOf": [{"properties": {"b": {"type": "integer"}}}, {"$ref": "#/$defs/c"}],
           "$defs": {"c": {"required": ["z"], "properties": {"c": {}}}}, "unevaluatedProperties": false})",
       1,
       {},
       {R"({"a": 1, "b": 2, "c": 3, "z": 4})", R"({"a": 1})"}},
      {R"({"properties": {"a": {}}, "allOf": [{"properties": {"b": {"type": "integer"}}}],
           "unevaluatedProperties": {"type": "string"}})",
       1,
       {R"({"a": 1, "b": 2, "c": "3"})", R"([])", R"({})"},
       {R"({"a": 1, "b": "2"})", R"({"c": 3})"}},
      // What is required here has its schema there; the counts are of the whole object.
      {R"({"allOf": [{"required": ["a"], "maxProperties": 2}, {"properties": {"a": {"type": "integer"}}},
                     {"minProperties": 2, "maxProperties": 9}]})",
       1,
       {R"({"a": 1, "b": 2})", R"(7)"},
       {R"({"a": 1})", R"({"b": 1, "c": 1})", R"({"a": "x", "b": 1})",
        R"({"a": 1, "b": 2, "c": 3})"}},
      // The outer one hears that everything was looked at.
      {R"({"anyOf": [{"allOf": [{"properties": {"a": {"type": "integer"}}}, {"required": ["a"]}],
                      "unevaluatedProperties": {"type": "integer"}}, {"properties": {"a": {}}}],
           "unevaluatedProperties": false})",
       1,
       {R"({"a": 1, "c": 1})", R"({"a": "x"})"},
       {R"({"a": 1, "c": "x"})", R"({"a": "x", "c": 1})"}},
  };
  for (const Case& one : cases) {
    const Schema schema = Compiled(one.schema);
    EXPECT_EQ(MergedNodes(schema), one.shortcuts) << one.schema;
    Judge(one, schema);
  }
}

TEST(Shortcuts, PartsThatSayMoreStayApart) {
  const Case cases[] = {
      {R"({"anyOf": [{"required": ["a"], "properties": {"a": {}}}, {"properties": {"b": {}}}],
           "unevaluatedProperties": false})",
       0,
       {R"({"a": 1})", R"({"b": 1})", R"({"a": 1, "b": 1})"},
       {R"({"c": 1})"}},
      {R"({"if": {"required": ["k"], "properties": {"k": {"const": 1}}}, "then": {"properties": {"a": {}}},
           "unevaluatedProperties": false})",
       0,
       {R"({"k": 1, "a": 1})", R"({})"},
       {R"({"k": 2})", R"({"a": 1})"}},
      {R"({"allOf": [{"patternProperties": {"^x": {}}}], "unevaluatedProperties": false})",
       0,
       {R"({"x1": 1})"},
       {R"({"y": 1})"}},
      {R"({"allOf": [{"dependentSchemas": {"a": {"properties": {"b": {}}}}, "properties": {"a": {}}}],
           "unevaluatedProperties": false})",
       0,
       {R"({"a": 1, "b": 1})"},
       {R"({"b": 1})"}},
      // Both have something to say of one property.
      {R"({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"a": {"maximum": 5}}}]})",
       0,
       {R"({"a": 5})"},
       {R"({"a": 6})", R"({"a": "x"})"}},
      // "additionalProperties" knows the properties beside it alone.
      {R"({"properties": {"a": {}}, "additionalProperties": {"type": "integer"},
           "allOf": [{"properties": {"b": {}}}]})",
       0,
       {R"({"a": "x", "b": 1})"},
       {R"({"b": "x"})"}},
      {R"({"allOf": [{"enum": [{"a": 1}, 2]}, {"properties": {"a": {}}}]})",
       0,
       {R"({"a": 1})", "2"},
       {R"({"a": 2})"}},
      {R"({"allOf": [{"properties": {"a": {}}, "unevaluatedProperties": {"type": "integer"}}],
           "properties": {"b": {}}, "unevaluatedProperties": false})",
       1,
       {R"({"a": "x", "c": 1})"},
       {R"({"c": "x"})", R"({"b": "x"})"}},
  };
  for (const Case& one : cases) {
    const Schema schema = Compiled(one.schema);
    EXPECT_EQ(MergedNodes(schema), one.shortcuts) << one.schema;
    Judge(one, schema);
  }
}

// A dynamic reference asks which resources the way led through.
TEST(Shortcuts, PartsOfOtherResourcesStayApartFromDynamicReferences) {
  const Case cases[] = {
      {R"({"$id": "http://x/root", "allOf": [{"$ref": "b"}],
           "$defs": {"b": {"$id": "b", "$ref": "c", "$defs": {"t": {"$dynamicAnchor": "T", "type": "string"}}},
                     "c": {"$id": "c", "properties": {"a": {"$dynamicRef": "#T"}},
                           "$defs": {"t": {"$dynamicAnchor": "T", "type": "integer"}}}}})",
       0,
       {R"({"a": "text"})"},
       {R"({"a": 1})"}},
      {R"({"$schema": "https://json-schema.org/draft/2019-09/schema", "$id": "http://x/root",
           "allOf": [{"$ref": "b"}],
           "$defs": {"b": {"$id": "b", "$recursiveAnchor": true, "$ref": "c", "required": ["z"]},
                     "c": {"$id": "c", "$recursiveAnchor": true,
                           "properties": {"a": {"$recursiveRef": "#"}}}}})",
       0,
       {R"({"z": 1, "a": {"z": 1}})"},
       {R"({"z": 1, "a": {}})"}},
  };
  for (const Case& one : cases) Judge(one, Compiled(one.schema));
}

TEST(Shortcuts, AreNotSoughtForeverInLargeSchemas) {
  std::string properties;
  std::string parts;
  for (int i = 0; i < 400; ++i) {
    const std::string name = "\"p" + std::to_string(i) + '"';
    properties += name + ": {},";
    parts += name + R"(: {"allOf": [{"$ref": "#/$defs/base"}]},)";
  }
  const Schema schema = Compiled(R"({"$defs": {"base": {"properties": {)" + properties +
                                 R"("z": {}}}}, "properties": {)" + parts + R"("z": {}}})");

  EXPECT_GT(MergedNodes(schema), 100U);
  EXPECT_LT(MergedNodes(schema), 300U);
}

// Each part is referred to twice by the one before it: 2^40 ways.
TEST(Shortcuts, PartsThatMultiplyAreNotFollowed) {
  std::string schema = R"({"unevaluatedProperties": false, "$ref": "#/$defs/p0", "$defs": {)";
  for (int i = 0; i < 40; ++i) {
    const std::string next = StrCat(R"({"$ref": "#/$defs/p)", i + 1, "\"}");
    schema += StrCat("\"p", i, R"(": {"allOf": [)", next, ",", next, "]},");
  }
  const std::size_t merged = MergedNodes(Compiled(schema + R"("p40": {"required": ["a"]}}})"));

  EXPECT_GT(merged, 5U);  // the last ones
  EXPECT_LT(merged, 15U);
}

}  // namespace
}  // namespace weir::schema
