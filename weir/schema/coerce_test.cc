#include "weir/schema/coerce.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/json/pointer.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/schema_testing.h"

namespace weir::schema {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

Result<Coerced> Bent(std::string_view schema, std::string_view value,
                     const CoerceOptions& options = {}) {
  return Coerce(Compiled(schema), json::Read(value).value(), options);
}

// "kind@path kind@path"
std::string Changes(const Coerced& coerced) {
  std::string out;
  for (const Change& change : coerced.changes) {
    StrAppend(out, out.empty() ? "" : " ", ChangeName(change.kind), "@", change.path);
  }
  return out;
}

struct CoerceCase {
  const char* name;
  std::string_view schema;
  std::string_view value;
  std::string_view result;   // empty: refused
  std::string_view changes;  // or a part of the message
};

void PrintTo(const CoerceCase& c, std::ostream* out) { *out << c.name; }

class CoerceTest : public testing::TestWithParam<CoerceCase> {};

TEST_P(CoerceTest, BendsOrRefuses) {
  const CoerceCase& c = GetParam();
  const auto coerced = Bent(c.schema, c.value);
  if (c.result.empty()) {
    ASSERT_FALSE(coerced.has_value()) << json::Write(coerced->value);
    EXPECT_EQ(coerced.error().code, Code::kSchemaMismatch);
    EXPECT_THAT(coerced.error().message, HasSubstr(std::string(c.changes)));
    return;
  }
  ASSERT_TRUE(coerced.has_value()) << coerced.error().message;
  EXPECT_EQ(json::Write(coerced->value), c.result);
  EXPECT_EQ(Changes(*coerced), c.changes);

  const Schema schema = Compiled(c.schema);
  EXPECT_TRUE(schema.Accepts(coerced->value));
  int sum = 0;
  for (const Change& change : coerced->changes) {
    EXPECT_EQ(change.penalty, ChangePenalty(change.kind));
    EXPECT_NE(change.note, "");
    EXPECT_TRUE(json::Resolve(coerced->value, change.path).has_value()) << change.path;
    sum += change.penalty;
  }
  EXPECT_EQ(coerced->penalty, sum);

  const auto again = Coerce(schema, coerced->value);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(json::Write(again->value), c.result);
  EXPECT_THAT(again->changes, IsEmpty());
  EXPECT_EQ(again->penalty, 0);
}

const CoerceCase kScalars[] = {
    {"NumberFromText", R"({"type":"number"})", R"(" 12.50 ")", "12.50", "number_from_text@"},
    {"IntegerFromText", R"({"type":"integer"})", R"("12.0")", "12", "number_from_text@"},
    {"SignAndPoint", R"({"type":"number"})", R"("+.5")", "0.5", "number_from_text@"},
    {"BeyondDoubles", R"({"type":"integer"})", R"("123456789012345678901234567890")",
     "123456789012345678901234567890", "number_from_text@"},
    {"Grouped", R"({"type":"number"})", R"("-1,234,567.8")", "-1234567.8", "number_from_grouped@"},
    {"GroupedWrongly", R"({"type":"number"})", R"("1,23")", "", "expected a number"},
    {"GroupedByPoints", R"({"type":"number"})", R"("1.234,5")", "", "expected a number"},
    {"GroupedIsTextForText", R"({"type":"string"})", R"("1,234")", R"("1,234")", ""},
    {"Quoted", R"({"type":"number"})", R"("**12**")", "12", "text_unquoted@ number_from_text@"},
    {"Percent", R"({"type":"number"})", R"("12%")", "", "expected a number"},
    {"Unit", R"({"type":"number"})", R"("12 km")", "", "expected a number"},
    {"FractionForInteger", R"({"type":"integer"})", "1.5", "", "expected an integer"},
    {"FractionTextForInteger", R"({"type":"integer"})", R"("1.5")", "", "expected an integer"},
    {"OutOfRange", R"({"type":"integer","minimum":5})", R"("3")", "", "expected an integer"},
    {"WholeNumberIsInteger", R"({"type":"integer"})", "1.0", "1.0", ""},
    {"TextFromNumber", R"({"type":"string"})", "1.50", R"("1.50")", "text_from_scalar@"},
    {"TextFromBool", R"({"type":"string"})", "true", R"("true")", "text_from_scalar@"},
    {"TextFromNull", R"({"type":"string"})", "null", "", "expected a string"},
    {"TextFromObject", R"({"type":"string"})", R"({"a":1,"b":2})", R"("{\"a\":1,\"b\":2}")",
     "text_from_document@"},
    {"BoolFromWord", R"({"type":"boolean"})", R"("Yes.")", "true", "bool_from_text@"},
    {"BoolFromProse", R"({"type":"boolean"})", R"("The answer is False")", "false",
     "bool_from_prose@"},
    {"BoolAmbiguous", R"({"type":"boolean"})", R"("true or false")", "", "expected true or false"},
    {"BoolDenied", R"({"type":"boolean"})", R"("that is not true")", "", "expected true or false"},
    {"BoolFromNumber", R"({"type":"boolean"})", "1", "", "expected true or false"},
    {"NumberFromBool", R"({"type":"number"})", "true", "", "expected a number"},
    {"NullFromWord", R"({"type":["integer","null"]})", R"("None")", "null", "null_from_text@"},
    {"NullFromEmpty", R"({"type":["integer","null"]})", R"("")", "null", "null_from_text@"},
    {"TextStaysWhereTextMayBe", R"({"type":["string","null"]})", R"("null")", R"("null")", ""},
    {"Trimmed", R"({"type":"string","pattern":"^[a-z]+$"})", R"(" abc\n")", R"("abc")",
     "text_trimmed@"},
    {"Unquoted", R"({"type":"string","pattern":"^[a-z]+$"})", R"("`abc`")", R"("abc")",
     "text_unquoted@"},
    {"DocumentInText", R"({"type":"object","required":["a"]})", R"("{\"a\":1}")", R"({"a":1})",
     "document_from_text@"},
    {"DocumentInProse", R"({"type":"array","items":{"type":"integer"}})",
     R"("It is ```json\n[1, 2,]\n```")", "[1,2]", "document_from_prose@"},
    {"DocumentInDocument",
     R"({"properties":{"a":{"properties":{"b":{"type":"integer"}},"type":"object"}}})",
     R"({"a":"{\"b\":\"2\"}"})", R"({"a":{"b":2}})", "document_from_text@/a number_from_text@/a/b"},
    {"DocumentCutOff", R"({"type":"object"})", R"("{\"a\":[1,2")", "", "expected an object"},
};

const CoerceCase kChoices[] = {
    {"Case", R"({"enum":["Red","Green"]})", R"("red")", R"("Red")", "choice_by_case@"},
    {"Marks", R"({"enum":["Red","Green"]})", R"("  **'RED'**. ")", R"("Red")", "choice_by_case@"},
    {"Accents", R"({"enum":["Café","Thé"]})", R"("cafe")", R"("Café")", "choice_by_fold@"},
    {"AccentsTheOtherWay", R"({"enum":["naive"]})", R"("Naïve")", R"("naive")", "choice_by_fold@"},
    {"Separators", R"({"enum":["in_progress","done"]})", R"("In Progress")", R"("in_progress")",
     "choice_by_fold@"},
    {"Prose", R"({"enum":["ONE","TWO"]})", R"("The answer is two")", R"("TWO")",
     "choice_in_prose@"},
    {"ProseAmbiguous", R"({"enum":["ONE","TWO"]})", R"("Two is one of them")", "", "ambiguous"},
    {"ProseLongest", R"({"enum":["red","dark red"]})", R"("it is dark red!")", R"("dark red")",
     "choice_in_prose@"},
    {"ProseWholeWords", R"({"enum":["one","two"]})", R"("someone")", "", "expected one of"},
    {"CaseAmbiguous", R"({"enum":["a","A"]})", R"("'a'")", "", "ambiguous"},
    {"FoldAmbiguous", R"({"enum":["a b","a-b"]})", R"("A_B")", "", "ambiguous"},
    {"NumberOfText", R"({"enum":[1,2]})", R"("2")", "2", "choice_by_scalar@"},
    {"TextOfNumber", R"({"enum":["1","2"]})", "2", R"("2")", "choice_by_scalar@"},
    {"BoolOfText", R"({"const":true})", R"("True")", "true", "choice_by_scalar@"},
    {"Const", R"({"const":"celsius"})", R"("Celsius")", R"("celsius")", "choice_by_case@"},
    {"Alias", R"({"oneOf":[{"const":"ONE","title":"The first"},{"const":"TWO","alias":"k2"}]})",
     R"("K-2")", R"("TWO")", "choice_by_alias@"},
    {"Title", R"({"oneOf":[{"const":"ONE","title":"The first"},{"const":"TWO"}]})",
     R"("the first")", R"("ONE")", "choice_by_alias@"},
    {"AliasInProse", R"({"anyOf":[{"const":"ONE","aliases":["k1","q1"]},{"const":"TWO"}]})",
     R"("I would say q1.")", R"("ONE")", "choice_in_prose@"},
    {"NoLikeness", R"({"enum":["red","green"]})", R"("blue")", "", "expected one of"},
    {"FromList", R"({"enum":["red","green"]})", R"(["RED"])", R"("red")",
     "single_from_list@ choice_by_case@"},
    {"FromLongerList", R"({"enum":["red"]})", R"(["RED","x"])", "", "expected \"red\""},
};

const CoerceCase kContainers[] = {
    {"ListFromSingle", R"({"type":"array","items":{"type":"integer"}})", R"("3")", "[3]",
     "list_from_single@ number_from_text@/0"},
    {"ListTooShort", R"({"type":"array","minItems":2})", "3", "", "expected an array"},
    {"ListOfNull", R"({"type":"array"})", "null", "", "expected an array"},
    {"ListOfLists", R"({"type":"array","items":{"type":"array","items":{"type":"integer"}}})",
     "[1]", "[[1]]", "list_from_single@/0"},
    {"ListOfListsFromScalar",
     R"({"type":"array","items":{"type":"array","items":{"type":"integer"}}})", "1", "",
     "expected an array"},
    {"SingleFromList", R"({"type":"integer"})", "[5]", "5", "single_from_list@"},
    {"SingleFromTwo", R"({"type":"integer"})", "[5,6]", "", "expected an integer"},
    {"PrefixItems", R"({"prefixItems":[{"type":"integer"},{"type":"string"}]})", R"(["1",2])",
     R"([1,"2"])", "number_from_text@/0 text_from_scalar@/1"},
    {"Unwrapped", R"({"type":"object","required":["name"]})", R"({"result":{"name":"x"}})",
     R"({"name":"x"})", "unwrapped@"},
    {"UnwrappedScalar", R"({"type":"integer"})", R"({"answer":"42"})", "42",
     "unwrapped@ number_from_text@"},
    {"UnwrappedNotDropped",
     R"({"properties":{"name":{"type":"string"}},"additionalProperties":false})",
     R"({"Person":{"name":"x"}})", R"({"name":"x"})", "unwrapped@"},
    {"Wrapped", R"({"type":"object","properties":{"foo":{"type":"integer"}},"required":["foo"]})",
     "1214", R"({"foo":1214})", "wrapped@"},
    {"ListWrapped", R"({"type":"object","properties":{"l":{"type":"array"}}})", "[1,2]",
     R"({"l":[1,2]})", "wrapped@"},
    {"NotWrappedAsText", R"({"type":"object","properties":{"l":{"type":"string"}}})", "[1,2]", "",
     "expected an object"},
    {"ReplyIsNotWrapped", R"({"type":"object","properties":{"a":{"type":"string"}}})",
     R"("first {\"a\":\"x\"} then {\"a\":\"y\"}")", "", "expected an object"},
    {"NotWrappedInTwo", R"({"type":"object","properties":{"a":{},"b":{}}})", "1", "",
     "expected an object"},
    {"ExtraDropped", R"({"properties":{"a":{}},"additionalProperties":false})", R"({"a":1,"b":2})",
     R"({"a":1})", "extra_dropped@"},
    {"ExtraKept", R"({"properties":{"a":{"type":"integer"}}})", R"({"a":"1","b":2})",
     R"({"a":1,"b":2})", "number_from_text@/a"},
    {"UnevaluatedDropped", R"({"allOf":[{"properties":{"a":{}}}],"unevaluatedProperties":false})",
     R"({"a":1,"b":2})", R"({"a":1})", "extra_dropped@"},
    {"NotDroppedWhereAConditionMayLook",
     R"({"if":{"required":["b"]},"then":{"properties":{"b":{"type":"integer"}}},
         "properties":{"a":{}},"unevaluatedProperties":false})",
     R"({"a":1,"c":2})", "", "c"},
    {"KeyByCase", R"({"required":["userName"]})", R"({"user_name":"x"})", R"({"userName":"x"})",
     "key_renamed@/userName"},
    {"KeyByAlias",
     R"({"properties":{"b":{"type":"integer","alias":"blah"}},"additionalProperties":false})",
     R"({"Blah":"7"})", R"({"b":7})", "key_renamed@/b number_from_text@/b"},
    {"KeyAmbiguous", R"({"required":["userName"]})", R"({"user_name":1,"UserName":2})", "",
     "not the only one"},
    {"KeyAmbiguousTheOtherWay", R"({"required":["user_name","UserName"]})", R"({"username":1})", "",
     "not the only one"},
    {"KeyThatMayStay", R"({"properties":{"userName":{}},"required":["id"]})",
     R"({"ID":1,"user_name":2})", R"({"id":1,"user_name":2})", "key_renamed@/id"},
    {"PointerEscapes", R"({"properties":{"a/b":{"type":"integer"}}})", R"({"a/b":"1"})",
     R"({"a/b":1})", "number_from_text@/a~1b"},
    {"DefaultFilled", R"({"properties":{"n":{"default":5,"type":"integer"}},"required":["n"]})",
     "{}", R"({"n":5})", "default_filled@/n"},
    {"DefaultBesideRef",
     R"({"$defs":{"n":{"type":"integer","default":5}},"properties":{"n":{"$ref":"#/$defs/n"}},
         "required":["n"]})",
     "{}", R"({"n":5})", "default_filled@/n"},
    {"DefaultThatIsWrong", R"({"properties":{"n":{"default":"x","type":"integer"}},
         "required":["n"]})",
     "{}", "", "\"n\" is missing"},
    {"DefaultOfOptional", R"({"properties":{"n":{"default":5},"m":{"type":"integer"}}})",
     R"({"m":"1"})", R"({"m":1})", "number_from_text@/m"},
    {"DefaultForNull", R"({"properties":{"n":{"default":5,"type":"integer"}},"required":["n"]})",
     R"({"n":null})", R"({"n":5})", "default_filled@/n"},
    {"NullFilled", R"({"properties":{"n":{"anyOf":[{"type":"integer"},{"type":"null"}]}},
         "required":["n"]})",
     "{}", R"({"n":null})", "null_filled@/n"},
    {"NullIsNotInvented", R"({"required":["n"],"properties":{"n":{"minLength":1}}})", "{}", "",
     "\"n\" is missing"},
    {"ConstIsNotInvented", R"({"required":["n"],"properties":{"n":{"const":1}}})", "{}", "",
     "\"n\" is missing"},
    {"NullDropped", R"({"properties":{"n":{"type":"integer"}}})", R"({"n":null})", "{}",
     "null_dropped@"},
    {"NullOfRequired", R"({"properties":{"n":{"type":"integer"}},"required":["n"]})",
     R"({"n":null})", "", "at /n: expected an integer"},
};

const CoerceCase kLogic[] = {
    {"TypeList", R"({"type":["integer","boolean"]})", R"("12")", "12", "number_from_text@"},
    {"UnionByPenalty", R"({"anyOf":[{"type":"array"},{"type":"integer"}]})", R"("12")", "12",
     "number_from_text@"},
    {"UnionExactFirst", R"({"anyOf":[{"type":"integer"},{"type":"string"}]})", R"("12")", R"("12")",
     ""},
    {"UnionOfObjects",
     R"({"anyOf":[{"properties":{"kind":{"const":"a"},"v":{"type":"string"}},"required":["kind"]},
                  {"properties":{"kind":{"const":"b"},"v":{"type":"integer"}},
                   "required":["kind"]}]})",
     R"({"kind":"B","v":"3"})", R"({"kind":"b","v":3})",
     "choice_by_case@/kind number_from_text@/v"},
    {"UnionSameResult", R"({"anyOf":[{"type":"integer","minimum":0},{"type":"number"}]})", R"("5")",
     "5", "number_from_text@"},
    {"UnionAmbiguous",
     R"({"anyOf":[{"properties":{"a":{}},"additionalProperties":false},
                  {"properties":{"b":{}},"additionalProperties":false}]})",
     R"({"a":1,"b":2})", "", "ambiguous"},
    {"UnionOfLiterals", R"({"anyOf":[{"const":2},{"const":3}]})", R"("2 or 3")", "", "ambiguous"},
    {"UnionSaysWhatTheNearestLacks",
     R"({"items":{"anyOf":[
         {"properties":{"kind":{"const":"a"},"v":{"type":"integer"}},"required":["kind","v"]},
         {"properties":{"kind":{"const":"b"},"w":{"type":"integer"}},"required":["kind","w"]}]}})",
     R"([{"kind":"B"}])", "", "at /0: the property \"w\" is missing"},
    {"OneOf", R"({"oneOf":[{"type":"integer"},{"type":"boolean"}]})", R"("yes")", "true",
     "bool_from_text@"},
    {"OneOfBothMatch", R"({"oneOf":[{"type":"integer"},{"type":"number"}]})", R"("5")", "", ""},
    {"AllOf",
     R"({"allOf":[{"properties":{"a":{"type":"integer"}}},{"properties":{"b":{"type":"string"}}},
                  {"required":["a","b"]}]})",
     R"({"A":"1","b":2})", R"({"a":1,"b":"2"})",
     "key_renamed@/a number_from_text@/a text_from_scalar@/b"},
    {"AllOfSameProperty",
     R"({"allOf":[{"properties":{"a":{"type":"integer"}}},{"properties":{"a":{"minimum":3}}}]})",
     R"({"a":"2"})", "", "/a"},
    {"Recursion", R"({"properties":{"v":{"type":"integer"},"next":{"$ref":"#"}},"required":["v"]})",
     R"({"v":"1","next":{"v":"2","next":{"v":3}}})", R"({"v":1,"next":{"v":2,"next":{"v":3}}})",
     "number_from_text@/v number_from_text@/next/v"},
    {"NotIsChecked", R"({"type":"integer","not":{"const":12}})", R"("12")", "",
     "expected an integer"},
    {"IfIsChecked",
     R"({"properties":{"a":{"type":"integer"}},"if":{"required":["a"]},"then":{"required":["b"]}})",
     R"({"a":"1"})", "", ""},
    {"RefuseAll", "false", "1", "", ""},
    {"DynamicRef",
     R"({"$dynamicAnchor":"n","properties":{"v":{"type":"integer"},
         "kids":{"items":{"$dynamicRef":"#n"}}}})",
     R"({"kids":[{"v":"1"}]})", R"({"kids":[{"v":1}]})", "number_from_text@/kids/0/v"},
};

const auto kNames = [](const auto& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(Scalars, CoerceTest, testing::ValuesIn(kScalars), kNames);
INSTANTIATE_TEST_SUITE_P(Choices, CoerceTest, testing::ValuesIn(kChoices), kNames);
INSTANTIATE_TEST_SUITE_P(Containers, CoerceTest, testing::ValuesIn(kContainers), kNames);
INSTANTIATE_TEST_SUITE_P(Logic, CoerceTest, testing::ValuesIn(kLogic), kNames);

// Small values that come near to what the schemas below want.
std::string AnyValue(int depth) {
  static constexpr std::string_view kWords[] = {
      "null",  "true",   "1",        "2.5",      R"("1")",         R"("1,000")", R"("yes")",
      R"("")", R"("a")", R"("A b")", R"("a_b")", R"("{\"a\":1}")", R"("[1]")",   R"("null")"};
  static constexpr std::string_view kKeys[] = {"a", "A", "b", "user_name", "userName", "result"};
  const int kind = *rc::gen::inRange(0, depth > 0 ? 4 : 2);
  if (kind < 2)
    return std::string(*rc::gen::elementOf(std::vector(std::begin(kWords), std::end(kWords))));
  std::string out;
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
    if (!out.empty()) out += ",";
    if (kind == 3) {
      const auto keys = std::vector(std::begin(kKeys), std::end(kKeys));
      StrAppend(out, "\"", *rc::gen::elementOf(keys), "\":");
    }
    out += AnyValue(depth - 1);
  }
  return kind == 2 ? StrCat("[", out, "]") : StrCat("{", out, "}");
}

RC_GTEST_PROP(CoerceLaws, ResultsAreValidAndBentOnce, ()) {
  static const std::vector<Schema> kSchemas = {
      Compiled(R"({"type":"object","properties":{"a":{"type":"integer"},"userName":{"type":
                  ["string","null"]}},"required":["a","userName"],"additionalProperties":false})"),
      Compiled(R"({"type":"array","items":{"anyOf":[{"type":"integer"},{"$ref":"#"}]}})"),
      Compiled(R"({"oneOf":[{"type":"object","required":["a"]},{"enum":["a b","1000",null]}]})"),
      Compiled(R"({"properties":{"a":{"$ref":"#"},"b":{"default":1,"type":"number"}},
                  "required":["b"],"maxProperties":2,"type":["object","boolean"]})"),
      Compiled(R"({"allOf":[{"type":["array","number"]},{"uniqueItems":true,"minimum":0}],
                  "items":{"type":"string","maxLength":3}})")};
  const Schema& schema = *rc::gen::elementOf(kSchemas);
  const json::Value value = json::Read(AnyValue(3)).value();
  const auto coerced = Coerce(schema, value);
  if (!coerced) {
    RC_ASSERT(!schema.Accepts(value));
    return;
  }
  RC_ASSERT(schema.Accepts(coerced->value));
  RC_ASSERT(coerced->changes.empty() == schema.Accepts(value));
  RC_ASSERT(!coerced->changes.empty() || coerced->value == value);
  int sum = 0;
  for (const Change& change : coerced->changes) sum += change.penalty;
  RC_ASSERT(coerced->penalty == sum);
  const auto again = Coerce(schema, coerced->value);
  RC_ASSERT(again && again->changes.empty() && again->value == coerced->value);
}

TEST(CoerceNotes, SayWhatBecameOfWhat) {
  const auto coerced = Bent(R"({"properties":{"n":{"type":"integer"}}})", R"({"n":"12"})");
  EXPECT_EQ(coerced->changes.front(), (Change{.kind = ChangeKind::kNumberFromText,
                                              .path = "/n",
                                              .note = "the string \"12\" became the number 12",
                                              .penalty = 1}));
}

TEST(CoerceNotes, NamesAreDistinctWords) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kChangeKinds; ++i) {
    const auto kind = static_cast<ChangeKind>(i);
    EXPECT_THAT(names, testing::Not(testing::Contains(ChangeName(kind))));
    EXPECT_GE(ChangePenalty(kind), 1) << ChangeName(kind);
    names.push_back(ChangeName(kind));
  }
}

TEST(CoerceLimits, MaxPenaltyRefusesInventedValues) {
  CoerceOptions options;
  options.max_penalty = 99;
  constexpr std::string_view kSchema =
      R"({"properties":{"n":{"default":5}},"required":["n"],"type":"object"})";
  const auto refused = Bent(kSchema, "{}", options);
  EXPECT_THAT(refused.error().message, HasSubstr("max_penalty"));
  EXPECT_TRUE(Bent(kSchema, R"({"N":1})", options).has_value());
}

TEST(CoerceLimits, MaxChangesAndMaxCandidatesAreNamed) {
  std::string value = "[";
  for (int i = 0; i < 100; ++i) value += "\"1\",";
  value += "2]";
  constexpr std::string_view kSchema = R"({"items":{"type":"integer"}})";
  CoerceOptions options;
  options.max_changes = 99;
  EXPECT_THAT(Bent(kSchema, value, options).error().message, HasSubstr("max_changes"));
  options = {};
  options.max_candidates = 50;
  EXPECT_THAT(Bent(kSchema, value, options).error().message, HasSubstr("max_candidates"));
  options = {};
  options.max_depth = 1;
  EXPECT_THAT(Bent(kSchema, value, options).error().message, HasSubstr("max_depth"));
}

// Four ways at every level: 4^30 when each is walked.
TEST(CoerceLimits, NestedUnionsStayLinear) {
  constexpr std::string_view kSchema = R"({"$defs":{"n":{"anyOf":[
      {"type":"object","properties":{"a":{"$ref":"#/$defs/n"},"k":{"const":1}},"required":["k"]},
      {"type":"object","properties":{"a":{"$ref":"#/$defs/n"},"k":{"const":2}},"required":["k"]},
      {"type":"array","items":{"$ref":"#/$defs/n"}},
      {"type":"integer"}]}},"$ref":"#/$defs/n"})";
  std::string value = "\"7\"";
  std::string expected = "7";
  for (int depth = 0; depth < 30; ++depth) {
    value = StrCat(R"({"k":"2","a":)", value, "}");
    expected = StrCat(R"({"k":2,"a":)", expected, "}");
  }
  CoerceOptions options;
  options.max_candidates = 5'000;
  const auto coerced = Bent(kSchema, value, options);
  ASSERT_TRUE(coerced.has_value()) << coerced.error().message;
  EXPECT_EQ(json::Write(coerced->value), expected);
  EXPECT_EQ(coerced->changes.size(), 31U);
}

TEST(CoerceLimits, DeepValuesAreBentOrRefused) {
  constexpr std::string_view kSchema =
      R"({"$defs":{"n":{"anyOf":[{"type":"array","items":{"$ref":"#/$defs/n"}},
          {"type":"integer"}]}},"$ref":"#/$defs/n"})";
  const auto nested = [](std::size_t depth) {
    return StrCat(std::string(depth, '['), "true,1", std::string(depth, ']'));
  };
  EXPECT_THAT(Bent(kSchema, nested(20)).error().message, HasSubstr("true"));
  EXPECT_THAT(Bent(kSchema, nested(500)).error().message, HasSubstr("max_depth"));
}

TEST(CoerceLimits, UnionsInTheSchemaItselfAreBounded) {
  std::string schema = R"({"type":"integer"})";
  for (int depth = 0; depth < 30; ++depth) {
    schema = StrCat(R"({"anyOf":[{"type":"boolean"},)", schema, R"(,{"type":"array"}]})");
  }
  const auto coerced = Bent(schema, R"("12")");
  ASSERT_TRUE(coerced.has_value()) << coerced.error().message;
  EXPECT_EQ(json::Write(coerced->value), "12");
}

// Unions side by side multiply; the allowance ends that.
TEST(CoerceLimits, UnionsSideBySideEndInAnError) {
  std::string schema = R"({"allOf":[)";
  for (int i = 0; i < 24; ++i) {
    StrAppend(schema, i == 0 ? "" : ",", R"({"anyOf":[{"const":)", i, R"(},{"const":"x)", i,
              R"("}]})");
  }
  schema += "]}";
  CoerceOptions options;
  options.max_candidates = 20'000;
  const auto coerced = Bent(schema, R"("7")", options);
  ASSERT_FALSE(coerced.has_value());
  EXPECT_THAT(coerced.error().message, HasSubstr("max_candidates"));
}

TEST(CoerceLimits, AbsentValueIsRefused) {
  EXPECT_EQ(Coerce(Compiled("true"), json::View()).error().code, Code::kSchemaMismatch);
}

}  // namespace
}  // namespace weir::schema
