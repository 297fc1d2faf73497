#pragma once

// Prints one reply in the form that was asked for: as it comes, or at its end. A pipe gets the
// model's bytes; a terminal gets nothing that it would obey.

#include <optional>

#include "weir/cli/markdown.h"
#include "weir/cli/run_call.h"
#include "weir/model/reply.h"

namespace weir::cli {

class ReplyPrinter {
 public:
  // Pieces are printed as they come when `pieces` is set: text of a single answer, or JSON lines.
  // Both references must outlive the printer.
  ReplyPrinter(Terminal& terminal, const CallRun& run, bool pieces);

  void Print(const model::Delta& piece);

  // Ends the lines that pieces have begun, so that what is said next does not stick to them.
  void EndLines();

  // Prints what Print() has not. `reply` is whole, or what came before `error`; an error of a whole
  // reply is a verdict on it. The error's sentence on stderr is not the printer's business.
  void Finish(const model::Reply& reply, const std::optional<Error>& error);

 private:
  void FinishJson(const model::Reply& reply, const std::optional<Error>& error);
  void PrintWhole(const model::Reply& reply, bool failed);
  void PrintCalls(const model::Choice& choice, bool failed);
  void EndThoughts();
  void PrintText(std::string_view text);
  void PrintRefusal(std::string_view text);
  void PrintThought(std::string_view text);
  void PrintLine(std::string_view text);  // with a newline at its end

  Terminal& terminal_;
  const ShowReasoning reasoning_;
  const bool json_;
  const bool pieces_;
  std::optional<Markdown> markdown_;  // renders the answer
  TextCleaner cleaner_;               // what is shown as it is on a terminal
  TextCleaner thought_cleaner_;
  bool refuses_ = false;  // a refusal has begun
  char last_ = '\n';      // of what was printed; the terminal's next line begins at its left edge
  char last_thought_ = '\n';  // the same for the reasoning on stderr
};

}  // namespace weir::cli
