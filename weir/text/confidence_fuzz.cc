// Properties: whatever the tokens are, every figure is a probability, the lowest is no more than
// the tenth and the mean; where the tokens are cut decides nothing when all of them are equally
// likely.

#include <cmath>
#include <cstdint>
#include <string>

#include "weir/base/fuzz_testing.h"
#include "weir/text/confidence.h"

namespace {

using weir::Require;

bool IsProbability(double value) { return value >= 0 && value <= 1; }

void CheckFields(const std::vector<weir::model::FieldConfidence>& fields) {
  for (const weir::model::FieldConfidence& field : fields) {
    Require(field.at.empty() || field.at.starts_with('/'));
    Require(IsProbability(field.confidence));
  }
}

// The first bytes say how long tokens are and how the rest is shared out: what is written, the text
// of the answer, its thoughts, a name and arguments.
weir::model::Choice ChoiceOf(std::string_view text, std::size_t size, double logprob) {
  std::vector<std::string_view> parts;
  for (int i = 0; i < 4; ++i) {
    const std::size_t end = text.find('\xFF');
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  weir::model::Choice choice;
  choice.text = parts[0];
  choice.reasoning = parts[1];
  if (!parts[2].empty()) {
    weir::model::ToolCall& call = choice.tool_calls.emplace_back();
    call.name = parts[2];
    call.arguments = parts[3];
  }
  std::string written(parts[1]);
  written.append(text.empty() ? parts[0] : text).append(parts[2]).append(parts[3]);
  for (std::size_t at = 0; at < written.size(); at += size) {
    weir::model::Token& token = choice.tokens.emplace_back();
    token.text = written.substr(at, size);
    token.logprob = logprob;
  }
  return choice;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using weir::text::ConfidenceOf;
  if (size < 2) return 0;
  const std::string_view text = weir::FuzzText(data, size).substr(2);
  const weir::text::ConfidenceOptions options{.structured = data[1] % 2 == 1};
  const weir::model::Choice choice = ChoiceOf(text, 1 + data[0] % 16, -0.5);
  const auto sure = ConfidenceOf(choice, options);
  Require(sure.has_value() == !choice.tokens.empty());
  if (!sure) return 0;
  Require(IsProbability(sure->mean) && IsProbability(sure->p10) && IsProbability(sure->lowest));
  Require(sure->lowest <= sure->p10 && sure->lowest <= sure->mean + 1e-12);
  CheckFields(sure->fields);
  for (const auto& tool : sure->tools) CheckFields(tool.arguments);

  const auto bytes = ConfidenceOf(ChoiceOf(text, 1, -0.5), options);
  Require(bytes->fields.size() == sure->fields.size());
  for (std::size_t i = 0; i < bytes->fields.size(); ++i) {
    Require(bytes->fields[i].at == sure->fields[i].at);
    Require(std::abs(sure->fields[i].confidence - std::exp(-0.5)) < 1e-12);
  }
  return 0;
}
