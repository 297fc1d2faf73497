#include "weir/cli/terminal.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/fd.h"
#include "weir/base/limits.h"
#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/cli/colours.h"
#include "weir/cli/markdown/character.h"

namespace weir::cli {
namespace {

Result<std::string> ReadAll(int fd, const std::string& name) {
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t got = ::read(fd, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Fail(Code::kIoError, StrCat("cannot read ", name), std::strerror(errno));
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > limits::kStdinBytes) {
      return Fail(Code::kInvalidRequest,
                  StrCat(name, " is longer than the limit of ", limits::kStdinBytes, " bytes"));
    }
  }
}

}  // namespace

Terminal::Terminal(const Env& env)
    : out_is_terminal_(::isatty(STDOUT_FILENO) == 1),
      err_is_terminal_(::isatty(STDERR_FILENO) == 1),
      in_is_terminal_(::isatty(STDIN_FILENO) == 1),
      dumb_(env.Get("TERM") == "dumb"),
      no_colour_(env.Get("NO_COLOR").has_value()),
      colour_(err_is_terminal_ && !no_colour_ && !dumb_) {}

Terminal::Size Terminal::size() const {
  winsize found{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) != 0 || found.ws_col == 0 || found.ws_row == 0) {
    return {};
  }
  return {.width = found.ws_col, .height = found.ws_row};
}

void Terminal::Out(std::string_view text) {
  if (out_error_ || WriteAll(STDOUT_FILENO, text)) return;
  out_error_ = Error{.code = Code::kIoError,
                     .message = "the answer could not be written to stdout and is lost in part",
                     .cause = std::strerror(errno)};
}

// A lost message about the work has nobody left to be told to.
void Terminal::Raw(std::string_view text) const { (void)WriteAll(STDERR_FILENO, text); }

void Terminal::Line(std::string_view colour, std::string_view label, std::string_view text) const {
  std::string line = "weir: ";
  if (colour_ && !colour.empty()) {
    StrAppend(line, colour, label, kPlain);
  } else {
    line += label;
  }
  line += Harmless(Redact(text));
  line += '\n';
  if (holds_) {
    held_ += line;
  } else {
    Raw(line);
  }
}

void Terminal::HoldNotes() { holds_ = out_is_terminal_ && err_is_terminal_; }

void Terminal::ReleaseNotes() {
  holds_ = false;
  if (!held_.empty()) Raw(std::exchange(held_, {}));
}

void Terminal::Note(std::string_view text) const { Line({}, {}, text); }
void Terminal::Warn(std::string_view text) const { Line(kYellow, "warning: ", text); }

void Terminal::Problem(const Error& error) const {
  std::string text = error.message;
  if (!error.cause.empty()) StrAppend(text, " [", error.cause, "]");
  // What is wrong with a file comes together, a line for each thing; an example or an excerpt has
  // lines that are empty or indented.
  const std::vector<std::string_view> lines = Split(text, '\n');
  const bool each =
      error.code == Code::kConfigError && std::ranges::none_of(lines, [](std::string_view line) {
        return line.empty() || line.starts_with(' ');
      });
  if (!each) return Line(kRed, StrCat(Name(error), ": "), text);
  for (const std::string_view line : lines) Line(kRed, StrCat(Name(error), ": "), line);
}

Result<int> OpenInput(const std::string& path) {
  WEIR_CHECK(CheckNoFolder(path));
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Fail(Code::kConfigError, StrCat("cannot read ", path), std::strerror(errno));
  return fd;
}

Result<void> CheckNoFolder(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) return {};
  return Fail(Code::kConfigError, StrCat(path, " is a folder; name a file"));
}

bool StdinIsLeft() {
  struct stat about{};
  if (::fstat(STDIN_FILENO, &about) != 0) return false;
  // A file that somebody has begun to read is theirs: the lines of a shell's loop.
  if (S_ISREG(about.st_mode)) return about.st_size > 0 && ::lseek(STDIN_FILENO, 0, SEEK_CUR) == 0;
  int waiting = 0;
  return S_ISFIFO(about.st_mode) && ::ioctl(STDIN_FILENO, FIONREAD, &waiting) == 0 && waiting > 0;
}

Result<std::string> ReadStdin() { return ReadAll(STDIN_FILENO, "stdin"); }

Result<std::string> ReadInput(const std::string& path) {
  if (path == "-") return ReadStdin();
  WEIR_TRY(const int fd, OpenInput(path));
  Result<std::string> text = ReadAll(fd, path);
  ::close(fd);
  return text;
}

std::string Harmless(std::string_view text) {
  std::string harmless;
  TextCleaner cleaner;
  cleaner.Feed(text, harmless);
  cleaner.Finish(harmless);
  return harmless;
}

int ExitCode(const Error& error) {
  if (error.code == Code::kProtocolError) return kExitFailed;  // an answer came, but no valid one
  switch (ClassOf(error)) {
    case ErrorClass::kTimeout:
    case ErrorClass::kNetwork:
    case ErrorClass::kUnavailable:
      return kExitUnavailable;
    case ErrorClass::kRateLimit:
    case ErrorClass::kAuth:
    case ErrorClass::kDenied:
    case ErrorClass::kNotFound:
    case ErrorClass::kContextLength:
    case ErrorClass::kContentFilter:
    case ErrorClass::kModel:
    case ErrorClass::kValidation:
    case ErrorClass::kAgent:
    case ErrorClass::kInternal:
      return kExitFailed;
    case ErrorClass::kInvalidRequest:
      return error.http_status != 0 ? kExitFailed : kExitConfig;
    case ErrorClass::kConfig:
      return kExitConfig;
    case ErrorClass::kBudget:
      return kExitBudget;
    case ErrorClass::kAbort:
      return kExitCancelled;
  }
  std::unreachable();
}

}  // namespace weir::cli
