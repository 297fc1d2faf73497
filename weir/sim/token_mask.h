#pragma once

// TokenMask: a constraint as a filter of tokens: the automata of `schema` asked with the pieces of
// the vocabulary.

#include <memory>
#include <vector>

#include "weir/schema/automaton.h"
#include "weir/sim/piece_tree.h"
#include "weir/sim/sampler.h"
#include "weir/sim/surface.h"

namespace weir::sim {

// One per program run: made once and shared.
std::shared_ptr<const PieceTree> NewPieceTree();

// One answer held to a language. The end token is allowed where the text is complete. What a walk
// over the vocabulary finds out is kept for the places that come again, also by the const
// functions: one thread at a time.
class TokenMask final : public TokenFilter {
 public:
  TokenMask(std::shared_ptr<const PieceTree> pieces, const schema::Language& language);
  ~TokenMask() override;

  bool Allows(TokenId token) const override;
  void AppendAll(std::vector<TokenId>& out) const override;
  // Leans towards ending: the longer a text, a number or a run of white space goes on, and the more
  // members and items there are, the likelier the bytes that close it; and towards the end token
  // as soon as it is allowed. Seeded answers stay short this way, as a trained model's would. What
  // is not allowed becomes unlikely, so that log-probabilities look as those of such a model do.
  float Leaning(TokenId token) const override;
  bool leans() const override { return true; }

  // Moves on; false when the token is not allowed.
  bool Commit(TokenId token);
  bool complete() const;  // the end token may come now
  bool only_end() const;  // ... and nothing else may

 private:
  struct Mask;
  class Places;  // the language, as far as it was walked

  const Mask& mask() const;
  void LearnLeaning() const;

  std::shared_ptr<const PieceTree> pieces_;
  schema::Matcher matcher_;
  Surface surface_;
  std::unique_ptr<Places> places_;
  mutable const Mask* mask_ = nullptr;          // at matcher_, once it was asked for
  mutable std::vector<float> leaning_of_form_;  // at matcher_; empty: not asked for
  mutable float leaning_of_completing_ = 1;     // set with it
  mutable std::vector<TokenId> way_out_;        // set with it; the tokens that take it
  mutable int blind_ = 0;                       // tokens for which no way out is looked for
};

}  // namespace weir::sim
