#include "weir/agent/figures.h"

#include <array>

namespace weir::agent {
namespace {

struct Count {
  std::string_view name;
  std::int64_t Figures::* field;
};
constexpr std::array kCounts = {
    Count{"turns", &Figures::turns},
    Count{"tool_calls", &Figures::tool_calls},
    Count{"tool_errors", &Figures::tool_errors},
    Count{"denied", &Figures::denied},
    Count{"interrupted", &Figures::interrupted},
    Count{"nudges", &Figures::nudges},
    Count{"compactions", &Figures::compactions},
    Count{"confidence_retries", &Figures::confidence_retries},
};

struct Tokens {
  std::string_view name;
  std::optional<std::int64_t> Figures::* field;
};
constexpr std::array kTokens = {
    Tokens{"prompt_tokens", &Figures::prompt_tokens},
    Tokens{"completion_tokens", &Figures::completion_tokens},
    Tokens{"cached_tokens", &Figures::cached_tokens},
};

struct Flag {
  std::string_view name;
  bool Figures::* field;
};
constexpr std::array kFlags = {
    Flag{"tokens_unknown", &Figures::tokens_unknown},
    Flag{"cost_unknown", &Figures::cost_unknown},
};

void AddTo(std::optional<std::int64_t>& sum, const std::optional<std::int64_t>& more) {
  if (more) sum = sum.value_or(0) + *more;
}

}  // namespace

void Figures::Add(const model::Reply& reply) {
  AddTo(prompt_tokens, reply.usage.prompt_tokens);
  AddTo(completion_tokens, reply.usage.completion_tokens);
  AddTo(cached_tokens, reply.usage.cached_tokens);
  if (!reply.usage.prompt_tokens || !reply.usage.completion_tokens) tokens_unknown = true;
  if (reply.info.cost) {
    cost = cost.value_or(0) + *reply.info.cost;
  } else {
    cost_unknown = true;
  }
}

void Figures::Add(const Error& failed) {
  const model::CallTrail& trail = model::TrailOf(failed);
  AddTo(prompt_tokens, trail.usage.prompt_tokens);
  AddTo(completion_tokens, trail.usage.completion_tokens);
  AddTo(cached_tokens, trail.usage.cached_tokens);
  if (trail.info.cost) cost = cost.value_or(0) + *trail.info.cost;
}

void WriteFigures(json::Writer& out, const Figures& figures) {
  out.BeginObject();
  for (const auto& [name, field] : kCounts) {
    if (figures.*field == 0) continue;
    out.PlainKey(name);
    out.Int(figures.*field);
  }
  for (const auto& [name, field] : kTokens) {
    if (!(figures.*field)) continue;
    out.PlainKey(name);
    out.Int(*(figures.*field));
  }
  if (figures.cost) {
    out.PlainKey("cost");
    out.Double(*figures.cost);
  }
  for (const auto& [name, field] : kFlags) {
    if (!(figures.*field)) continue;
    out.PlainKey(name);
    out.Bool(true);
  }
  if (!figures.confidences.empty()) {
    out.PlainKey("confidences");
    out.BeginArray();
    for (const double confidence : figures.confidences) out.Double(confidence);
    out.EndArray();
  }
  out.EndObject();
}

Figures ReadFigures(json::View json) {
  Figures figures;
  for (const auto& [name, field] : kCounts) {
    figures.*field = json.Find(name).AsInt64().value_or(0);
  }
  for (const auto& [name, field] : kTokens) figures.*field = json.Find(name).AsInt64();
  figures.cost = json.Find("cost").AsDouble();
  for (const auto& [name, field] : kFlags) figures.*field = json.Find(name).BoolOr(false);
  const json::View confidences = json.Find("confidences");
  figures.confidences.reserve(confidences.size());
  for (const json::View one : confidences.items()) {
    if (const auto number = one.AsDouble()) figures.confidences.push_back(*number);
  }
  return figures;
}

}  // namespace weir::agent
