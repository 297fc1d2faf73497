#include "weir/sim/language/language_model.h"

#include <algorithm>
#include <span>
#include <utility>

#include "weir/sim/language/passage.h"
#include "weir/sim/language/tables.h"

namespace weir::sim {
namespace {

constexpr float kFavour = 0.35F;      // of a level's weight goes to one place
constexpr int kFavourites = 4;        // a voice chooses the word it likes best of so many
constexpr float kTrace = 1.0F / 256;  // of the base: all tokens alike

std::uint64_t Mix(std::uint64_t value) {
  value = (value ^ value >> 32) * 0xD6E8FEB86659FD93ULL;
  value = (value ^ value >> 32) * 0xD6E8FEB86659FD93ULL;
  return value ^ value >> 32;
}

// The base gives each token kTrace / size and (1 - kTrace) * count / counted.
float TraceOfEach() { return kTrace / static_cast<float>(Tokenizer::size()); }
float BaseOfOne() { return (1 - kTrace) / static_cast<float>(kLanguage.counted); }

std::span<const std::uint16_t> Places(std::uint32_t begin, std::uint32_t count) {
  return kLanguage.next.subspan(begin, count);
}

template <class Tokens>
auto Pick(const Tokens& tokens, Random& random) {
  return tokens[random.Below(tokens.size())];
}

// A share of `weight` for each of `tokens`.
template <class Tokens>
void SpreadOver(const Tokens& tokens, float weight, std::span<float> probabilities) {
  if (tokens.empty()) return;
  const float share = weight / static_cast<float>(tokens.size());
  for (const auto token : tokens) probabilities[static_cast<std::size_t>(token)] += share;
}

template <class Token>
float Share(std::span<const Token> tokens, TokenId token, float weight) {
  if (tokens.empty()) return 0;
  // In no wider numbers than needed, so that the compiler compares many at once.
  const auto wanted = static_cast<Token>(token);
  std::uint32_t count = 0;
  for (const Token one : tokens) count += one == wanted ? 1 : 0;
  return weight * static_cast<float>(count) / static_cast<float>(tokens.size());
}

}  // namespace

TokenId LanguageModel::Favourite(const Passage& passage, std::uint32_t depth) const {
  const Passage::Level& level = passage.levels_[depth];
  std::uint64_t state = passage.prompt_->hash ^ voice_;
  state = Mix(state + (std::uint64_t{passage.written_} << 3 | depth) * 0x9E3779B97F4A7C15ULL);
  const auto pick = [&] {
    state = Mix(state + 0x9E3779B97F4A7C15ULL);
    const auto index = static_cast<std::uint32_t>((state >> 32) * level.count >> 32);
    return static_cast<TokenId>(kLanguage.next[level.begin + index]);
  };
  TokenId best = pick();
  if (voice_ == 0 || level.count == 1) return best;
  const auto liking = [this](TokenId token) {
    return Mix(voice_ + static_cast<std::uint64_t>(token) * 0x9E3779B97F4A7C15ULL);
  };
  for (int i = 1; i < kFavourites; ++i) {
    if (const TokenId other = pick(); liking(other) > liking(best)) best = other;
  }
  return best;
}

void LanguageModel::Distribute(const Passage& passage, std::span<float> probabilities) const {
  const float each = passage.base_weight_ * TraceOfEach();
  const float one = passage.base_weight_ * BaseOfOne();
  const std::uint16_t* const counts = kLanguage.counts.data();
  for (std::size_t i = 0; i < kLanguage.counts.size(); ++i) {
    probabilities[i] = each + one * static_cast<float>(counts[i]);
  }
  probabilities[kEndToken] += passage.end_weight_;
  SpreadOver(passage.echo_, passage.echo_weight_, probabilities);
  SpreadOver(passage.prompt_->topics, passage.topic_weight_, probabilities);
  for (std::uint32_t i = 0; i < passage.depth_; ++i) {
    const Passage::Level& level = passage.levels_[i];
    SpreadOver(Places(level.begin, level.count), level.weight * (1 - kFavour), probabilities);
    probabilities[static_cast<std::size_t>(Favourite(passage, i))] += level.weight * kFavour;
  }
  if (passage.thinking_) {
    std::swap(probabilities[kEndToken],
              probabilities[static_cast<std::size_t>(Closed(kEndToken, true))]);
  }
}

float LanguageModel::Probability(const Passage& passage, TokenId token) const {
  token = Closed(token, passage.thinking_);
  const auto count = static_cast<float>(kLanguage.counts[static_cast<std::size_t>(token)]);
  float sum = passage.base_weight_ * (TraceOfEach() + BaseOfOne() * count);
  if (token == kEndToken) sum += passage.end_weight_;
  sum += Share(passage.echo_, token, passage.echo_weight_);
  sum += Share(std::span(passage.prompt_->topics), token, passage.topic_weight_);
  for (std::uint32_t i = 0; i < passage.depth_; ++i) {
    const Passage::Level& level = passage.levels_[i];
    sum += Share(Places(level.begin, level.count), token, level.weight * (1 - kFavour));
    if (Favourite(passage, i) == token) sum += level.weight * kFavour;
  }
  return sum;
}

TokenId LanguageModel::Draw(const Passage& passage, Random& random) const {
  auto u = static_cast<float>(random.Uniform());
  const auto falls_in = [&u](float weight) {
    if (u < weight) return true;
    u -= weight;
    return false;
  };
  // The longest context first: most draws end there.
  for (std::uint32_t i = passage.depth_; i-- > 0;) {
    const Passage::Level& level = passage.levels_[i];
    if (!falls_in(level.weight)) continue;
    const TokenId token = u < level.weight * kFavour
                              ? Favourite(passage, i)
                              : Pick(Places(level.begin, level.count), random);
    return Closed(token, passage.thinking_);
  }
  if (falls_in(passage.end_weight_)) return Closed(kEndToken, passage.thinking_);
  if (falls_in(passage.echo_weight_)) return Pick(passage.echo_, random);
  if (falls_in(passage.topic_weight_)) return Pick(passage.prompt_->topics, random);

  // A word of the corpus at random: those of the ends of documents are drawn anew.
  if (random.Uniform() < kTrace) {
    return static_cast<TokenId>(random.Below(static_cast<std::uint64_t>(Tokenizer::size())));
  }
  for (;;) {
    const TokenId token = Pick(kLanguage.next, random);
    if (!Tokenizer::IsSpecial(token)) return token;
  }
}

}  // namespace weir::sim
