#include <gtest/gtest.h>

#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/engine/decorators.h"
#include "weir/model/engine_testing.h"

namespace weir::engine {
namespace {

using namespace std::chrono_literals;
using model::Engine;
using model::HttpError;
using model::Refuses;
using model::Reply;
using model::ReplyStream;
using model::Says;
using model::ScriptedAnswer;
using model::ScriptedEngine;

constexpr RetryRule kExact{.max_retries = 3, .base_delay = 1s, .max_delay = 3s, .jitter = 0};

// An engine whose calls take a second; it counts those that run, over all of its kind.
class Busy final : public Engine {
 public:
  Busy(int& running, int& most) : running_(running), most_(most) {}

  async::Task<Result<Reply>> Call(async::Context ctx, const model::Call& call) override {
    most_ = std::max(most_, ++running_);
    const Result<Reply> reply = co_await inner_.Call(ctx, call);
    --running_;
    co_return reply;
  }
  async::Task<Result<std::unique_ptr<ReplyStream>>> Stream(async::Context ctx,
                                                           const model::Call& call) override {
    return inner_.Stream(ctx, call);
  }
  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return inner_.Describe(ctx);
  }

 private:
  static ScriptedAnswer Slow() {
    ScriptedAnswer slow = Says("x");
    slow.before_each = 1s;
    return slow;
  }

  int& running_;
  int& most_;
  ScriptedEngine inner_{std::deque{Slow()}};
};

class DecoratorTest : public testing::Test {
 protected:
  std::unique_ptr<Engine> Retrying(std::deque<ScriptedAnswer> answers, RetryRule rule = kExact) {
    auto scripted = std::make_unique<ScriptedEngine>(std::move(answers));
    spy_ = scripted.get();
    return NewRetryEngine(std::move(scripted), rule, Random(1));
  }

  Result<Reply> Call(Engine& engine) { return loop_.Run(engine.Call(ctx_, call_)); }

  Result<Reply> Stream(Engine& engine) {
    auto run = [](async::Context ctx, Engine& its,
                  const model::Call& call) -> async::Task<Result<Reply>> {
      WEIR_CO_TRY(const std::unique_ptr<ReplyStream> stream, co_await its.Stream(ctx, call));
      co_return co_await model::Collect(ctx, *stream);
    };
    return loop_.Run(run(ctx_, engine, call_));
  }

  Duration Elapsed() const { return loop_.Now() - TimePoint(); }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  model::Call call_;
  ScriptedEngine* spy_ = nullptr;
};

TEST(RetryRule, DelaysGrowByTheMultiplierUpToTheirCap) {
  const RetryRule rule{
      .max_retries = 5, .base_delay = 1s, .multiplier = 3, .max_delay = 10s, .jitter = 0};
  Random random(1);
  std::vector<Duration> delays;
  for (int retry = 1; retry <= 5; ++retry)
    delays.push_back(*RetryDelay(rule, retry, HttpError(500), random));

  EXPECT_EQ(delays, (std::vector<Duration>{1s, 3s, 9s, 10s, 10s}));
  EXPECT_FALSE(RetryDelay(rule, 6, HttpError(500), random).has_value());
}

TEST(RetryRule, JitterOnlyShortens) {
  const RetryRule rule{.base_delay = 10s, .jitter = 0.5};
  Random random(7);
  for (int i = 0; i < 1000; ++i) {
    const Duration delay = *RetryDelay(rule, 1, HttpError(503), random);
    EXPECT_LE(delay, 10s);
    EXPECT_GE(delay, 5s);
  }
}

TEST(RetryRule, OnlyWhatAnotherTryCanMendIsRepeated) {
  Random random(1);
  for (int status = 400; status <= 599; ++status) {
    EXPECT_EQ(RetryDelay(kExact, 1, HttpError(status), random).has_value(), RetryableStatus(status))
        << status;
  }
  for (const Code code :
       {Code::kTruncated, Code::kCancelled, Code::kInvalidRequest, Code::kProtocolError,
        Code::kContextLength, Code::kUnsupportedParam, Code::kBudgetExceeded}) {
    EXPECT_FALSE(RetryDelay(kExact, 1, Error{.code = code}, random).has_value());
  }
  for (const Code code : {Code::kTimeout, Code::kConnectionError, Code::kStreamTruncated,
                          Code::kStreamIdleTimeout, Code::kEmptyModelResponse}) {
    EXPECT_TRUE(RetryDelay(kExact, 1, Error{.code = code}, random).has_value());
  }
}

TEST(RetryRule, RetryAfterIsObeyedUnlessItAsksForTooMuch) {
  Random random(1);
  Error busy = HttpError(429);
  busy.retry_after = 7s;
  EXPECT_EQ(RetryDelay(kExact, 1, busy, random), Duration(7s));
  // A date of a server whose clock is behind: its own wait stays.
  for (const std::chrono::milliseconds little : {0ms, 300ms}) {
    busy.retry_after = little;
    EXPECT_EQ(RetryDelay(kExact, 1, busy, random), Duration(1s));
    EXPECT_EQ(RetryDelay(kExact, 2, busy, random), Duration(2s));
  }
  busy.retry_after = 1h;
  EXPECT_FALSE(RetryDelay(kExact, 1, busy, random).has_value());
}

TEST(RetryBudget, StopsRetriesWhenHalfIsSpentAndRecoversWithSuccess) {
  RetryBudget budget(10);
  for (int i = 0; i < 5; ++i) budget.OnFailure();
  EXPECT_FALSE(budget.Allows());
  for (int i = 0; i < 10; ++i) budget.OnSuccess();
  EXPECT_TRUE(budget.Allows());
}

TEST_F(DecoratorTest, CallIsRepeatedUntilItSucceedsAndSaysSo) {
  const auto engine = Retrying({Refuses(HttpError(500)), Refuses(HttpError(503)), Says("hi")});

  const Result<Reply> reply = Call(*engine);

  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->text(), "hi");
  EXPECT_EQ(Elapsed(), 3s);
  ASSERT_EQ(reply->info.attempts.size(), 2U);
  EXPECT_EQ(Name(*reply->info.attempts[1].error), "http_503");
  EXPECT_EQ(reply->info.attempts[1].waited, 2s);
  EXPECT_EQ(reply->info.total, 3s);
}

TEST_F(DecoratorTest, ExhaustedRetriesReportTheLastErrorAndTheirNumber) {
  const auto engine = Retrying({Refuses(HttpError(500))});

  const Result<Reply> reply = Call(*engine);

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(Name(reply.error()), "http_500");
  EXPECT_NE(reply.error().message.find("after 4 attempts"), std::string::npos);
  EXPECT_EQ(spy_->calls, 4);
  ASSERT_NE(reply.error().trail, nullptr);
  ASSERT_EQ(reply.error().trail->info.attempts.size(), 3U);
  EXPECT_EQ(reply.error().trail->info.attempts[1].waited, 2s);
}

TEST_F(DecoratorTest, ABadRequestIsSentOnce) {
  const auto engine = Retrying({Refuses(HttpError(400))});

  EXPECT_FALSE(Call(*engine).has_value());
  EXPECT_EQ(spy_->calls, 1);
  EXPECT_EQ(Elapsed(), 0s);
}

TEST_F(DecoratorTest, AStreamIsRepeatedUntilItsFirstPiece) {
  ScriptedAnswer silent;
  silent.broken = Error{.code = Code::kStreamTruncated};
  const auto engine = Retrying({Refuses(HttpError(503)), silent, Says("hi")});

  const Result<Reply> reply = Stream(*engine);

  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->text(), "hi");
  EXPECT_EQ(reply->info.attempts.size(), 2U);
  EXPECT_EQ(spy_->calls, 3);
}

TEST_F(DecoratorTest, AStreamIsNeverRepeatedAfterItsFirstPiece) {
  ScriptedAnswer cut = Says("half");
  cut.pieces.pop_back();
  cut.broken = Error{.code = Code::kStreamTruncated};
  const auto engine = Retrying({cut, Says("never")});

  const Result<Reply> reply = Stream(*engine);

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, Code::kStreamTruncated);
  EXPECT_EQ(spy_->calls, 1);
}

TEST_F(DecoratorTest, AStreamThatEndsWithoutContentIsRepeated) {
  ScriptedAnswer empty;
  model::Delta end;
  end.has_choice = true;
  end.finish = model::Finish::kStop;
  empty.pieces = {end};
  empty.broken = Error{.code = Code::kEmptyModelResponse};
  const auto engine = Retrying({empty, Says("hi")});

  const Result<Reply> reply = Stream(*engine);

  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->text(), "hi");
  ASSERT_EQ(reply->info.attempts.size(), 1U);
  EXPECT_EQ(Name(*reply->info.attempts[0].error), "empty_model_response");
  EXPECT_EQ(spy_->calls, 2);
}

TEST_F(DecoratorTest, PiecesWithoutContentAreHandedOnInTheirOrder) {
  for (const std::size_t empty : {0, 3, 40}) {
    ScriptedAnswer answer = Says("hi");
    const std::size_t pieces = answer.pieces.size() + empty;
    model::Delta nothing;
    nothing.has_choice = true;
    answer.pieces.insert(answer.pieces.begin(), empty, nothing);
    const auto engine = Retrying({answer});
    auto count = [](async::Context ctx, Engine& its,
                    const model::Call& call) -> async::Task<std::pair<std::size_t, std::size_t>> {
      const Result<std::unique_ptr<ReplyStream>> stream = co_await its.Stream(ctx, call);
      std::size_t before = 0;
      std::size_t all = 0;
      model::Delta piece;
      for (;; ++all) {
        const Result<bool> more = co_await (*stream)->Next(ctx, piece);
        if (!more || !*more) break;
        if (piece.text.empty() && before == all) ++before;
      }
      co_return std::pair(before, all);
    };

    EXPECT_EQ(loop_.Run(count(ctx_, *engine, call_)), std::pair(empty, pieces));
  }
}

TEST_F(DecoratorTest, NoRetryWaitsPastTheDeadlineOfTheCall) {
  ctx_ = ctx_.WithTimeout(2500ms);
  const auto engine = Retrying({Refuses(HttpError(500))});

  const Result<Reply> reply = Call(*engine);

  EXPECT_EQ(Name(reply.error()), "http_500");
  EXPECT_EQ(spy_->calls, 2);
  EXPECT_EQ(Elapsed(), 1s);
}

TEST_F(DecoratorTest, CancellingEndsTheWaitForARetry) {
  async::Cancellation cancellation;
  ctx_.cancellation = &cancellation;
  async::Alarm alarm(loop_, [&] { cancellation.Cancel(); });
  alarm.Arm(loop_.Now() + 500ms);
  const auto engine = Retrying({Refuses(HttpError(500))});

  const Result<Reply> reply = Call(*engine);
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, Code::kCancelled);
  EXPECT_EQ(spy_->calls, 1);
  EXPECT_EQ(Elapsed(), 500ms);
  ASSERT_EQ(model::TrailOf(reply.error()).info.attempts.size(), 1U) << "the try was one";
}

// Keeps the names of events and one of their fields.
class ErrorEar final : public TraceSink {
 public:
  ErrorEar() : TraceSink(false) {}

  void OnEvent(std::string_view name, std::span<const TraceField> fields) override {
    std::string line(name);
    for (const TraceField& field : fields) {
      if (field.key == "error") line += StrCat(" ", std::get<std::string_view>(field.value));
    }
    heard.push_back(std::move(line));
  }
  void OnSpanStart(const SpanRecord& /*span*/) override {}
  void OnSpanEnd(const SpanRecord& /*span*/) override {}

  std::vector<std::string> heard;
};

TEST_F(DecoratorTest, RetriesAreAnnouncedBeforeTheirWait) {
  ErrorEar ear;
  ctx_.trace = &ear;
  ctx_.deadline = loop_.Now() + 1500ms;  // time for the first wait alone
  const auto engine = Retrying({Refuses(HttpError(500))});

  EXPECT_FALSE(Call(*engine).has_value());
  EXPECT_EQ(ear.heard, std::vector<std::string>{"provider:retry http_500"});
}

TEST_F(DecoratorTest, AnOpenBreakerEndsTheRetries) {
  ErrorEar ear;
  ctx_.trace = &ear;
  auto scripted = std::make_unique<ScriptedEngine>(std::deque{Refuses(HttpError(500))});
  spy_ = scripted.get();
  const auto breaker = std::make_shared<Breaker>(BreakerOptions{.failures = 2});
  const auto engine = NewRetryEngine(std::move(scripted), kExact, Random(1), breaker);

  EXPECT_FALSE(Call(*engine).has_value());
  EXPECT_EQ(spy_->calls, 2);
  EXPECT_EQ(ear.heard,
            (std::vector<std::string>{"provider:retry http_500", "health.fail http_500"}));
  EXPECT_EQ(breaker->state(loop_.Now()), Breaker::State::kOpen);
}

TEST_F(DecoratorTest, LimitCountsCallsAndWholeStreams) {
  ScriptedAnswer slow = Says("x");
  slow.before_each = 1s;
  auto scripted = std::make_unique<ScriptedEngine>(std::deque{slow});
  spy_ = scripted.get();
  const auto engine = NewLimitEngine(std::move(scripted), {.max_in_flight = 2});
  auto one = [](async::Context ctx, Engine& its, const model::Call& call,
                int& done) -> async::Task<void> {
    const Result<std::unique_ptr<ReplyStream>> stream = co_await its.Stream(ctx, call);
    if (!stream) co_return;
    const Result<Reply> reply = co_await model::Collect(ctx, **stream);
    if (reply) ++done;
  };
  auto all = [](async::Context ctx, auto& start, Engine& its, const model::Call& call,
                int& done) -> async::Task<void> {
    async::TaskScope scope(ctx);
    for (int i = 0; i < 6; ++i) scope.Spawn(start(ctx, its, call, done));
    co_await scope.Join();
  };
  int done = 0;

  loop_.Run(all(ctx_, one, *engine, call_, done));

  EXPECT_EQ(done, 6);
  EXPECT_EQ(spy_->most_running, 2);
  EXPECT_EQ(spy_->running, 0);
  EXPECT_EQ(Elapsed(), 6s);
}

TEST_F(DecoratorTest, SharedPlacesBoundTheCallsOfAllEnginesTogether) {
  const auto shared = std::make_shared<async::Semaphore>(async::SemaphoreOptions{.permits = 3});
  int running = 0;
  int most_running = 0;
  std::array<std::unique_ptr<Engine>, 2> engines;
  for (std::unique_ptr<Engine>& engine : engines) {
    engine =
        NewLimitEngine(std::make_unique<Busy>(running, most_running), {.max_in_flight = 2}, shared);
  }
  auto ask = [](async::Context ctx, Engine& its, const model::Call& call) -> async::Task<void> {
    co_await its.Call(ctx, call);
  };
  auto all = [](async::Context ctx, auto& start, auto& its,
                const model::Call& call) -> async::Task<void> {
    async::TaskScope scope(ctx);
    for (std::size_t i = 0; i < 12; ++i) scope.Spawn(start(ctx, *its[i % 2], call));
    co_await scope.Join();
  };

  loop_.Run(all(ctx_, ask, engines, call_));

  EXPECT_EQ(most_running, 3);
  EXPECT_EQ(running, 0);
  EXPECT_EQ(shared->in_use(), 0U);
}

TEST_F(DecoratorTest, DroppingALimitedStreamFreesItsPlace) {
  auto scripted = std::make_unique<ScriptedEngine>(std::deque{Says("x")});
  const auto engine = NewLimitEngine(std::move(scripted), {.max_in_flight = 1});
  auto run = [](async::Context ctx, Engine& its, const model::Call& call) -> async::Task<bool> {
    {
      const Result<std::unique_ptr<ReplyStream>> dropped = co_await its.Stream(ctx, call);
      if (!dropped) co_return false;
    }
    const Result<Reply> next = co_await its.Call(ctx, call);
    co_return next.has_value();
  };

  EXPECT_TRUE(loop_.Run(run(ctx_, *engine, call_)));
}

}  // namespace
}  // namespace weir::engine
