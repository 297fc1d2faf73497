#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/engine/answers.h"
#include "weir/engine/decorators.h"
#include "weir/engine/registry.h"
#include "weir/engine/spies_testing.h"
#include "weir/model/engine_testing.h"

namespace weir::engine {
namespace {

using namespace std::chrono_literals;
using model::HttpError;
using model::Refuses;
using model::Reply;
using model::Says;
using model::ScriptedAnswer;
using model::ScriptedEngine;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RouteEar final : public TraceSink {
 public:
  RouteEar() : TraceSink(false) {}
  void OnEvent(std::string_view name, std::span<const TraceField> fields) override {
    std::string line(name);
    for (const TraceField& field : fields) {
      if (field.key == "first") line += std::get<bool>(field.value) ? " first" : "";
    }
    heard.push_back(std::move(line));
  }
  void OnSpanStart(const SpanRecord& /*span*/) override {}
  void OnSpanEnd(const SpanRecord& /*span*/) override {}

  std::vector<std::string> heard;
};

class FallbackTest : public testing::Test {
 protected:
  FallbackTest() { ctx_.trace = &ear_; }

  // An engine with its retry decorator, as wiring builds it.
  RegisteredEngine Registered(std::string name, std::deque<ScriptedAnswer> answers,
                              std::vector<std::string> fallback = {}) {
    auto scripted = std::make_unique<ScriptedEngine>(std::move(answers));
    spies_[name] = scripted.get();
    const auto breaker =
        std::make_shared<Breaker>(BreakerOptions{.failures = 2, .open_for = 10s, .trials = 1});
    RegisteredEngine engine;
    engine.kind = name == "safe" ? "ollama" : "vllm";
    engine.name = std::move(name);
    engine.fallback = std::move(fallback);
    engine.breaker = breaker;
    const std::shared_ptr<model::Engine> whole =
        NewRetryEngine(std::move(scripted), RetryRule{.max_retries = 0}, Random(1), breaker);
    engine.make = [whole] { return Result<std::shared_ptr<model::Engine>>(whole); };
    return engine;
  }

  std::shared_ptr<model::Engine> Chain(std::deque<ScriptedAnswer> first,
                                       std::deque<ScriptedAnswer> second) {
    std::vector<RegisteredEngine> engines;
    engines.push_back(Registered("main", std::move(first), {"safe"}));
    engines.push_back(Registered("safe", std::move(second)));
    registry_ = *Registry::Make(std::move(engines), {});
    return *registry_->Get("main");
  }

  Result<Reply> Call(model::Engine& engine) { return loop_.Run(engine.Call(ctx_, call_)); }

  Result<Reply> Stream(model::Engine& engine) {
    const auto run = [](async::Context ctx, model::Engine& its,
                        const model::Call& call) -> async::Task<Result<Reply>> {
      WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream, co_await its.Stream(ctx, call));
      co_return co_await model::Collect(ctx, *stream);
    };
    return loop_.Run(run(ctx_, engine, call_));
  }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  RouteEar ear_;
  model::Call call_;
  std::map<std::string, ScriptedEngine*> spies_;
  std::unique_ptr<Registry> registry_;
};

TEST_F(FallbackTest, AnotherEngineAnswersAndTheReplySaysSo) {
  const auto engine = Chain({Refuses(HttpError(503))}, {Says("hi")});
  const Result<Reply> reply = Call(*engine);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text(), "hi");
  ASSERT_EQ(reply->info.degradations.size(), 1U);
  EXPECT_EQ(reply->info.degradations[0].what, "engine");
  EXPECT_THAT(reply->info.degradations[0].why, HasSubstr("main failed with http_503; safe"));
  ASSERT_EQ(reply->info.attempts.size(), 1U);
  EXPECT_EQ(reply->info.attempts[0].engine, "main");
}

// Of a chain whose second engine has its own model and lists these.
std::unique_ptr<SpyEngine> Listing(std::vector<model::ModelEntry> models) {
  auto spy = std::make_unique<SpyEngine>([](const model::Call&) { return ReplyOf("hi"); });
  spy->info.kind = "ollama";
  spy->info.models = std::move(models);
  return spy;
}

TEST_F(FallbackTest, AModelThatTheFallbackDoesNotHaveGivesWayToItsOwn) {
  struct Case {
    const char* asked;
    const char* sent;
    int described;  // by three calls
  };
  for (const Case& c : {Case{"gpt-x", "", 1},
                        {"llama3.1", "llama3.1", 0},
                        {"other", "other", 1},
                        {"tagged", "tagged", 1},
                        {"sql", "sql", 0},
                        {"", "", 0}}) {
    SCOPED_TRACE(c.asked);
    auto spy = Listing({{.id = "llama3.1"}, {.id = "other"}, {.id = "tagged:latest"}});
    SpyEngine* const safe = spy.get();
    std::vector<Route> routes;
    routes.push_back(
        {.name = "main",
         .engine = std::make_shared<ScriptedEngine>(
             std::deque{Refuses(HttpError(503)), Refuses(HttpError(503)), Refuses(HttpError(503))}),
         .breaker = {}});
    routes.push_back({.name = "safe",
                      .engine = std::move(spy),
                      .breaker = {},
                      .model = "llama3.1",
                      .names = {"sql"}});
    const auto engine = NewFallbackEngine(std::move(routes));
    call_.model = c.asked;
    const Result<Reply> reply = Call(*engine);
    ASSERT_TRUE(reply);
    ASSERT_TRUE(Stream(*engine));
    ASSERT_TRUE(Call(*engine));
    ASSERT_EQ(safe->calls.size(), 3U);
    for (const model::Call& sent : safe->calls) EXPECT_EQ(sent.model, c.sent);
    EXPECT_EQ(safe->described, c.described);
    const bool changed = std::string_view(c.asked) != c.sent;
    ASSERT_EQ(reply->info.degradations.size(), changed ? 2U : 1U);
    if (!changed) continue;
    EXPECT_EQ(reply->info.degradations[1].what, "model");
    EXPECT_EQ(reply->info.degradations[1].why,
              "the model gpt-x is not there at safe; its own llama3.1 was used");
  }
}

TEST_F(FallbackTest, TheTimeThatWasLostCounts) {
  ScriptedAnswer slow = Refuses(HttpError(503));
  slow.before_each = 2s;
  const auto engine = Chain({slow}, {Says("hi")});
  const Result<Reply> reply = Call(*engine);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->info.total, 2s);
}

TEST_F(FallbackTest, ErrorsOfTheCallStayWithItsEngine) {
  const auto engine = Chain({Refuses(HttpError(400))}, {Says("hi")});
  const Result<Reply> reply = Call(*engine);
  ASSERT_FALSE(reply);
  EXPECT_EQ(Name(reply.error()), "http_400");
  EXPECT_EQ(spies_["safe"]->calls, 0);
}

TEST_F(FallbackTest, AnOutageIsToldOnceAndItsEngineIsLeftAloneUntilItIsBack) {
  const auto engine =
      Chain({Refuses(HttpError(503)), Refuses(HttpError(503)), Says("back")}, {Says("hi")});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Call(*engine));
  EXPECT_EQ(spies_["main"]->calls, 2);
  EXPECT_THAT(ear_.heard, ElementsAre("engine:fallback first", "health.fail", "engine:fallback"));

  ear_.heard.clear();
  ASSERT_TRUE(loop_.Run(async::Sleep(ctx_, 10s)));
  const Result<Reply> reply = Call(*engine);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text(), "back");
  EXPECT_THAT(reply->info.degradations, IsEmpty());
  EXPECT_THAT(ear_.heard, ElementsAre("health.ok"));
}

TEST_F(FallbackTest, NothingFallsBackAfterTheFirstToken) {
  ScriptedAnswer breaks = Says("half");
  breaks.pieces.back().finish = model::Finish::kNone;
  breaks.broken = Error{.code = Code::kStreamTruncated, .message = "cut"};
  const auto engine = Chain({breaks}, {Says("hi")});
  const Result<Reply> reply = Stream(*engine);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kStreamTruncated);
  EXPECT_EQ(spies_["safe"]->calls, 0);
}

TEST_F(FallbackTest, AStreamFallsBackBeforeItsFirstToken) {
  const auto engine = Chain({Refuses(HttpError(503))}, {Says("hi")});
  const Result<Reply> reply = Stream(*engine);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->info.degradations.size(), 1U);
}

TEST_F(FallbackTest, WhenAllFailTheErrorNamesThemAll) {
  const auto engine = Chain({Refuses(HttpError(503))}, {Refuses(HttpError(500))});
  const Result<Reply> reply = Call(*engine);
  ASSERT_FALSE(reply);
  EXPECT_EQ(Name(reply.error()), "http_500");
  EXPECT_THAT(reply.error().message, HasSubstr("(before it, main failed with http_503)"));
  ASSERT_NE(reply.error().trail, nullptr);
  ASSERT_EQ(reply.error().trail->info.attempts.size(), 1U);
  EXPECT_EQ(reply.error().trail->info.attempts[0].engine, "main");
}

TEST_F(FallbackTest, EveryTryOfAnEngineThatGaveUpIsNamed) {
  Error tried = HttpError(503);
  model::CallTrail trail;
  trail.info.attempts = {{.error = HttpError(500), .duration = 2s, .waited = 1s}};
  SetTrail(tried, std::move(trail));
  const auto engine = Chain({Refuses(tried)}, {Says("hi")});
  const Result<Reply> reply = Call(*engine);
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->info.attempts.size(), 2U);
  EXPECT_EQ(Name(*reply->info.attempts[0].error), "http_500");
  EXPECT_EQ(reply->info.attempts[0].engine, "main");
  EXPECT_EQ(Name(*reply->info.attempts[1].error), "http_503");
}

class Described final : public model::Engine {
 public:
  explicit Described(Result<model::EngineInfo> info) : info_(std::move(info)) {}
  async::Task<Result<Reply>> Call(async::Context /*ctx*/, const model::Call& /*call*/) override {
    co_return Fail(Code::kInternal, "nobody calls");
  }
  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context /*ctx*/, const model::Call& /*call*/) override {
    co_return Fail(Code::kInternal, "nobody calls");
  }
  async::Task<Result<model::EngineInfo>> Describe(async::Context /*ctx*/) override {
    co_return info_;
  }

 private:
  const Result<model::EngineInfo> info_;
};

TEST_F(FallbackTest, AChainIsThereWhenOneOfItsEnginesIs) {
  const Error gone{.code = Code::kConnectionError, .message = "gone"};
  const model::EngineInfo main{.name = "main", .models = {{.id = "m"}}};
  const model::EngineInfo safe{
      .name = "safe", .model = "s", .dialect = "ollama", .models = {{.id = "s"}}};
  const auto described = [&](Result<model::EngineInfo> first, Result<model::EngineInfo> second) {
    std::vector<RegisteredEngine> engines(2);
    const std::pair<const char*, Result<model::EngineInfo>> both[] = {{"main", std::move(first)},
                                                                      {"safe", std::move(second)}};
    for (std::size_t i = 0; i < 2; ++i) {
      engines[i].name = both[i].first;
      const std::shared_ptr<model::Engine> engine = std::make_shared<Described>(both[i].second);
      engines[i].make = [engine] { return Result<std::shared_ptr<model::Engine>>(engine); };
    }
    engines[0].fallback = {"safe"};
    registry_ = *Registry::Make(std::move(engines), {});
    const std::shared_ptr<model::Engine> chain = *registry_->Get("main");
    return loop_.Run(chain->Describe(ctx_));
  };
  EXPECT_EQ(described(main, safe)->models.size(), 1U);
  const Result<model::EngineInfo> later = described(std::unexpected(gone), safe);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->name, "safe");
  EXPECT_THAT(later->models, IsEmpty()) << "it is asked for its own model";
  EXPECT_EQ(later->model + later->dialect, "") << "what is said of it is not true of main";
  EXPECT_EQ(described(std::unexpected(gone), std::unexpected(gone)).error().message, "gone");
}

class RegistryTest : public FallbackTest {
 protected:
  std::vector<RegisteredEngine> Engines() {
    std::vector<RegisteredEngine> engines;
    engines.push_back(Registered("main", {Says("main")}));
    engines.push_back(Registered("safe", {Says("safe")}));
    engines[1].priority = 50;
    return engines;
  }

  std::string Answer(Registry& registry, std::string_view name) {
    const Result<std::shared_ptr<model::Engine>> engine = registry.Get(name);
    return engine ? Call(**engine)->text() : engine.error().message;
  }
};

TEST_F(RegistryTest, NamesRolesAndPriorities) {
  const auto registry =
      *Registry::Make(Engines(), {.roles = {{"fast", {"main", "safe"}}}, .providers = {}});
  EXPECT_EQ(Answer(*registry, "main"), "main");
  EXPECT_EQ(Answer(*registry, "fast"), "main");
  EXPECT_EQ(Answer(*registry, ""), "safe") << "the lowest priority";
  EXPECT_EQ(Answer(*registry, "mian"),
            "the call names the engine 'mian', which is not there; did you mean 'main'?");
}

TEST_F(RegistryTest, WhatAFileNamesMustBeThere) {
  auto dangling = Engines();
  dangling[0].fallback = {"sage"};
  EXPECT_THAT(Registry::Make(std::move(dangling), {}).error().message,
              HasSubstr("did you mean 'safe'?"));
  auto circle = Engines();
  circle[0].fallback = {"safe"};
  circle[1].fallback = {"main"};
  EXPECT_THAT(Registry::Make(std::move(circle), {}).error().message,
              HasSubstr("main -> safe -> main"));
  EXPECT_FALSE(Registry::Make(Engines(), {.roles = {{"r", {"x"}}}, .providers = {}}));
  EXPECT_FALSE(Registry::Make(Engines(), {.roles = {}, .providers = {{"p", "x"}}}));
  auto twice = Engines();
  twice[1].name = "main";
  EXPECT_THAT(Registry::Make(std::move(twice), {}).error().message, HasSubstr("are called"));
}

// R-FAC-01 ... R-FAC-04, R-TST-09.
TEST_F(RegistryTest, ProvidersAreResolvedLeniently) {
  const auto plain = *Registry::Make(Engines(), {});
  EXPECT_EQ(plain->ResolveProvider("ollama").engine, "safe");
  EXPECT_EQ(plain->ResolveProvider("vllm").engine, "main");
  for (const auto& none :
       {std::optional<std::string_view>(), std::optional<std::string_view>("")}) {
    EXPECT_EQ(plain->ResolveProvider(none).engine, "safe");
    EXPECT_FALSE(plain->ResolveProvider(none).warning);
  }
  const Resolution unknown = plain->ResolveProvider("foo");
  EXPECT_EQ(unknown.engine, "safe");
  EXPECT_THAT(unknown.warning.value_or(""), HasSubstr("'foo'"));

  const auto named = *Registry::Make(
      Engines(), {.roles = {}, .providers = {{"vllm", "safe"}, {"*", "main"}, {"", "main"}}});
  EXPECT_EQ(named->ResolveProvider("vllm").engine, "safe");
  EXPECT_EQ(named->ResolveProvider("foo").engine, "main");
  EXPECT_EQ(named->ResolveProvider("").engine, "main");
}

}  // namespace
}  // namespace weir::engine
