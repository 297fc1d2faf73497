#pragma once

// Terminal: where a command's text goes. Answers to stdout, everything else to stderr; no colour
// when the stream is not a terminal or NO_COLOR is set. What is printed about the work, not by the
// model, is redacted.

#include <optional>
#include <string>
#include <string_view>

#include "weir/base/env.h"
#include "weir/base/result.h"

namespace weir::cli {

class Terminal {
 public:
  explicit Terminal(const Env& env);

  void Out(std::string_view text);  // stdout, at once, as it is
  // What went wrong with stdout, if something did: a full disk, a closed descriptor.
  const std::optional<Error>& out_error() const { return out_error_; }
  void Note(std::string_view text) const;  // stderr, "weir: " in front, one line
  void Warn(std::string_view text) const;
  void Problem(const Error& error) const;  // stderr: the error, its cause and what to do
  void Raw(std::string_view text) const;   // stderr, as it is
  // Between the two, notes wait: on the terminal they would stand in the middle of an answer.
  void HoldNotes();
  void ReleaseNotes();

  bool out_is_terminal() const { return out_is_terminal_; }
  bool err_is_terminal() const { return err_is_terminal_; }
  bool in_is_terminal() const { return in_is_terminal_; }
  bool out_has_cursor() const { return out_is_terminal_ && !dumb_; }  // it can be moved
  bool out_has_colour() const { return out_has_cursor() && !no_colour_; }
  bool err_has_colour() const { return colour_; }

  struct Size {
    int width = 80;
    int height = 24;
  };
  Size size() const;  // of the terminal behind stdout
  // How wide a table on stdout may be; without a terminal, very.
  int table_width() const { return out_is_terminal_ ? size().width : kPipeWidth; }

 private:
  static constexpr int kPipeWidth = 1000;

  void Line(std::string_view colour, std::string_view label, std::string_view text) const;

  bool out_is_terminal_;
  bool err_is_terminal_;
  bool in_is_terminal_;
  bool dumb_;
  bool no_colour_;
  bool colour_;
  std::optional<Error> out_error_;
  bool holds_ = false;
  mutable std::string held_;
};

// Opens a file for reading, close-on-exec. Fails with kConfigError, for a folder too.
Result<int> OpenInput(const std::string& path);
// Fails with kConfigError where a folder stands in the place of a file.
Result<void> CheckNoFolder(const std::string& path);
// Whether a file or a pipe with bytes in it stands at stdin, and nobody has read them. Waits for
// nothing: what a pipe gets later is not known yet.
bool StdinIsLeft();
// All of stdin, at most limits::kStdinBytes of it.
Result<std::string> ReadStdin();
// A whole file, or stdin for "-".
Result<std::string> ReadInput(const std::string& path);

// The process's exit code for an error, by the table of design section 6.
int ExitCode(const Error& error);

// Text from outside without what would move the cursor, set colours or titles, or turn the
// direction of what is read: a TextCleaner (markdown/character.h) over all of it.
std::string Harmless(std::string_view text);

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 2;
inline constexpr int kExitConfig = 3;
inline constexpr int kExitCancelled = 4;
inline constexpr int kExitUnavailable = 5;
inline constexpr int kExitBudget = 6;
inline constexpr int kExitUsage = 64;

}  // namespace weir::cli
