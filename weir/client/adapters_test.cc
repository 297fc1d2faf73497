// Adapters, the prefix cache and budgets against the simulator, over sockets where its record is
// looked at.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/client/wiring.h"
#include "weir/engine/budget_engine.h"
#include "weir/engine/control.h"
#include "weir/engine/lora_engine.h"
#include "weir/engine/prefix.h"
#include "weir/engine/replicas.h"
#include "weir/json/reader.h"
#include "weir/sim/sim_testing.h"
#include "weir/wire/metrics_reader.h"

namespace weir::client {
namespace {

using engine::AdapterFallback;
using engine::Control;
using model::Reply;
using sim::SimServer;
using testing::ElementsAre;
using testing::HasSubstr;

sim::SimOptions Speaking(std::string_view dialect) {
  sim::SimOptions options = sim::InstantSim();
  options.dialect = *wire::DialectByName(dialect);
  options.models[0].adapters.clear();
  return options;
}

// What the simulator was asked: "POST /v1/completions model", or without a model.
std::vector<std::string> Record(SimServer& server) {
  std::vector<std::string> lines;
  const json::Value log = *json::Read(server.core().log().Json());
  for (const json::View entry : log.items()) {
    const auto body = json::Read(entry.Find("body").StringOr("{}"));
    const std::string_view model = body ? body->Find("model").StringOr("") : "";
    lines.push_back(StrCat(entry.Find("method").StringOr(""), " ",
                           entry.Find("target").StringOr(""), model.empty() ? "" : " ", model));
  }
  server.core().log().Clear();
  return lines;
}

class AdaptersTest : public testing::Test {
 protected:
  void Open(sim::SimOptions options, std::string_view suffix = "") {
    server_ = std::make_unique<SimServer>(std::move(options));
    http_.name = "main";
    http_.upstream.base_url = StrCat(server_->url(), suffix);
    http_.upstream.dialect = server_->core().options().dialect;
    control_ = *Control::Make(http_, client_);
  }

  std::unique_ptr<model::Engine> NewEngine(std::string path) {
    engine::AdapterShelfOptions options{.engine = "main",
                                        .adapters = {{.name = "sql", .path = std::move(path)}}};
    auto shelf = std::make_shared<engine::AdapterShelf>(
        std::move(options), *engine::NewResolvedHosts(http_, {}, client_));
    return engine::NewLoraEngine(*engine::NewHttpEngine(http_, client_), std::move(shelf));
  }

  template <class T>
  T Run(async::Task<T> task) {
    return loop_.Run(std::move(task));
  }

  async::Loop loop_;
  async::Context ctx_{loop_};
  http::Client client_{http::ClientOptions{}, http::NewSystemDialer({})};
  engine::HttpEngineOptions http_;
  std::unique_ptr<SimServer> server_;
  std::unique_ptr<Control> control_;
};

// R-LRA-01 to -07, C-15.
TEST_F(AdaptersTest, OneIsMissingLoadedUsedAndUnloadedAndTheServerSeesEachStep) {
  Open(Speaking("vllm-latest"));
  model::Call call = sim::Ask("hi");
  call.adapter = "sql";
  const std::unique_ptr<model::Engine> without = NewEngine("");
  const Result<Reply> base = Run(without->Call(ctx_, call));
  ASSERT_TRUE(base);
  EXPECT_THAT(base->info.degradations[0].why, HasSubstr("'sql'"));
  EXPECT_THAT(Record(*server_), ElementsAre("GET /v1/models", "POST /v1/chat/completions"));

  const std::unique_ptr<model::Engine> engine = NewEngine("/adapters/sql");
  for (int i = 0; i < 2; ++i) {
    const Result<Reply> reply = Run(engine->Call(ctx_, call));
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->info.degradations.empty());
    EXPECT_NE(reply->text(), base->text());
  }
  EXPECT_THAT(Record(*server_),
              ElementsAre("GET /v1/models", "POST /v1/load_lora_adapter",
                          "POST /v1/chat/completions sql", "POST /v1/chat/completions sql"));

  ASSERT_TRUE(Run(control_->UnloadAdapter(ctx_, "sql")));
  EXPECT_THAT(Record(*server_), ElementsAre("POST /v1/unload_lora_adapter"));
  EXPECT_TRUE(Run(engine->Call(ctx_, call)));
  EXPECT_THAT(Record(*server_),
              ElementsAre("POST /v1/chat/completions sql", "GET /v1/models",
                          "POST /v1/load_lora_adapter", "POST /v1/chat/completions sql"));
}

// R-LRA-06 to -08, C-16.
TEST_F(AdaptersTest, LoadAndUnloadKeepTheServersWords) {
  for (const std::string_view dialect : {"vllm-0.10", "vllm-latest"}) {
    Open(Speaking(dialect), "/v1/");
    const Result<engine::AdapterLoad> first = Run(control_->LoadAdapter(ctx_, "a", "/x"));
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->was_there);
    const Result<engine::AdapterLoad> second = Run(control_->LoadAdapter(ctx_, "a", "/y"));
    ASSERT_TRUE(second) << dialect;
    EXPECT_TRUE(second->was_there);
    EXPECT_THAT(second->note, HasSubstr("from /x and not from /y"));
    EXPECT_EQ(Record(*server_)[0], "POST /v1/load_lora_adapter");
    const auto missing = Run(control_->LoadAdapter(ctx_, "b", "/missing"));
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().message, HasSubstr("No adapter found for"));
    const Result<void> unknown = Run(control_->UnloadAdapter(ctx_, "b"));
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error().message, HasSubstr("'b' cannot be found"));
  }
}

TEST_F(AdaptersTest, AServerThatLoadsNothingSaysWhatItNeeds) {
  sim::SimOptions options = Speaking("vllm-latest");
  options.switches.runtime_lora = false;
  Open(std::move(options));
  EXPECT_EQ(*Run(control_->MayLoadAdapters(ctx_)), engine::MayLoad::kNo);
  const auto load = Run(control_->LoadAdapter(ctx_, "a", "/x"));
  ASSERT_FALSE(load);
  EXPECT_THAT(load.error().message, HasSubstr("VLLM_ALLOW_RUNTIME_LORA_UPDATING=1"));
  EXPECT_THAT(load.error().message, HasSubstr("--enable-lora"));
  Open(Speaking("vllm-latest"));
  EXPECT_EQ(*Run(control_->MayLoadAdapters(ctx_)), engine::MayLoad::kYes);
}

TEST_F(AdaptersTest, OtherKindsOfServersHaveNoneToLoad) {
  Open(Speaking("openai"));
  http_.kind = wire::ServerKind::kOpenAi;
  control_ = *Control::Make(http_, client_);
  EXPECT_EQ(Run(control_->LoadAdapter(ctx_, "a", "/x")).error().code, Code::kUnsupportedParam);
  EXPECT_EQ(Run(control_->PrefixStats(ctx_)).error().code, Code::kUnsupportedParam);
}

model::Call Clerk(std::string question, std::string_view adapter = "") {
  std::string rules;
  for (int i = 0; i < 150; ++i) StrAppend(rules, "Rule ", i, " is to read the whole form. ");
  model::Call call;
  call.messages.push_back(model::Message::Text(model::Role::kSystem, std::move(rules)));
  call.messages.push_back(model::Message::Text(model::Role::kUser, std::move(question)));
  call.adapter = adapter;
  call.sampling.max_tokens = 4;
  return call;
}

// R-PFX-03 with the names of every version.
TEST_F(AdaptersTest, FiguresOfThePrefixCacheAreReadFromEveryDialect) {
  for (const std::string_view dialect : {"vllm-0.6", "vllm-0.10", "vllm-0.12", "vllm-latest"}) {
    sim::SimOptions options = Speaking(dialect);
    options.models[0].max_model_len = 8192;
    Open(std::move(options));
    const Result<wire::PrefixStats> before = Run(control_->PrefixStats(ctx_));
    ASSERT_TRUE(before) << dialect << " " << before.error().message;
    const std::unique_ptr<model::Engine> engine = NewEngine("");
    const model::Call one = Clerk("one");
    ASSERT_TRUE(Run(engine->Call(ctx_, one)));
    const Result<wire::PrefixStats> cold = Run(control_->PrefixStats(ctx_));
    const model::Call two = Clerk("two");
    ASSERT_TRUE(Run(engine->Call(ctx_, two)));
    const Result<wire::PrefixStats> warm = Run(control_->PrefixStats(ctx_));
    ASSERT_TRUE(cold && warm);
    EXPECT_EQ(wire::Since(*before, *cold).hits, 0) << dialect;
    EXPECT_GT(wire::Since(*cold, *warm).hit_rate().value(), 0.9) << dialect;
  }
}

// R-PFX-02 and -05, by the simulator's own clock.
TEST(PrefixWarmUp, TheFirstCallBehindItIsAtLeastThreeTimesAsFast) {
  sim::SimOptions options = sim::InstantSim();
  options.engine.latency.pace = sim::Latency::Pace::kModelled;
  options.models[0].max_model_len = 8192;
  sim::SimInside cold(options);
  const Result<Reply> slow = cold.Streamed(Clerk("one"));
  ASSERT_TRUE(slow);

  sim::SimInside warm(options);
  const Result<engine::WarmUpReport> report = warm.loop.Run(
      engine::WarmUp(warm.ctx, *warm.engine, {Clerk("one"), Clerk("two"), Clerk("three", "sql")}));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->warmed(), 2U);
  EXPECT_EQ(report->repeated, 1U);
  for (const std::string_view adapter : {"", "sql"}) {
    const Result<Reply> fast = warm.Streamed(Clerk("one", adapter));
    ASSERT_TRUE(fast);
    EXPECT_LE(fast->info.first_token * 3, slow->info.first_token);
    EXPECT_GT(fast->usage.cached_tokens.value_or(0), 1000);
  }
}

TEST_F(AdaptersTest, OneWarmUpIsSentForEachPrefixBeforeEverythingElse) {
  sim::SimOptions options = Speaking("vllm-latest");
  options.models[0].max_model_len = 8192;
  Open(std::move(options));
  const std::unique_ptr<model::Engine> engine = NewEngine("/adapters/sql");
  std::vector<model::Call> calls;
  for (int i = 0; i < 10; ++i) calls.push_back(Clerk(StrCat(i), i % 2 == 0 ? "" : "sql"));
  ASSERT_TRUE(Run(engine::WarmUp(ctx_, *engine, calls)));
  EXPECT_THAT(Record(*server_),
              ElementsAre("POST /v1/chat/completions", "GET /v1/models",
                          "POST /v1/load_lora_adapter", "POST /v1/chat/completions sql"));
}

// R-BUD-01: the server's tokenizer and its window decide, and nothing is sent.
TEST_F(AdaptersTest, AnExactBudgetAsksTheServersTokenizer) {
  Open(Speaking("vllm-latest"));  // a window of 2048
  const auto counter = std::shared_ptr<Control>(std::move(control_));
  const std::unique_ptr<model::Engine> engine = engine::NewBudgetEngine(
      *engine::NewHttpEngine(http_, client_), {.engine = "main"}, nullptr, counter);
  model::Call call = Clerk("one");
  call.sampling.max_tokens = 1000;
  const Result<Reply> refused = Run(engine->Call(ctx_, call));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBudgetExceeded);
  EXPECT_THAT(refused.error().message, HasSubstr("main is 2048"));
  EXPECT_THAT(Record(*server_), ElementsAre("GET /v1/models", "POST /tokenize"));

  call.messages[0] = model::Message::Text(model::Role::kSystem, "Be brief.");
  const Result<std::int64_t> counted = Run(counter->CountTokens(ctx_, call));
  const Result<Reply> reply = Run(engine->Call(ctx_, call));
  ASSERT_TRUE(counted && reply);
  EXPECT_EQ(reply->usage.prompt_tokens, *counted);
}

}  // namespace
}  // namespace weir::client
