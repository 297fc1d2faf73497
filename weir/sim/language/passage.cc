#include "weir/sim/language/passage.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "weir/sim/language/tables.h"

namespace weir::sim {
namespace {

constexpr std::size_t kPromptRead = 1024;  // tokens, from the end

// How far a context is trusted: kTrust * n / (n + kDoubt) of the probability that longer contexts
// left, where n is how often it was seen. The shortest first.
constexpr float kTrust[] = {0.995F, 0.98F, 0.9F, 0.85F};
constexpr float kDoubt[] = {0.01F, 0.1F, 0.3F, 0.3F};
constexpr float kWithinWord = 0.99F;  // within a word only the longest context says how it goes on

constexpr float kEchoWord = 0.1F;   // the prompt's next word, after one of its words
constexpr float kEchoTopic = 0.3F;  // ... after one of its words of content
constexpr float kEchoRest = 0.9F;   // the rest of a word that was begun
constexpr float kTopic = 0.07F;     // a word of content where one fits

// An answer begins to end at kLong tokens, where a sentence ends, and at kVeryLong anywhere.
constexpr std::uint32_t kLong = 60;
constexpr std::uint32_t kVeryLong = 320;
constexpr float kEndPerToken = 1.0F / 300;
constexpr float kMostEnd = 0.75F;

bool Is(TokenId token, std::uint8_t traits) {
  return (kLanguage.traits[static_cast<std::size_t>(token)] & traits) != 0;
}

bool IsTopic(TokenId token) { return Is(token, kOpensWord) && !Is(token, kCommon); }

float EndWeight(std::uint32_t written, TokenId last) {
  const std::uint32_t from = Is(last, kEndsSentence) ? kLong : kVeryLong;
  if (written <= from) return 0;
  return std::min(kMostEnd, static_cast<float>(written - from) * kEndPerToken);
}

// Whether a word goes on in one of these places. After a context this frequent, none does.
bool GoesOn(std::uint32_t begin, std::uint32_t count) {
  constexpr std::uint32_t kFrequent = 32;
  return count < kFrequent && std::ranges::any_of(
                                  kLanguage.next.subspan(begin, count),
                                  [](TokenId token) { return Is(token, kContinues); });
}

}  // namespace

Passage::Prompt::Prompt(std::vector<TokenId> tokens) {
  if (tokens.size() > kPromptRead) tokens.erase(tokens.begin(), tokens.end() - kPromptRead);
  std::erase_if(tokens, [](TokenId token) { return Tokenizer::IsSpecial(token); });
  hash = StableHash(tokens.data(), tokens.size() * sizeof(TokenId));

  // A topic is a word of content, or a word of several pieces.
  const auto goes_on = [&tokens](std::size_t i) {
    return i + 1 < tokens.size() && Is(tokens[i + 1], kContinues);
  };
  const auto is_topic = [&](std::size_t i) {
    return IsTopic(tokens[i]) || (Is(tokens[i], kOpensWord) && goes_on(i));
  };
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (is_topic(i)) topics.push_back(tokens[i]);
    if (goes_on(i) || (i + 1 < tokens.size() && is_topic(i + 1))) places.push_back(i);
  }
  std::ranges::sort(places, {}, [&tokens](std::size_t i) { return std::pair(tokens[i], i); });
  for (const std::size_t i : places) {
    before_.push_back(tokens[i]);
    after_.push_back(tokens[i + 1]);
  }
}

std::span<const TokenId> Passage::Prompt::After(TokenId token) const {
  const auto [first, last] = std::ranges::equal_range(before_, token);
  return std::span(after_).subspan(static_cast<std::size_t>(first - before_.begin()),
                                   static_cast<std::size_t>(last - first));
}

Passage::Passage(std::vector<TokenId> prompt)
    : prompt_(std::make_shared<const Prompt>(std::move(prompt))) {
  Weigh();
}

void Passage::Append(TokenId token) {
  std::shift_left(tail_.begin(), tail_.end(), 1);
  tail_.back() = token;
  tail_size_ = std::min<std::uint32_t>(tail_size_ + 1, kTail);
  ++written_;
  if (token == static_cast<TokenId>(Special::kThinkBegin)) thinking_ = true;
  if (token == static_cast<TokenId>(Special::kThinkEnd)) {
    thinking_ = false;
    written_ = 0;
  }
  Weigh();
}

TokenId Passage::Before(std::size_t depth) const {
  if (depth > tail_size_) return kEndToken;
  const TokenId token = tail_[kTail - depth];
  const bool thinks = token == static_cast<TokenId>(Special::kThinkBegin);
  return Tokenizer::IsSpecial(token) && !thinks ? kEndToken : token;
}

void Passage::FindLevels() {
  const LanguageTables& tables = kLanguage;
  auto first = std::uint32_t{0};
  auto last = static_cast<std::uint32_t>(Tokenizer::size());
  auto end = static_cast<std::uint32_t>(tables.next.size());
  depth_ = 0;
  for (std::size_t depth = 1; depth <= kTail && first < last; ++depth) {
    const TokenId token = Before(depth);
    const auto sisters = tables.earlier.subspan(first, last - first);
    const auto found =
        depth == 1 ? sisters.begin() + token : std::ranges::lower_bound(sisters, token);
    if (found == sisters.end() || *found != token) return;
    const auto node = first + static_cast<std::uint32_t>(found - sisters.begin());
    const std::uint32_t begin = tables.begin[node];
    end = node + 1 < last ? tables.begin[node + 1] : end;
    if (begin == end) return;
    levels_[depth_++] = {.begin = begin, .count = end - begin};
    first = tables.children[node];
    last = tables.children[node + 1];
  }
}

void Passage::Weigh() {
  FindLevels();
  const TokenId last = Before(1);
  float rest = 1;
  const auto take = [&rest](float share) {
    const float weight = rest * share;
    rest -= weight;
    return weight;
  };
  end_weight_ = take(EndWeight(written_, last));

  echo_ = prompt_->After(last);
  if (echo_.empty()) {
    echo_weight_ = 0;
  } else if (Is(echo_.front(), kContinues)) {
    echo_weight_ = take(kEchoRest);
  } else {
    echo_weight_ = take(IsTopic(last) ? kEchoTopic : kEchoWord);
  }
  topic_weight_ = !prompt_->topics.empty() && Is(last, kInvites) ? take(kTopic) : 0;

  const bool within_word =
      depth_ > 0 &&
      (Is(last, kContinues) || GoesOn(levels_[depth_ - 1].begin, levels_[depth_ - 1].count));
  for (std::uint32_t i = depth_; i-- > 0;) {
    const auto seen = static_cast<float>(levels_[i].count);
    const bool longest = i + 1 == depth_;
    levels_[i].weight =
        take(longest && within_word ? kWithinWord : kTrust[i] * seen / (seen + kDoubt[i]));
  }
  base_weight_ = rest;
}

}  // namespace weir::sim
