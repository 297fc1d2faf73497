#pragma once

// The second half of card_engine.h: what a model wrote, read by its family.

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "weir/model/call.h"
#include "weir/model/reply.h"
#include "weir/text/answer_reader.h"
#include "weir/text/model_card.h"

namespace weir::engine {

struct CardReading {
  const text::Family* family = nullptr;
  text::ToolMode mode = text::ToolMode::kNative;
  std::span<const model::ToolSpec> tools;  // that may be called; none: calls are not looked for
  bool may_think_first = false;            // the prompt has opened the thoughts, if there are any
  bool may_close_alone = false;  // ... may have: all before a lone closing mark is thoughts
  bool thinking_off = false;     // it was asked not to think: all it says is the answer
};

// Reads the pieces of one choice. What the reading names must outlive this. A piece that it is
// given is changed in place.
class ChoiceReader {
 public:
  explicit ChoiceReader(CardReading reading);

  void Feed(model::Delta& piece);
  // The choice ends with `piece` (or with an empty one): what was held back is added to it.
  void Finish(model::Delta& piece);

  // The choice breaks off: what waited to be known as thoughts or answer is added to the piece.
  // False: there is none.
  bool BreakOff(model::Delta& piece);

  // What was read out of the text, or mended in it, in words.
  const std::vector<std::string>& repairs() const { return repairs_; }
  // The choice ended by itself, and there is nothing in it but thoughts.
  bool only_thought() const { return only_thought_; }
  // The server took the answer for thoughts: Finish() has made it the answer.
  bool answer_was_in_thoughts() const { return answer_was_in_thoughts_; }

 private:
  bool Passes(const model::Delta& piece) const;
  void Begin(bool in_thoughts);
  void FeedText(std::string_view text, model::Delta& piece);
  void Probe(std::string_view text, model::Delta& piece);
  void Decide(model::Delta& piece);
  void Gather(model::Delta& piece);
  void FinishGuided(model::Delta& piece);
  void FinishThoughts(model::Delta& piece);
  void AddCalls(std::vector<model::ToolCallDelta> calls, model::Delta& piece);
  void Renumber(std::vector<model::ToolCallDelta>& calls);
  void FinishReader(model::Delta& piece);

  const CardReading reading_;
  std::unique_ptr<text::AnswerReader> reader_;
  bool undecided_ = false;      // whether the text so far is thoughts, which the prompt had begun
  std::string unread_;          // that text
  std::string thoughts_;        // what it says if it is; later: what may have to be the answer
  std::string gathered_;        // of an answer that is one JSON object
  bool server_thinks_ = false;  // the server has told thoughts by itself
  bool server_calls_ = false;   // ... calls
  bool has_text_ = false;
  bool has_thoughts_ = false;
  bool only_thought_ = false;
  bool answer_was_in_thoughts_ = false;
  std::int64_t calls_ = 0;                               // that were read here
  std::int64_t next_index_ = 0;                          // of a call of either kind
  std::map<std::int64_t, std::int64_t> server_indexes_;  // the server's -> ours
  // Names of the server's calls whose arguments have not come.
  std::map<std::int64_t, std::string> bare_;
  std::vector<std::string> repairs_;
};

}  // namespace weir::engine
