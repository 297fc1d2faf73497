#include "weir/cli/reply_printer.h"

#include <utility>

#include "weir/base/text.h"
#include "weir/cli/print.h"

namespace weir::cli {
namespace {

bool IsOneAnswer(const model::Call& call) {
  const std::int64_t raw_n = call.extra.Find("n").AsInt64().value_or(1);
  return call.sampling.n.value_or(1) == 1 && call.sampling.beam_width.value_or(1) == 1 &&
         raw_n == 1;
}

}  // namespace

// The texts of several answers would mix.
ReplyPrinter::ReplyPrinter(Terminal& terminal, const CallRun& run, bool pieces)
    : terminal_(terminal),
      reasoning_(run.reasoning),
      json_(run.flags.form() == Output::kJson),
      pieces_(pieces && (json_ || IsOneAnswer(run.call))) {
  if (!run.markdown) return;
  const Terminal::Size size = terminal.size();
  markdown_.emplace(MarkdownOptions{
      .width = size.width, .height = size.height, .colour = terminal.out_has_colour()});
}

void ReplyPrinter::Print(const model::Delta& piece) {
  if (!pieces_) return;
  if (json_) return terminal_.Out(DeltaJson(piece));
  terminal_.HoldNotes();
  if (reasoning_ == ShowReasoning::kShow && !piece.reasoning.empty()) {
    PrintThought(piece.reasoning);
  }
  const bool only = reasoning_ == ShowReasoning::kOnly;
  const std::string& text = only ? piece.reasoning : piece.text;
  if (!text.empty()) {
    EndThoughts();
    PrintText(text);
  }
  if (!only && !piece.refusal.empty()) PrintRefusal(piece.refusal);
}

// On a line of its own, where words of an answer came before it.
void ReplyPrinter::PrintRefusal(std::string_view text) {
  EndThoughts();
  if (!std::exchange(refuses_, true)) PrintLine("");
  PrintText(text);
}

void ReplyPrinter::PrintText(std::string_view text) {
  if (text.empty()) return;
  if (markdown_) {
    const Terminal::Size size = terminal_.size();
    markdown_->Resize(size.width, size.height);
    return terminal_.Out(markdown_->Feed(text));
  }
  last_ = text.back();
  if (!terminal_.out_is_terminal()) return terminal_.Out(text);
  std::string clean;
  cleaner_.Feed(text, clean);
  terminal_.Out(clean);
}

// Thoughts that come in the middle of an answer must not stand where it is drawn anew.
void ReplyPrinter::PrintThought(std::string_view text) {
  if (markdown_) terminal_.Out(markdown_->Finish());
  last_thought_ = text.back();
  if (!terminal_.err_is_terminal()) return terminal_.Raw(text);
  std::string clean;
  thought_cleaner_.Feed(text, clean);
  if (terminal_.err_has_colour()) {
    std::string dim;
    AppendStyled(dim, clean, kFaint);
    clean = std::move(dim);
  }
  terminal_.Raw(clean);
}

void ReplyPrinter::EndLines() {
  if (!pieces_ || json_) return;
  EndThoughts();
  PrintLine("");
  terminal_.ReleaseNotes();
}

void ReplyPrinter::EndThoughts() {
  if (last_thought_ != '\n') terminal_.Raw("\n");
  last_thought_ = '\n';
}

void ReplyPrinter::Finish(const model::Reply& reply, const std::optional<Error>& error) {
  if (json_) return FinishJson(reply, error);
  if (!pieces_) return PrintWhole(reply, error.has_value());
  EndLines();
  if (reasoning_ == ShowReasoning::kOnly) return;
  for (const model::Choice& choice : reply.choices) PrintCalls(choice, error.has_value());
}

void ReplyPrinter::FinishJson(const model::Reply& reply, const std::optional<Error>& error) {
  if (!pieces_) return terminal_.Out(ReplyJson(reply, error));
  if (const std::string end = EndJson(reply); !end.empty()) terminal_.Out(end);
  if (error) terminal_.Out(ErrorJson(*error));
}

void ReplyPrinter::PrintWhole(const model::Reply& reply, bool failed) {
  for (const model::Choice& choice : reply.choices) {
    if (reply.choices.size() > 1) terminal_.Out(StrCat("--- answer ", choice.index, "\n"));
    if (reasoning_ == ShowReasoning::kShow && !choice.reasoning.empty()) {
      PrintThought(choice.reasoning + "\n");
    }
    if (reasoning_ == ShowReasoning::kOnly) {
      PrintLine(choice.reasoning);
    } else {
      PrintLine(choice.text);
      PrintLine(choice.refusal);
      PrintCalls(choice, failed);
    }
  }
}

// A call that broke off is not to be taken for one.
void ReplyPrinter::PrintCalls(const model::Choice& choice, bool failed) {
  if (failed && choice.finish == model::Finish::kNone) return;
  if (markdown_) return terminal_.Out(ToolCallLines(choice));
  PrintLine(ToolCallLines(choice));
}

void ReplyPrinter::PrintLine(std::string_view text) {
  PrintText(text);
  if (markdown_) return terminal_.Out(markdown_->Finish());
  if (last_ != '\n') terminal_.Out("\n");
  last_ = '\n';
}

}  // namespace weir::cli
