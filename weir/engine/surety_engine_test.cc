#include "weir/engine/surety_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/engine/answers_testing.h"
#include "weir/engine/choose_engine.h"
#include "weir/wire/wire_testing.h"

namespace weir::engine {
namespace {

using model::Reply;
using testing::ElementsAre;
using testing::IsEmpty;

// Keeps events as "name key=value ...".
class FigureEar final : public TraceSink {
 public:
  FigureEar() : TraceSink(false) {}
  void OnEvent(std::string_view name, std::span<const TraceField> fields) override {
    std::string& line = heard.emplace_back(name);
    for (const TraceField& field : fields) {
      StrAppend(line, " ", field.key, "=");
      if (const auto* number = std::get_if<double>(&field.value)) StrAppend(line, *number);
      if (const auto* count = std::get_if<std::int64_t>(&field.value)) StrAppend(line, *count);
    }
  }
  void OnSpanStart(const SpanRecord& /*span*/) override {}
  void OnSpanEnd(const SpanRecord& /*span*/) override {}

  std::vector<std::string> heard;
};

Result<Reply> Sure(double probability, std::string text = "a") {
  Reply reply = ReplyOf({Likely({{std::move(text), probability}})});
  reply.info.cost = 0.5;
  return reply;
}

class SuretyTest : public testing::Test {
 protected:
  SuretyTest() {
    call_ = wire::SimpleCall();
    call_.confidence.threshold = 0.6;
    ctx_.trace = &ear_;
  }

  Result<Reply> Call(std::deque<Result<Reply>> replies) {
    Make(std::move(replies));
    return loop_.Run(engine_->Call(ctx_, call_));
  }
  void Make(std::deque<Result<Reply>> replies) {
    next_ = std::make_shared<ReplyingEngine>(std::move(replies));
    engine_ = NewSuretyEngine(NewChooseEngine(next_), default_temperature_);
  }
  std::string Degraded(const Result<Reply>& reply) const {
    if (!reply || reply->info.degradations.empty()) return "";
    const model::Degradation& last = reply->info.degradations.back();
    return StrCat(last.what, ": ", last.why);
  }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  FigureEar ear_;
  model::Call call_;
  std::optional<double> default_temperature_;
  std::shared_ptr<ReplyingEngine> next_;
  std::unique_ptr<model::Engine> engine_;
};

TEST_F(SuretyTest, ASureAnswerIsAskedForOnce) {
  const Result<Reply> reply = Call({Sure(0.6)});
  EXPECT_EQ(next_->asked.size(), 1U);
  EXPECT_THAT(ear_.heard, IsEmpty());
  EXPECT_THAT(reply->info.degradations, IsEmpty());
}

// R-CNF-03.
TEST_F(SuretyTest, AnUnsureOneIsAskedAgainWithOtherSampling) {
  call_.sampling.temperature = 0.25;
  call_.sampling.seed = 7;
  call_.request_id = "r";
  const Result<Reply> reply = Call({Sure(0.25), Sure(0.75, "b")});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text(), "b");
  ASSERT_EQ(next_->asked.size(), 2U);
  EXPECT_DOUBLE_EQ(*next_->asked[1].sampling.temperature, 0.55);
  EXPECT_EQ(next_->asked[1].sampling.seed, 8);
  EXPECT_EQ(next_->asked[1].request_id, "");
  EXPECT_THAT(
      ear_.heard,
      ElementsAre("confidence.retry confidence=0.25 threshold=0.6 attempt=1 max_retries=1"));
  EXPECT_EQ(reply->usage.total_tokens, 28);
  EXPECT_EQ(reply->info.attempts.size(), 1U);
  EXPECT_DOUBLE_EQ(*reply->info.cost, 1.0);
  EXPECT_EQ(Degraded(reply), "");
}

TEST_F(SuretyTest, TheTemperatureOfARepeat) {
  struct Case {
    std::optional<double> first;
    std::optional<double> engine;
    std::optional<double> rule;
    double expected;
  };
  const Case cases[] = {{0.0, {}, {}, 0.3}, {0.9, {}, {}, 1.0},  {{}, {}, {}, 1.0},
                        {{}, 0.2, {}, 0.5}, {0.1, 0.2, {}, 0.4}, {0.5, {}, 0.9, 0.9}};
  for (const Case& c : cases) {
    call_.sampling.temperature = c.first;
    call_.confidence.temperature = c.rule;
    default_temperature_ = c.engine;
    ASSERT_TRUE(Call({Sure(0.1)}));
    EXPECT_DOUBLE_EQ(*next_->asked.at(1).sampling.temperature, c.expected);
    EXPECT_FALSE(next_->asked.at(1).sampling.seed);
  }
}

TEST_F(SuretyTest, TheSurestOneIsKeptAndTheLimitIsRespected) {
  call_.confidence.max_retries = 2;
  const Result<Reply> reply = Call({Sure(0.25, "a"), Sure(0.41, "b"), Sure(0.3, "c")});
  EXPECT_EQ(reply->text(), "b");
  EXPECT_EQ(next_->asked.size(), 3U);
  EXPECT_EQ(Degraded(reply), "confidence: 0.41 is below the threshold 0.6 after 3 answers");
  EXPECT_EQ(reply->usage.total_tokens, 42);
  EXPECT_EQ(reply->info.attempts.size(), 2U);
  EXPECT_THAT(ear_.heard.back(), testing::HasSubstr("confidence=0.41 threshold=0.6 attempt=2"));
}

TEST_F(SuretyTest, WithoutRetriesItIsOnlySaid) {
  call_.confidence.max_retries = 0;
  EXPECT_EQ(Degraded(Call({Sure(0.5)})),
            "confidence: 0.50 is below the threshold 0.6 after 1 answer");
  EXPECT_EQ(next_->asked.size(), 1U);
}

TEST_F(SuretyTest, TheLeastSureFieldDecides) {
  Result<Reply> weak = ReplyOf({Likely({{R"({"a":)", 1}, {"1", 0.5}, {"}", 1}})});
  const Result<Reply> strong = ReplyOf({Likely({{R"({"a":)", 0.9}, {"2", 0.75}, {"}", 0.9}})});
  EXPECT_EQ(Call({weak, strong})->text(), R"({"a":2})");
}

TEST_F(SuretyTest, TheNameOfAToolDecides) {
  const auto calling = [](double name) {
    model::Choice choice = Likely({{R"({"name":")", 1}, {"f", name}, {R"(","arguments":{}})", 1}});
    choice.text.clear();
    choice.tool_calls = {{"", "f", "{}"}};
    return Result<Reply>(ReplyOf({choice}));
  };
  const Result<Reply> reply = Call({calling(0.5), calling(0.8)});
  EXPECT_EQ(next_->asked.size(), 2U);
  EXPECT_DOUBLE_EQ(*reply->choices[0].confidence->tools[0].of_name, 0.8);
}

TEST_F(SuretyTest, WhatIsNotKnownIsTakenAsItIs) {
  const Result<Reply> reply = Call({ReplyOf({model::Choice{.text = "a"}})});
  EXPECT_EQ(reply->text(), "a");
  EXPECT_EQ(next_->asked.size(), 1U);
}

TEST_F(SuretyTest, WhenAskingAgainFailsWhatThereIsIsKept) {
  const Result<Reply> reply = Call({Sure(0.5), Fail(Code::kTimeout, "too slow")});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text(), "a");
  EXPECT_EQ(Degraded(reply),
            "confidence: 0.50 is below the threshold 0.6 after 1 answer; asking again failed: too "
            "slow");
  EXPECT_FALSE(Call({Fail(Code::kTimeout, "too slow")}));
  EXPECT_FALSE(Call({Sure(0.5), Fail(Code::kCancelled, "gone")}));
}

TEST_F(SuretyTest, WithoutAThresholdNothingIsAskedAgain) {
  call_.confidence = {.report = true};
  ASSERT_TRUE(Call({Sure(0.1)}));
  EXPECT_EQ(next_->asked.size(), 1U);
}

TEST_F(SuretyTest, AStreamIsGatheredAndThatIsSaid) {
  Make({Sure(0.25), Sure(0.75, "b")});
  const auto run = [](async::Context ctx, model::Engine& its,
                      const model::Call& call) -> async::Task<Result<Reply>> {
    WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream, co_await its.Stream(ctx, call));
    co_return co_await model::Collect(ctx, *stream);
  };
  const Result<Reply> reply = loop_.Run(run(ctx_, *engine_, call_));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text(), "b");
  ASSERT_TRUE(reply->choices[0].confidence);
  EXPECT_DOUBLE_EQ(reply->choices[0].confidence->mean, 0.75);
  EXPECT_EQ(reply->usage.total_tokens, 28);
  ASSERT_EQ(reply->info.degradations.size(), 1U);
  EXPECT_EQ(reply->info.degradations[0].what, "stream");
  EXPECT_TRUE(reply->info.degradations[0].routine);
}

}  // namespace
}  // namespace weir::engine
