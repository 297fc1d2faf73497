#include "weir/schema/schema.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"
#include "weir/schema/compiled.h"
#include "weir/schema/schema_testing.h"

namespace weir::schema {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

Error CompileError(std::string_view schema, const CompileOptions& options = {}) {
  auto compiled = Schema::Compile(json::Read(schema).value(), options);
  return compiled ? Error() : compiled.error();
}

struct MessageCase {
  const char* name;
  std::string_view schema;
  std::string_view instance;
  Violation violation;  // the first
};

const MessageCase kMessages[] = {
    {"Type",
     R"({"properties":{"items":{"items":{"properties":{"price":{"type":"number"}}}}}})",
     R"({"items":[{"price":1},{"price":"12"}]})",
     {"/items/1/price", "/properties/items/items/properties/price/type", "type",
      "at /items/1/price: expected a number, got the string \"12\""}},
    {"SeveralTypes",
     R"({"type":["string","null"]})",
     "3",
     {"", "/type", "type", "at the top level: expected a string or null, got the number 3"}},
    {"Integer",
     R"({"type":"integer"})",
     "1.5",
     {"", "/type", "type", "at the top level: expected an integer, got the number 1.5"}},
    {"Enum",
     R"({"enum":["red","green"]})",
     R"("gren")",
     {"", "/enum", "enum",
      "at the top level: expected one of \"red\", \"green\", got the string \"gren\"; did you mean "
      "\"green\"?"}},
    {"Const",
     R"({"const":{"a":1}})",
     "null",
     {"", "/const", "const", "at the top level: expected {\"a\":1}, got null"}},
    {"Required",
     R"({"required":["name"]})",
     "{}",
     {"", "/required", "required", "at the top level: the property \"name\" is missing"}},
    {"AdditionalProperty",
     R"({"properties":{"price":{}},"additionalProperties":false})",
     R"({"prise":1})",
     {"/prise", "/additionalProperties", "additionalProperties",
      "at /prise: the property \"prise\" is not allowed; did you mean \"price\"?"}},
    {"AdditionalPropertyFarFromAll",
     R"({"properties":{"a":{},"b":{}},"additionalProperties":false})",
     R"({"x/y":1})",
     {"/x~1y", "/additionalProperties", "additionalProperties",
      "at /x~1y: the property \"x/y\" is not allowed; allowed are \"a\", \"b\""}},
    {"Minimum",
     R"({"minimum":0.5})",
     "-1",
     {"", "/minimum", "minimum", "at the top level: expected a number of at least 0.5, got -1"}},
    {"MultipleOf",
     R"({"multipleOf":0.01})",
     "0.015",
     {"", "/multipleOf", "multipleOf", "at the top level: expected a multiple of 0.01, got 0.015"}},
    {"MinLength",
     R"({"minLength":2})",
     R"("é")",
     {"", "/minLength", "minLength", "at the top level: expected at least 2 characters, got 1"}},
    {"Pattern",
     R"({"pattern":"^[A-Z]+$"})",
     R"("a")",
     {"", "/pattern", "pattern",
      "at the top level: expected a string that matches the pattern \"^[A-Z]+$\", got the string "
      "\"a\""}},
    {"TooFewItems",
     R"({"minItems":1})",
     "[]",
     {"", "/minItems", "minItems", "at the top level: expected at least 1 item, got 0"}},
    {"UniqueItems",
     R"({"uniqueItems":true})",
     "[1,2,1.0]",
     {"", "/uniqueItems", "uniqueItems",
      "at the top level: expected items that are all different, but items 0 and 2 are equal"}},
    {"Contains",
     R"({"contains":{"const":1}})",
     "[2]",
     {"", "/contains", "contains",
      "at the top level: expected at least 1 item as /contains asks, got 0"}},
    {"PropertyName",
     R"({"propertyNames":{"maxLength":2}})",
     R"({"abc":1})",
     {"", "/propertyNames/maxLength", "maxLength",
      "at the top level: the property name \"abc\" is not allowed: expected at most 2 characters, "
      "got 3"}},
    {"AnyOfTypes",
     R"({"anyOf":[{"type":"string"},{"type":"null"}]})",
     "1",
     {"", "/anyOf", "anyOf", "at the top level: expected a string or null, got the number 1"}},
    {"OneOfNearest",
     R"({"oneOf":[{"required":["x"],"properties":{"k":{"const":"a"},"x":{"type":"integer"}}},
                  {"properties":{"k":{"const":"b"}}}]})",
     R"({"k":"a","x":"1"})",
     {"", "/oneOf", "oneOf",
      "at the top level: it fits none of the 2 alternatives; the nearest is /oneOf/0: at /x: "
      "expected an integer, got the string \"1\""}},
    {"OneOfTwice",
     R"({"oneOf":[{"minimum":1},{"maximum":3}]})",
     "2",
     {"", "/oneOf", "oneOf",
      "at the top level: expected a value that fits exactly one of 2 alternatives, but it fits "
      "/oneOf/0 and /oneOf/1"}},
    {"Not",
     R"({"not":{"type":"string"}})",
     R"("a")",
     {"", "/not", "not",
      "at the top level: a value that fits /not is not allowed, got the string \"a\""}},
    {"FalseSchema",
     R"({"properties":{"a":false}})",
     R"({"a":1})",
     {"/a", "/properties/a", "false", "at /a: no value is allowed here"}},
    {"Dependent",
     R"({"dependentRequired":{"card":["address"]}})",
     R"({"card":1})",
     {"", "/dependentRequired", "dependentRequired",
      "at the top level: the property \"address\" is missing, which must be there when \"card\" "
      "is"}},
    {"BehindAReference",
     R"({"$ref":"#/$defs/n","$defs":{"n":{"prefixItems":[{}],"items":false}}})",
     "[1,2]",
     {"/1", "/$defs/n/items", "items", "at /1: expected at most 1 item; this one is too many"}},
    {"Unevaluated",
     R"({"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":false})",
     R"({"a":1,"b":1})",
     {"/b", "/unevaluatedProperties", "unevaluatedProperties",
      "at /b: the property \"b\" is not allowed: nothing in the schema speaks of it here"}},
};

class MessageTest : public testing::TestWithParam<MessageCase> {};

TEST_P(MessageTest, TellsWhereAndWhat) {
  const Schema schema = Compiled(GetParam().schema);
  const json::Value instance = json::Read(GetParam().instance).value();

  const std::vector<Violation> found = schema.Check(instance);

  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].instance_path, GetParam().violation.instance_path);
  EXPECT_EQ(found[0].schema_path, GetParam().violation.schema_path);
  EXPECT_EQ(found[0].keyword, GetParam().violation.keyword);
  EXPECT_EQ(found[0].message, GetParam().violation.message);
  const Result<void> first = schema.Validate(instance);
  ASSERT_FALSE(first.has_value());
  EXPECT_EQ(first.error().code, Code::kSchemaMismatch);
  EXPECT_EQ(first.error().message, found[0].message);
}

INSTANTIATE_TEST_SUITE_P(Keywords, MessageTest, testing::ValuesIn(kMessages),
                         [](const auto& info) { return std::string(info.param.name); });

struct WrongCase {
  const char* name;
  std::string_view schema;
  Code code;
  std::string_view part;  // of the message
};

const WrongCase kWrong[] = {
    {"NotASchema", "3", Code::kInvalidSchema, "expected a schema"},
    {"TypeName", R"({"type":"strng"})", Code::kInvalidSchema, "did you mean \"string\"?"},
    {"WhereItStands", R"({"properties":{"a":{"minimum":"3"}}})", Code::kInvalidSchema,
     "at /properties/a/minimum: expected a number, got the string \"3\""},
    {"BooleanBound", R"({"exclusiveMinimum":true})", Code::kInvalidSchema, "draft 4"},
    {"ItemsAsList", R"({"items":[{}]})", Code::kInvalidSchema, "prefixItems"},
    {"NegativeCount", R"({"minItems":-1})", Code::kInvalidSchema, "an integer of 0 or more"},
    {"ZeroDivisor", R"({"multipleOf":0.0})", Code::kInvalidSchema, "above 0"},
    {"RequiredAsBool", R"({"required":true})", Code::kInvalidSchema, "an array of property names"},
    {"EmptyAnyOf", R"({"anyOf":[]})", Code::kInvalidSchema, "at least one schema"},
    {"LostPointer", R"({"$ref":"#/$defs/x"})", Code::kInvalidSchema, "leads nowhere"},
    {"LostAnchor", R"({"$ref":"#x"})", Code::kInvalidSchema, "the anchor \"x\""},
    {"NoLoader", R"({"$ref":"http://example.com/x"})", Code::kInvalidSchema, "no loader"},
    {"EmptyCycle", R"({"allOf":[{"$ref":"#"}]})", Code::kInvalidSchema, "never end"},
    {"LongEmptyCycle", R"({"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},
                           "b":{"not":{"$ref":"#/$defs/a"}}}})",
     Code::kInvalidSchema, "never end"},
    {"SameIdTwice", R"({"$defs":{"a":{"$id":"x:y"},"b":{"$id":"x:y"}}})", Code::kInvalidSchema,
     "already names"},
    {"OldDraft", R"({"$schema":"http://json-schema.org/draft-04/schema#"})",
     Code::kUnsupportedSchema, "neither draft 7"},
    {"Pattern", R"({"pattern":"("})", Code::kInvalidPattern, "at /pattern"},
    {"Lookahead", R"j({"properties":{"a":{"pattern":"(?=a)"}}})j", Code::kUnsupportedPattern,
     "at /properties/a/pattern"},
};

class WrongSchemaTest : public testing::TestWithParam<WrongCase> {};

TEST_P(WrongSchemaTest, IsRefusedWithItsPlace) {
  const Error error = CompileError(GetParam().schema);

  EXPECT_EQ(error.code, GetParam().code) << error.message;
  EXPECT_THAT(error.message, HasSubstr(GetParam().part));
}

INSTANTIATE_TEST_SUITE_P(Compile, WrongSchemaTest, testing::ValuesIn(kWrong),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(SchemaTest, AllViolationsComeInOrderUpToTheMaximum) {
  const Schema schema = Compiled(R"({"items":{"type":"string"}})");
  const json::Value instance = json::Read("[1,2,3,4]").value();

  EXPECT_EQ(schema.Check(instance).size(), 4U);
  const auto two = schema.Check(instance, {.max_violations = 2});
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[1].instance_path, "/1");
}

TEST(SchemaTest, AnAbsentInstanceIsRefused) {
  const Schema schema = Compiled("true");

  EXPECT_FALSE(schema.Accepts(json::View()));
  EXPECT_EQ(schema.Check(json::View()).size(), 1U);
}

TEST(SchemaTest, FormatIsAnAnnotationUnlessAsked) {
  const std::string_view text = R"({"format":"date"})";
  const json::Value instance = json::Value::Of("2025-02-29");

  EXPECT_TRUE(Compiled(text).Accepts(instance));
  EXPECT_FALSE(Compiled(text, {.assert_formats = true}).Accepts(instance));
}

TEST(SchemaTest, MetaSchemaIsCheckedWhenAsked) {
  const CompileOptions options{.check_meta_schema = true};

  EXPECT_TRUE(Schema::Compile(json::Read(R"({"title":"x"})").value(), options).has_value());
  const Error error = CompileError(R"({"title":3})", options);
  EXPECT_EQ(error.code, Code::kInvalidSchema);
  EXPECT_THAT(error.message, HasSubstr("at /title: expected a string"));
}

TEST(SchemaTest, MetaSchemasAcceptThemselves) {
  for (const std::string_view uri :
       {"http://json-schema.org/draft-07/schema", "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema"}) {
    const json::Value text = json::Read(MetaSchemaText(uri)).value();
    EXPECT_THAT(Schema::Compile(text).value().Check(text), IsEmpty()) << uri;
  }
}

TEST(SchemaTest, RecursionWithoutAnEndIsCutOffAndSaid) {
  // Where the dynamic reference leads is known only while validating.
  CompileOptions options;
  options.loader = [](std::string_view) {
    return json::Read(R"({"$id":"x:b","$dynamicAnchor":"n","type":"integer"})");
  };
  const Schema schema = Compiled(
      R"({"$id":"x:a","$dynamicAnchor":"n","anyOf":[{"$ref":"x:b"},{"$dynamicRef":"#n"}]})",
      options);

  EXPECT_TRUE(schema.Accepts(json::Value::Of(1)));
  const auto found = schema.Check(json::Value::Of("a"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].message, HasSubstr("max_recursion"));
}

TEST(SchemaTest, StepsAreLimited) {
  const Schema schema = Compiled(R"({"items":{"items":{}, "maxItems":0}})", {.max_steps = 3});

  EXPECT_TRUE(schema.Accepts(json::Read("[[],[]]").value()));
  EXPECT_FALSE(schema.Accepts(json::Read("[[],[],[],[]]").value()));
}

TEST(SchemaTest, SchemasInsideEachOtherAreLimited) {
  const Error error = CompileError(R"({"not":{"not":{"not":{}}}})", {.max_depth = 2});

  EXPECT_EQ(error.code, Code::kUnsupportedSchema);
  EXPECT_THAT(error.message, HasSubstr("max_depth"));
}

TEST(SchemaTest, LoadedDocumentsAppearInPathsWithTheirUri) {
  CompileOptions options;
  options.loader = [](std::string_view uri) -> Result<json::Value> {
    EXPECT_EQ(uri, "http://example.com/b");
    return json::Read(R"({"type":"string"})");
  };
  const Schema schema = Compiled(R"({"$id":"http://example.com/a","$ref":"b"})", options);

  const auto found = schema.Check(json::Value::Of(1));

  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].schema_path, "http://example.com/b#/type");
}

TEST(SchemaTest, ManyRequiredPropertiesAreAllRequired) {
  std::string required;
  std::string instance;
  for (int i = 0; i < 70; ++i) {
    required += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\"";
    if (i < 69) instance += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":1";
  }
  const Schema schema = Compiled("{\"required\":[" + required + "]}");

  const auto found = schema.Check(json::Read("{" + instance + "}").value());

  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].message, HasSubstr("\"k69\""));
}

TEST(CompiledTest, DraftsMeetInOneForm) {
  const Schema old = Compiled(
      R"({"$schema":"http://json-schema.org/draft-07/schema#","items":[{}],"additionalItems":false,
          "dependencies":{"a":["b"]}})");
  const struct Compiled& form = old.compiled();
  const Node& root = form[form.root];

  EXPECT_EQ(old.draft(), Draft::k7);
  ASSERT_NE(root.array, kNone);
  EXPECT_EQ(form.arrays[root.array].prefix.size(), 1U);
  EXPECT_EQ(form[form.arrays[root.array].items].types, 0);
  ASSERT_NE(root.object, kNone);
  EXPECT_EQ(form.objects[root.object].dependents.size(), 1U);
}

TEST(CompiledTest, EnumAndConstMeet) {
  const Schema schema = Compiled(R"({"enum":[1,"a",2.0],"const":2,"title":"T"})");
  const struct Compiled& form = schema.compiled();
  const ValueRules& values = form.values[form[form.root].values];

  ASSERT_EQ(values.values.size(), 1U);
  EXPECT_EQ(values.values[0].NumberText(), "2.0");
  EXPECT_EQ(form.Note(form.root, "title").StringOr(""), "T");
}

}  // namespace
}  // namespace weir::schema
