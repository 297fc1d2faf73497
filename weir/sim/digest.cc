#include "weir/sim/digest.h"

#include <bit>

#include "weir/base/random.h"
#include "weir/json/writer.h"

namespace weir::sim {
namespace {

class Hasher {
 public:
  explicit Hasher(std::uint64_t seed) : hash_(seed) {}

  void Add(std::string_view text) { hash_ = StableHash(text.data(), text.size(), hash_); }
  void Add(std::uint64_t number) { hash_ = StableHash(&number, sizeof number, hash_); }
  void Add(double number) { Add(std::bit_cast<std::uint64_t>(number)); }
  void AddJson(json::View value) {
    if (value.exists()) Add(std::string_view(json::Canonical(value)));
  }

  std::uint64_t hash() const { return hash_; }

 private:
  std::uint64_t hash_;
};

void AddMessage(const model::Message& message, Hasher& hasher) {
  hasher.Add(static_cast<std::uint64_t>(message.role));
  hasher.Add(std::string_view(message.name));
  // Servers join the texts of a message; whether they came as one part or as many is nothing.
  std::uint64_t texts = 0;
  for (const model::Part& part : message.parts) {
    if (part.kind == model::Part::Kind::kText) {
      ++texts;
    } else {
      hasher.Add(static_cast<std::uint64_t>(part.kind));
      hasher.Add(std::string_view(part.url));
      if (part.kind == model::Part::Kind::kRaw) hasher.AddJson(part.raw);
    }
  }
  if (texts == 1 && message.parts.size() == 1) {
    hasher.Add(std::string_view(message.parts.front().text));
  } else {
    hasher.Add(std::string_view(message.AllText()));
  }
  for (const model::ToolCall& call : message.tool_calls) {
    hasher.Add(std::string_view(call.name));
    hasher.Add(std::string_view(call.arguments));
  }
}

void AddSampling(const model::Sampling& sampling, Hasher& hasher) {
  if (IsGreedy(sampling)) return;
  const std::int64_t seed = sampling.seed.value_or(-1);
  hasher.Add(static_cast<std::uint64_t>(seed));
  hasher.Add(sampling.temperature.value_or(1));
  hasher.Add(sampling.top_p.value_or(1));
  const std::int64_t top_k = sampling.top_k.value_or(0);
  hasher.Add(static_cast<std::uint64_t>(top_k > 0 ? top_k : 0));
  hasher.Add(sampling.min_p.value_or(0));
  hasher.Add(sampling.frequency_penalty.value_or(0));
  hasher.Add(sampling.presence_penalty.value_or(0));
  hasher.Add(sampling.repetition_penalty.value_or(1));
}

void AddConstraint(const model::Constraint& constraint, Hasher& hasher) {
  hasher.Add(static_cast<std::uint64_t>(constraint.kind));
  hasher.Add(std::string_view(constraint.text));
  for (const std::string& choice : constraint.choices) hasher.Add(std::string_view(choice));
  if (!constraint.schema.IsNull()) hasher.AddJson(constraint.schema);
}

}  // namespace

bool IsGreedy(const model::Sampling& sampling) {
  constexpr double kGreedyBelow = 1e-5;
  return sampling.temperature && *sampling.temperature < kGreedyBelow;
}

std::uint64_t DigestOf(const model::Call& call, const Prompt& prompt, std::string_view model,
                       std::string_view adapter, std::uint64_t seed) {
  Hasher hasher(seed);
  hasher.Add(model);
  hasher.Add(adapter);
  for (const model::Message& message : call.messages) AddMessage(message, hasher);
  hasher.Add(prompt.text);
  hasher.Add(
      std::string_view(reinterpret_cast<const char*>(prompt.ids.data()), prompt.ids.size_bytes()));
  for (const model::ToolSpec& tool : call.tools) {
    hasher.Add(std::string_view(tool.name));
    if (!tool.parameters.IsNull()) hasher.AddJson(tool.parameters);
  }
  hasher.Add(
      static_cast<std::uint64_t>(call.tool_choice.kind == model::ToolChoice::Kind::kRequired));
  hasher.Add(std::string_view(call.tool_choice.name));
  AddSampling(call.sampling, hasher);
  if (call.constraint) AddConstraint(*call.constraint, hasher);
  return hasher.hash();
}

}  // namespace weir::sim
