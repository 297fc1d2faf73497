#include "weir/sim/outline.h"

#include <functional>

#include <gmock/gmock.h>

#include "weir/json/reader.h"

namespace weir::sim {
namespace {

using testing::ElementsAre;
using Choice = model::ToolChoice::Kind;
using SegmentKind = Segment::Kind;

model::Call Question(std::string_view text, Choice choice = Choice::kUnset) {
  model::Call call;
  call.messages.push_back(model::Message::Text(model::Role::kUser, std::string(text)));
  for (const char* name : {"get_weather", "send_mail"}) {
    call.tools.push_back({.name = name, .parameters = {}});
  }
  call.tool_choice.kind = choice;
  if (choice == Choice::kNamed) call.tool_choice.name = "send_mail";
  return call;
}

struct Made {
  model::Call call;
  ScriptedReply script;
  bool scripted = false;
  bool reasons = false;
  bool ignore_constraint = false;
  bool white_space = false;
  std::string violate;

  Result<std::vector<Segment>> Outline(std::uint64_t seed = 1) const {
    ConstraintCache constraints;
    return MakeOutline({.call = call,
                        .script = scripted ? &script : nullptr,
                        .constraints = constraints,
                        .seed = seed,
                        .reasons = reasons,
                        .ignore_constraint = ignore_constraint,
                        .white_space = white_space,
                        .violate = violate});
  }
};

// The names of the tools that an outline calls.
std::vector<std::string> CallsOf(const Result<std::vector<Segment>>& outline) {
  std::vector<std::string> names;
  for (const Segment& segment : outline.value()) {
    if (segment.kind == SegmentKind::kName) names.push_back(segment.call.name);
  }
  return names;
}

std::vector<SegmentKind> KindsOf(const Result<std::vector<Segment>>& outline) {
  std::vector<SegmentKind> kinds;
  for (const Segment& segment : outline.value()) kinds.push_back(segment.kind);
  return kinds;
}

TEST(Outline, AQuestionIsAnsweredFreely) {
  const auto outline = Made{.call = Question("Hello")}.Outline();

  ASSERT_TRUE(outline.has_value());
  ASSERT_EQ(outline->size(), 1U);
  EXPECT_EQ(outline->front().kind, SegmentKind::kText);
  EXPECT_TRUE(outline->front().fixed.empty());
  EXPECT_FALSE(outline->front().held.language.has_value());
}

TEST(Outline, AModelThatReasonsThinksFirstUnlessItIsToldNotTo) {
  Made made{.call = Question("Hello"), .reasons = true};
  EXPECT_THAT(KindsOf(made.Outline()), ElementsAre(SegmentKind::kReasoning, SegmentKind::kText));
  made.call.reasoning.effort = "none";
  EXPECT_THAT(KindsOf(made.Outline()), ElementsAre(SegmentKind::kText));
  made.call.reasoning = {.enable = false};
  EXPECT_THAT(KindsOf(made.Outline()), ElementsAre(SegmentKind::kText));
}

TEST(Outline, TheModelCallsTheToolThatTheQuestionIsAbout) {
  EXPECT_THAT(CallsOf(Made{.call = Question("What is the weather like?")}.Outline()),
              ElementsAre("get_weather"));
  EXPECT_THAT(CallsOf(Made{.call = Question("Please send it.")}.Outline()),
              ElementsAre("send_mail"));
  EXPECT_THAT(CallsOf(Made{.call = Question("What is the weather?", Choice::kNone)}.Outline()),
              ElementsAre());
}

TEST(Outline, AResultIsNotAskedForAgain) {
  Made made{.call = Question("What is the weather?")};
  made.call.messages.push_back(model::Message::Text(model::Role::kTool, "sunny"));

  EXPECT_THAT(CallsOf(made.Outline()), ElementsAre());
}

TEST(Outline, ARequiredCallIsMadeAndANamedOneHasNoMarks) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    EXPECT_EQ(CallsOf(Made{.call = Question("Hello", Choice::kRequired)}.Outline(seed)).size(), 1U);
  }
  EXPECT_THAT(CallsOf(Made{.call = Question("mail!", Choice::kRequired)}.Outline()),
              ElementsAre("send_mail"));
  const auto named = Made{.call = Question("weather", Choice::kNamed)}.Outline();
  EXPECT_THAT(CallsOf(named), ElementsAre("send_mail"));
  EXPECT_THAT(KindsOf(named), ElementsAre(SegmentKind::kName, SegmentKind::kArguments));
}

TEST(Outline, AScriptIsLaidDownWordForWord) {
  Made made{.call = Question("What is the weather?"), .scripted = true};
  made.script.reasoning = "Hm.";
  made.script.text = "Yes.";
  made.script.tool_calls = {{.name = "a", .arguments = "{}", .probability = {}},
                            {.name = "b", .arguments = "{", .probability = {}}};

  const auto outline = made.Outline();

  EXPECT_THAT(CallsOf(outline), ElementsAre("a", "b"));
  EXPECT_EQ(outline->at(0).kind, SegmentKind::kReasoning);
  EXPECT_EQ(outline->at(0).fixed.back(), static_cast<TokenId>(Special::kThinkEnd));
  EXPECT_EQ(Tokenizer::Decode(outline->at(1).fixed, true), "Yes.");
  std::vector<std::int64_t> indexes;
  std::vector<std::string> ids;
  for (const Segment& segment : *outline) {
    if (segment.kind != SegmentKind::kName) continue;
    indexes.push_back(segment.call.index);
    ids.push_back(segment.call.id);
  }
  EXPECT_THAT(indexes, ElementsAre(0, 1));
  EXPECT_NE(ids[0], ids[1]);
}

TEST(Outline, AConstraintHoldsTheText) {
  Made made{.call = Question("Hello", Choice::kNone)};
  made.call.constraint.emplace();
  made.call.constraint->schema = *json::Read(R"({"type":"integer","minimum":0,"maximum":9})");
  const auto held = made.Outline();
  made.ignore_constraint = true;
  const auto ignored = made.Outline();
  made.ignore_constraint = false;
  made.white_space = true;
  const auto runaway = made.Outline();

  EXPECT_TRUE(held->front().held.language.has_value());
  EXPECT_FALSE(ignored->front().held.language.has_value());
  EXPECT_TRUE(Tokenizer::Decode(runaway->front().fixed, true).starts_with("{\n\n\n"));
}

TEST(Outline, AConstraintThatCannotBeServedIsRefused) {
  Made made{.call = Question("Hello", Choice::kNone)};
  made.call.constraint.emplace();
  made.call.constraint->kind = model::Constraint::Kind::kRegex;
  made.call.constraint->text = "(";
  EXPECT_EQ(made.Outline().error().code, Code::kInvalidPattern);

  made.call.constraint.emplace();
  made.call.constraint->schema = *json::Read(R"({"type":"integer"})");
  made.violate = "pattern";
  EXPECT_EQ(made.Outline().error().code, Code::kUnsupportedConstraint);
}

}  // namespace
}  // namespace weir::sim
