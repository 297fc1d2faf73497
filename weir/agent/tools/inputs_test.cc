#include "weir/agent/tools/inputs.h"

#include <gtest/gtest.h>

#include "weir/json/reader.h"

namespace weir::agent {
namespace {

TEST(Inputs, ASchemaSpeaksOfWhatItsPartsSpeakOf) {
  const json::Value schema = *json::Read(R"({
      "properties": {"plain": {"properties": {"inner": {}}}},
      "anyOf": [{"required": ["a"]}, {"properties": {"any": {}}}],
      "if": {"properties": {"cond": {}}}, "else": {"allOf": [{"properties": {"deep": {}}}]},
      "$ref": "#/$defs/a~1b",
      "$defs": {"a/b": {"properties": {"refers": {}}, "$ref": "#"},
                "unused": {"properties": {"away": {}}}}})");
  for (const char* name : {"plain", "any", "cond", "deep", "refers"}) {
    EXPECT_TRUE(SpeaksOf(schema, name)) << name;
  }
  for (const char* name : {"inner", "a", "away", ""}) EXPECT_FALSE(SpeaksOf(schema, name)) << name;
  EXPECT_FALSE(SpeaksOf(json::Value(), "plain"));
  EXPECT_FALSE(SpeaksOf(*json::Read(R"({"$ref": "#/nowhere"})"), "plain"));
}

TEST(Inputs, WhatTheSchemaSpeaksOfIsTheModelsAndAllElseIsNot) {
  const json::Value row = *json::Read(R"({"path": "row", "line": 7, "name": "f", "kind": "row"})");
  const json::Value fixed = *json::Read(R"({"kind": "fixed", "rule": "E1", "deep": 1})");
  const json::Value schema = *json::Read(R"({"properties": {"line": {}, "rule": {}, "deep": {}}})");

  EXPECT_EQ(MergedInputs(schema, row, fixed, *json::Read(R"({"rule": "E2"})")),
            R"({"path":"row","name":"f","kind":"fixed","deep":1,"rule":"E2"})")
      << "a line that the model left out is not that of the row";
  EXPECT_EQ(MergedInputs(schema, row, fixed,
                         *json::Read(R"({"line": 1, "path": "/etc", "kind": "x", "more": 2})")),
            R"({"path":"row","name":"f","kind":"fixed","rule":"E1","deep":1,"line":1,"more":2})");
  EXPECT_EQ(MergedInputs(json::Value(), json::Value(), json::Value(), *json::Read(R"({"a": 1})")),
            R"({"a":1})");
}

}  // namespace
}  // namespace weir::agent
