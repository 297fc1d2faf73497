#include "weir/model/sampling.h"

#include <utility>

#include "weir/base/text.h"

namespace weir::model {
namespace {

// Unset fields are within every range.
bool Within(const std::optional<double>& value, double low, double high) {
  return !value || (*value >= low && *value <= high);
}

bool AtLeast(const std::optional<std::int64_t>& value, std::int64_t low) {
  return !value || *value >= low;
}

bool Positive(const std::optional<double>& value) { return !value || *value > 0; }

template <class T>
std::unexpected<Error> OutOfRange(std::string_view name, const std::optional<T>& value,
                                  std::string_view range) {
  return Fail(Code::kInvalidRequest, StrCat(name, " must be ", range, ", got ", *value));
}

// How many are too many is the server's to say (--max-logprobs).
constexpr std::string_view kLogprobsRange = "at least 0, or -1 for the whole vocabulary";

}  // namespace

Result<void> Sampling::Validate() const {
  if (!Within(temperature, 0, 2)) return OutOfRange("temperature", temperature, "in [0, 2]");
  if (!Within(top_p, 0, 1) || !Positive(top_p)) return OutOfRange("top_p", top_p, "in (0, 1]");
  if (!AtLeast(top_k, -1)) return OutOfRange("top_k", top_k, "-1 or 0 (off), or at least 1");
  if (!Within(min_p, 0, 1)) return OutOfRange("min_p", min_p, "in [0, 1]");
  if (!Within(frequency_penalty, -2, 2)) {
    return OutOfRange("frequency_penalty", frequency_penalty, "in [-2, 2]");
  }
  if (!Within(presence_penalty, -2, 2)) {
    return OutOfRange("presence_penalty", presence_penalty, "in [-2, 2]");
  }
  if (!Positive(repetition_penalty)) {
    return OutOfRange("repetition_penalty", repetition_penalty, "above 0");
  }
  if (!AtLeast(max_tokens, 0)) return OutOfRange("max_tokens", max_tokens, "at least 1");
  if (!AtLeast(min_tokens, 0)) return OutOfRange("min_tokens", min_tokens, "at least 0");
  if (!AtLeast(n, 1)) return OutOfRange("n", n, "at least 1");
  if (!AtLeast(best_of, 1)) return OutOfRange("best_of", best_of, "at least 1");
  if (!AtLeast(beam_width, 1)) return OutOfRange("beam width", beam_width, "at least 1");
  if (!AtLeast(logprobs, -1)) return OutOfRange("logprobs", logprobs, kLogprobsRange);
  if (!AtLeast(prompt_logprobs, -1)) {
    return OutOfRange("prompt_logprobs", prompt_logprobs, kLogprobsRange);
  }
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
