#include "weir/agent/loop.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/agent/loop_testing.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::agent {
namespace {

using model::Finish;
using model::HttpError;
using model::Refuses;
using model::Role;
using model::Says;
using model::ScriptedAnswer;
using model::ScriptedEngine;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using ChoiceKind = model::ToolChoice::Kind;

TEST_F(LoopTest, WorksUntilAResultIsHandedInAndSendsTheWholeHistoryEachTurn) {
  const WorkResult result =
      Work({Calls({{"look", R"({"n":1})"}}), Calls({{"fix", R"({"n":2})"}}), Submits("all good")});
  ASSERT_TRUE(result.submission) << result.submission.error().message;
  EXPECT_EQ(result.submission->Find("summary").StringOr(""), "all good");
  EXPECT_EQ(engine_->calls, 3);
  EXPECT_THAT(ran_, ElementsAre("look 1", "fix 2"));
  ASSERT_THAT(Asked(2).messages, SizeIs(6));
  EXPECT_EQ(Asked(2).messages[3].AllText(), "seen 1");
  EXPECT_EQ(Asked(2).messages[3].tool_call_id, Asked(2).messages[2].tool_calls[0].id);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(Asked(1).messages[i].AllText(), Asked(0).messages[i].AllText());
  }
  EXPECT_EQ(result.figures.turns, 3);
  EXPECT_EQ(result.figures.tool_calls, 2);
}

TEST_F(LoopTest, TheTemperatureOfATurnFollowsThePolicy) {
  agent_.max_turns = 5;
  agent_.temperature = {.first = 0.05, .loop = 0.1, .last = 0.0};
  const ScriptedAnswer look = Calls({{"look"}});
  const WorkResult result = Work({look, look, look, look, Submits()});
  ASSERT_TRUE(result.submission);
  std::vector<double> temperatures;
  for (const model::Call& call : engine_->asked) {
    temperatures.push_back(*call.sampling.temperature);
  }
  EXPECT_THAT(temperatures, ElementsAre(0.05, 0.1, 0.1, 0.0, 0.0));
}

TEST_F(LoopTest, ToolsStandInOneOrderAndTheLastTurnHasToHandIn) {
  agent_.max_turns = 2;
  const WorkResult result = Work({Calls({{"look"}}), Submits()});
  ASSERT_TRUE(result.submission);
  std::vector<std::string> names;
  for (const model::ToolSpec& spec : Asked(0).tools) names.push_back(spec.name);
  EXPECT_THAT(names, ElementsAre("look", "fix", "break", "submit_result"));
  EXPECT_EQ(Asked(0).tool_choice.kind, ChoiceKind::kRequired);
  EXPECT_EQ(Asked(1).tool_choice.kind, ChoiceKind::kNamed);
  EXPECT_EQ(Asked(1).tool_choice.name, "submit_result");
  EXPECT_EQ(Asked(1).tools.size(), 4U);
}

TEST_F(LoopTest, AModelThatNeverHandsInHitsTheTurnLimit) {
  agent_.max_turns = 3;
  const WorkResult result = Work({Calls({{"look"}})});
  ASSERT_FALSE(result.submission);
  EXPECT_EQ(Name(result.submission.error()), "turn_limit");
  EXPECT_EQ(AgentCode(result.submission.error()), "AGENT_004");
  EXPECT_EQ(engine_->calls, 3);
  EXPECT_THAT(events_.Of("agent_error"), ElementsAre(HasSubstr("error_code=AGENT_004")));
}

TEST_F(LoopTest, ARefusalIsAnsweredWithOtherSamplingAndThenEndsAsNoSubmit) {
  agent_.max_nudges = 2;
  const WorkResult result = Work({Says("I apologize, but I cannot assist with that.")});
  ASSERT_FALSE(result.submission);
  EXPECT_EQ(Name(result.submission.error()), "no_submit");
  EXPECT_EQ(AgentCode(result.submission.error()), "AGENT_003");
  EXPECT_THAT(result.submission.error().message, HasSubstr("I apologize"));
  ASSERT_EQ(engine_->calls, 3);
  EXPECT_THAT(LastSaid(1), HasSubstr("submit_result"));
  EXPECT_LT(*Asked(0).sampling.temperature, *Asked(1).sampling.temperature);
  EXPECT_LT(*Asked(1).sampling.temperature, *Asked(2).sampling.temperature);
  EXPECT_NE(Asked(0).sampling.seed, Asked(1).sampling.seed);
}

TEST_F(LoopTest, AResultThatIsSaidInsteadOfHandedInIsTakenAndSaid) {
  const WorkResult result =
      Work({Says("Here is the result:\n```json\n{\"status\": \"skipped\", \"summary\": \"nothing "
                 "to do\",}\n```")});
  ASSERT_TRUE(result.submission);
  EXPECT_EQ(result.submission->Find("status").StringOr(""), "skipped");
  EXPECT_THAT(result.repairs, Contains(HasSubstr("read out of a text")));
}

TEST_F(LoopTest, CallsThatWereWrittenIntoTheTextAreRun) {
  const WorkResult result =
      Work({Says("I look first:\n```json\n{\"name\": \"look\", \"arguments\": {\"n\": 1}}\n```"),
            Says("[{\"tool\": \"fix\", \"args\": {\"n\": 2}}, {\"tool\": \"look\"}]"),
            Says("{\"name\": \"fly\", \"arguments\": {}}"), Submits()});
  ASSERT_TRUE(result.submission) << result.submission.error().message;
  EXPECT_THAT(ran_, ElementsAre("look 1", "fix 2", "look "));
  EXPECT_EQ(result.figures.nudges, 1);
  EXPECT_THAT(result.repairs, Contains("a call of fix was read out of a text"));
}

TEST_F(LoopTest, AWrongResultIsToldAndNeverBentToSuccess) {
  const struct {
    const char* name;
    const char* arguments;
    const char* told;
  } cases[] = {
      {"a status that there is not", R"({"status":"great success","summary":"x"})", "status"},
      {"no summary", R"({"status":"success"})", "summary"},
      {"a wrong kind", R"({"status":"success","summary":"x","changed_files":{"a":1}})",
       "changed_files"},
      {"cut arguments", R"({"status":"success","summ)", "end in the middle"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const WorkResult result = Work({Calls({{"submit_result", c.arguments}}), Submits("second")});
    if (engine_->calls == 1) {
      ADD_FAILURE() << json::Write(*result.submission);
      continue;
    }
    ASSERT_TRUE(result.submission);
    EXPECT_EQ(result.submission->Find("summary").StringOr(""), "second");
    EXPECT_THAT(LastSaid(1), HasSubstr(c.told));
    EXPECT_THAT(LastSaid(1), HasSubstr("call submit_result again"));
  }
}

TEST_F(LoopTest, NobodyElseBendsTheResult) {
  ASSERT_TRUE(Work({Submits()}).submission);
  for (const model::ToolSpec& tool : Asked(0).tools) {
    EXPECT_EQ(tool.as_said, tool.name == "submit_result") << tool.name;
  }
}

TEST_F(LoopTest, FieldsThatAResultDoesNotHaveAreLeftOutAndSaid) {
  const WorkResult result = Work({Calls(
      {{"submit_result", R"({"status":"success","summary":"x","confidence_level":"high"})"}})});
  ASSERT_TRUE(result.submission);
  EXPECT_EQ(json::Write(*result.submission), R"({"status":"success","summary":"x"})");
  EXPECT_THAT(result.repairs, Contains(HasSubstr("confidence_level")));
}

TEST_F(LoopTest, WhatIsWrongWithACallGoesBackToTheModel) {
  const struct {
    Wanted call;
    const char* told;
    const char* error;
  } cases[] = {
      {{"lok", "{}"}, "there is no tool 'lok'; did you mean 'look'?", "unknown_tool"},
      {{"look", R"({"n":"many"})"}, "the arguments of look are wrong", "bad_tool_args"},
      {{"look", R"({"n":)"}, "the arguments of look are wrong", "bad_tool_args"},
      {{"break", "{}"}, "error: it broke", "tool_failed"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.told);
    events_.lines.clear();
    const WorkResult result = Work({Calls({c.call}), Submits()});
    ASSERT_TRUE(result.submission);
    EXPECT_THAT(LastSaid(1), HasSubstr(c.told));
    EXPECT_THAT(events_.Of("tool_result"), ElementsAre(HasSubstr(StrCat("error=", c.error))));
    EXPECT_EQ(result.figures.tool_errors, 1);
  }
}

TEST_F(LoopTest, BrokenArgumentsAreMendedAndSaid) {
  const WorkResult result = Work({Calls({{"look", "{'n': '7',}"}}), Submits()});
  ASSERT_TRUE(result.submission);
  EXPECT_THAT(ran_, ElementsAre("look 7"));
  EXPECT_THAT(result.repairs, Not(IsEmpty()));
  EXPECT_EQ(Asked(1).messages[2].tool_calls[0].arguments, R"({"n":"7"})");
}

TEST_F(LoopTest, CallsOfOneAnswerAreAllAnsweredInTheirOrder) {
  const WorkResult result = Work({Calls({{"look", R"({"n":1})"},
                                         {"look", R"({"n":2})"},
                                         {"fix", R"({"n":3})"},
                                         {"break"},
                                         {"look", R"({"n":4})"}}),
                                  Submits()});
  ASSERT_TRUE(result.submission);
  EXPECT_THAT(ran_, ElementsAre("look 1", "look 2", "fix 3", "break", "look 4"));
  std::vector<std::string> said;
  for (std::size_t i = 3; i < Asked(1).messages.size(); ++i) {
    said.push_back(Asked(1).messages[i].AllText());
  }
  EXPECT_THAT(said, ElementsAre("seen 1", "seen 2", "fixed", "error: it broke", "seen 4"));
}

TEST_F(LoopTest, CallsBesideTheSubmissionAreRunBeforeIt) {
  const WorkResult result = Work(
      {Calls({{"submit_result", R"({"status":"success","summary":"x"})"}, {"fix", R"({"n":1})"}})});
  ASSERT_TRUE(result.submission);
  EXPECT_THAT(ran_, ElementsAre("fix 1"));
  EXPECT_EQ(engine_->calls, 1);
}

TEST_F(LoopTest, AFailingTurnIsNeverRepeatedIdentically) {
  const ScriptedAnswer broken = Calls({{"break", R"({"n":1})"}});
  const WorkResult result = Work({broken, broken, broken, Submits()});
  ASSERT_TRUE(result.submission);
  EXPECT_THAT(LastSaid(1), Not(HasSubstr("before")));
  EXPECT_THAT(LastSaid(2), HasSubstr("You made this very call before"));
  EXPECT_EQ(*Asked(1).sampling.temperature, agent_.temperature.loop);
  EXPECT_LT(*Asked(1).sampling.temperature, *Asked(2).sampling.temperature);
  EXPECT_LT(*Asked(2).sampling.temperature, *Asked(3).sampling.temperature);
}

TEST_F(LoopTest, TheLimitOfToolCallsAsksForTheResult) {
  agent_.max_tool_calls = 2;
  const WorkResult result = Work({Calls({{"look"}, {"look"}, {"look", R"({"n":3})"}}), Submits()});
  ASSERT_TRUE(result.submission);
  EXPECT_THAT(ran_, SizeIs(2));
  EXPECT_THAT(LastSaid(1), HasSubstr("limit of 2 tool calls"));
  EXPECT_EQ(Asked(1).tool_choice.kind, ChoiceKind::kNamed);
  EXPECT_EQ(result.figures.denied, 1);
}

TEST_F(LoopTest, WhatIsLeftOfTheBudgetIsTheMostThatATurnMayWrite) {
  agent_.max_total_tokens = 1000;
  call_.sampling.max_tokens = 500;
  const WorkResult result = Work({Costs(Calls({{"look"}}), 500, 400), Submits()});
  ASSERT_TRUE(result.submission || Name(result.submission.error()) == "budget_exceeded");
  EXPECT_EQ(Asked(0).sampling.max_tokens, 500);
  if (engine_->calls > 1) {
    EXPECT_LE(*Asked(1).sampling.max_tokens, 100);
  }
}

TEST_F(LoopTest, ASpentBudgetEndsTheWork) {
  agent_.max_total_tokens = 1000;
  const WorkResult result = Work({Costs(Calls({{"look"}}), 700, 300), Submits()});
  ASSERT_FALSE(result.submission);
  EXPECT_EQ(Name(result.submission.error()), "budget_exceeded");
  EXPECT_EQ(engine_->calls, 1);
}

TEST_F(LoopTest, EveryFinishReasonIsHandled) {
  const struct {
    Finish finish;
    const char* error;  // "": the work goes on
  } cases[] = {
      {Finish::kStop, ""},
      {Finish::kLength, ""},
      {Finish::kOther, ""},
      {Finish::kRepetition, ""},
      {Finish::kContentFilter, "content_filter"},
      {Finish::kAbort, "stream_truncated"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(model::FinishName(c.finish));
    const WorkResult result = Work({Ends(c.finish, "hm"), Submits()});
    if (*c.error == '\0') {
      EXPECT_TRUE(result.submission);
    } else {
      ASSERT_FALSE(result.submission);
      EXPECT_EQ(Name(result.submission.error()), c.error);
    }
  }
}

TEST_F(LoopTest, ACutAnswerMakesTheConversationASummaryAndTheWorkGoesOn) {
  const WorkResult result =
      Work({Calls({{"look", R"({"n":1})"}}), Ends(Finish::kLength, "so I think that"),
            Says("Looked at 1: all seen. Left: hand in."), Submits()});
  ASSERT_TRUE(result.submission) << result.submission.error().message;
  ASSERT_EQ(engine_->calls, 4);
  EXPECT_THAT(Asked(2).tools, IsEmpty());
  EXPECT_THAT(LastSaid(2), HasSubstr("seen 1"));
  ASSERT_THAT(Asked(3).messages, SizeIs(3));
  EXPECT_THAT(LastSaid(3), HasSubstr("Looked at 1: all seen"));
  EXPECT_EQ(Asked(3).messages[0].AllText(), "You lint.");
  EXPECT_THAT(events_.Of("context.compacted"),
              ElementsAre(HasSubstr("messages_before=4 messages_after=3")));
  EXPECT_EQ(result.figures.compactions, 1);
}

TEST_F(LoopTest, WhereTheModelSumsUpNothingTheEndOfWhatWasSaidStandsForIt) {
  const WorkResult result =
      Work({Calls({{"look", R"({"n":1})"}}), Ends(Finish::kLength, "so I think that"), Says(" \n"),
            Submits()});
  ASSERT_TRUE(result.submission) << result.submission.error().message;
  EXPECT_EQ(Asked(2).reasoning.enable, false);
  ASSERT_THAT(Asked(3).messages, SizeIs(3));
  EXPECT_THAT(LastSaid(3), HasSubstr("the end of it, shortened.]\n[assistant]"));
  EXPECT_THAT(LastSaid(3), HasSubstr("[tool] seen 1"));
  EXPECT_THAT(events_.Of("context.compacted"), ElementsAre(HasSubstr("summary=excerpt")));
  EXPECT_THAT(result.repairs, Contains(HasSubstr("gave no summary of its work")));
}

TEST_F(LoopTest, ASummaryThatTheModelDidNotGiveIsNoAnswer) {
  const Error empty{.code = Code::kEmptyModelResponse, .message = "nothing came"};
  const WorkResult result = Work({Costs(Calls({{"look", R"({"n":1})"}}), 10, 1),
                                  Costs(Ends(Finish::kLength, "so I think that"), 20, 2),
                                  Refuses(empty), Costs(Submits(), 40, 4)});
  ASSERT_TRUE(result.submission) << result.submission.error().message;
  EXPECT_THAT(LastSaid(3), HasSubstr("[tool] seen 1"));
  EXPECT_THAT(answers_, ElementsAre("", "so I think that", Name(empty), ""));
  EXPECT_EQ(result.figures.prompt_tokens.value_or(0), 70);
  EXPECT_FALSE(result.figures.tokens_unknown);
  EXPECT_THAT(
      events_.Of("context.compacted"),
      ElementsAre(testing::AllOf(HasSubstr("tokens_before=0"), HasSubstr("summary=excerpt"))));
}

TEST_F(LoopTest, APromptThatDoesNotFitIsSummedUpToo) {
  const Error too_long{.code = Code::kContextLength, .message = "too long", .http_status = 400};
  const WorkResult result = Work({Calls({{"look"}}), Refuses(too_long), Says("seen"), Submits()});
  ASSERT_TRUE(result.submission) << result.submission.error().message;
  EXPECT_EQ(result.figures.compactions, 1);
}

TEST_F(LoopTest, AModelThatIsAlwaysCutEndsAsTruncated) {
  agent_.max_compactions = 1;
  const WorkResult result = Work({Ends(Finish::kLength, "on and on")});
  ASSERT_FALSE(result.submission);
  EXPECT_EQ(Name(result.submission.error()), "truncated");
}

TEST_F(LoopTest, AServerThatRefusesAForcedChoiceIsAskedWithoutOne) {
  const WorkResult result = Work({Refuses(HttpError(400)), Calls({{"look"}}), Submits()});
  ASSERT_TRUE(result.submission);
  EXPECT_EQ(Asked(0).tool_choice.kind, ChoiceKind::kRequired);
  EXPECT_EQ(Asked(1).tool_choice.kind, ChoiceKind::kAuto);
  EXPECT_EQ(Asked(2).tool_choice.kind, ChoiceKind::kAuto);
  EXPECT_FALSE(may_force_);
  EXPECT_THAT(events_.Of("agent.forced_choice_refused"), SizeIs(1));
}

TEST_F(LoopTest, WhereNothingCanBeForcedTheLastTurnOffersTheSubmissionAlone) {
  agent_.max_turns = 2;
  may_force_ = false;
  const WorkResult result = Work({Calls({{"look"}}), Submits()});
  ASSERT_TRUE(result.submission);
  ASSERT_THAT(Asked(1).tools, SizeIs(1));
  EXPECT_EQ(Asked(1).tools[0].name, "submit_result");
}

TEST_F(LoopTest, AnErrorThatIsNotOfTheChoiceEndsTheWork) {
  const WorkResult result = Work({Refuses(HttpError(400))});
  ASSERT_FALSE(result.submission);
  EXPECT_EQ(engine_->calls, 2);
  const WorkResult denied = Work({Refuses(HttpError(401))});
  ASSERT_FALSE(denied.submission);
  EXPECT_EQ(engine_->calls, 1);
}

TEST_F(LoopTest, AStreamThatBreaksIsAskedAgain) {
  ScriptedAnswer broken = Ends(Finish::kNone, "I will");
  broken.broken = Error{.code = Code::kStreamTruncated, .message = "cut"};
  const WorkResult result = Work({broken, broken, Submits()});
  ASSERT_TRUE(result.submission);
  const WorkResult given_up = Work({broken});
  ASSERT_FALSE(given_up.submission);
  ASSERT_EQ(engine_->calls, kMostBreaks + 1);
  EXPECT_EQ(Asked(1).sampling.seed, Asked(0).sampling.seed) << "the network's fault, most likely";
  EXPECT_NE(Asked(2).sampling.seed, Asked(1).sampling.seed);
  EXPECT_GT(*Asked(2).sampling.temperature, *Asked(1).sampling.temperature);
}

TEST_F(LoopTest, AnUnsureChoiceOfAToolIsAskedAgainAndTheSurestIsTaken) {
  agent_.min_tool_confidence = 0.6;
  agent_.confidence_retries = 1;
  const ScriptedAnswer unsure = Unsure(Calls({{"break"}}), -1.5);
  const ScriptedAnswer sure = Unsure(Calls({{"look", R"({"n":1})"}}), -0.05);
  const ScriptedAnswer submits = Unsure(Submits(), 0);
  const WorkResult result = Work({unsure, sure, submits});
  ASSERT_TRUE(result.submission);
  EXPECT_THAT(ran_, ElementsAre("look 1"));
  EXPECT_EQ(Asked(0).sampling.logprobs, 0);
  EXPECT_LT(*Asked(0).sampling.temperature, *Asked(1).sampling.temperature);
  EXPECT_NE(Asked(0).sampling.seed, Asked(1).sampling.seed);
  EXPECT_THAT(events_.Of("agent.retry_low_confidence"),
              ElementsAre(HasSubstr("tool_name=break confidence=0.22")));
  EXPECT_EQ(result.figures.confidence_retries, 1);
  EXPECT_THAT(events_.Of("tool_call"), ElementsAre(HasSubstr("tool_confidence=0.95")));
}

TEST_F(LoopTest, WithoutAThresholdNoLogprobsAreAskedForAndNoConfidenceIsTold) {
  const WorkResult result = Work({Calls({{"look"}}), Submits()});
  ASSERT_TRUE(result.submission);
  EXPECT_FALSE(Asked(0).sampling.logprobs);
  EXPECT_THAT(events_.Of("tool_call"), ElementsAre(Not(HasSubstr("tool_confidence"))));
}

// A kill, as the journal sees it: what was appended stays, the rest never happened.
class ResumeTest : public LoopTest {
 protected:
  ResumeTest() {
    path_ = StrCat(testing::TempDir(), "weir_checkpoint_", ::getpid(), "_") +
            testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove(path_);
  }
  ~ResumeTest() override { std::filesystem::remove(path_); }

  std::unique_ptr<Checkpoint> Open() { return *Checkpoint::Open(path_, 42); }

  std::string path_;
};

TEST_F(ResumeTest, GoesOnInMidConversation) {
  {
    const auto checkpoint = Open();
    agent_.max_turns = 2;
    EXPECT_FALSE(
        Work({Calls({{"look", R"({"n":1})"}}), Calls({{"fix", R"({"n":2})"}})}, checkpoint.get())
            .submission);
  }
  ran_.clear();
  agent_.max_turns = 20;
  const auto checkpoint = Open();
  const WorkResult result = Work({Submits()}, checkpoint.get());
  ASSERT_TRUE(result.submission);
  EXPECT_THAT(ran_, IsEmpty());
  ASSERT_THAT(Asked(0).messages, SizeIs(6));
  EXPECT_EQ(Asked(0).messages[3].AllText(), "seen 1");
  EXPECT_EQ(result.figures.turns, 3);
  EXPECT_THAT(events_.Of("agent.start").back(), HasSubstr("turn=2"));
}

TEST_F(ResumeTest, AMutatingCallThatWasBrokenOffIsToldAndNotRunAgain) {
  {
    const auto checkpoint = Open();
    model::Message message = model::Message::Text(Role::kAssistant, "");
    message.parts.clear();
    message.tool_calls = {{.id = "call_1_1", .name = "look", .arguments = R"({"n":1})"},
                          {.id = "call_1_2", .name = "fix", .arguments = R"({"n":2})"},
                          {.id = "call_1_3", .name = "fix", .arguments = R"({"n":3})"}};
    Figures figures;
    figures.turns = 1;
    ASSERT_TRUE(checkpoint->Add(message, figures));
    ASSERT_TRUE(checkpoint->Start("call_1_2"));
  }
  const auto checkpoint = Open();
  const WorkResult result = Work({Submits()}, checkpoint.get());
  ASSERT_TRUE(result.submission);
  EXPECT_THAT(ran_, ElementsAre("look 1", "fix 3"));
  EXPECT_THAT(Asked(0).messages[4].AllText(), HasSubstr("was broken off"));
  EXPECT_EQ(result.figures.interrupted, 1);
  EXPECT_THAT(events_.Of("tool_result"),
              Contains(testing::AllOf(HasSubstr("call_1_2"), HasSubstr("status=interrupted"))));
}

// Keeps nothing, and says in which order it was told.
class NotedOrder final : public Checkpoint {
 public:
  const Begun& begun() const override { return begun_; }
  Result<void> Add(const model::Message& message, const Figures& /*figures*/) override {
    order.push_back(StrCat("add ", model::RoleName(message.role), " ", message.tool_call_id));
    return {};
  }
  Result<void> Replace(const std::vector<model::Message>& /*messages*/,
                       const Figures& /*figures*/) override {
    return {};
  }
  Result<void> Start(const std::string& call_id) override {
    order.push_back(StrCat("start ", call_id));
    return {};
  }

  std::vector<std::string> order;

 private:
  const Begun begun_;
};

TEST_F(LoopTest, AResultIsNotedBeforeTheNextToolThatMutatesBegins) {
  NotedOrder noted;
  const WorkResult result = Work(
      {Calls({{"fix", R"({"n":1})"}, {"fix", R"({"n":2})"}, {"look"}, {"fix", "{"}}), Submits()},
      &noted);
  ASSERT_TRUE(result.submission);
  EXPECT_THAT(noted.order, ElementsAre("add assistant ", "start call_1_1", "add tool call_1_1",
                                       "start call_1_2", "add tool call_1_2", "add tool call_1_3",
                                       "add tool call_1_4", "add assistant "))
      << "a call with wrong arguments does not begin";
}

TEST_F(ResumeTest, AnotherBeginningThrowsTheOldOneAway) {
  {
    const auto checkpoint = Open();
    ASSERT_TRUE(checkpoint->Add(model::Message::Text(Role::kAssistant, "old"), {}));
  }
  EXPECT_THAT((*Checkpoint::Open(path_, 43))->begun().messages, IsEmpty());
  EXPECT_THAT((*Checkpoint::Open(path_, 42))->begun().messages, IsEmpty());
}

TEST_F(ResumeTest, ACheckpointThatIsCutAnywhereGivesWhatWasWhole) {
  {
    const auto checkpoint = Open();
    for (int i = 0; i < 3; ++i) {
      Figures figures;
      figures.turns = i + 1;
      ASSERT_TRUE(
          checkpoint->Add(model::Message::Text(Role::kAssistant, StrCat("turn ", i)), figures));
    }
  }
  const std::uintmax_t whole = std::filesystem::file_size(path_);
  const std::string copy = path_ + ".cut";
  std::size_t before = 0;
  for (std::uintmax_t cut = 0; cut <= whole; ++cut) {
    std::filesystem::copy_file(path_, copy, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(copy, cut);
    const auto opened = Checkpoint::Open(copy, 42);
    ASSERT_TRUE(opened) << cut << ": " << opened.error().message;
    const Begun& begun = (*opened)->begun();
    EXPECT_GE(begun.messages.size(), before) << cut;
    EXPECT_EQ(begun.figures.turns, static_cast<std::int64_t>(begun.messages.size())) << cut;
    before = begun.messages.size();
  }
  EXPECT_EQ(before, 3U);
  std::filesystem::remove(copy);
}

}  // namespace
}  // namespace weir::agent
