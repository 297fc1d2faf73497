// Runs that go on in another way than they began: failed rows tried again, rows that do not come.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/flow/run_testing.h"

namespace weir::flow {
namespace {

using testing::HasSubstr;
using testing::Le;
using testing::Not;

// Each row fails until it was asked as often as `fails` says.
FakeEngine::Answer FailingFirst(std::map<std::string, int>& fails) {
  return [&fails](const model::Call& call) {
    const std::string text = call.messages.back().AllText();
    const auto left = fails.find(text);
    if (left != fails.end() && left->second-- > 0) {
      return Result<std::string>(Fail(Code::kHttpStatus, "boom"));
    }
    return Result<std::string>(text);
  };
}

// What carries it to the next pass is larger and deeper than the row.
TEST_F(RunTest, ARowAsDeepAsMayBeGoesThroughABarrier) {
  const std::size_t lists = limits::kJsonDepth - 1;
  Write("rows.jsonl",
        StrCat(R"({"n": 1, "deep": )", std::string(lists, '['), std::string(lists, ']'), "}\n"));
  EXPECT_EQ(Go("nodes:\n  - {step: one, user: '{{ n }}'}\n"
               "  - {step: two, user: '{{ one }}!', barrier: true}\n")
                .end,
            RunResult::End::kDone);

  EXPECT_EQ(Lines("errors.jsonl"), "");
  EXPECT_EQ(stats_->rows_ok, 1U);
}

// What was known before stands nowhere as work of this session, also while it waits for a slow row.
TEST_F(RunTest, RowsThatAreTakenOverAndWaitForASlowOneAreToldFromThoseOfThisSession) {
  Numbers(40);
  std::map<std::string, int> fails{{"n=0", 1}, {"n=39", 1}};
  const auto shaky = Add("", FailingFirst(fails));
  Go(kEcho);
  std::uint64_t most_waiting = 0;
  std::uint64_t most_worked = 0;
  shaky->delay = [&](const model::Call& call) -> Duration {
    most_waiting = std::max(most_waiting, stats_->rows_waiting);
    most_worked = std::max(most_worked, stats_->RowsEnded() - stats_->rows_replayed);
    const bool first = call.messages.back().AllText() == "n=0";
    return first ? std::chrono::seconds(10) : std::chrono::milliseconds(1);
  };

  EXPECT_EQ(Go(kEcho, "out", true).end, RunResult::End::kDone);

  EXPECT_EQ(most_waiting, 38U);
  EXPECT_EQ(most_worked, 0U) << "the row that ends first is not written yet when it is asked";
  EXPECT_EQ(stats_->rows_replayed, 38U);
}

constexpr const char* kTwoPasses = R"(nodes:
  - {step: one, user: '{{ n }}'}
  - {step: two, user: '{{ one }}!', barrier: true}
  - {apply: each, each: '[two, two]'}
  - {step: three, user: '{{ two }}?', barrier: true}
)";

TEST_F(RunTest, FailedRowsAreTriedAgainAndStandInTheirPlaces) {
  for (const std::string& flow : std::vector<std::string>{
           StrCat(kEcho, "  - step: again\n    user: '{{ say }}!'\n"), kTwoPasses}) {
    const bool passes = flow == kTwoPasses;
    const std::string name = passes ? "passes" : "plain";
    Numbers(40);
    Go(flow, name + "whole");
    const int whole = echo_->calls;
    std::map<std::string, int> fails;
    for (const char* row : {"3", "4", "17", "39"}) fails[passes ? row : StrCat("n=", row)] = 1;
    fails[passes ? "8!" : "n=8!"] = 2;
    const auto shaky = Add("", FailingFirst(fails));
    EXPECT_EQ(Go(flow, name).end, RunResult::End::kDone);
    EXPECT_EQ(stats_->rows_failed, 5);

    EXPECT_EQ(Go(flow, name, true).end, RunResult::End::kDone);
    EXPECT_EQ(stats_->rows_failed, 1) << "row 8 failed twice";
    if (!passes) {
      EXPECT_EQ(stats_->rows_replayed, 35) << "those that had not failed";
      EXPECT_EQ(stats_->session.rows, 5);
    }
    EXPECT_THAT(Lines("errors.jsonl", name), HasSubstr(R"({"row_id":"8")"));
    EXPECT_THAT(Lines("errors.jsonl", name), Not(HasSubstr("17")));

    EXPECT_EQ(Go(flow, name, true).end, RunResult::End::kDone);
    EXPECT_EQ(stats_->rows_failed, 0);
    EXPECT_EQ(shaky->calls, whole + 6) << "what was answered is not asked again";
    EXPECT_EQ(Lines("errors.jsonl", name), "");
    for (const GraphNode* node : graph_->all()) {
      const std::string file = node->node->id + "/000.jsonl";
      EXPECT_EQ(Lines(file, name), Lines(file, name + "whole")) << file;
    }
    EXPECT_EQ(Lines("flattened/000.jsonl", name), Lines("flattened/000.jsonl", name + "whole"));
    EXPECT_EQ(stats_->nodes[0].ok, 40);

    // Nothing is left to try.
    EXPECT_EQ(Go(flow, name, true).end, RunResult::End::kDone);
    EXPECT_EQ(shaky->calls, whole + 6);
    host_.engines[""] = echo_;
    echo_->calls = 0;
  }
}

TEST_F(RunTest, ARowThatIsTriedAgainHasAnotherSeedAndWhatItTookIsKept) {
  Numbers(1);
  std::map<std::string, int> fails = {{"n=0", 1}};
  const auto shaky = Add("", FailingFirst(fails));
  Go(kEcho);
  Go(kEcho, "out", true);
  ASSERT_EQ(shaky->seeds.size(), 2U);
  EXPECT_NE(shaky->seeds[0], shaky->seeds[1]);
}

TEST_F(RunTest, TryingAgainCanBeInterruptedAndGoesOn) {
  Numbers(40);
  for (const std::string& flow : std::vector<std::string>{
           StrCat(kEcho, "  - step: again\n    user: '{{ say }}!'\n"), kTwoPasses}) {
    const bool passes = flow == kTwoPasses;
    const std::string name = passes ? "passes" : "plain";
    host_.engines[""] = echo_;
    Go(flow, name + "whole");
    for (int stop_at = 1; stop_at <= 10; stop_at += 3) {
      const std::string folder = StrCat(name, stop_at);
      std::map<std::string, int> fails;
      for (int row = 0; row < 40; row += 4) fails[StrCat(passes ? "" : "n=", row)] = 1;
      const auto shaky = Add("", FailingFirst(fails));
      Go(flow, folder);
      int left = stop_at;
      shaky->delay = [&](const model::Call&) -> Duration {
        if (--left == 0) cancellation_.Cancel();
        return std::chrono::milliseconds(1);
      };
      EXPECT_EQ(Go(flow, folder, true).end, RunResult::End::kCancelled);
      cancellation_.~Cancellation();
      new (&cancellation_) async::Cancellation();
      shaky->delay = {};
      EXPECT_EQ(Go(flow, folder).end, RunResult::End::kDone);
      EXPECT_EQ(stats_->rows_failed, 0);
      for (const GraphNode* node : graph_->all()) {
        const std::string file = node->node->id + "/000.jsonl";
        EXPECT_EQ(Lines(file, folder), Lines(file, name + "whole")) << file << " at " << stop_at;
      }
      const int calls = passes ? 40 + 40 + 80 : 80;
      EXPECT_THAT(shaky->calls, Le(calls + 10 + options_.concurrency)) << stop_at;
    }
  }
}

TEST_F(RunTest, ASilentPipeBlocksNothing) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "{\"n\": 1}\n\n{\"n\"", 15), 15);
  Result<Flow> flow = ReadFlowText(kEcho, Path("flow.yaml"));
  ASSERT_TRUE(flow);
  const Result<Graph> graph = Graph::Compile(*std::move(flow));
  ASSERT_TRUE(graph);
  async::Loop loop(async::Loop::Time::kVirtual);
  RunStats stats(*graph);
  const auto rows = flow::RowsOf(ends[0], RowFormat::kJsonLines, {});
  Result<RunFolder> folder =
      RunFolder::Create(Path("out"), *graph, {*json::Read("{}")}, *json::Read("{}"), {});
  ASSERT_TRUE(folder);
  async::Context ctx(loop);
  ctx.cancellation = &cancellation_;
  async::Alarm more(loop, [&] { ASSERT_EQ(::write(ends[1], ": 2}\n", 5), 5); });
  more.Arm(loop.Now() + std::chrono::seconds(5));
  async::Alarm stop(loop, [&] { cancellation_.Cancel(); });
  stop.Arm(loop.Now() + std::chrono::seconds(9));
  const RunResult result = loop.Run(flow::Run(ctx, *graph, *rows, *folder, host_, options_, stats));
  EXPECT_EQ(result.end, RunResult::End::kCancelled);
  EXPECT_EQ(stats.rows_done, 2);
  ::close(ends[0]);
  ::close(ends[1]);
}

// Ten tokens of a prompt and five of an answer a call, which takes a second.
TEST_F(RunTest, FiguresAreOfAllSessionsButForThoseOfTheLastOne) {
  Numbers(40);
  echo_->delay = [](const model::Call&) { return std::chrono::seconds(1); };
  // Twelve calls, of which four at a time fit until the end.
  options_.max_total_tokens = 190;
  const std::string flow = StrCat(kEcho, "    max_tokens: 5\n");
  EXPECT_EQ(Go(flow).end, RunResult::End::kStopped);
  const SessionStats first = stats_->session;
  EXPECT_EQ(stats_->sessions, 1U);
  EXPECT_LT(first.rows, 40U);
  EXPECT_EQ(first.prompt_tokens, static_cast<std::int64_t>(first.calls) * 10);

  options_.max_total_tokens.reset();
  EXPECT_EQ(Go(flow).end, RunResult::End::kDone);
  const json::Value run = *json::Read(Lines("run.json"));
  const json::View summary = run.Find("summary");
  const json::View say = summary.Find("nodes").Find("say");
  EXPECT_EQ(summary.Find("sessions").AsInt64(), 2);
  EXPECT_EQ(summary.Find("rows").Find("done").AsInt64(), 40);
  EXPECT_EQ(summary.Find("seconds").AsDouble(), 10);
  EXPECT_EQ(say.Find("calls").AsInt64(), 40);
  EXPECT_EQ(say.Find("completion_tokens").AsInt64(), 200);

  const json::View session = summary.Find("session");
  const std::int64_t calls = 40 - static_cast<std::int64_t>(first.calls);
  EXPECT_EQ(session.Find("calls").AsInt64(), calls);
  EXPECT_EQ(session.Find("completion_tokens").AsInt64(), calls * 5);
  EXPECT_EQ(session.Find("rows").AsInt64(), 40 - static_cast<std::int64_t>(first.rows));
  const double seconds = session.Find("seconds").AsDouble().value_or(0);
  EXPECT_EQ(seconds, static_cast<double>(calls) / 4);
  EXPECT_NEAR(session.Find("tokens_per_second").AsDouble().value_or(0),
              static_cast<double>(calls) * 5 / seconds, 0.01);
}

TEST_F(RunTest, NumbersFitTheirCaseHoweverTheyAreWritten) {
  Write("rows.jsonl", "{\"k\": 7}\n{\"k\": 7.0}\n{\"k\": \"seven\"}\n");
  int run = 0;
  for (const char* cases :
       {"{7: [{apply: a, set: {got: '1'}}]}", "{7.0: [{apply: a, set: {got: '1'}}]}",
        "[{equals: 7, nodes: [{apply: a, set: {got: '1'}}]}]",
        "[{equals: 7.0, nodes: [{apply: a, set: {got: '1'}}]}]"}) {
    const std::string folder = StrCat("cases", run++);
    Go(StrCat("nodes:\n  - switch: s\n    on: k\n    cases: ", cases, "\n    default: []\n"),
       folder);
    EXPECT_EQ(stats_->nodes[graph_->Find("a")->index].ok, 2) << cases;
  }
}

TEST_F(RunTest, TheHitRateOfPrefixCachesIsKnownOnlyWhereServersTellIt) {
  Numbers(4);
  Go(kEcho, "silent");
  EXPECT_FALSE(stats_->Sum().CacheHitRate());
  echo_->cached_tokens = 4;
  Go(kEcho, "telling");
  EXPECT_EQ(stats_->Sum().CacheHitRate(), 0.4);
  EXPECT_EQ(json::Read(Lines("run.json", "telling"))->Find("summary").Find("cache_hit_rate"),
            json::Value::Of(0.4));
}

TEST_F(RunTest, StepsBehindABarrierAreCheckedToo) {
  Numbers(2);
  echo_->described =
      model::EngineInfo{.kind = "vllm", .base_url = "http://x", .models = {{.id = "there"}}};
  const RunResult refused = Go(R"(nodes:
  - {step: one, user: '{{ n }}'}
  - {step: two, user: '{{ one }}', barrier: true, model: gone}
)");
  ASSERT_TRUE(refused.error);
  EXPECT_THAT(refused.error->message, HasSubstr("step two asks for the model gone"));
  EXPECT_EQ(echo_->calls, 2);
}

TEST_F(RunTest, NamesOfOllamaAreTakenAsItTakesThem) {
  Numbers(1);
  echo_->described = model::EngineInfo{
      .kind = "ollama", .base_url = "http://x", .models = {{.id = "qwen3:latest"}}};
  for (const char* name :
       {"qwen3", "Qwen3:latest", "library/qwen3", "registry.ollama.ai/library/qwen3"}) {
    const std::string flow = StrCat("nodes:\n  - {step: say, user: 'hi', model: '", name, "'}\n");
    EXPECT_EQ(Go(flow, StrCat("out-", name[0], echo_->calls)).end, RunResult::End::kDone) << name;
  }
  EXPECT_TRUE(Go("nodes:\n  - {step: say, user: 'hi', model: qwen2}\n", "none").error);
}

TEST_F(RunTest, ARunDoesNotGoOnWithAnotherModel) {
  Numbers(8);
  const auto serve = [&](const std::string& id, const std::string& root) {
    echo_->described = model::EngineInfo{.kind = "vllm",
                                         .base_url = "http://x",
                                         .dialect = "vllm-0.11",
                                         .version = "0.11.2",
                                         .models = {{.id = id, .root = root}}};
  };
  serve("first", "org/first");
  int left = 5;
  echo_->delay = [&](const model::Call&) -> Duration {
    if (--left == 0) cancellation_.Cancel();
    return std::chrono::milliseconds(1);
  };
  EXPECT_EQ(Go(kEcho).end, RunResult::End::kCancelled);
  cancellation_.~Cancellation();
  new (&cancellation_) async::Cancellation();
  const int asked = echo_->calls;

  serve("second", "org/second");
  const RunResult refused = Go(kEcho);
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.error->code, Code::kConfigError);
  EXPECT_EQ(
      refused.error->message,
      "step say began with the model first, and http://x has second for it now; bring that one "
      "back, or start a new run with another -o");
  EXPECT_EQ(echo_->calls, asked);

  serve("first", "/models/first");
  EXPECT_EQ(Go(kEcho).end, RunResult::End::kDone) << "a server may have moved its files";
  EXPECT_THAT(stats_->Json({}), HasSubstr(R"("model":"first","weights":"/models/first")"
                                          R"(,"dialect":"vllm-0.11","server_version":"0.11.2")"));
}

}  // namespace
}  // namespace weir::flow
