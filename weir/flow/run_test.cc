#include "weir/flow/run.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/flow/read.h"
#include "weir/flow/run_testing.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;

TEST_F(RunTest, RowsComeOutInTheOrderOfTheInputWhateverFinishesFirst) {
  Numbers(50);
  echo_->delay = [](const model::Call& call) {
    return std::chrono::milliseconds(call.messages.back().AllText().size() % 3 * 100);
  };
  EXPECT_EQ(Go(kEcho).end, RunResult::End::kDone);
  std::string expected;
  for (int i = 0; i < 50; ++i) {
    StrAppend(expected, R"({"row_id":")", i, R"(","text":"n=)", i, "\"}\n");
  }
  EXPECT_EQ(Lines("say/000.jsonl"), expected);
  EXPECT_EQ(stats_->rows_ok, 50);
  EXPECT_EQ(stats_->nodes[0].prompt_tokens, 500);
}

TEST_F(RunTest, OneBadRowOfAHundredStopsAlone) {
  Numbers(100);
  host_.engines[""] = std::make_shared<FakeEngine>([](const model::Call& call) {
    const std::string text = call.messages.back().AllText();
    if (text == "n=42") return Result<std::string>(Fail(Code::kHttpStatus, "boom"));
    return Result<std::string>(text);
  });
  EXPECT_EQ(Go(StrCat(kEcho, "  - step: again\n    user: '{{ say }}!'\n")).end,
            RunResult::End::kDone);
  EXPECT_EQ(stats_->rows_ok, 99);
  EXPECT_EQ(stats_->rows_failed, 1);
  EXPECT_THAT(Lines("errors.jsonl"), HasSubstr(R"({"row_id":"42","node":"say")"));
  EXPECT_THAT(Lines("errors.jsonl"), HasSubstr(R"("skipped":["again"])"));
  EXPECT_EQ(stats_->nodes[1].skipped, 1);
  EXPECT_THAT(Lines("again/000.jsonl"), HasSubstr("n=41!"));
  EXPECT_THAT(Lines("again/000.jsonl"), Not(HasSubstr("n=42!")));
}

TEST_F(RunTest, WhatARowThatFailedHasCostIsCounted) {
  Numbers(2);
  host_.engines[""] = std::make_shared<FakeEngine>([](const model::Call& call) {
    const std::string text = call.messages.back().AllText();
    if (text == "n=0") return Result<std::string>(text);
    Error error{.code = Code::kSchemaMismatch, .message = "no"};
    model::CallTrail trail;
    trail.info.engine = "second";
    trail.info.model = "m";
    trail.info.attempts.resize(1);
    trail.info.cost = 0.5;
    trail.usage = {.prompt_tokens = 7, .completion_tokens = 3};
    error.trail = std::make_shared<const model::CallTrail>(std::move(trail));
    return Result<std::string>(std::unexpect, std::move(error));
  });
  EXPECT_EQ(Go(kEcho).end, RunResult::End::kDone);
  EXPECT_EQ(stats_->nodes[0].prompt_tokens, 17);
  EXPECT_EQ(stats_->nodes[0].completion_tokens, 8);
  EXPECT_EQ(stats_->session.prompt_tokens, 17);
  EXPECT_EQ(stats_->nodes[0].retries, 1);
  EXPECT_THAT(Lines("attempts.jsonl"),
              HasSubstr(R"("engine":"second","model":"m","error":"schema_mismatch","attempts":2,)"
                        R"("prompt_tokens":7,"completion_tokens":3)"));
}

TEST_F(RunTest, JoinedBranchesAreSeenAndOthersAreNot) {
  Numbers(2);
  EXPECT_EQ(Go(R"(nodes:
  - parallel:
      - branch: one
        join: first
        nodes: [{step: a, user: 'a{{ n }}'}]
      - branch: two
        nodes: [{step: b, user: 'b{{ n }}'}]
  - step: end
    user: '{{ first }} {{ b is defined }}'
)")
                .end,
            RunResult::End::kDone);
  EXPECT_THAT(Lines("end/000.jsonl"), HasSubstr(R"({"row_id":"1","text":"a1 )"));
  EXPECT_THAT(Lines("end/000.jsonl"), Not(HasSubstr("b1")));
  EXPECT_THAT(Lines("b/000.jsonl"), HasSubstr(R"({"row_id":"1","text":"b1"})"));
  EXPECT_THAT(Lines("flattened/000.jsonl"), HasSubstr(R"("b":"b1")"));
}

TEST_F(RunTest, EachMakesChildrenAndWhereKeepsSome) {
  Write("rows.jsonl",
        "{\"words\": [\"x\", \"no\", \"y\"]}\n{\"words\": []}\n{\"words\": [\"z\"]}\n");
  EXPECT_EQ(Go(R"(nodes:
  - apply: word
    each: words
  - apply: keep
    where: word != "no"
  - step: say
    user: '{{ word }}'
)")
                .end,
            RunResult::End::kDone);
  EXPECT_EQ(Lines("say/000.jsonl"),
            R"({"row_id":"0.0","text":"x"}
{"row_id":"0.2","text":"y"}
{"row_id":"2.0","text":"z"}
)");
  EXPECT_EQ(stats_->nodes[0].dropped, 1);
  EXPECT_EQ(stats_->nodes[1].dropped, 1);
}

TEST_F(RunTest, ASwitchTakesOneWayAndGivesItsValue) {
  Write("rows.jsonl", "{\"kind\": \"a\"}\n{\"kind\": \"b\"}\n{\"kind\": \"c\"}\n");
  EXPECT_EQ(Go(R"(nodes:
  - switch: route
    on: kind
    cases:
      a: [{step: sa, user: 'way a'}]
      b: [{apply: sb, set: {text: '"way b"'}}]
  - step: end
    user: '{{ route }}'
)")
                .end,
            RunResult::End::kDone);
  EXPECT_EQ(stats_->rows_failed, 1);
  EXPECT_THAT(Lines("end/000.jsonl"), HasSubstr("way a"));
  EXPECT_THAT(Lines("errors.jsonl"), HasSubstr("no case of route is 'c'"));
}

TEST_F(RunTest, AMapGivesTheListOfWhatItsItemsGave) {
  Write("rows.jsonl", "{\"words\": [\"x\", \"y\", \"z\"]}\n{\"words\": []}\n");
  echo_->delay = [](const model::Call& call) {
    return call.messages.back().AllText() == "0x" ? std::chrono::seconds(1) : Duration();
  };
  EXPECT_EQ(Go(R"(nodes:
  - map: said
    over: words
    as: word
    nodes: [{step: say, user: '{{ index }}{{ word }}'}]
  - apply: all
    set: {joined: said | join("+")}
)")
                .end,
            RunResult::End::kDone);
  EXPECT_EQ(Lines("all/000.jsonl"), R"({"row_id":"0","joined":"0x+1y+2z"}
{"row_id":"1","joined":""}
)");
}

TEST_F(RunTest, NeitherCallsNorRowsAreMoreThanAllowed) {
  Numbers(200);
  echo_->delay = [](const model::Call&) { return std::chrono::milliseconds(10); };
  EXPECT_EQ(Go(kEcho).end, RunResult::End::kDone);
  EXPECT_EQ(echo_->most_running, 4);
  EXPECT_EQ(echo_->calls, 200);
}

TEST_F(RunTest, CallsThatWaitForABusyEngineKeepNoPlaceFromOthers) {
  Numbers(40);
  const auto busy = std::make_shared<FakeEngine>([](const model::Call&) { return "late"; });
  host_.engines["busy"] = busy;
  host_.places["busy"] = 1;
  busy->delay = echo_->delay = [](const model::Call&) { return std::chrono::milliseconds(10); };
  const RunResult result =
      Go("nodes:\n"
         "  - parallel:\n"
         "      - {branch: slow, join: one, nodes: [{step: a, engine: busy, user: '{{ n }}'}]}\n"
         "      - {branch: fast, join: two, nodes: [{step: b, user: '{{ n }}'}]}\n");
  EXPECT_EQ(result.end, RunResult::End::kDone);
  EXPECT_EQ(busy->most_running, 1);
  EXPECT_GE(echo_->most_running, 3);
  EXPECT_EQ(busy->calls + echo_->calls, 80);
}

TEST_F(RunTest, AFullWindowStopsAdmission) {
  Numbers(200);
  options_.window = 8;
  // The first row takes long: at most seven others may go on beside it.
  std::uint64_t most_read = 0;
  echo_->delay = [&](const model::Call& call) -> Duration {
    const bool first = call.messages.back().AllText() == "n=0";
    if (stats_->rows_done == 0) most_read = std::max(most_read, stats_->rows_read);
    return first ? std::chrono::seconds(10) : std::chrono::milliseconds(1);
  };
  EXPECT_EQ(Go(kEcho).end, RunResult::End::kDone);
  EXPECT_THAT(most_read, Le(8));
  EXPECT_EQ(stats_->rows_ok, 200);
}

// Rows that ended wait for it, and leave their places to others.
TEST_F(RunTest, ASlowRowHoldsUpNoOthers) {
  Numbers(2000);
  std::uint64_t most_read = 0;
  std::uint64_t most_waiting = 0;
  echo_->delay = [&](const model::Call& call) -> Duration {
    const bool first = call.messages.back().AllText() == "n=0";
    if (stats_->rows_done == 0) most_read = std::max(most_read, stats_->rows_read);
    most_waiting = std::max(most_waiting, stats_->rows_waiting);
    return first ? std::chrono::seconds(10) : std::chrono::milliseconds(1);
  };
  EXPECT_EQ(Go(kEcho).end, RunResult::End::kDone);

  EXPECT_EQ(most_read, 2000U);
  EXPECT_GT(most_waiting, 1900U);
  EXPECT_EQ(stats_->rows_waiting, 0U);
  EXPECT_EQ(stats_->rows_ok, 2000U);
  EXPECT_THAT(Lines("flattened/000.jsonl"), testing::StartsWith(R"({"row_id":"0",)"));
}

// Until much waits: 8,000 rows of 4,096 bytes each are more than may.
TEST_F(RunTest, WhatWaitsForASlowRowIsBounded) {
  Numbers(8000);
  std::uint64_t most_read = 0;
  Add("large", [](const model::Call&) { return std::string(4096, 'x'); })->delay =
      [&](const model::Call& call) -> Duration {
    const bool first = call.messages.back().AllText() == "0";
    if (stats_->rows_done == 0) most_read = std::max(most_read, stats_->rows_read);
    return first ? std::chrono::seconds(100) : std::chrono::milliseconds(1);
  };
  EXPECT_EQ(Go("nodes: [{step: a, engine: large, user: '{{ n }}'}]\n").end, RunResult::End::kDone);

  EXPECT_GT(most_read, 1000U);
  EXPECT_LT(most_read, 4100U);
  EXPECT_EQ(stats_->rows_ok, 8000U);
}

// Not for each of the rows.
TEST_F(RunTest, AModelThatTheServerNeitherListsNorKnowsEndsTheRun) {
  Numbers(200);
  echo_->described = model::EngineInfo{
      .kind = "vllm", .model = "qwn", .models = {model::ModelEntry{.id = "qwen"}}};
  Add("echo404", [](const model::Call&) -> Result<std::string> {
    return std::unexpected<Error>(Error{.code = Code::kHttpStatus, .http_status = 404});
  })->described = echo_->described;
  const RunResult result = Go("nodes: [{step: a, engine: echo404, user: x}]\n");

  EXPECT_EQ(result.end, RunResult::End::kStopped);
  ASSERT_TRUE(result.error);
  EXPECT_THAT(result.error->message, HasSubstr("asks for the model qwn"));
  EXPECT_EQ(stats_->session.calls, 0U);
  EXPECT_EQ(stats_->rows_failed, 0U);
}

constexpr const char* kFourSteps = R"(nodes:
  - {step: s1, engine: a, user: x}
  - {step: s2, engine: a, user: '{{ s1 }}'}
  - {step: s3, engine: b, user: '{{ s2 }}{{ n }}'}
  - {step: s4, engine: a, user: '{{ s3 }}'}
)";

TEST_F(RunTest, LazyEnginesRunOneAfterTheOther) {
  Numbers(3);
  for (const char* name : {"a", "b"}) {
    Add(name, [](const model::Call& call) { return call.messages.back().AllText(); });
    host_.lifecycles[name] = EngineHost::Lifecycle::kLazy;
  }
  EXPECT_EQ(Go(kFourSteps).end, RunResult::End::kDone);
  EXPECT_THAT(host_.told,
              ElementsAre("a starts", "a stops", "b starts", "b stops", "a starts", "a stops"));
  EXPECT_EQ(Lines("s4/000.jsonl"), R"({"row_id":"0","text":"x0"}
{"row_id":"1","text":"x1"}
{"row_id":"2","text":"x2"}
)");
  EXPECT_THAT(Lines("flattened/000.jsonl"), HasSubstr(R"("s1":"x")"));
}

TEST_F(RunTest, NoServerIsStartedForARowThatDoesNotCome) {
  Numbers(3);
  Add("a", [](const model::Call&) -> Result<std::string> {
    return Fail(Code::kInvalidRequest, "not this one");
  });
  Add("b", [](const model::Call& call) { return call.messages.back().AllText(); });
  for (const char* name : {"a", "b"}) host_.lifecycles[name] = EngineHost::Lifecycle::kLazy;
  EXPECT_EQ(Go(kFourSteps).end, RunResult::End::kDone);
  EXPECT_THAT(host_.told, ElementsAre("a starts", "a stops"));
  EXPECT_EQ(stats_->rows_failed, 3U);
  EXPECT_EQ(stats_->rows_input, 3U);
}

TEST_F(RunTest, PersistentEnginesStartFirstAndStopLast) {
  Numbers(3);
  for (const char* name : {"a", "b"}) {
    Add(name, [](const model::Call& call) { return call.messages.back().AllText(); });
  }
  host_.lifecycles["a"] = EngineHost::Lifecycle::kPersistent;
  host_.lifecycles["b"] = EngineHost::Lifecycle::kLazy;
  EXPECT_EQ(Go(kFourSteps).end, RunResult::End::kDone);
  EXPECT_THAT(host_.told, ElementsAre("a starts", "b starts", "b stops", "a stops"));
}

TEST_F(RunTest, AnEngineThatCannotBeReachedEndsTheRunBeforeTheFirstRow) {
  Numbers(3);
  echo_->described = Fail(Code::kConnectionError, "connection refused");
  const RunResult result = Go(kEcho);
  EXPECT_EQ(result.end, RunResult::End::kStopped);
  EXPECT_EQ(result.error->code, Code::kConnectionError);
  EXPECT_EQ(echo_->calls, 0);
}

TEST_F(RunTest, AModelThatIsNotThereIsNamedWithThoseThatAre) {
  Numbers(3);
  echo_->described = model::EngineInfo{.kind = "vllm", .models = {{.id = "qwen"}}};
  const RunResult result = Go("nodes: [{step: say, model: llama, user: hi}]");
  EXPECT_EQ(result.error->code, Code::kConfigError);
  EXPECT_THAT(result.error->message, HasSubstr("it has qwen"));
}

// A server may find the engine's own model when it is asked, and a model of the flow is that of the
// flow's engine.
TEST_F(RunTest, OnlyAModelThatIsAskedForByAStepEndsTheRun) {
  Numbers(3);
  echo_->described =
      model::EngineInfo{.kind = "vllm", .model = "alias", .models = {{.id = "qwen"}}};
  EXPECT_EQ(Go(kEcho, "own").end, RunResult::End::kDone);
  host_.engines["other"] = echo_;
  options_.engine = "other";
  EXPECT_EQ(Go("nodes: [{step: say, model: llama, user: hi}]", "replaced").end,
            RunResult::End::kDone);
}

TEST_F(RunTest, SharedPromptsAreWarmedOnceEach) {
  Numbers(3);
  options_.warmup = true;
  Go(R"(nodes:
  - {step: a, system: the same, user: '{{ n }}'}
  - {step: b, system: the same, user: '{{ a }}'}
  - {step: c, system: 'another {{ vars.x | default("") }}', user: '{{ b }}'}
  - {step: d, system: 'of the row {{ n }}', user: '{{ c }}'}
)");
  EXPECT_EQ(echo_->streams, 2);
}

TEST_F(RunTest, SeedsDependOnRunRowNodeAndAttempt) {
  Numbers(2);
  Go(kEcho, "first");
  const std::vector<std::int64_t> first = echo_->seeds;
  Go(kEcho, "second");
  EXPECT_EQ((std::vector<std::int64_t>(echo_->seeds.begin() + 2, echo_->seeds.end())), first);
  EXPECT_NE(first[0], first[1]);
  options_.seed = 1;
  Go(kEcho, "third");
  EXPECT_NE(echo_->seeds[4], first[0]);
}

TEST_F(RunTest, ANodeIsBegunAnewAsOftenAsItsRetriesSay) {
  Numbers(1);
  int failures = 2;
  host_.engines[""] = std::make_shared<FakeEngine>([&](const model::Call&) {
    if (failures-- > 0) return Result<std::string>(Fail(Code::kSchemaMismatch, "no"));
    return Result<std::string>("yes");
  });
  Go("nodes: [{step: say, user: hi, retries: 2}]");
  EXPECT_EQ(stats_->rows_ok, 1);
  EXPECT_EQ(host_.engines[""]->calls, 3);
  EXPECT_NE(host_.engines[""]->seeds[0], host_.engines[""]->seeds[1]);
}

TEST_F(RunTest, WhenTheServerGoesAwayTheRunStopsAndNoRowIsBlamed) {
  Numbers(20);
  int left = 10;
  const auto flaky = Add("", [&](const model::Call& call) -> Result<std::string> {
    if (--left >= 0) return call.messages.back().AllText();
    host_.engines[""]->described = Fail(Code::kConnectionError, "connection refused");
    return Fail(Code::kConnectionError, "connection refused");
  });
  const RunResult result = Go(kEcho);
  EXPECT_EQ(result.end, RunResult::End::kStopped);
  EXPECT_THAT(result.error->message, HasSubstr("went away in the middle"));
  EXPECT_EQ(stats_->rows_failed, 0);
  left = 100;
  flaky->described = model::EngineInfo{.kind = "vllm"};
  EXPECT_EQ(Go(kEcho).end, RunResult::End::kDone);
  EXPECT_EQ(stats_->rows_ok, 20);
}

TEST_F(RunTest, ACallThatFailsWhileTheServerAnswersFailsItsRowAlone) {
  Numbers(5);
  Add("", [&](const model::Call& call) -> Result<std::string> {
    if (call.messages.back().AllText() == "n=2") return Fail(Code::kConnectionError, "reset");
    return call.messages.back().AllText();
  });
  EXPECT_EQ(Go(kEcho).end, RunResult::End::kDone);
  EXPECT_EQ(stats_->rows_ok, 4);
}

TEST_F(RunTest, BadRowsFailAtTheInput) {
  Write("rows.jsonl", "{\"n\": 1}\nnonsense\n{\"m\": 3}\n");
  Go(StrCat("input: {type: object, required: [n]}\n", kEcho));
  EXPECT_EQ(stats_->rows_ok, 1);
  EXPECT_EQ(stats_->rows_failed, 2);
  EXPECT_THAT(Lines("errors.jsonl"), HasSubstr(R"("row_id":"1","node":"input")"));
  EXPECT_THAT(Lines("errors.jsonl"), HasSubstr(R"("row_id":"2","node":"input")"));
  EXPECT_THAT(Lines("errors.jsonl"), HasSubstr("rows.jsonl, line 3: at the top level: "));
}

TEST_F(RunTest, TheBudgetStopsTheRunAndItCanGoOn) {
  Numbers(40);
  options_.max_total_tokens = 300;
  const RunResult result = Go(kEcho);
  EXPECT_EQ(result.end, RunResult::End::kStopped);
  EXPECT_EQ(result.error->code, Code::kBudgetExceeded);
  EXPECT_THAT(echo_->calls, Le(20));
  EXPECT_THAT(echo_->calls, Ge(18));
  const json::Value run = *json::Read(Lines("run.json"));
  EXPECT_EQ(run.Find("summary").Find("rows").Find("skipped").AsInt64(), 40 - echo_->calls);
  options_.max_total_tokens.reset();
  EXPECT_EQ(Go(kEcho).end, RunResult::End::kDone);
  EXPECT_EQ(echo_->calls, 40);
  EXPECT_EQ(stats_->rows_ok, 40);
}

// Each call has ten tokens of a prompt and five of an answer, and may have a hundred.
TEST_F(RunTest, CallsThatRunSideBySideDoNotPassTheBudgetTogether) {
  Numbers(40);
  options_.concurrency = 16;
  options_.max_total_tokens = 300;
  echo_->delay = [](const model::Call&) { return std::chrono::seconds(1); };
  const RunResult result = Go(StrCat(kEcho, "    max_tokens: 100\n"));
  EXPECT_EQ(result.end, RunResult::End::kStopped);
  EXPECT_EQ(result.error->code, Code::kBudgetExceeded);
  EXPECT_THAT(echo_->most_running, Le(2));
  EXPECT_THAT(echo_->calls * 15, Le(300));
  EXPECT_THAT(echo_->calls, Ge(12));
  EXPECT_EQ(stats_->rows_skipped, 40U - static_cast<unsigned>(echo_->calls));
}

TEST_F(RunTest, AFirstAnswerOfUnknownLengthGoesAloneAndTellsOfTheOthers) {
  Numbers(40);
  options_.concurrency = 16;
  options_.max_total_tokens = 300;
  int beside_the_first = 0;
  echo_->delay = [&](const model::Call&) {
    if (echo_->calls == 1) beside_the_first = echo_->most_running;
    return std::chrono::seconds(1);
  };
  EXPECT_EQ(Go(kEcho).end, RunResult::End::kStopped);
  EXPECT_EQ(beside_the_first, 1);
  EXPECT_THAT(echo_->most_running, Ge(4));
  EXPECT_THAT(echo_->calls * 15, Le(300 + 15));
}

TEST_F(RunTest, RetriesUnderABudgetDoNotWaitForEachOther) {
  Numbers(12);
  options_.max_total_tokens = 10'000;
  echo_ = Add("", [](const model::Call&) -> Result<std::string> { return ""; });
  EXPECT_EQ(Go(StrCat(kEcho, "    retries: 2\n")).end, RunResult::End::kDone);
  EXPECT_EQ(echo_->calls, 36);
}

// Sixty tokens of the prompts of this run were there, of a hundred that were looked up.
TEST_F(RunTest, TheCountersOfServersTellTheHitRateWhereAnswersDoNot) {
  Numbers(10);
  host_.prefixes = {{1000, 0}, {1100, 60}};
  Go(kEcho);
  EXPECT_EQ(stats_->CacheHitRate(), 0.6);
  const json::Value run = *json::Read(Lines("run.json"));
  EXPECT_EQ(run.Find("summary").Find("cache_hit_rate").AsDouble(), 0.6);
}

TEST_F(RunTest, CountersOfAServerThatHasBegunAnewTellNothing) {
  Numbers(10);
  host_.prefixes = {{1000, 0}, {900, 60}};
  Go(kEcho);
  EXPECT_EQ(stats_->CacheHitRate(), std::nullopt);
}

TEST_F(RunTest, AResumedRunAsksNothingAgainAndGivesTheSameBytes) {
  Numbers(60);
  const std::string flow = StrCat(kEcho, "  - step: again\n    user: '{{ say }}!'\n");
  Go(flow, "whole");
  const int whole = echo_->calls;
  for (int stop_at = 1; stop_at < 120; stop_at += 7) {
    cancellation_.~Cancellation();
    new (&cancellation_) async::Cancellation();
    const std::string folder = StrCat("cut", stop_at);
    const int before = echo_->calls;
    int left = stop_at;
    echo_->delay = [&](const model::Call&) -> Duration {
      if (--left == 0) cancellation_.Cancel();
      return std::chrono::milliseconds(1);
    };
    EXPECT_EQ(Go(flow, folder).end, RunResult::End::kCancelled);
    cancellation_.~Cancellation();
    new (&cancellation_) async::Cancellation();
    echo_->delay = {};
    EXPECT_EQ(Go(flow, folder).end, RunResult::End::kDone);
    for (const char* file : {"say/000.jsonl", "again/000.jsonl", "flattened/000.jsonl"}) {
      EXPECT_EQ(Lines(file, folder), Lines(file, "whole")) << file << " cut at " << stop_at;
    }
    EXPECT_THAT(echo_->calls - before, Le(whole + options_.concurrency));
  }
}

TEST_F(RunTest, APassThatWasInterruptedGoesOnInItsPass) {
  Numbers(30);
  const char* flow = R"(nodes:
  - {step: one, user: '{{ n }}'}
  - {step: two, user: '{{ one }}!', barrier: true}
)";
  Go(flow, "whole");
  int left = 40;
  echo_->delay = [&](const model::Call&) -> Duration {
    if (--left == 0) cancellation_.Cancel();
    return std::chrono::milliseconds(1);
  };
  EXPECT_EQ(Go(flow, "cut").end, RunResult::End::kCancelled);
  cancellation_.~Cancellation();
  new (&cancellation_) async::Cancellation();
  const int before = echo_->calls;
  echo_->delay = {};
  EXPECT_EQ(Go(flow, "cut").end, RunResult::End::kDone);
  EXPECT_THAT(echo_->calls - before, Le(24));
  for (const char* file : {"one/000.jsonl", "two/000.jsonl", "flattened/000.jsonl"}) {
    EXPECT_EQ(Lines(file, "cut"), Lines(file, "whole")) << file;
  }
}

TEST_F(RunTest, AProgramIsAskedRowByRowAndStartedAgainWhenItDies) {
  Numbers(6);
  Write("twice.sh", R"(#!/bin/sh
while read -r line; do
  case "$line" in
    *'"n":2'*) exit 7 ;;
    *'"n":1'*) echo '[]' ;;
    *'"n":3'*) echo '["p", "q"]' ;;
    *'"n":4'*) printf '["x"]\n["y"]\n' ;;
    *) echo '["only"]' ;;
  esac
done
)");
  std::filesystem::permissions(Path("twice.sh"), std::filesystem::perms::owner_all);
  Result<Flow> flow =
      ReadFlowText("nodes: [{apply: made, exec: [./twice.sh]}, {step: say, user: '{{ made }}'}]",
                   Path("flow.yaml"));
  ASSERT_TRUE(flow) << flow.error().message;
  const Result<Graph> graph = Graph::Compile(*std::move(flow));
  ASSERT_TRUE(graph);
  async::Loop loop;  // pipes need real time
  RunStats stats(*graph);
  auto rows = OpenRows(Path("rows.jsonl"), {});
  const Identity identity{*json::Read("{}")};
  Result<RunFolder> folder =
      RunFolder::Create(Path("out"), *graph, identity, *json::Read("{}"), {});
  ASSERT_TRUE(folder);
  const RunResult result =
      loop.Run(flow::Run(async::Context(loop), *graph, **rows, *folder, host_, options_, stats));
  EXPECT_EQ(result.end, RunResult::End::kDone);
  EXPECT_EQ(Lines("say/000.jsonl"), R"({"row_id":"0","text":"only"}
{"row_id":"3.0","text":"p"}
{"row_id":"3.1","text":"q"}
{"row_id":"5","text":"only"}
)");
  EXPECT_THAT(Lines("errors.jsonl"), HasSubstr("ended with status 7"));
  EXPECT_THAT(Lines("errors.jsonl"), HasSubstr("more than one line for one row"));
}

}  // namespace
}  // namespace weir::flow
