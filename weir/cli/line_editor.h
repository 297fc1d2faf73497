#pragma once

// Where the lines of a conversation come from: a person at a terminal, with history and editing
// (libedit), or a pipe.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/base/env.h"

namespace weir::cli {

struct TypedLine {
  enum class End : std::uint8_t {
    kEnter,
    kInterrupt,  // Ctrl-C: the line was cleared; `text` is what had been typed
    kOver,       // Ctrl-D, or the end of the pipe
  };

  End end = End::kEnter;
  std::string text;  // may hold line feeds; without the last one
};

class LineSource {
 public:
  virtual ~LineSource() = default;

  // The next message: lines that end with a backslash go on with the next one.
  virtual TypedLine Next(const std::string& prompt) = 0;
};

struct LineEditorOptions {
  std::string history_file;              // empty: history ends with the program
  std::size_t history_lines = 1000;      // that are kept
  std::vector<std::string> completions;  // of a word at the beginning of a line, by Tab
  bool to_stderr = false;                // prompts go there, since stdout is a pipe
};

// Emacs keys, or what ~/.editrc says. Alt-Enter puts in a line feed, and so does pasting several
// lines. Lines with secrets in them are never written to the history file, nor those that begin
// with a blank.
std::unique_ptr<LineSource> NewLineEditor(LineEditorOptions options);

// stdin as it comes, without prompts.
std::unique_ptr<LineSource> NewPipedLines();

// $XDG_STATE_HOME/weir/chat_history, or that below ~/.local/state; its folder is made. Empty when
// there is no home.
std::string HistoryFile(const Env& env);

}  // namespace weir::cli
