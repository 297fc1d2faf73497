#include "weir/engine/decorators.h"

namespace weir::engine {
namespace {

template <class T>
void FillOne(std::optional<T>& field, const std::optional<T>& fallback) {
  if (!field) field = fallback;
}

class DefaultsEngine final : public model::Engine {
 public:
  DefaultsEngine(std::unique_ptr<model::Engine> next, CallDefaults defaults)
      : next_(std::move(next)), defaults_(std::move(defaults)) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    const model::Call filled = defaults_.Fill(call);
    async::Task<Result<model::Reply>> asked = next_->Call(ctx, filled);
    (void)co_await asked;  // named: its value is passed on where it is
    co_return std::move(asked);
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    const model::Call filled = defaults_.Fill(call);
    co_return co_await next_->Stream(ctx, filled);
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return next_->Describe(ctx);
  }

 private:
  const std::unique_ptr<model::Engine> next_;
  const CallDefaults defaults_;
};

}  // namespace

bool CallDefaults::empty() const {
  const model::Sampling& own = sampling;
  const bool numbers = own.max_tokens || own.min_tokens || own.temperature || own.top_p ||
                       own.top_k || own.min_p || own.frequency_penalty || own.presence_penalty ||
                       own.repetition_penalty || own.seed;
  const bool rest_is_empty = !own.length_penalty && !own.n && !own.best_of && !own.beam_width &&
                             !own.truncate_prompt_tokens && !own.ignore_eos &&
                             !own.include_stop_in_output && own.stop_token_ids.empty() &&
                             own.bad_words.empty() && own.allowed_token_ids.empty() &&
                             own.logit_bias.empty() && own.repetition_detection.IsNull();
  return !numbers && !own.logprobs && !own.prompt_logprobs && !own.skip_special_tokens &&
         own.stop.empty() && rest_is_empty && !context_window && !confidence.wanted();
}

model::Call CallDefaults::Fill(model::Call call) const {
  model::Sampling& own = call.sampling;
  FillOne(own.max_tokens, sampling.max_tokens);
  FillOne(own.min_tokens, sampling.min_tokens);
  FillOne(own.temperature, sampling.temperature);
  FillOne(own.top_p, sampling.top_p);
  FillOne(own.top_k, sampling.top_k);
  FillOne(own.min_p, sampling.min_p);
  FillOne(own.frequency_penalty, sampling.frequency_penalty);
  FillOne(own.presence_penalty, sampling.presence_penalty);
  FillOne(own.repetition_penalty, sampling.repetition_penalty);
  FillOne(own.seed, sampling.seed);
  FillOne(own.logprobs, sampling.logprobs);
  FillOne(own.prompt_logprobs, sampling.prompt_logprobs);
  FillOne(own.skip_special_tokens, sampling.skip_special_tokens);
  FillOne(own.length_penalty, sampling.length_penalty);
  FillOne(own.n, sampling.n);
  FillOne(own.best_of, sampling.best_of);
  FillOne(own.beam_width, sampling.beam_width);
  FillOne(own.truncate_prompt_tokens, sampling.truncate_prompt_tokens);
  FillOne(own.ignore_eos, sampling.ignore_eos);
  FillOne(own.include_stop_in_output, sampling.include_stop_in_output);
  if (own.stop.empty()) own.stop = sampling.stop;
  if (own.stop_token_ids.empty()) own.stop_token_ids = sampling.stop_token_ids;
  if (own.bad_words.empty()) own.bad_words = sampling.bad_words;
  if (own.allowed_token_ids.empty()) own.allowed_token_ids = sampling.allowed_token_ids;
  if (own.logit_bias.empty()) own.logit_bias = sampling.logit_bias;
  if (own.repetition_detection.IsNull()) own.repetition_detection = sampling.repetition_detection;
  FillOne(call.budget.context_window, context_window);
  if (!call.confidence.threshold) {
    const bool report = call.confidence.report || confidence.report;
    call.confidence = confidence;
    call.confidence.report = report;
  }
  return call;
}

std::unique_ptr<model::Engine> NewDefaultsEngine(std::unique_ptr<model::Engine> next,
                                                 CallDefaults defaults) {
  return std::make_unique<DefaultsEngine>(std::move(next), std::move(defaults));
}

}  // namespace weir::engine
