#include "weir/sim/scoring.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/model/reply.h"

namespace weir::sim {
namespace {

float LogOf(double probability) {
  return probability > 0 ? static_cast<float>(std::log(probability))
                         : static_cast<float>(model::kLogprobFloor);
}

std::vector<float> Distribution(const LanguageModel& model, const Passage& passage) {
  std::vector<float> probabilities(static_cast<std::size_t>(Tokenizer::size()));
  model.Distribute(passage, probabilities);
  return probabilities;
}

Sampled ScoreIn(const std::vector<float>& probabilities, TokenId token, std::int64_t top) {
  Sampled scored{.token = token};
  const float own = probabilities[static_cast<std::size_t>(token)];
  scored.logprob = LogOf(own);
  scored.rank = 1 + std::ranges::count_if(probabilities, [&](float p) { return p > own; });
  const std::size_t wanted = top < 0
                                 ? probabilities.size()
                                 : std::min(probabilities.size(), static_cast<std::size_t>(top));
  std::vector<TokenId> order(probabilities.size());
  std::iota(order.begin(), order.end(), 0);
  const auto likelier = [&](TokenId a, TokenId b) {
    const float pa = probabilities[static_cast<std::size_t>(a)];
    const float pb = probabilities[static_cast<std::size_t>(b)];
    return pa != pb ? pa > pb : a < b;
  };
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(wanted);
  std::ranges::partial_sort(order, middle, likelier);
  for (std::size_t i = 0; i < wanted; ++i) {
    scored.top.push_back({order[i], LogOf(probabilities[static_cast<std::size_t>(order[i])])});
  }
  return scored;
}

}  // namespace

Sampled Score(const LanguageModel& model, const Passage& passage, TokenId token, std::int64_t top) {
  return ScoreIn(Distribution(model, passage), token, top);
}

Sampled ScoreAs(const LanguageModel& model, const Passage& passage, TokenId token, std::int64_t top,
                double probability) {
  std::vector<float> probabilities = Distribution(model, passage);
  const auto own = static_cast<std::size_t>(token);
  const double rest = 1.0 - probabilities[own];
  const double factor = rest > 0 ? (1.0 - probability) / rest : 0;
  for (float& p : probabilities) p = static_cast<float>(p * factor);
  probabilities[own] = static_cast<float>(probability);
  return ScoreIn(probabilities, token, top);
}

std::vector<Sampled> ScorePrompt(const LanguageModel& model, std::span<const TokenId> prompt,
                                 std::int64_t top) {
  std::vector<Sampled> scores;
  Passage passage({});
  for (const TokenId token : prompt) {
    scores.push_back(scores.empty() ? Sampled{.token = token} : Score(model, passage, token, top));
    passage.Append(token);
  }
  return scores;
}

json::Value PromptLogprobs(const LanguageModel& model, std::span<const TokenId> prompt,
                           std::int64_t top) {
  json::Builder out;
  const auto entry = [&](TokenId token, float logprob, std::int64_t rank) {
    out.Key(StrCat(token));
    out.BeginObject();
    out.Key("logprob");
    out.Double(logprob);
    out.Key("rank");
    out.Int(rank);
    out.Key("decoded_token");
    out.String(Tokenizer::Piece(token));
    out.EndObject();
  };
  out.BeginArray();
  bool first = true;
  for (const Sampled& score : ScorePrompt(model, prompt, top)) {
    if (first) {
      out.Null();
      first = false;
      continue;
    }
    out.BeginObject();
    entry(score.token, score.logprob, score.rank);
    std::int64_t rank = 0;
    for (const Candidate& other : score.top) {
      ++rank;
      if (other.token != score.token) entry(other.token, other.logprob, rank);
    }
    out.EndObject();
  }
  out.EndArray();
  return std::move(out).Finish();
}

}  // namespace weir::sim
