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

TEST_F(BudgetTest, CostsComeFromUsageAndAreUnsetWhereSomethingIsUnknown) {
  Open();
  EXPECT_EQ(Call()->info.cost, std::nullopt);
  options_.prices = {.input = 2.0, .output = 10.0, .cached_input = {}};
  Open();
  EXPECT_DOUBLE_EQ(Call()->info.cost.value(), (100 * 2.0 + 20 * 10.0) / 1e6);
  EXPECT_DOUBLE_EQ(Stream()->info.cost.value(), (100 * 2.0 + 20 * 10.0) / 1e6);
  options_.prices.cached_input = 0.5;
  Open();
  EXPECT_EQ(Call()->info.cost, std::nullopt);
  answer_->usage.cached_tokens = 60;
  EXPECT_DOUBLE_EQ(Call()->info.cost.value(), (40 * 2.0 + 60 * 0.5 + 20 * 10.0) / 1e6);
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

TEST(SharedBudgetTest, TheCeilingHoldsOverManyThreads) {
  const auto budget =
      std::make_shared<SharedBudget>(SharedBudgetOptions{.max_tokens = 1000, .max_cost = 5.0});
  std::vector<std::thread> threads;
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
