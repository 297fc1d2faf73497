#include "weir/engine/budget_engine.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/engine/spies_testing.h"
#include "weir/text/token_estimate.h"

namespace weir::engine {
namespace {

using model::Reply;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class FakeCounter final : public TokenCounter {
 public:
  explicit FakeCounter(std::optional<std::int64_t> tokens) : tokens_(tokens) {}

  async::Task<Result<std::int64_t>> CountTokens(async::Context /*ctx*/,
                                                const model::Call& /*call*/) override {
    ++asked;
    if (!tokens_) co_return Fail(Code::kConnectionError, "nobody is there");
    co_return *tokens_;
  }

  int asked = 0;

 private:
  const std::optional<std::int64_t> tokens_;
};

// Tells of one model with a window of 2048, as long as it can be reached in time.
class FarEngine final : public model::Engine {
 public:
  async::Task<Result<Reply>> Call(async::Context /*ctx*/, const model::Call& /*call*/) override {
    co_return ReplyOf("ok");
  }
  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context /*ctx*/, const model::Call& /*call*/) override {
    co_return Fail(Code::kInternal, "not streamed here");
  }
  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    ++described;
    WEIR_CO_CHECK(co_await async::Sleep(ctx, delay));
    if (!reachable) co_return Fail(Code::kConnectionError, "nobody is there");
    model::EngineInfo info;
    info.models = {{.id = "base", .max_model_len = 2048}};
    co_return info;
  }

  int described = 0;
  bool reachable = true;
  Duration delay{};
};

class BudgetTest : public testing::Test {
 protected:
  BudgetTest() {
    call_.messages.push_back(model::Message::Text(model::Role::kUser, "hi"));
    options_.engine = "main";
  }

  void Open() {
    auto spy = std::make_unique<SpyEngine>([this](const model::Call&) { return answer_; });
    spy_ = spy.get();
    spy_->info.models = {{.id = "base", .max_model_len = 2048}, {.id = "sql", .parent = "base"}};
    engine_ = NewBudgetEngine(std::move(spy), options_, shared_, counter_);
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
  void SetPrompt(std::int64_t words) {
    std::string text;
    for (std::int64_t i = 0; i < words; ++i) text += "water ";
    call_.messages[0] = model::Message::Text(model::Role::kUser, text);
  }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  BudgetOptions options_;
  std::shared_ptr<SharedBudget> shared_;
  std::shared_ptr<FakeCounter> counter_;
  Result<Reply> answer_ = ReplyOf("ok", {.prompt_tokens = 100, .completion_tokens = 20});
  model::Call call_;
  std::unique_ptr<model::Engine> engine_;
  SpyEngine* spy_ = nullptr;
};

// R-BUD-01.
TEST_F(BudgetTest, WhatDoesNotFitIsRefusedWithTheNumbersAndNotSent) {
  Open();
  SetPrompt(3000);
  call_.budget.context_window = 4096;
  call_.sampling.max_tokens = 2000;
  for (const bool streamed : {false, true}) {
    const Result<Reply> reply = streamed ? Stream() : Call();
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Code::kBudgetExceeded);
    EXPECT_THAT(reply.error().message, HasSubstr("4096"));
    EXPECT_THAT(reply.error().message, HasSubstr("max_tokens 2000"));
  }
  EXPECT_THAT(spy_->calls, IsEmpty());
  call_.sampling.max_tokens = 500;
  EXPECT_TRUE(Call());
  EXPECT_EQ(spy_->described, 0);
}

TEST_F(BudgetTest, WithoutMaxTokensOnlyAPromptThatDoesNotFitAloneIsRefused) {
  Open();
  call_.budget.context_window = 2000;
  SetPrompt(1900);
  EXPECT_TRUE(Call());
  SetPrompt(2100);
  ASSERT_EQ(Call().error().code, Code::kBudgetExceeded);
  call_.sampling.truncate_prompt_tokens = -1;
  EXPECT_TRUE(Call());
}

TEST_F(BudgetTest, TheServersWindowCountsAndIsAskedOnceAndNotForSmallCalls) {
  Open();
  ASSERT_TRUE(Call());
  EXPECT_EQ(spy_->described, 0);
  SetPrompt(2100);
  for (const std::string name : {"", "base", "sql"}) {
    call_.adapter = name == "sql" ? name : "";
    call_.model = name == "sql" ? "" : name;
    EXPECT_EQ(Call().error().code, Code::kBudgetExceeded) << name;
  }
  EXPECT_EQ(spy_->described, 1);
  call_.adapter.clear();
  call_.model = "unknown";
  EXPECT_TRUE(Call());
}

TEST_F(BudgetTest, WindowsStayKnownWhenTheServerCannotBeAskedAgain) {
  auto far = std::make_unique<FarEngine>();
  FarEngine& server = *far;
  const auto engine = NewBudgetEngine(std::move(far), options_);
  SetPrompt(2100);
  const auto refused = [&](async::Context ctx) {
    const Result<Reply> reply = loop_.Run(engine->Call(ctx, call_));
    return !reply && reply.error().code == Code::kBudgetExceeded;
  };
  ASSERT_TRUE(refused(ctx_));
  ASSERT_TRUE(loop_.Run(async::Sleep(ctx_, std::chrono::minutes(11))));
  server.reachable = false;
  EXPECT_TRUE(refused(ctx_));
  EXPECT_TRUE(refused(ctx_));
  EXPECT_EQ(server.described, 2);
}

TEST_F(BudgetTest, ACallerWhoseTimeRanOutSaysNothingOfTheServer) {
  auto far = std::make_unique<FarEngine>();
  FarEngine& server = *far;
  server.delay = std::chrono::seconds(5);
  const auto engine = NewBudgetEngine(std::move(far), options_);
  SetPrompt(2100);
  (void)loop_.Run(engine->Call(ctx_.WithTimeout(std::chrono::seconds(1)), call_));
  EXPECT_EQ(server.described, 1);
  const Result<Reply> next = loop_.Run(engine->Call(ctx_, call_));
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, Code::kBudgetExceeded);
  EXPECT_EQ(server.described, 2);
}

TEST_F(BudgetTest, AnExactBudgetCountsWhatIsNotSureToFit) {
  counter_ = std::make_shared<FakeCounter>(50);
  Open();
  call_.budget.context_window = 4096;
  ASSERT_TRUE(Call());
  EXPECT_EQ(counter_->asked, 0);
  SetPrompt(5000);
  EXPECT_TRUE(Call());
  EXPECT_EQ(counter_->asked, 1);
}

TEST_F(BudgetTest, ACountThatFailsIsReplacedByTheEstimate) {
  counter_ = std::make_shared<FakeCounter>(std::nullopt);
  Open();
  call_.budget.context_window = 4096;
  SetPrompt(5000);
  const Result<Reply> reply = Call();
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().message, HasSubstr("about 50"));
  EXPECT_EQ(counter_->asked, 1);
}

TEST_F(BudgetTest, ACeilingOfTheCallCountsAllCandidatesAndBecomesALimit) {
  Open();
  call_.budget.max_total_tokens = 500;
  call_.sampling.max_tokens = 200;
  ASSERT_TRUE(Call());
  call_.sampling.n = 3;
  const Result<Reply> refused = Call();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("3 candidates"));
  call_.sampling.max_tokens.reset();
  call_.sampling.n.reset();
  ASSERT_TRUE(Call());
  EXPECT_EQ(spy_->calls.back().sampling.max_tokens, 500 - text::EstimateTokens(call_));
}

TEST_F(BudgetTest, ACeilingBeyondTheWindowIsNoLimitAndReservesWhatFits) {
  shared_ = std::make_shared<SharedBudget>(SharedBudgetOptions{.max_tokens = 3000});
  Open();  // a window of 2048
  for (const std::optional<std::int64_t> truncated : {std::optional<std::int64_t>(), {-1}}) {
    call_.budget.max_total_tokens = 100'000;
    call_.sampling.truncate_prompt_tokens = truncated;
    ASSERT_TRUE(Call());
    EXPECT_EQ(spy_->calls.back().sampling.max_tokens, std::nullopt);
    call_.budget.max_total_tokens = 2000;
    ASSERT_TRUE(Call());
    EXPECT_EQ(spy_->calls.back().sampling.max_tokens, 2000 - text::EstimateTokens(call_));
  }
  EXPECT_EQ(spy_->described, 1);
  answer_ = Fail(Code::kTimeout, "late");
  call_.budget.max_total_tokens = 100'000;
  const std::int64_t before = shared_->spent_tokens();
  EXPECT_EQ(Call().error().code, Code::kTimeout);
  EXPECT_EQ(shared_->spent_tokens() - before, 2048);
}

TEST_F(BudgetTest, NumbersThatNoServerCanServeAreRefusedAndDoNotOverflow) {
  shared_ = std::make_shared<SharedBudget>(SharedBudgetOptions{.max_tokens = 300});
  const auto refused = [this] {
    const Result<Reply> reply = Call();
    return !reply && reply.error().code == Code::kBudgetExceeded;
  };
  Open();
  for (const std::int64_t most : {std::int64_t{INT64_MAX}, std::int64_t{1} << 62}) {
    call_.sampling.max_tokens = most;
    call_.sampling.n = most == INT64_MAX ? 1 : 3;
    call_.budget = {.context_window = 4096, .max_total_tokens = {}};
    EXPECT_TRUE(refused()) << most;
    call_.budget = {.context_window = INT64_MAX, .max_total_tokens = 500};
    EXPECT_TRUE(refused()) << most;
    call_.budget = {.context_window = INT64_MAX, .max_total_tokens = {}};
    EXPECT_TRUE(refused()) << most;
  }
  call_.budget = {};
  call_.sampling.n.reset();
  call_.sampling.max_tokens = INT64_MIN;
  EXPECT_TRUE(refused());  // as without a limit: 1024 of 300
  EXPECT_THAT(spy_->calls, IsEmpty());
}

TEST_F(BudgetTest, CostsComeFromUsageAndAreUnsetWhereSomethingIsUnknown) {
  Open();
  EXPECT_EQ(Call()->info.cost, std::nullopt);
  EXPECT_EQ(Call()->info.currency, "");
  options_.prices = {.input = 2.0, .output = 10.0, .cached_input = {}, .currency = "EUR"};
  Open();
  EXPECT_DOUBLE_EQ(Call()->info.cost.value(), (100 * 2.0 + 20 * 10.0) / 1e6);
  EXPECT_DOUBLE_EQ(Stream()->info.cost.value(), (100 * 2.0 + 20 * 10.0) / 1e6);
  EXPECT_EQ(Call()->info.currency, "EUR");
  EXPECT_EQ(Stream()->info.currency, "EUR");
  options_.prices.cached_input = 0.5;
  Open();
  EXPECT_EQ(Call()->info.cost, std::nullopt);
  answer_->usage.cached_tokens = 60;
  EXPECT_DOUBLE_EQ(Call()->info.cost.value(), (40 * 2.0 + 60 * 0.5 + 20 * 10.0) / 1e6);
  answer_->usage.cached_tokens = 1'000'000;
  EXPECT_DOUBLE_EQ(Call()->info.cost.value(), (100 * 0.5 + 20 * 10.0) / 1e6);
  answer_->usage.completion_tokens = -20;
  EXPECT_EQ(Call()->info.cost, std::nullopt);
  answer_->usage.completion_tokens.reset();
  EXPECT_EQ(Stream()->info.cost, std::nullopt);
}

TEST_F(BudgetTest, WhatIsSpentTogetherIsWhatWasUsed) {
  shared_ = std::make_shared<SharedBudget>(SharedBudgetOptions{.max_tokens = 300});
  Open();
  call_.sampling.max_tokens = 30;
  ASSERT_TRUE(Call());
  ASSERT_TRUE(Stream());
  EXPECT_EQ(shared_->spent_tokens(), 240);
  call_.sampling.max_tokens = 60;
  const Result<Reply> refused = Call();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBudgetExceeded);
  EXPECT_THAT(refused.error().message, HasSubstr("60 are left"));
  EXPECT_THAT(spy_->calls, SizeIs(2));
  call_.sampling.max_tokens = 20;
  EXPECT_TRUE(Call());
}

TEST_F(BudgetTest, AFailedCallGivesBackWhatItReservedAndALostOneDoesNot) {
  shared_ = std::make_shared<SharedBudget>(SharedBudgetOptions{.max_tokens = 1000});
  Open();
  call_.sampling.max_tokens = 600;
  answer_ = Fail(Error{.code = Code::kHttpStatus, .message = "busy", .http_status = 503});
  EXPECT_EQ(Call().error().http_status, 503);
  EXPECT_EQ(shared_->spent_tokens(), 0);
  answer_ = Fail(Code::kTimeout, "late");
  EXPECT_EQ(Call().error().code, Code::kTimeout);
  EXPECT_GT(shared_->spent_tokens(), 600);
  EXPECT_EQ(Call().error().code, Code::kBudgetExceeded);
}

TEST_F(BudgetTest, UsageThatCannotBeTrueCountsAsMuchAsWasReserved) {
  options_.prices = {.input = 2.0, .output = 10.0, .cached_input = {}};
  call_.sampling.max_tokens = 200;
  const std::int64_t reserved = text::EstimateTokens(call_) + 200;
  const model::Usage wrong[] = {{.prompt_tokens = -1'000'000, .completion_tokens = 20},
                                {.prompt_tokens = 100, .completion_tokens = -1},
                                {.prompt_tokens = INT64_MAX, .completion_tokens = INT64_MAX}};
  for (const model::Usage& usage : wrong) {
    for (const bool streamed : {false, true}) {
      shared_ = std::make_shared<SharedBudget>(SharedBudgetOptions{.max_tokens = 1000});
      Open();
      answer_ = ReplyOf("ok", usage);
      ASSERT_TRUE(streamed ? Stream() : Call());
      EXPECT_EQ(shared_->spent_tokens(), reserved);
    }
  }
}

TEST_F(BudgetTest, AttemptsThatTheServerMayHaveWorkedOnCountAsMuchAsWasReserved) {
  call_.sampling.max_tokens = 200;
  const std::int64_t reserved = text::EstimateTokens(call_) + 200;
  const Error late{.code = Code::kTimeout, .message = "late"};
  const Error busy{.code = Code::kHttpStatus, .message = "busy", .http_status = 503};
  const Error cut{.code = Code::kStreamTruncated, .message = "cut"};
  for (const Error& error : {late, busy, cut}) {
    answer_->info.attempts.push_back({.engine = {}, .error = error});
  }
  for (const bool streamed : {false, true}) {
    shared_ = std::make_shared<SharedBudget>(SharedBudgetOptions{.max_tokens = 300});
    Open();
    ASSERT_TRUE(streamed ? Stream() : Call());
    EXPECT_EQ(shared_->spent_tokens(), 2 * reserved + 120);
    EXPECT_EQ(Call().error().code, Code::kBudgetExceeded);
  }
}

TEST_F(BudgetTest, AStreamThatIsGivenUpCountsAsMuchAsItReserved) {
  shared_ = std::make_shared<SharedBudget>(SharedBudgetOptions{.max_tokens = 1000});
  Open();
  call_.sampling.max_tokens = 200;
  {
    const auto unread = loop_.Run(engine_->Stream(ctx_, call_));
    ASSERT_TRUE(unread);
  }
  EXPECT_EQ(shared_->spent_tokens(), 0);
  {
    const auto stream = loop_.Run(engine_->Stream(ctx_, call_));
    model::Delta piece;
    ASSERT_TRUE(loop_.Run((*stream)->Next(ctx_, piece)));
  }
  EXPECT_GE(shared_->spent_tokens(), 200);
}

TEST_F(BudgetTest, ACeilingOfCostNeedsPricesAndIsHeld) {
  shared_ = std::make_shared<SharedBudget>(SharedBudgetOptions{.max_cost = 0.001});
  Open();
  EXPECT_EQ(Call().error().code, Code::kConfigError);
  options_.prices = {.input = 2.0, .output = 10.0, .cached_input = {}};
  Open();
  call_.sampling.max_tokens = 50;
  ASSERT_TRUE(Call());
  EXPECT_NEAR(shared_->spent_cost(), 0.0004, 1e-9);
  ASSERT_TRUE(Call());
  EXPECT_EQ(Call().error().code, Code::kBudgetExceeded);
}

TEST(SharedBudgetTest, SumsEndAtTheLargestNumber) {
  const auto budget = std::make_shared<SharedBudget>(SharedBudgetOptions{});
  std::vector<SharedBudget::Reservation> parts;
  parts.reserve(3);
  for (int i = 0; i < 3; ++i) parts.push_back(SharedBudget::Reserve(budget, 7, -1.0).value());
  for (SharedBudget::Reservation& part : parts) part.Settle(INT64_MAX / 2, 1e300);
  EXPECT_EQ(budget->spent_tokens(), INT64_MAX);
  EXPECT_GT(budget->spent_cost(), 9e9);
  EXPECT_FALSE(SharedBudget::Reserve(budget, INT64_MAX, 0.0));
}

TEST(SharedBudgetTest, TheCeilingHoldsOverManyThreads) {
  const auto budget =
      std::make_shared<SharedBudget>(SharedBudgetOptions{.max_tokens = 1000, .max_cost = 5.0});
  std::vector<std::thread> threads;
  threads.reserve(8);
  std::atomic<int> admitted = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 500; ++j) {
        Result<SharedBudget::Reservation> part = SharedBudget::Reserve(budget, 7, 0.01);
        if (!part) continue;
        part->Settle(3, 0.01);
        ++admitted;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(budget->spent_tokens(), 1000);
  EXPECT_EQ(budget->spent_tokens(), admitted * 3);
  EXPECT_GT(admitted, 300);
}

}  // namespace
}  // namespace weir::engine
