#include "weir/engine/lora_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/base/trace_testing.h"
#include "weir/engine/adapter_check.h"
#include "weir/engine/replicas.h"
#include "weir/engine/spies_testing.h"

namespace weir::engine {
namespace {

using namespace std::chrono_literals;
using model::Reply;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

async::Task<void> CallInto(async::Context ctx, model::Engine& engine, const model::Call& call,
                           int& good) {
  const Result<Reply> reply = co_await engine.Call(ctx, call);
  if (reply) ++good;
}

async::Task<void> CallAllAtOnce(async::Context ctx, model::Engine& engine, const model::Call& call,
                                int count, int& good) {
  async::TaskScope scope(ctx);
  for (int i = 0; i < count; ++i) scope.Spawn(CallInto(scope.context(), engine, call, good));
  co_await scope.Join();
}

// An engine "main" with the adapters "sql" (which can be loaded), "gone" (which cannot) and "here"
// (which has no path).
class LoraTest : public testing::Test {
 protected:
  LoraTest() {
    ctx_.trace = &events_;
    call_.adapter = "sql";
    call_.messages.push_back(model::Message::Text(model::Role::kUser, "hi"));
  }

  void Open(AdapterFallback fallback = AdapterFallback::kBase) {
    // A server knows its adapters, whatever the list said when it was read.
    auto spy = std::make_unique<SpyEngine>([this](const model::Call& call) -> Result<Reply> {
      const std::string& name = call.adapter.empty() ? call.model : call.adapter;
      if (!name.empty() && std::ranges::find(host_->models, name) == host_->models.end()) {
        Error error{.code = Code::kHttpStatus, .message = "no such model", .http_status = 404};
        return Fail(std::move(error));
      }
      return ReplyOf(name.empty() ? "base" : name);
    });
    spy_ = spy.get();
    shelf_ = std::make_shared<AdapterShelf>(options_, NewFixedHosts(hosts_));
    engine_ = NewLoraEngine(std::move(spy), shelf_, {.fallback = fallback});
  }

  Result<Reply> Call() { return loop_.Run(engine_->Call(ctx_, call_)); }

  Result<Reply> Stream() {
    auto run = [](async::Context ctx, model::Engine& engine,
                  const model::Call& call) -> async::Task<Result<Reply>> {
      WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream,
                  co_await engine.Stream(ctx, call));
      co_return co_await model::Collect(ctx, *stream);
    };
    return loop_.Run(run(ctx_, *engine_, call_));
  }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  HeardEvents events_;
  std::shared_ptr<FakeHost> host_ =
      std::make_shared<FakeHost>(std::vector<std::string>{"base-model"});
  AdapterHosts hosts_ = {host_};
  AdapterShelfOptions options_{.engine = "main",
                               .adapters = {{.name = "sql", .path = "/adapters/sql"},
                                            {.name = "gone", .path = "/missing"},
                                            {.name = "here", .path = ""}}};
  std::shared_ptr<AdapterShelf> shelf_;
  std::unique_ptr<model::Engine> engine_;
  SpyEngine* spy_ = nullptr;
  model::Call call_;
};

TEST_F(LoraTest, ACallWithoutAnAdapterAsksNobody) {
  Open();
  call_.adapter.clear();
  ASSERT_TRUE(Call());
  EXPECT_EQ(host_->listed, 0);
  EXPECT_THAT(events_.lines, IsEmpty());
}

TEST_F(LoraTest, WhatIsLoadedIsUsedAndTheListIsAskedOnce) {
  host_->models.emplace_back("sql");
  Open();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Call()->text(), "sql");
  EXPECT_EQ(host_->listed, 1);
  EXPECT_THAT(host_->loads, IsEmpty());
  ASSERT_TRUE(loop_.Run(async::Sleep(ctx_, 61s)));
  EXPECT_EQ(Stream()->text(), "sql");
  EXPECT_EQ(host_->listed, 2);
}

TEST_F(LoraTest, WhatCanBeLoadedIsLoadedOnceForAllWhoWait) {
  host_->load_time = 2s;
  Open();
  int good = 0;
  loop_.Run(CallAllAtOnce(ctx_, *engine_, call_, 20, good));
  EXPECT_EQ(good, 20);
  EXPECT_THAT(host_->loads, ElementsAre("sql"));
  EXPECT_EQ(host_->listed, 1);
  for (const model::Call& call : spy_->calls) EXPECT_EQ(call.adapter, "sql");
  EXPECT_THAT(events_.lines, ElementsAre("adapter.load engine=main adapter=sql path=/adapters/sql "
                                         "base_url=http://fake:8000 was_there=false"));
}

TEST_F(LoraTest, AModelThatIsAConfiguredAdapterIsTreatedAsOne) {
  Open();
  call_.model = std::exchange(call_.adapter, "");
  EXPECT_EQ(Call()->text(), "sql");
  EXPECT_THAT(host_->loads, ElementsAre("sql"));
  call_.model = "gone";
  EXPECT_EQ(Call()->text(), "base");
}

TEST_F(LoraTest, AMissingOneIsToldAndTheBaseModelAnswers) {
  Open();
  call_.adapter = "here";
  for (const bool streamed : {false, true}) {
    const Result<Reply> reply = streamed ? Stream() : Call();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->text(), "base");
    ASSERT_EQ(reply->info.degradations.size(), 1U);
    EXPECT_EQ(reply->info.degradations[0].what, "adapter");
    EXPECT_THAT(reply->info.degradations[0].why, HasSubstr("'here'"));
  }
  ASSERT_EQ(events_.lines.size(), 2U);
  EXPECT_THAT(events_.lines[0], StartsWith("adapter.fallback engine=main adapter=here"));
  EXPECT_THAT(events_.lines[0], HasSubstr("first=true"));
  EXPECT_THAT(events_.lines[1], HasSubstr("first=false"));
}

TEST_F(LoraTest, AMissingOneIsAnErrorWhereThatIsWanted) {
  Open(AdapterFallback::kError);
  call_.adapter = "here";
  const Result<Reply> reply = Call();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kConfigError);
  EXPECT_THAT(reply.error().message, HasSubstr("weir adapters load main here"));
  EXPECT_THAT(spy_->calls, IsEmpty());
}

TEST_F(LoraTest, WhereAdaptersGetThereInAnotherWayTheErrorSaysHow) {
  Open();
  auto engine = NewLoraEngine(
      std::make_unique<SpyEngine>([](const model::Call&) -> Result<Reply> { return ReplyOf("x"); }),
      shelf_, {.fallback = AdapterFallback::kError, .remedy = "name it"});
  call_.adapter = "here";
  const Result<Reply> reply = loop_.Run(engine->Call(ctx_, call_));
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().message, HasSubstr("; name it, or let the base model answer"));
}

TEST_F(LoraTest, AFailureIsRememberedForAWhile) {
  Open();
  call_.adapter = "gone";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Call()->text(), "base");
  EXPECT_EQ(host_->loads.size(), 1U);
  ASSERT_TRUE(loop_.Run(async::Sleep(ctx_, 31s)));
  EXPECT_EQ(Call()->text(), "base");
  EXPECT_EQ(host_->loads.size(), 2U);
}

TEST_F(LoraTest, NothingIsLoadedWhereThatIsForbidden) {
  options_.may_load = false;
  Open();
  EXPECT_EQ(Call()->text(), "base");
  EXPECT_THAT(host_->loads, IsEmpty());
}

TEST_F(LoraTest, AServerThatBeganAnewIsAskedAgainAndLoadedAgain) {
  Open();
  EXPECT_EQ(Call()->text(), "sql");
  host_->models = {"base-model"};
  EXPECT_EQ(Stream()->text(), "sql");
  EXPECT_THAT(host_->loads, ElementsAre("sql", "sql"));
  host_->models = {"base-model"};
  EXPECT_EQ(Call()->text(), "sql");
  EXPECT_EQ(host_->loads.size(), 3U);
}

TEST_F(LoraTest, ManyCallsThatMissItAtOnceAskOnce) {
  Open();
  ASSERT_TRUE(Call());
  host_->models = {"base-model"};
  spy_->delay = 1s;
  int good = 0;
  loop_.Run(CallAllAtOnce(ctx_, *engine_, call_, 50, good));
  EXPECT_EQ(good, 50);
  EXPECT_EQ(host_->listed, 2);
  EXPECT_EQ(host_->loads.size(), 2U);
}

TEST_F(LoraTest, ServersThatCannotBeAskedLeaveTheCallAsItIs) {
  host_->reachable = false;
  Open(AdapterFallback::kError);
  const Result<Reply> reply = Call();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().http_status, 404);
  ASSERT_FALSE(spy_->calls.empty());
  EXPECT_EQ(spy_->calls[0].adapter, "sql");
}

TEST_F(LoraTest, ACancelledCallLeavesNoFailureBehind) {
  host_->load_time = 10s;
  Open();
  const Result<Reply> hurried = loop_.Run(engine_->Call(ctx_.WithTimeout(1s), call_));
  ASSERT_FALSE(hurried);
  EXPECT_EQ(hurried.error().code, Code::kTimeout);
  EXPECT_EQ(Call()->text(), "sql");
}

TEST_F(LoraTest, ItIsLoadedOnEveryServerThatLacksItAndAnswers) {
  const auto second = std::make_shared<FakeHost>(std::vector<std::string>{"base-model", "sql"});
  const auto third = std::make_shared<FakeHost>(std::vector<std::string>{"base-model"});
  const auto dead = std::make_shared<FakeHost>(std::vector<std::string>{});
  dead->reachable = false;
  hosts_ = {host_, second, third, dead};
  Open();
  EXPECT_EQ(Call()->text(), "sql");
  EXPECT_EQ(host_->loads.size(), 1U);
  EXPECT_THAT(second->loads, IsEmpty());
  EXPECT_EQ(third->loads.size(), 1U);
  EXPECT_THAT(dead->loads, IsEmpty());
}

TEST_F(LoraTest, TheCheckSaysOfEachWhatItIsAndWhatToDo) {
  host_->models.emplace_back("here");
  const std::unique_ptr<HostFinder> finder = NewFixedHosts(hosts_);
  const auto check = [&] { return *loop_.Run(CheckAdapters(ctx_, *finder, options_)); };
  std::vector<AdapterFinding> findings = check();
  ASSERT_EQ(findings.size(), 3U);
  EXPECT_EQ(AdapterStateName(findings[0].state), "can be loaded");
  EXPECT_EQ(AdapterStateName(findings[2].state), "loaded");
  EXPECT_THAT(host_->loads, IsEmpty());
  host_->may_load = MayLoad::kNo;
  findings = check();
  EXPECT_EQ(AdapterStateName(findings[0].state), "missing");
  EXPECT_THAT(findings[0].remedy, HasSubstr("VLLM_ALLOW_RUNTIME_LORA_UPDATING"));
  host_->reachable = false;
  EXPECT_EQ(loop_.Run(CheckAdapters(ctx_, *finder, options_)).error().code, Code::kConnectionError);
}

http::Endpoints EndpointsOf(std::initializer_list<const char*> addresses) {
  http::Endpoints endpoints;
  for (const char* address : addresses) {
    endpoints.emplace_back(boost::asio::ip::make_address(address), 8000);
  }
  return endpoints;
}

TEST(Replicas, OneAddressOfEachServerOfOneFamily) {
  const http::Url url = *http::ParseUrl("http://v1.example:8000/gpu");
  EXPECT_THAT(UrlsOfEach(url, EndpointsOf({"10.0.0.1", "fd00::1", "10.0.0.2", "fd00::2"})),
              ElementsAre("http://10.0.0.1:8000/gpu", "http://10.0.0.2:8000/gpu"));
  EXPECT_THAT(UrlsOfEach(url, EndpointsOf({"::1", "127.0.0.1"})),
              ElementsAre("http://[::1]:8000/gpu"));
  EXPECT_THAT(UrlsOfEach(url, EndpointsOf({"10.0.0.1", "fd00::1", "fd00::2"})),
              ElementsAre("http://[fd00::1]:8000/gpu", "http://[fd00::2]:8000/gpu"));
}

}  // namespace
}  // namespace weir::engine
