// Constraints from the request to the answer: what is asked for is what comes, and a fault breaks
// exactly what it says.

#include <functional>

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/pattern.h"
#include "weir/schema/schema.h"
#include "weir/sim/sim_testing.h"

namespace weir::sim {
namespace {

using model::Call;
using model::Constraint;
using model::Finish;
using model::Reply;
using Kind = Constraint::Kind;

constexpr std::string_view kSchemas[] = {
    R"({"type":"string"})",
    R"({"type":"string","minLength":3,"maxLength":8})",
    R"({"type":"string","pattern":"^[A-Z]{2}-[0-9]{3}$"})",
    R"({"type":"string","pattern":"^[a-z]+$","maxLength":12})",
    R"({"type":"string","format":"date"})",
    R"({"type":"string","format":"date-time"})",
    R"({"type":"string","format":"time"})",
    R"({"type":"string","format":"uuid"})",
    R"({"type":"integer"})",
    R"({"type":"integer","minimum":-5,"maximum":5})",
    R"({"type":"integer","minimum":100,"exclusiveMaximum":1000,"multipleOf":25})",
    R"({"type":"number","minimum":0,"maximum":1})",
    R"({"type":"number","exclusiveMinimum":0})",
    R"({"type":"boolean"})",
    R"({"type":"null"})",
    R"({"enum":["red","green",3,null,{"a":[1]}]})",
    R"({"const":{"ok":true}})",
    R"({"type":["integer","null"]})",
    R"({"anyOf":[{"type":"integer"},{"type":"string","maxLength":5}]})",
    R"({"oneOf":[{"const":1},{"const":"two"}]})",
    R"({"type":"array","items":{"type":"integer","minimum":0,"maximum":9},"maxItems":5})",
    R"({"type":"array","items":{"enum":["a","b","c","d","e"]},"uniqueItems":true,"minItems":1,
        "maxItems":3})",
    R"({"type":"array","prefixItems":[{"type":"string","maxLength":9},{"type":"boolean"}],
        "items":false,"minItems":2})",
    R"({"type":"array","items":{"type":"array","items":{"type":"boolean"},"maxItems":2},
        "minItems":1,"maxItems":3})",
    R"({"type":"object","properties":{}})",
    R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},
        "required":["name","age"],"additionalProperties":false})",
    R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"},
        "c":{"type":"integer"}},"minProperties":1,"maxProperties":2})",
    R"({"type":"object","properties":{"city":{"type":"string","minLength":1},"days":{"type":"array",
        "items":{"type":"object","properties":{"low":{"type":"number"},"high":{"type":"number"}},
        "required":["low","high"]},"minItems":1,"maxItems":3}},"required":["city","days"]})",
    R"({"type":"object","additionalProperties":{"type":"integer"},"maxProperties":3})",
    R"({"type":"object","properties":{"a":true},"patternProperties":{"^x-":{"type":"integer"}},
        "additionalProperties":false})",
    R"({"allOf":[{"type":"object","properties":{"a":{"type":"integer","maximum":5}},
        "required":["a"]},{"properties":{"b":{"type":"string","maxLength":4}}}]})",
    R"({"anyOf":[{"type":"object","properties":{"kind":{"const":"cat"},"lives":{"type":"integer",
        "minimum":1,"maximum":9}},"required":["kind","lives"]},{"type":"object","properties":
        {"kind":{"const":"dog"},"name":{"type":"string"}},"required":["kind","name"]}]})",
    R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},
        "dependentRequired":{"a":["b"]}})",
};

// Each of the schemas alone, as a member and as the items of an array; and a recursive one.
std::vector<std::string> Schemas() {
  std::vector<std::string> schemas = {
      R"({"$ref":"#/$defs/t","$defs":{"t":{"type":"object","required":["v"],"properties":
          {"v":{"type":"integer","minimum":10,"maximum":99},
           "kids":{"type":"array","maxItems":2,"items":{"$ref":"#/$defs/t"}}}}}})"};
  for (const std::string_view schema : kSchemas) {
    schemas.emplace_back(schema);
    schemas.push_back(StrCat(R"({"type":"object","properties":{"id":{"type":"integer"},"value":)",
                             schema, R"(},"required":["id","value"]})"));
    schemas.push_back(StrCat(R"({"type":"array","minItems":1,"maxItems":2,"items":)", schema, "}"));
  }
  return schemas;
}

SimOptions RoomyServer(std::string_view script = "") {
  SimOptions options = InstantSim(script);
  options.models[0].max_model_len = 16384;
  return options;
}

Call Held(Constraint constraint, std::int64_t seed) {
  Call call = Ask("Tell me about the town and its people.");
  call.sampling.seed = seed;
  call.constraint = std::move(constraint);
  return call;
}

std::vector<schema::Violation> ViolationsOf(const std::string& schema, std::string_view text) {
  const auto compiled =
      schema::Schema::Compile(json::Read(schema).value(), {.assert_formats = true});
  const auto value = json::Read(text);
  if (!value) return {{.keyword = "json"}};
  return compiled->Check(*value);
}

// One in thousands of the texts that fit the form are right: chance does not find them.
TEST(ConstrainedAnswers, RareTextsAreMade) {
  SimInside sim(RoomyServer());
  constexpr std::string_view kSchema =
      R"({"type":"object","properties":{"order":{"type":"array","items":{"enum":
          [1,2,3,4,5,6,7,8,9]},"uniqueItems":true,"minItems":9}},"required":["order"]})";
  Call call = Held({.schema = json::Read(kSchema).value()}, 3);
  call.sampling.logprobs = 1;
  const Result<Reply> reply = sim.Whole(call);
  ASSERT_TRUE(reply.has_value()) << Describe(reply.error());
  EXPECT_THAT(ViolationsOf(std::string(kSchema), reply->text()), testing::IsEmpty())
      << reply->text();
  EXPECT_EQ(static_cast<std::int64_t>(reply->choices[0].tokens.size()),
            reply->usage.completion_tokens);
}

// Cancels once the loop has had so many turns.
class CancelledAfter {
 public:
  CancelledAfter(SimInside& sim, int turns) : loop_(sim.loop), turns_(turns) {
    sim.ctx.cancellation = &stop_;
    Pass();
  }

 private:
  void Pass() {
    if (turns_-- == 0) return stop_.Cancel();
    loop_.Post([this] { Pass(); });
  }

  async::Loop& loop_;
  int turns_;
  async::Cancellation stop_;
};

TEST(ConstrainedAnswers, OthersHaveTheirTurnWhileWordsAreTried) {
  SimInside sim(RoomyServer());
  CancelledAfter stop(sim, 30);
  const Result<Reply> reply = sim.Whole(
      Held({.schema = json::Read(R"({"type":"array","minItems":30,"uniqueItems":true,"items":
           {"type":"integer","minimum":1,"maximum":40}})")
                          .value()},
           1));

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, Code::kCancelled);
}

TEST(ConstrainedAnswers, OthersHaveTheirTurnWhileALongAnswerIsWrittenAtOnce) {
  SimInside sim(RoomyServer());
  CancelledAfter stop(sim, 5);
  const Result<Reply> reply =
      sim.Whole(Held({.schema = json::Read(R"({"type":"string","minLength":3000})").value()}, 1));

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, Code::kCancelled);
}

// A model that wants to end, and may not, goes on with what is asked for.
TEST(ConstrainedAnswers, AListThatMustBeLongIsNoRunOfWhiteSpace) {
  SimInside sim(RoomyServer());
  for (std::int64_t seed = 0; seed < 5; ++seed) {
    const Result<Reply> reply = sim.Whole(Held(
        {.schema =
             json::Read(R"({"type":"array","minItems":80,"items":{"type":"string"}})").value()},
        seed));
    ASSERT_TRUE(reply.has_value()) << Describe(reply.error());
    EXPECT_EQ(reply->choices[0].finish, Finish::kStop);
    EXPECT_LT(reply->usage.completion_tokens, 1500);
  }
}

TEST(ConstrainedAnswers, WhatCannotBeWrittenIsRefusedWithTheReason) {
  SimInside sim(RoomyServer());
  Call call = Held({.schema = json::Read(R"({"type":"object","properties":{"a":{"type":"string",
           "pattern":"^a+$","minLength":2,"maxLength":3,"not":{"type":"string"}}},
           "required":["a"]})")
                                  .value()},
                   1);
  const Result<Reply> reply = sim.Whole(call);

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, Code::kUnsupportedConstraint);
  EXPECT_THAT(reply.error().message, testing::HasSubstr("#/properties/a/not"));
}

TEST(ConstrainedAnswers, EverySchemaIsObeyedByEverySeed) {
  SimInside sim(RoomyServer());
  const std::vector<std::string> schemas = Schemas();
  ASSERT_GE(schemas.size(), 100U);
  for (const std::string& schema : schemas) {
    SCOPED_TRACE(schema);
    for (std::int64_t seed = 0; seed < 7; ++seed) {
      const Result<Reply> reply = sim.Whole(Held({.schema = json::Read(schema).value()}, seed));
      ASSERT_TRUE(reply.has_value()) << Describe(reply.error());
      EXPECT_EQ(reply->choices[0].finish, Finish::kStop);
      for (const schema::Violation& violation : ViolationsOf(schema, reply->text())) {
        ADD_FAILURE() << violation.keyword << " " << violation.message << ": " << reply->text();
      }
    }
  }
}

constexpr std::string_view kRegexes[] = {
    "a+|b",
    "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "(yes|no|maybe)( please)?",
    "[A-Za-z ]{5,40}",
    R"(\d{3}[ -]\d{4})",
    R"(#[0-9a-f]{6})",
    R"(v[0-9]+\.[0-9]+\.[0-9]+)",
    R"((\w+, )*\w+\.)",
    R"([^\n]{1,60})",
    "\U0001F980{1,3}",
    R"(SELECT [a-z]+ FROM [a-z]+;)",
    R"((?:[a-z]+://)?[a-z]+\.(com|org))",
};

TEST(ConstrainedAnswers, EveryRegexIsMatchedWhole) {
  SimInside sim(RoomyServer());
  for (const std::string_view regex : kRegexes) {
    SCOPED_TRACE(regex);
    const auto pattern = schema::Pattern::Compile(StrCat("^(?:", regex, ")$"));
    ASSERT_TRUE(pattern.has_value());
    for (std::int64_t seed = 0; seed < 10; ++seed) {
      const Result<Reply> reply =
          sim.Whole(Held({.kind = Kind::kRegex, .text = std::string(regex)}, seed));
      ASSERT_TRUE(reply.has_value()) << Describe(reply.error());
      EXPECT_EQ(reply->choices[0].finish, Finish::kStop);
      EXPECT_TRUE(pattern->Found(reply->text())) << reply->text();
    }
  }
}

TEST(ConstrainedAnswers, EveryChoiceIsOneOfThoseGiven) {
  SimInside sim(RoomyServer());
  const std::vector<std::string> lists[] = {
      {"yes", "no"}, {"a\"b\\", "x|y", "\n"}, {"Zo\u00eb (.*)", "only", "onl", "on"}};
  for (const std::vector<std::string>& choices : lists) {
    for (std::int64_t seed = 0; seed < 10; ++seed) {
      const Result<Reply> reply =
          sim.Whole(Held({.kind = Kind::kChoice, .choices = choices}, seed));
      ASSERT_TRUE(reply.has_value()) << Describe(reply.error());
      EXPECT_EQ(reply->choices[0].finish, Finish::kStop);
      EXPECT_THAT(choices, testing::Contains(reply->text()));
    }
  }
}

struct GrammarCase {
  std::string_view grammar;
  std::string_view regex;  // the same language
};

constexpr GrammarCase kGrammars[] = {
    {"root ::= \"yes\" | \"no\"", "yes|no"},
    {"root ::= item (\", \" item)* \".\"\nitem ::= \"one\" | \"two\"",
     R"((one|two)(, (one|two))*\.)"},
    {"root ::= [a-z]+ \" = \" [0-9]+", "[a-z]+ = [0-9]+"},
    {"start: WORD (\" \" WORD)?\nWORD: /[a-z]{2,6}/", "[a-z]{2,6}( [a-z]{2,6})?"},
    {"start: \"<\" start \">\" | \"x\"", "<*x>*"},
};

TEST(ConstrainedAnswers, EveryGrammarIsFollowed) {
  SimInside sim(RoomyServer());
  for (const GrammarCase& c : kGrammars) {
    SCOPED_TRACE(c.grammar);
    const auto pattern = schema::Pattern::Compile(StrCat("^(?:", c.regex, ")$")).value();
    for (std::int64_t seed = 0; seed < 12; ++seed) {
      const Result<Reply> reply =
          sim.Whole(Held({.kind = Kind::kGrammar, .text = std::string(c.grammar)}, seed));
      ASSERT_TRUE(reply.has_value()) << Describe(reply.error());
      EXPECT_EQ(reply->choices[0].finish, Finish::kStop);
      EXPECT_TRUE(pattern.Found(reply->text())) << reply->text();
      EXPECT_EQ(std::ranges::count(reply->text(), '<'), std::ranges::count(reply->text(), '>'));
    }
  }
}

TEST(ConstrainedAnswers, ArgumentsOfToolsAreHeldToo) {
  SimInside sim(RoomyServer());
  for (const std::string_view schema : kSchemas) {
    SCOPED_TRACE(schema);
    Call call = Ask("Hello");
    const std::string parameters =
        StrCat(R"({"type":"object","properties":{"value":)", schema, R"(},"required":["value"]})");
    call.tools.push_back({.name = "look", .parameters = json::Read(parameters).value()});
    call.tool_choice.kind = model::ToolChoice::Kind::kRequired;
    const Result<Reply> reply = sim.Whole(call);
    ASSERT_TRUE(reply.has_value()) << Describe(reply.error());
    ASSERT_EQ(reply->choices[0].tool_calls.size(), 1U);
    const std::string& arguments = reply->choices[0].tool_calls[0].arguments;
    EXPECT_TRUE(ViolationsOf(parameters, arguments).empty()) << arguments;
  }
}

TEST(ConstrainedAnswers, AnswersStreamedAreTheSame) {
  SimInside sim(RoomyServer());
  for (const std::string_view schema : kSchemas) {
    const Call call = Held({.schema = json::Read(schema).value()}, 3);
    const Result<Reply> whole = sim.Whole(call);
    const Result<Reply> streamed = sim.Streamed(call);
    ASSERT_TRUE(whole && streamed) << schema;
    EXPECT_EQ(FirstDifference(*whole, *streamed), "") << schema;
  }
}

constexpr std::string_view kPerson =
    R"({"type":"object","properties":{"name":{"type":"string","minLength":2,"maxLength":9},
        "age":{"type":"integer","minimum":0,"maximum":120},"tags":{"type":"array","uniqueItems":true,
        "items":{"enum":["a","b","c"]},"minItems":1}},"required":["name","age","tags"],
        "additionalProperties":false})";

TEST(ConstrainedAnswers, AFaultMayIgnoreTheConstraint) {
  SimInside sim(RoomyServer("[{reply: {faults: [ignore_constraint]}}]"));
  SimInside other(RoomyServer());
  Call call = Held({.schema = json::Read(kPerson).value()}, 1);
  call.sampling.max_tokens = 60;
  const std::string text = sim.Text(call);
  EXPECT_FALSE(json::Read(text).has_value()) << text;

  SimOptions options = RoomyServer();
  options.ignore_constraints = true;
  EXPECT_EQ(SimInside(options).Text(call), text);
}

TEST(ConstrainedAnswers, AFaultMayWriteWhiteSpaceUntilTheLimit) {
  SimInside sim(RoomyServer("[{reply: {faults: [runaway_whitespace]}}]"));
  Call call = Held({.schema = json::Read(kPerson).value()}, 1);
  call.sampling.max_tokens = 200;

  const Result<Reply> reply = sim.Whole(call);

  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->choices[0].finish, Finish::kLength);
  EXPECT_EQ(reply->usage.completion_tokens, 200);
  EXPECT_EQ(reply->text(), StrCat("{", std::string(199, '\n')));
}

TEST(ConstrainedAnswers, AFaultMayBreakOneKeywordAlone) {
  for (const std::string_view keyword :
       {"type", "required", "additionalProperties", "minLength", "maxLength", "minimum", "maximum",
        "uniqueItems", "enum", "minItems"}) {
    SCOPED_TRACE(keyword);
    SimInside sim(
        RoomyServer(StrCat("[{reply: {faults: [{kind: violate, keyword: ", keyword, "}]}}]")));
    for (std::int64_t seed = 0; seed < 5; ++seed) {
      const Result<Reply> reply = sim.Whole(Held({.schema = json::Read(kPerson).value()}, seed));
      ASSERT_TRUE(reply.has_value()) << Describe(reply.error());
      EXPECT_EQ(reply->choices[0].finish, Finish::kStop);
      const auto violations = ViolationsOf(std::string(kPerson), reply->text());
      EXPECT_FALSE(violations.empty()) << reply->text();
      for (const schema::Violation& violation : violations) {
        EXPECT_EQ(violation.keyword, keyword) << violation.message << ": " << reply->text();
      }
    }
  }
}

TEST(ConstrainedAnswers, WhatCannotBeServedIsSaidAtTheDoor) {
  SimInside sim(RoomyServer());
  const Constraint impossible[] = {
      {.kind = Kind::kRegex, .text = "("},
      {.kind = Kind::kGrammar, .text = "root ::= missing"},
      {.schema = json::Read(R"({"type":"strin"})").value()},
      {.schema = json::Read("false").value()},
  };
  for (const Constraint& constraint : impossible) {
    const Result<Reply> refused = sim.Whole(Held(constraint, 0));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Code::kUnsupportedConstraint);
    EXPECT_EQ(sim.Streamed(Held(constraint, 0)).error().code, Code::kUnsupportedConstraint);
  }
}

}  // namespace
}  // namespace weir::sim
