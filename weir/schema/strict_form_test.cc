#include "weir/schema/strict_form.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/json/builder.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/schema.h"

namespace weir::schema {
namespace {

using testing::HasSubstr;

json::Value JsonOf(std::string_view text) { return json::Read(text).value(); }
StrictForm Strict(std::string_view schema) { return ToStrict(JsonOf(schema)).value(); }

bool IsWidened(const StrictForm& form) {
  return std::ranges::any_of(form.notes, &StrictNote::widened);
}

struct FormCase {
  const char* name;
  std::string_view schema;
  std::string_view strict;
  std::string_view reply;   // in the strict form
  std::string_view answer;  // after the way back
  bool widened = false;
};

const FormCase kForms[] = {
    {"OptionalBecomesNullable",
     R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a"],"additionalProperties":false})",
     R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":["string","null"]}},"required":["a","b"],"additionalProperties":false})",
     R"({"a":1,"b":null})", R"({"a":1})"},
    {"NullThatIsMeantStays",
     R"({"type":"object","properties":{"a":{"type":["integer","null"]}},"additionalProperties":false})",
     R"({"type":"object","properties":{"a":{"type":["integer","null"]}},"required":["a"],"additionalProperties":false})",
     R"({"a":null})", R"({"a":null})"},
    {"EnumAndConst",
     R"({"type":"object","properties":{"a":{"enum":["x","y"]},"b":{"const":3},"c":{"type":"string","enum":["z"]}},"required":["b"],"additionalProperties":false})",
     R"({"type":"object","properties":{"a":{"enum":["x","y",null]},"b":{"enum":[3]},"c":{"enum":["z",null],"type":["string","null"]}},"required":["a","b","c"],"additionalProperties":false})",
     R"({"a":null,"b":3,"c":"z"})", R"({"b":3,"c":"z"})"},
    {"DefinitionsAndRecursion",
     R"({"type":"object","properties":{"next":{"$ref":"#"},"d":{"$ref":"#/definitions/D","description":"what"}},"required":["d"],"additionalProperties":false,"definitions":{"D":{"type":"object","properties":{"x":{"type":"number"}},"additionalProperties":false}}})",
     R"({"type":"object","properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]},"d":{"description":"what","anyOf":[{"$ref":"#/$defs/D"}]}},"required":["next","d"],"additionalProperties":false,"$defs":{"D":{"type":"object","properties":{"x":{"type":["number","null"]}},"required":["x"],"additionalProperties":false}}})",
     R"({"next":{"next":null,"d":{"x":null}},"d":{"x":1}})", R"({"next":{"d":{}},"d":{"x":1}})"},
    {"RootThatIsNoObjectIsWrapped",
     R"({"type":"array","items":{"type":"object","properties":{"a":{"type":"boolean"}},"additionalProperties":false},"minItems":1})",
     R"({"type":"object","properties":{"value":{"minItems":1,"type":"array","items":{"type":"object","properties":{"a":{"type":["boolean","null"]}},"required":["a"],"additionalProperties":false}}},"required":["value"],"additionalProperties":false})",
     R"({"value":[{"a":null},{"a":true}]})", R"([{},{"a":true}])"},
    {"TheAlternativeThatFitsIsTakenBack",
     R"({"type":"object","properties":{"full name":{"anyOf":[{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false},{"type":"object","properties":{"b":{"type":["string","null"]}},"additionalProperties":false}]}},"required":["full name"],"additionalProperties":false})",
     R"({"type":"object","properties":{"full name":{"anyOf":[{"type":"object","properties":{"a":{"type":["string","null"]}},"required":["a"],"additionalProperties":false},{"type":"object","properties":{"b":{"type":["string","null"]}},"required":["b"],"additionalProperties":false}]}},"required":["full name"],"additionalProperties":false})",
     R"({"full name":{"b":null}})", R"({"full name":{"b":null}})"},
    {"WhatCannotBeSaidIsDescribed",
     R"({"type":"object","properties":{"a":{"type":"string","description":"A word.","minLength":2,"default":"hm"}},"anyOf":[{"required":["a"]}]})",
     R"x({"description":"(anyOf [{\"required\":[\"a\"]}])","type":"object","properties":{"a":{"description":"A word. (minLength 2; default \"hm\")","type":["string","null"]}},"required":["a"],"additionalProperties":false})x",
     R"({"a":"no"})", R"({"a":"no"})", true},
    {"AnythingIsNarrowed", R"({"type":"array"})",
     R"({"type":"object","properties":{"value":{"type":"array","items":{"type":["string","number","boolean","null"]}}},"required":["value"],"additionalProperties":false})",
     R"({"value":[1,null]})", "[1,null]"},
    {"OnlyOneOfAllIsTheThing", R"({"allOf":[{"type":"string"}]})",
     R"({"type":"object","properties":{"value":{"type":"string"}},"required":["value"],"additionalProperties":false})",
     R"({"value":"x"})", R"("x")"},
    {"RequiredButNotDescribed",
     R"({"type":"object","required":["n"],"additionalProperties":{"type":"integer"}})",
     R"({"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false})",
     R"({"n":1})", R"({"n":1})"},
};

TEST(StrictForm, ThereAndBack) {
  for (const FormCase& test : kForms) {
    SCOPED_TRACE(test.name);
    const StrictForm form = Strict(test.schema);
    EXPECT_EQ(json::Write(form.schema), test.strict);
    EXPECT_EQ(IsWidened(form), test.widened);
    const json::Value reply = JsonOf(test.reply);
    EXPECT_TRUE(Schema::Compile(form.schema).value().Accepts(reply));
    const json::Value answer = form.FromStrict(reply);
    EXPECT_EQ(json::Write(answer), test.answer);
    EXPECT_TRUE(Schema::Compile(JsonOf(test.schema)).value().Accepts(answer));
  }
}

TEST(StrictForm, NotesSayWhereAndWhat) {
  const StrictForm form =
      Strict(R"({"type":"object","properties":{"a":{"type":"string","maxLength":3}}})");
  ASSERT_EQ(form.notes.size(), 2U);
  EXPECT_EQ(form.notes[0].message,
            "at the top level: properties beyond the named ones are forbidden");
  EXPECT_FALSE(form.notes[0].widened);
  EXPECT_EQ(form.notes[1].pointer, "/properties/a");
  EXPECT_EQ(form.notes[1].keyword, "maxLength");
  EXPECT_TRUE(form.notes[1].widened);
}

TEST(StrictForm, WhatHasNoStrictFormIsRefused) {
  for (const std::string_view schema :
       {"false", R"({"properties":{"a":{"$ref":"#/properties/b"},"b":{}}})",
        R"({"type":"object","required":["a"],"additionalProperties":false})"}) {
    const Result<StrictForm> form = ToStrict(JsonOf(schema));
    ASSERT_FALSE(form) << schema;
    EXPECT_EQ(form.error().code, Code::kUnsupportedSchema);
    EXPECT_THAT(form.error().message, HasSubstr("strict form"));
  }
}

// Schemas and replies for the law, from the same choices.
class Maker {
 public:
  json::Value Schema() {
    json::Builder out;
    Write(out, 0);
    return std::move(out).Finish();
  }

  // A value that the strict schema allows.
  static void Instance(json::View strict, json::Builder& out) {
    if (const json::View any = strict.Find("anyOf"); any.exists()) {
      return Instance(any[*rc::gen::inRange<std::size_t>(0, any.size())], out);
    }
    if (const json::View values = strict.Find("enum"); values.exists()) {
      return out.Copy(values[*rc::gen::inRange<std::size_t>(0, values.size())]);
    }
    json::View type = strict.Find("type");
    if (type.IsArray()) type = type[*rc::gen::inRange<std::size_t>(0, type.size())];
    const std::string_view name = type.StringOr("");
    if (name == "null") return out.Null();
    if (name == "boolean") return out.Bool(true);
    if (name == "string") return out.String("s");
    if (name == "number" || name == "integer") return out.Int(7);
    if (name == "array") {
      out.BeginArray();
      for (int i = *rc::gen::inRange(0, 3); i > 0; --i) Instance(strict.Find("items"), out);
      return out.EndArray();
    }
    out.BeginObject();
    for (const json::Member member : strict.Find("properties").members()) {
      out.Key(member.key);
      Instance(member.value, out);
    }
    out.EndObject();
  }

 private:
  void Write(json::Builder& out, int depth) {
    out.BeginObject();
    switch (*rc::gen::inRange(0, depth > 3 ? 3 : 6)) {
      case 0:
        out.Key("type");
        out.String(*rc::gen::element("string", "integer", "boolean", "null"));
        break;
      case 1:
        out.Key("enum");
        out.Copy(JsonOf(*rc::gen::element(R"(["a",null])", "[1,2]", R"(["b"])")));
        break;
      case 2:
        out.Key("type");
        out.Copy(JsonOf(R"(["number","null"])"));
        break;
      case 3:
        out.Key("anyOf");
        out.BeginArray();
        for (int i = *rc::gen::inRange(1, 4); i > 0; --i) Write(out, depth + 1);
        out.EndArray();
        break;
      case 4:
        out.Key("type");
        out.String("array");
        out.Key("items");
        Write(out, depth + 1);
        break;
      default:
        Object(out, depth);
    }
    out.EndObject();
  }

  void Object(json::Builder& out, int depth) {
    out.Key("type");
    out.String("object");
    out.Key("properties");
    out.BeginObject();
    std::vector<std::string> required;
    for (const char* name : {"a", "b/c", "d e"}) {
      if (*rc::gen::inRange(0, 3) == 0) continue;
      out.Key(name);
      Write(out, depth + 1);
      if (*rc::gen::arbitrary<bool>()) required.emplace_back(name);
    }
    out.EndObject();
    out.Key("required");
    out.BeginArray();
    for (const std::string& name : required) out.String(name);
    out.EndArray();
    out.Key("additionalProperties");
    out.Bool(*rc::gen::arbitrary<bool>());
  }
};

RC_GTEST_PROP(StrictFormProperty, WhatObeysTheStrictFormObeysTheOriginalAfterTheWayBack, ()) {
  const json::Value original = Maker().Schema();
  const StrictForm form = ToStrict(original).value();
  RC_ASSERT(!IsWidened(form));
  json::Builder reply;
  Maker::Instance(form.schema, reply);
  const json::Value given = std::move(reply).Finish();
  RC_ASSERT(Schema::Compile(form.schema).value().Accepts(given));
  const json::Value answer = form.FromStrict(given);
  RC_LOG() << json::Write(original) << "\n" << json::Write(given) << "\n" << json::Write(answer);
  RC_ASSERT(Schema::Compile(original).value().Accepts(answer));
}

}  // namespace
}  // namespace weir::schema
