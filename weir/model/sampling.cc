#include "weir/model/sampling.h"

#include <utility>

#include "weir/base/text.h"

namespace weir::model {
namespace {

template <class T>
Result<void> Check(std::string_view name, const std::optional<T>& value, bool good,
                   std::string_view range) {
  if (!value || good) [[likely]] {
    return {};
  }
  return Fail(Code::kInvalidRequest, StrCat(name, " must be ", range, ", got ", *value));
}

// The highest number of alternatives that vLLM returns without --max-logprobs.
constexpr std::int64_t kMaxLogprobs = 20;
constexpr std::string_view kLogprobsRange = "in [0, 20] (the limit max_logprobs of the server)";

}  // namespace

Result<void> Sampling::Validate() const {
  const auto in = [](const std::optional<double>& value, double low, double high) {
    return value && *value >= low && *value <= high;
  };
  const auto at_least = [](const std::optional<std::int64_t>& value, std::int64_t low) {
    return value && *value >= low;
  };
  WEIR_CHECK(Check("temperature", temperature, in(temperature, 0, 2), "in [0, 2]"));
  WEIR_CHECK(Check("top_p", top_p, in(top_p, 0, 1) && *top_p > 0, "in (0, 1]"));
  WEIR_CHECK(Check("top_k", top_k, at_least(top_k, -1), "-1 or 0 (off), or at least 1"));
  WEIR_CHECK(Check("min_p", min_p, in(min_p, 0, 1), "in [0, 1]"));
  WEIR_CHECK(
      Check("frequency_penalty", frequency_penalty, in(frequency_penalty, -2, 2), "in [-2, 2]"));
  WEIR_CHECK(
      Check("presence_penalty", presence_penalty, in(presence_penalty, -2, 2), "in [-2, 2]"));
  WEIR_CHECK(Check("repetition_penalty", repetition_penalty,
                   repetition_penalty && *repetition_penalty > 0, "above 0"));
  WEIR_CHECK(Check("max_tokens", max_tokens, at_least(max_tokens, 0), "at least 1"));
  WEIR_CHECK(Check("min_tokens", min_tokens, at_least(min_tokens, 0), "at least 0"));
  WEIR_CHECK(Check("n", n, at_least(n, 1), "at least 1"));
  WEIR_CHECK(Check("best_of", best_of, at_least(best_of, 1), "at least 1"));
  WEIR_CHECK(Check("beam width", beam_width, at_least(beam_width, 1), "at least 1"));
  WEIR_CHECK(Check("logprobs", logprobs, at_least(logprobs, 0) && *logprobs <= kMaxLogprobs,
                   kLogprobsRange));
  WEIR_CHECK(Check("prompt_logprobs", prompt_logprobs,
                   at_least(prompt_logprobs, 0) && *prompt_logprobs <= kMaxLogprobs,
                   kLogprobsRange));
  if (min_tokens && max_tokens && *min_tokens > *max_tokens) {
    return Fail(
        Code::kInvalidRequest,
        StrCat("min_tokens (", *min_tokens, ") must not be above max_tokens (", *max_tokens, ")"));
  }
  for (const std::string& text : stop) {
    if (text.empty()) return Fail(Code::kInvalidRequest, "a stop text must not be empty");
  }
  return {};
}

std::string_view ConstraintName(Constraint::Kind kind) {
  switch (kind) {
    case Constraint::Kind::kJsonSchema:
      return "json";
    case Constraint::Kind::kJsonObject:
      return "json_object";
    case Constraint::Kind::kRegex:
      return "regex";
    case Constraint::Kind::kChoice:
      return "choice";
    case Constraint::Kind::kGrammar:
      return "grammar";
    case Constraint::Kind::kStructuralTag:
      return "structural_tag";
  }
  std::unreachable();
}

}  // namespace weir::model
