#include "weir/sim/core.h"

#include <functional>

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/sim/sim_testing.h"

namespace weir::sim {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct WrongOption {
  const char* name;
  std::function<void(SimOptions&)> make;
  const char* says;
};

const WrongOption kWrong[] = {
    {"no_model", [](SimOptions& o) { o.models.clear(); }, "at least one model"},
    {"no_name", [](SimOptions& o) { o.models[0].served_names.clear(); }, "has no name"},
    {"empty_name", [](SimOptions& o) { o.models[0].served_names = {""}; }, "has no name"},
    {"no_window", [](SimOptions& o) { o.models[0].max_model_len = 0; }, "max_model_len"},
    {"no_seats", [](SimOptions& o) { o.engine.max_num_seqs = 0; }, "max_num_seqs"},
    {"no_blocks", [](SimOptions& o) { o.engine.cache.blocks = 0; }, "blocks"},
    {"backward_latency",
     [](SimOptions& o) {
       o.engine.latency.itl = {std::chrono::milliseconds(2), std::chrono::milliseconds(1)};
     },
     "latency"},
    {"backward_time", [](SimOptions& o) { o.engine.latency.time_scale = -1; }, "time_scale"},
};

class WrongOptionTest : public testing::TestWithParam<WrongOption> {};

TEST_P(WrongOptionTest, IsRefusedByName) {
  SimOptions options = InstantSim();
  GetParam().make(options);

  const auto core = NewSimCore(options);

  ASSERT_FALSE(core.has_value());
  EXPECT_EQ(core.error().code, Code::kConfigError);
  EXPECT_THAT(core.error().message, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(SimCore, WrongOptionTest, testing::ValuesIn(kWrong),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(SimCore, TwoServersGiveDifferentIds) {
  SimCore one(InstantSim());
  SimCore other(InstantSim());

  EXPECT_NE(one.NewInfo(model::Api::kChat, "m", "", 5).id,
            other.NewInfo(model::Api::kChat, "m", "", 5).id);
}

TEST(SimCore, CompletionsDoNotThink) {
  SimOptions options = InstantSim();
  options.models[0].reasons = true;
  SimInside sim(options);
  model::Call call;
  call.api = model::Api::kCompletions;
  call.prompt = "Once upon";
  call.sampling.max_tokens = 20;

  const model::Reply reply = sim.Whole(call).value();

  EXPECT_THAT(reply.text(), testing::Not(testing::IsEmpty()));
  EXPECT_EQ(reply.choices[0].reasoning, "");
}

TEST(SimCore, IdsAreCountedAndTheSameInEveryRun) {
  SimOptions options = InstantSim();
  options.deterministic = true;
  SimCore core(options);
  SimCore other(options);
  const auto id = [](SimCore& of, model::Api api) { return of.NewInfo(api, "m", "", 5).id; };

  const std::string first = id(core, model::Api::kChat);
  const std::string second = id(core, model::Api::kCompletions);

  EXPECT_THAT(first, StartsWith("chatcmpl-"));
  EXPECT_THAT(second, StartsWith("cmpl-"));
  EXPECT_EQ(first.size(), std::string("chatcmpl-").size() + 16);
  EXPECT_EQ(id(other, model::Api::kChat), first);
  EXPECT_EQ(id(other, model::Api::kCompletions), second);
  EXPECT_EQ(core.NewInfo(model::Api::kChat, "m", "mine", 5).id, "chatcmpl-mine");
}

TEST(SimCore, ItIsTheWallThatTellsTheTimeUnlessItStandsStill) {
  constexpr std::int64_t kNow = 1'900'000'000'000'000'000;
  SimOptions options = InstantSim();
  SimCore running(options);
  options.deterministic = true;
  SimCore still(options);

  EXPECT_EQ(running.NewInfo(model::Api::kChat, "m", "", kNow).created, 1'900'000'000);
  EXPECT_EQ(still.NewInfo(model::Api::kChat, "m", "", kNow).created,
            still.NewInfo(model::Api::kChat, "m", "", 0).created);
}

TEST(SimCore, EveryNameAndEveryAdapterIsAModel) {
  SimOptions options = InstantSim();
  options.models[0].served_names = {"a", "b"};
  options.models[0].root = "org/a";
  SimCore core(options);
  ASSERT_TRUE(core.adapters().Load({.name = "new", .path = "/new"}, false));
  ASSERT_TRUE(core.adapters().Load({.name = "b's", .path = "/b", .base_model = "b"}, false));

  std::vector<std::string> shown;
  for (const model::ModelEntry& entry : core.Models()) {
    shown.push_back(StrCat(entry.id, " ", entry.root, " ", entry.parent));
  }

  EXPECT_THAT(shown, testing::ElementsAre("a org/a ", "b org/a ", "sql /adapters/sql a",
                                          "new /new a", "b's /b b"));
}

TEST(SimCore, TheVersionIsTheDialectsUnlessItIsGiven) {
  SimOptions options = InstantSim();
  options.dialect = wire::DialectByName("vllm-0.11").value();
  EXPECT_EQ(SimCore(options).Version(), "0.11.2");
  options.server_version = "0.26.1rc1.dev1177+ga9a17e709";
  EXPECT_EQ(SimCore(options).Version(), "0.26.1rc1.dev1177+ga9a17e709");
}

TEST(SimCore, ASleeperTakesRequestsAndRunsThemWhenItWakes) {
  SimInside sim;
  sim.core->Sleep(1);
  sim.ctx = sim.ctx.WithTimeout(std::chrono::seconds(5));
  EXPECT_TRUE(sim.core->sleeping());
  EXPECT_EQ(sim.Whole(Ask("hi")).error().code, Code::kTimeout);

  sim.core->Wake();
  sim.ctx = async::Context(sim.loop);
  EXPECT_FALSE(sim.core->sleeping());
  EXPECT_TRUE(sim.Whole(Ask("hi")).has_value());
}

TEST(SimCore, RequestsAreCountedByTheirEnd) {
  SimInside sim;
  model::Call call = Ask("hi");
  call.sampling.max_tokens = 3;
  call.sampling.ignore_eos = true;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(sim.Whole(call).has_value());

  const std::string text = sim.core->MetricsText(0);
  EXPECT_THAT(text, testing::ContainsRegex("request_success_total.*\"length\".* 5"));
  EXPECT_THAT(text, testing::ContainsRegex("generation_tokens_total.* 15"));
}

}  // namespace
}  // namespace weir::sim
