#include "weir/engine/surety_engine.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "weir/base/text.h"
#include "weir/engine/answers.h"

namespace weir::engine {
namespace {

using model::Reply;

constexpr double kWarmer = 0.3;
constexpr double kWarmest = 1.0;

// nullopt: nothing is known of it.
std::optional<double> SuretyOf(const Reply& reply) {
  if (reply.choices.empty() || !reply.choices.front().confidence) return std::nullopt;
  const model::Confidence& confidence = *reply.choices.front().confidence;
  double surety = confidence.mean;
  for (const model::FieldConfidence& field : confidence.fields) {
    surety = std::min(surety, field.confidence);
  }
  for (const model::ToolConfidence& tool : confidence.tools) {
    surety = std::min(surety, tool.of_name.value_or(surety));
  }
  return surety;
}

// Two digits, rounded down: what is below a threshold never looks as if it were not.
std::string Rounded(double value) {
  constexpr double kNoise = 1e-9;  // 0.29 * 100 is less than 29
  const auto hundredths = static_cast<std::int64_t>(std::floor(value * 100 + kNoise));
  const std::int64_t rest = hundredths % 100;
  return StrCat(hundredths / 100, rest < 10 ? ".0" : ".", rest);
}

class SuretyEngine final : public model::Engine {
 public:
  SuretyEngine(std::shared_ptr<model::Engine> next, std::optional<double> default_temperature)
      : next_(std::move(next)), default_temperature_(default_temperature) {}

  async::Task<Result<Reply>> Call(async::Context ctx, const model::Call& call) override {
    return call.confidence.threshold ? AskUntilSure(ctx, call) : next_->Call(ctx, call);
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    return call.confidence.threshold ? Gathered(ctx, call) : next_->Stream(ctx, call);
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return next_->Describe(ctx);
  }

 private:
  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Gathered(async::Context ctx,
                                                                    const model::Call& call) {
    WEIR_CO_TRY(Reply reply, co_await AskUntilSure(ctx, call));
    reply.info.degradations.push_back(
        {.what = "stream",
         .why = "how sure an answer is, is known at its end: this one came in one piece",
         .routine = true});
    co_return NewBufferedStream(std::move(reply));
  }

  async::Task<Result<Reply>> AskUntilSure(async::Context ctx, const model::Call& call) {
    async::Span span(ctx, "engine.surety");
    const TimePoint began = ctx.Now();
    const model::ConfidenceRule& rule = call.confidence;
    Result<Reply> best = co_await next_->Call(span.context(), call);
    if (!best) {
      span.Fail(best.error());
      co_return best;
    }
    std::optional<double> surety = SuretyOf(*best);
    if (!surety) co_return best;
    EarlierAnswers others;
    TimePoint start = began;
    Duration best_took = ctx.Now() - start;
    int answers = 1;
    double last = *surety;
    std::optional<Error> failure;
    for (; *surety < *rule.threshold && answers <= rule.max_retries; ++answers) {
      EmitRetry(ctx, rule, last, answers);
      start = ctx.Now();
      const model::Call again = OtherSampling(call, answers);
      Result<Reply> reply = co_await next_->Call(span.context(), again);
      if (!reply) {
        failure = reply.error();
        break;
      }
      const Duration took = ctx.Now() - start;
      last = SuretyOf(*reply).value_or(0);
      if (last > *surety) {
        surety = last;
        std::swap(*best, *reply);
        others.Add(*reply, std::nullopt, std::exchange(best_took, took));
      } else {
        others.Add(*reply, std::nullopt, took);
      }
    }
    others.JoinTo(*best);
    if (failure) model::AddUsage(best->usage, model::TrailOf(*failure).usage);
    best->info.total = ctx.Now() - began;
    if (failure && failure->code == Code::kCancelled) co_return Fail(*std::move(failure));
    if (*surety < *rule.threshold) Explain(*best, *surety, rule, answers, failure);
    co_return best;
  }

  model::Call OtherSampling(const model::Call& call, int retry) const {
    model::Call again = call;
    again.request_id.clear();
    model::Sampling& sampling = again.sampling;
    const std::optional<double> first =
        sampling.temperature ? sampling.temperature : default_temperature_;
    sampling.temperature = call.confidence.temperature.value_or(
        std::min(first.value_or(kWarmest) + kWarmer, kWarmest));
    if (sampling.seed && *sampling.seed != model::kNoSeed) *sampling.seed += retry;
    return again;
  }

  static void EmitRetry(const async::Context& ctx, const model::ConfidenceRule& rule,
                        double confidence, int retry) {
    ctx.Emit("confidence.retry", {{"confidence", confidence},
                                  {"threshold", *rule.threshold},
                                  {"attempt", std::int64_t{retry}},
                                  {"max_retries", std::int64_t{rule.max_retries}}});
  }

  static void Explain(Reply& reply, double surety, const model::ConfidenceRule& rule, int answers,
                      const std::optional<Error>& failure) {
    std::string why = StrCat(Rounded(surety), " is below the threshold ", *rule.threshold,
                             " after ", CountOf(answers, "answer"));
    if (failure) StrAppend(why, "; asking again failed: ", failure->message);
    reply.info.degradations.push_back({.what = "confidence", .why = std::move(why)});
  }

  const std::shared_ptr<model::Engine> next_;
  const std::optional<double> default_temperature_;
};

}  // namespace

std::unique_ptr<model::Engine> NewSuretyEngine(std::shared_ptr<model::Engine> next,
                                               std::optional<double> default_temperature) {
  return std::make_unique<SuretyEngine>(std::move(next), default_temperature);
}

}  // namespace weir::engine
