#include "weir/engine/verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"

namespace weir::engine {
namespace {

using model::Constraint;
using Kind = Constraint::Kind;
using testing::HasSubstr;

Constraint SchemaConstraint(std::string_view text) {
  return {.kind = Kind::kJsonSchema, .schema = json::Read(text).value()};
}

struct Case {
  Constraint constraint;
  std::string_view text;
  std::optional<Code> code;  // none: a good answer
  std::string_view says = {};
};

TEST(Verifier, AnAnswerIsHeldAgainstItsConstraint) {
  const Constraint age = SchemaConstraint(
      R"({"type":"object","properties":{"age":{"type":"integer"}},"required":["age"]})");
  const Case cases[] = {
      {{.kind = Kind::kJsonObject}, "{}", {}},
      {{.kind = Kind::kJsonObject}, "{", Code::kInvalidJson, "not JSON"},
      {age, R"({"age":7})", {}},
      {age, R"({"age":"7"})", Code::kSchemaMismatch, "/age"},
      {age, "{}", Code::kSchemaMismatch, "age"},
      {age, "no", Code::kInvalidJson, "not JSON"},
      {{.kind = Kind::kChoice, .choices = {"a", "b"}}, "b", {}},
      {{.kind = Kind::kChoice, .choices = {"a", "b"}}, "B", Code::kConstraintViolated, "a, b"},
      {{.kind = Kind::kRegex, .text = "[0-9]{2}"}, "42", {}},
      {{.kind = Kind::kRegex, .text = "[0-9]{2}"}, "421", Code::kConstraintViolated, "at byte 2"},
      {{.kind = Kind::kRegex, .text = "[0-9]{2}"}, "4", Code::kConstraintViolated, "too early"},
      {{.kind = Kind::kGrammar, .text = "root ::= \"yes\" | \"no\""}, "no", {}},
      {{.kind = Kind::kGrammar, .text = "start: \"yes\" | \"no\""},
       "maybe",
       Code::kConstraintViolated,
       "at byte 0"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.text);
    schema::Cache schemas;
    const Result<Verifier> verifier = Verifier::Make(one.constraint, schemas);
    ASSERT_TRUE(verifier.has_value());
    EXPECT_FALSE(verifier->unchecked().has_value());
    const Result<void> good = verifier->Check(one.text);
    EXPECT_EQ(good.has_value(), !one.code);
    if (good || !one.code) continue;
    EXPECT_EQ(good.error().code, *one.code);
    EXPECT_THAT(good.error().message, HasSubstr(std::string(one.says)));
  }
}

TEST(Verifier, WhatItCannotJudgeIsSaidAndLetThrough) {
  const Constraint constraints[] = {
      {.kind = Kind::kRegex, .text = "(?=a)a"},
      {.kind = Kind::kRegex, .text = "(?i)yes|no"},
      {.kind = Kind::kRegex, .text = "(?P<year>[0-9]{4})"},
      {.kind = Kind::kRegex, .text = "[0-9]{2}\\Z"},
      {.kind = Kind::kRegex, .text = "a++b"},
      {.kind = Kind::kGrammar, .text = "root ::= TagDispatch((\"a\", root))"},
      {.kind = Kind::kGrammar, .text = "root ::= (=\"a\") \"ab\""},
      {.kind = Kind::kGrammar, .text = "start: <|tool|> \"a\""},
      {.kind = Kind::kGrammar, .text = "start: %json {\"type\": \"object\"}"},
      {.kind = Kind::kStructuralTag, .text = "<tool>"},
  };
  for (const Constraint& constraint : constraints) {
    SCOPED_TRACE(constraint.text);
    schema::Cache schemas;
    const Result<Verifier> verifier = Verifier::Make(constraint, schemas);
    ASSERT_TRUE(verifier.has_value());
    ASSERT_TRUE(verifier->unchecked().has_value());
    EXPECT_THAT(verifier->unchecked()->why, HasSubstr("trusts the server"));
    EXPECT_TRUE(verifier->Check("anything").has_value());
  }
}

TEST(Verifier, APatternOrGrammarThatIsNoneFailsBeforeAnythingIsSent) {
  const struct {
    Constraint constraint;
    Code code;
    std::string_view says;
  } cases[] = {
      {{.kind = Kind::kRegex, .text = "("}, Code::kInvalidPattern, "never closed"},
      {{.kind = Kind::kRegex, .text = "[a-"}, Code::kInvalidPattern, "never closed"},
      {{.kind = Kind::kRegex, .text = "*a"}, Code::kInvalidPattern, "repetition"},
      {{.kind = Kind::kGrammar, .text = "root ::= ("}, Code::kInvalidGrammar, "line 1"},
      {{.kind = Kind::kGrammar, .text = "root ::= \"a\" leaf"}, Code::kInvalidGrammar, "'leaf'"},
      {{.kind = Kind::kGrammar, .text = "this is no grammar"}, Code::kInvalidGrammar, "line 1"},
      {{.kind = Kind::kGrammar, .text = ""}, Code::kInvalidGrammar, "grammar"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.constraint.text);
    schema::Cache schemas;
    const Result<Verifier> verifier = Verifier::Make(one.constraint, schemas);
    ASSERT_FALSE(verifier.has_value());
    EXPECT_EQ(verifier.error().code, one.code);
    EXPECT_THAT(verifier.error().message, HasSubstr(std::string(one.says)));
  }
}

TEST(Verifier, ASchemaThatIsNoneFailsBeforeAnythingIsSent) {
  schema::Cache schemas;
  const Result<Verifier> verifier =
      Verifier::Make(SchemaConstraint(R"({"type":"integr"})"), schemas);

  ASSERT_FALSE(verifier.has_value());
  EXPECT_EQ(verifier.error().code, Code::kInvalidSchema);
  EXPECT_THAT(verifier.error().message, HasSubstr("/type"));
}

}  // namespace
}  // namespace weir::engine
