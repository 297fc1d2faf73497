#pragma once

// Author: writes one choice of an answer, token by token, from its outline to its finish reason, by
// the rules of vLLM: which token ends it, what a stop text cuts off, what is held back meanwhile.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/model/reply.h"
#include "weir/sim/outline.h"
#include "weir/sim/prompt.h"
#include "weir/sim/sampler.h"
#include "weir/sim/token_mask.h"

namespace weir::sim {

struct AuthorOptions {
  std::int64_t index = 0;  // of the choice
  std::vector<Segment> outline;
  SamplingRules rules;
  std::uint64_t seed = 0;
  std::int64_t room = 0;  // most tokens that may be written; 0: one is, and not shown

  std::vector<std::string> stop;
  bool stop_shown = false;               // the stop text stays in the answer
  std::optional<std::int64_t> logprobs;  // alternatives to report per token
  bool chat = true;                      // how alternatives are counted, and offsets
  bool token_ids = false;                // report them
  bool tokens_as_ids = false;            // tokens read "token_id:123"
  bool thoughts_shown = true;
  std::int64_t thinking_budget = -1;  // tokens of thoughts; -1: what the model likes
  std::string echo;                   // the prompt, when the answer repeats it
  std::vector<TokenId> echo_tokens;   // its tokens, when their log-probabilities are asked for

  json::Value repetition;  // vLLM's object; null: repetition is not looked for
  // What the reply says when calls were begun and the model stopped, or was cut; kNone: as it is.
  model::Finish called = model::Finish::kNone;
  model::Finish called_and_cut = model::Finish::kNone;
  bool called_without_calls = false;  // `called` also when none was begun
  std::string finish_word;            // laid down: instead of the finish reason
  bool end_named = false;             // the end token is told as the stop reason (beam search)
};

class Author {
 public:
  // `model` and `pieces` are shared with others.
  Author(std::shared_ptr<const LanguageModel> model, std::shared_ptr<const PieceTree> pieces,
         const RenderedPrompt& prompt, AuthorOptions options);

  // Tries the stretches whose language leaves something open until they are right; what chance does
  // not find is made from its schema. A few tokens at a time, so that others have their turn: true
  // once all is prepared. The tokens are taken off `left`, which all the answers of a request
  // share; when none is left, chance is asked no more. Before the first Write(). Fails with
  // kUnsupportedConstraint when no text is found, saying what was left open.
  Result<bool> Prepare(std::int64_t& left);

  // Writes one more token into `out`, an empty delta; the last one carries the finish reason. Text
  // that may still turn out to be a stop text, or half a character, comes with a later token.
  void Write(model::Delta& out);
  // The server gives the request up: what was held back, and the finish reason "abort".
  void Abort(model::Delta& out);

  // Moves the index of the choice: the answers to the prompts before count first.
  void Shift(std::int64_t by) { options_.index += by; }

  std::int64_t index() const { return options_.index; }
  bool finished() const { return finish_ != model::Finish::kNone; }
  model::Finish finish() const { return finish_; }
  std::int64_t written() const { return static_cast<std::int64_t>(tokens_.size()); }
  const std::vector<TokenId>& tokens() const { return tokens_; }  // all that were written
  std::int64_t thought() const { return thought_; }               // tokens of thoughts among them
  std::int64_t calls() const { return calls_; }                   // tool calls that were begun

 private:
  // One stretch, written on trial.
  using Trial = std::vector<Sampled>;
  // ... as far as it is written.
  struct Attempt {
    Passage passage;
    Sampler sampler;
    TokenMask mask;
    std::string text;
    Trial trial;
  };
  enum class Tried : std::uint8_t { kGoesOn, kRight, kWrong };

  const Segment& segment() const { return options_.outline[at_]; }
  static bool IsLaidOut(const Segment& segment) {
    return !segment.fixed.empty() || segment.empty || segment.kind == Segment::Kind::kName;
  }
  bool IsLaid() const { return IsLaidOut(segment()); }
  bool AtEnd() const { return at_ >= options_.outline.size(); }
  bool InLast() const { return at_ + 1 >= options_.outline.size(); }

  void BeginTrial();
  Tried Try(Attempt& attempt, const Segment& segment, bool last) const;
  std::optional<Trial> Spell(const Segment& segment, bool last, std::string_view text) const;
  Result<Trial> Make(const Segment& segment, bool last) const;
  void Read(TokenId token);
  void OpenSegment();
  void NextSegment(model::Delta& out);
  Sampled Choose(model::Delta& out);
  std::optional<Sampled> ChooseInSegment();
  Sampled Laid(TokenId token) const;
  void Take(const Sampled& sampled, model::Delta& out);
  void EndAfter(TokenId token, model::Delta& out);
  bool EndAtStop(std::size_t before, model::Delta& out);
  bool Repeats() const;
  void Finish(model::Finish finish, json::Value reason, model::Delta& out);
  void Release(bool all, model::Delta& out);
  void Report(const Sampled& sampled, model::Delta& out);
  void BeginEcho(model::Delta& out);
  std::string TextOf(TokenId token) const;
  model::Token Describe(const Sampled& sampled);

  std::shared_ptr<const LanguageModel> model_;
  std::shared_ptr<const PieceTree> pieces_;
  AuthorOptions options_;
  bool reads_passage_;  // the model is asked at least once
  Passage passage_;
  Sampler sampler_;

  std::size_t at_ = 0;                   // the segment being written
  bool open_ = false;                    // ... and whether it was begun
  std::map<std::size_t, Trial> trials_;  // by segment: written already
  std::size_t prepared_ = 0;             // segments that need no trial any more
  std::uint64_t tries_ = 0;              // of the segment behind them
  std::unique_ptr<Attempt> attempt_;     // the last of these; null: none goes on
  std::size_t laid_at_ = 0;              // of the tokens of the segment that are known before
  std::unique_ptr<TokenMask> mask_;
  std::int64_t call_ = 0;  // index of the open call

  std::string text_;       // of the segment, as far as it is written
  std::size_t shown_ = 0;  // bytes of it that were delivered
  std::string half_;       // of logprobs: bytes of a character that the next tokens complete
  std::size_t hold_back_ = 0;
  std::int64_t offset_ = 0;  // of the next token in the text, for completions

  std::vector<TokenId> tokens_;
  std::int64_t thought_ = 0;
  std::int64_t calls_ = 0;
  model::Finish finish_ = model::Finish::kNone;
};

}  // namespace weir::sim
