#pragma once

// Sampler: from the model's distribution to one token, by the rules of vLLM's sampling parameters,
// in its order: allowed tokens, bad words, min_tokens, logit bias, penalties, temperature, min_p,
// top_k and top_p.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "weir/base/random.h"
#include "weir/model/sampling.h"
#include "weir/sim/language/language_model.h"

namespace weir::sim {

// The rules of one call, with the server's defaults filled in.
struct SamplingRules {
  double temperature = 1;  // below 1e-5: greedy; the other knobs that shape a choice then rest
  double top_p = 1;
  std::int64_t top_k = 0;
  double min_p = 0;
  double frequency_penalty = 0;   // of what was written
  double presence_penalty = 0;    // of what was written
  double repetition_penalty = 1;  // of the prompt and what was written
  std::vector<std::pair<TokenId, double>> logit_bias;
  std::vector<TokenId> allowed;                 // empty: all
  std::vector<std::vector<TokenId>> bad_words;  // never written in this order
  std::vector<TokenId> stops;                   // beside the end token; masked before min_tokens
  std::int64_t min_tokens = 0;
  bool ignore_eos = false;  // the end token is masked; vLLM may write it and goes on

  // Of what a call says, with texts turned to tokens. What the vocabulary does not have is left
  // out: the server refuses it before.
  static SamplingRules Of(const model::Sampling& sampling);
  // Only temperature 1 and nothing else: LanguageModel::Draw() may be used.
  bool plain() const;
};

// A token and how likely it was.
struct Candidate {
  TokenId token = 0;
  float logprob = 0;
};

struct Sampled {
  TokenId token = 0;
  float logprob = 0;           // the model's own: before bias, penalties, temperature and masks
  std::int64_t rank = 0;       // 1 is the likeliest; 0 when top was not asked for
  std::vector<Candidate> top;  // the likeliest, best first
};

// Which tokens may come next, beyond the rules: what a constraint leaves. An empty answer to
// `all` means that the constraint has no continuation.
class TokenFilter {
 public:
  virtual ~TokenFilter() = default;
  virtual bool Allows(TokenId token) const = 0;
  // Appends every token that is allowed, in order of id.
  virtual void AppendAll(std::vector<TokenId>& out) const = 0;
  // Multiplies what the model thinks of a token: how a model that was trained to write a form
  // leans towards closing it. 1 changes nothing; it is part of the model's own distribution.
  virtual float Leaning(TokenId token) const = 0;
  virtual bool leans() const = 0;  // false: Leaning() is 1 for every token
};

// The tokens of one answer, one after the other. `model` must outlive it. Never chosen: <tool_call>
// and its end, the medium, and the marks between messages but for the end token.
//
// The same seed gives the same tokens on every machine, whether log-probabilities are asked for or
// not.
class Sampler {
 public:
  Sampler(const LanguageModel& model, SamplingRules rules, std::span<const TokenId> prompt,
          std::uint64_t seed);

  // The next token; `top` is how many alternatives to report (unset: no log-probabilities at all,
  // -1: all). `filter` may be null. Nullopt when no token is allowed. The passage is not moved.
  std::optional<Sampled> Next(const Passage& passage, const TokenFilter* filter,
                              std::optional<std::int64_t> top);
  // What was chosen counts from here on: for penalties, bad words and min_tokens.
  void Commit(TokenId token);
  // From here on these are not chosen either, instead of those of the last call. At first they are
  // <think> and </think>.
  void Block(std::vector<TokenId> tokens);

  std::int64_t written() const { return written_; }

 private:
  // What changes the logit of one token.
  struct Change {
    TokenId token = 0;
    std::int32_t times = 0;  // it was written
    bool seen = false;       // in the prompt or the answer
    float bias = 0;
  };
  struct Work;

  bool shaped() const;
  bool greedy() const;
  bool Permits(TokenId token) const;
  Change& ChangeOf(TokenId token);
  void CloseTokens();
  std::optional<TokenId> Try(const Passage& passage, const TokenFilter* filter);
  void AskModel(const Passage& passage, Work& work) const;
  std::optional<TokenId> Likeliest(const Passage& passage, Work& work) const;
  std::optional<TokenId> Choose(const Passage& passage, const TokenFilter* filter, Work& work);
  void ListCandidates(const TokenFilter* filter, Work& work) const;
  void Weigh(const Passage& passage, const TokenFilter* filter, Work& work) const;
  void Shape(Work& work) const;
  void Cut(Work& work) const;
  template <typename Keeps>
  static void KeepIf(Work& work, const Keeps& keeps);
  Sampled Report(TokenId token, const Passage& passage, const TokenFilter* filter, std::int64_t top,
                 Work& work) const;

  const LanguageModel* model_;
  SamplingRules rules_;
  Random random_;
  std::int64_t written_ = 0;
  std::vector<TokenId> blocked_;
  std::vector<TokenId> closed_;   // not to be chosen now, whatever the filter says; sorted
  std::vector<Change> changes_;   // sorted by token
  std::vector<TokenId> history_;  // the last written tokens, as many as bad_words look at
  std::size_t longest_bad_word_ = 0;
};

}  // namespace weir::sim
