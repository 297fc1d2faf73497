#include "weir/sim/beam_search.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace weir::sim {
namespace {

constexpr std::int64_t kMostRounds = 512;  // a search costs beams x rounds, whoever asks

struct Open {
  Beam beam;
  Passage passage;
};

double ScoreOf(const Beam& beam, double length_penalty) {
  const auto length = static_cast<double>(std::max<std::size_t>(beam.tokens.size(), 1));
  return beam.logprob / std::pow(length, length_penalty);
}

// The likeliest tokens after a beam.
std::vector<Candidate> Continuations(const LanguageModel& model, const Passage& passage,
                                     std::size_t wanted, bool may_end) {
  std::vector<float> probabilities(static_cast<std::size_t>(Tokenizer::size()));
  model.Distribute(passage, probabilities);
  std::vector<Candidate> all;
  for (TokenId id = 0; id < Tokenizer::size(); ++id) {
    if (Tokenizer::IsSpecial(id) && !(id == kEndToken && may_end)) continue;
    all.push_back({id, probabilities[static_cast<std::size_t>(id)]});
  }
  wanted = std::min(wanted, all.size());
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(wanted),
                            std::ranges::greater(), &Candidate::logprob);
  all.resize(wanted);
  for (Candidate& candidate : all) candidate.logprob = std::log(candidate.logprob);
  return all;
}

}  // namespace

std::vector<Beam> SearchBeams(const LanguageModel& model, const RenderedPrompt& prompt,
                              const model::Sampling& sampling, std::int64_t max_tokens) {
  const auto width = static_cast<std::size_t>(sampling.beam_width.value_or(1));
  const double penalty = sampling.length_penalty.value_or(1);
  const bool may_end = !sampling.ignore_eos.value_or(false);
  const auto better = [&](const Beam& a, const Beam& b) {
    const double of_a = ScoreOf(a, penalty);
    const double of_b = ScoreOf(b, penalty);
    return of_a != of_b ? of_a > of_b : a.tokens < b.tokens;
  };
  Passage start(prompt.question);
  for (const TokenId token : prompt.lead) start.Append(token);
  std::vector<Open> open = {{Beam(), start}};
  std::vector<Beam> ended;
  for (std::int64_t round = 0; round < std::min(max_tokens, kMostRounds) && !open.empty();
       ++round) {
    std::vector<Open> next;
    for (const Open& from : open) {
      for (const Candidate& candidate : Continuations(model, from.passage, 2 * width, may_end)) {
        Beam beam = from.beam;
        beam.tokens.push_back(candidate.token);
        beam.logprob += candidate.logprob;
        if (candidate.token == kEndToken) {
          ended.push_back(std::move(beam));
          continue;
        }
        next.push_back({std::move(beam), from.passage});
        next.back().passage.Append(candidate.token);
      }
    }
    std::ranges::sort(next, better, &Open::beam);
    if (next.size() > width)
      next.erase(next.begin() + static_cast<std::ptrdiff_t>(width), next.end());
    open = std::move(next);
  }
  for (Open& rest : open) ended.push_back(std::move(rest.beam));
  std::ranges::sort(ended, better);
  if (ended.size() > width) ended.resize(width);
  return ended;
}

}  // namespace weir::sim
