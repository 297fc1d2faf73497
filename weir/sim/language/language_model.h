#pragma once

// The simulator's language model: n-grams over the tokens of language/corpus.txt, counted when weir
// is built, mixed with what the prompt itself says. Every token has a probability above zero in
// every place, and the probabilities of one place sum to one.
//
// The distribution is a sum of small parts, each easy to draw from:
//   - for the last four, three, two and one tokens: what followed them in the corpus. Part of that
//     is one single place of the corpus, picked by a hash of prompt, position and voice. So even
//     the likeliest answer differs from prompt to prompt, and does not run in circles;
//   - what followed the last token in the prompt, and the prompt's words of content after a token
//     that invites one;
//   - the end, where a sentence ends in an answer that has become long;
//   - the frequency of tokens in the corpus, and a trace of every token.
//
// The thinking mark never comes by itself: who wants thoughts appends it. Thoughts then end with
// </think> instead of the end token, and the answer begins after that.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "weir/base/random.h"
#include "weir/sim/language/tokenizer.h"

namespace weir::sim {

// What the model has read so far, the prompt and its own words. A copy is another continuation, and
// cheap. One Passage, one thread; copies may go to others.
class Passage {
 public:
  // The words of `prompt` (the question: tokens without specials) come back more likely. They are
  // shared by the copies. Of a very long prompt only the end is looked at.
  explicit Passage(std::vector<TokenId> prompt);

  void Append(TokenId token);
  // The last tokens, oldest first; as many as the model looks at. The prompt is not among them: a
  // new passage is the beginning of an answer.
  std::span<const TokenId> tail() const { return std::span(tail_).last(tail_size_); }

 private:
  friend class LanguageModel;
  static constexpr std::size_t kTail = 4;

  // What followed a context in the corpus: a range of LanguageTables::next.
  struct Level {
    std::uint32_t begin = 0;
    std::uint32_t count = 0;
    float weight = 0;
  };
  struct Prompt;  // what is known about the prompt

  // Looks the tail up and shares the probability among the parts.
  void Weigh();
  void FindLevels();
  // The token `depth` before the end, as the corpus has it: the mark at the beginning of an answer.
  TokenId Before(std::size_t depth) const;

  std::shared_ptr<const Prompt> prompt_;
  std::array<TokenId, kTail> tail_{};  // filled from its end
  std::uint32_t tail_size_ = 0;
  std::uint32_t written_ = 0;  // tokens since the beginning
  bool thinking_ = false;

  // The parts of the next token's distribution: their weights sum to one.
  std::array<Level, kTail> levels_{};  // the shortest context first
  std::uint32_t depth_ = 0;            // how many of them there are
  float end_weight_ = 0;
  float echo_weight_ = 0;   // what followed the last token in the prompt
  float topic_weight_ = 0;  // the prompt's words of content
  float base_weight_ = 0;
  std::span<const TokenId> echo_;
};

// One voice of the model: the base model, or it bent by a seed (an adapter, another model).
// Immutable: any thread. A voice picks other places of the corpus than the plain one, and has
// favourite words. Voice 0 is the plain one and the fastest.
class LanguageModel {
 public:
  explicit LanguageModel(std::uint64_t voice = 0) : voice_(voice) {}

  // The distribution of the next token, into `probabilities` (Tokenizer::size() of them).
  void Distribute(const Passage& passage, std::span<float> probabilities) const;
  // One entry of it, without computing the others.
  float Probability(const Passage& passage, TokenId token) const;
  // Draws from exactly that distribution without computing it: a few table look-ups.
  TokenId Draw(const Passage& passage, Random& random) const;

 private:
  // The place of a level that this voice prefers here.
  TokenId Favourite(const Passage& passage, std::uint32_t depth) const;

  std::uint64_t voice_;
};

}  // namespace weir::sim
