#include "weir/cli/line_editor.h"

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <histedit.h>
#include <unistd.h>
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#endif

#include "weir/base/limits.h"
#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/store/files.h"

namespace weir::cli {
namespace {

constexpr std::string_view kPasteEnd = "\033[201~";
constexpr std::size_t kHistoryBytes = 8 << 20;
constexpr std::size_t kPasteCharacters = 1 << 20;
constexpr const char* kMorePrompt = "… ";

// The lines of a file of JSON strings, one message each; what cannot be read is skipped.
std::vector<std::string> ReadHistory(const std::string& path) {
  std::vector<std::string> lines;
  const auto text = store::ReadFile(path, kHistoryBytes);
  if (!text || !*text) return lines;
  for (const std::string_view row : Split(**text, '\n')) {
    const Result<json::Value> line = json::Read(row);
    if (line && line->IsString()) lines.emplace_back(line->StringOr(""));
  }
  return lines;
}

// A history that cannot be written is no reason to stop a conversation.
void AppendHistory(const std::string& path, const std::string& line) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  std::string row;
  json::AppendQuoted(row, line);
  row += '\n';
  (void)!::write(fd, row.data(), row.size());
  ::close(fd);
}

void TrimHistory(const std::string& path, std::vector<std::string>& lines, std::size_t most) {
  if (lines.size() <= most) return;
  lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most));
  std::string text;
  for (const std::string& line : lines) {
    json::AppendQuoted(text, line);
    text += '\n';
  }
  (void)store::ReplaceFile(path, text, {.durable = false, .mode = 0600});
}

bool MayBeKept(const std::string& line) {
  return !line.empty() && line.front() != ' ' && Redact(line) == line;
}

// Whether the message goes on with the next line; takes the mark off.
bool GoesOn(std::string& line) {
  if (!line.ends_with('\\')) return false;
  line.pop_back();
  return true;
}

class LineEditor final : public LineSource {
 public:
  explicit LineEditor(LineEditorOptions options)
      : options_(std::move(options)), history_(history_init()) {
    // libedit reads and draws characters of the locale; ours are always UTF-8.
    if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1) {
      std::setlocale(LC_CTYPE, "C.UTF-8");
    }
    out_ = options_.to_stderr ? stderr : stdout;
    edit_ = el_init("weir", stdin, out_, stderr);
    HistEvent event;
    history(history_, &event, H_SETSIZE, static_cast<int>(options_.history_lines));
    history(history_, &event, H_SETUNIQUE, 1);
    SetUp();
    if (options_.history_file.empty()) return;
    std::vector<std::string> lines = ReadHistory(options_.history_file);
    TrimHistory(options_.history_file, lines, options_.history_lines);
    for (const std::string& line : lines) history(history_, &event, H_ENTER, line.c_str());
  }

  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  ~LineEditor() override {
    el_end(edit_);
    history_end(history_);
  }

  TypedLine Next(const std::string& prompt) override {
    TypedLine line;
    prompt_ = prompt;
    for (;;) {
      std::optional<std::string> typed = ReadLine();
      if (!typed) {
        std::fputs("\n", out_);
        line.end = TypedLine::End::kOver;
        return line;
      }
      line.text += *typed;
      if (std::exchange(interrupted_, false)) {
        line.end = TypedLine::End::kInterrupt;
        return line;
      }
      if (!GoesOn(line.text)) break;
      line.text += '\n';
      prompt_ = kMorePrompt;
    }
    Remember(line.text);
    return line;
  }

 private:
  static LineEditor& Of(EditLine* edit) {
    void* self = nullptr;
    el_get(edit, EL_CLIENTDATA, &self);
    return *static_cast<LineEditor*>(self);
  }

  void SetUp() {
    el_set(edit_, EL_CLIENTDATA, this);
    el_set(edit_, EL_SIGNAL, 1);
    el_set(edit_, EL_EDITOR, "emacs");
    el_set(edit_, EL_HIST, history, history_);
    el_set(edit_, EL_PROMPT_ESC, &Prompt, '\1');
    AddFunctions();
    el_set(edit_, EL_BIND, "^I", "weir-complete", nullptr);
    el_set(edit_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    el_set(edit_, EL_BIND, "\033\r", "weir-newline", nullptr);
    el_set(edit_, EL_BIND, "\033\n", "weir-newline", nullptr);
    el_set(edit_, EL_BIND, "\033[200~", "weir-paste", nullptr);
    el_set(edit_, EL_BIND, "\033[1;5D", "ed-prev-word", nullptr);
    el_set(edit_, EL_BIND, "\033[1;5C", "em-next-word", nullptr);
    el_set(edit_, EL_BIND, "\033[3~", "ed-delete-next-char", nullptr);
    el_source(edit_, nullptr);
  }

  // libedit copies the names and never frees them, which a leak checker would tell of.
  void AddFunctions() {
#if __has_feature(address_sanitizer)
    const __lsan::ScopedDisabler not_ours;
#endif
    el_set(edit_, EL_ADDFN, "weir-newline", "put in a line feed", &NewLine);
    el_set(edit_, EL_ADDFN, "weir-paste", "put in what is pasted", &Paste);
    el_set(edit_, EL_ADDFN, "weir-complete", "complete a command", &Complete);
  }

  std::optional<std::string> ReadLine() {
    std::fputs("\033[?2004h", out_);  // pasted text comes between marks
    std::fflush(out_);
    int size = 0;
    errno = 0;
    const char* typed = el_gets(edit_, &size);
    const int failed = errno;
    std::fputs("\033[?2004l", out_);
    std::fflush(out_);
    if (typed == nullptr && size < 0 && failed == EINTR) {  // Ctrl-C
      interrupted_ = true;
      std::fputs("\n", out_);
      const LineInfo* line = el_line(edit_);
      return std::string(line->buffer, line->lastchar);
    }
    if (typed == nullptr || size <= 0) return std::nullopt;
    std::string line(typed, static_cast<std::size_t>(size));
    if (line.ends_with('\n')) line.pop_back();
    return line;
  }

  void Remember(const std::string& line) {
    if (Trim(line).empty()) return;
    HistEvent event;
    history(history_, &event, H_ENTER, line.c_str());
    if (!options_.history_file.empty() && MayBeKept(line)) {
      AppendHistory(options_.history_file, line);
    }
  }

  static char* Prompt(EditLine* edit) { return Of(edit).prompt_.data(); }

  static unsigned char NewLine(EditLine* edit, int) {
    return el_insertstr(edit, "\n") == 0 ? CC_REFRESH : CC_ERROR;
  }

  static unsigned char Paste(EditLine* edit, int) {
    std::wstring text;
    const std::wstring end(kPasteEnd.begin(), kPasteEnd.end());
    while (!text.ends_with(end) && text.size() < kPasteCharacters) {
      wchar_t next = 0;
      if (el_wgetc(edit, &next) != 1) return CC_EOF;
      text += next == L'\r' ? L'\n' : next;
    }
    if (text.ends_with(end)) text.resize(text.size() - end.size());
    while (text.ends_with(L'\n')) text.pop_back();
    if (text.empty()) return CC_REFRESH;
    return el_winsertstr(edit, text.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  }

  // The longest beginning that all fitting commands share.
  static unsigned char Complete(EditLine* edit, int) {
    const LineInfo* line = el_line(edit);
    const std::string_view typed(line->buffer,
                                 static_cast<std::size_t>(line->cursor - line->buffer));
    if (!typed.starts_with('/') || typed.contains(' ')) return CC_ERROR;
    std::optional<std::string> common;
    int fitting = 0;
    for (const std::string& word : Of(edit).options_.completions) {
      if (!word.starts_with(typed)) continue;
      ++fitting;
      if (!common) common = word;
      const auto differ = std::ranges::mismatch(*common, word).in1;
      common->resize(static_cast<std::size_t>(differ - common->begin()));
    }
    if (!common) return CC_ERROR;
    const std::string rest = common->substr(typed.size()) + (fitting == 1 ? " " : "");
    if (rest.empty()) return CC_REFRESH_BEEP;
    return el_insertstr(edit, rest.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  }

  const LineEditorOptions options_;
  std::FILE* out_ = nullptr;
  EditLine* edit_ = nullptr;
  History* const history_;
  std::string prompt_;
  bool interrupted_ = false;
};

class PipedLines final : public LineSource {
 public:
  TypedLine Next(const std::string& prompt) override {
    (void)prompt;
    TypedLine line;
    std::string row;
    while (ReadRow(row)) {
      line.text += row;
      if (!GoesOn(line.text)) return line;
      line.text += '\n';
    }
    if (line.text.empty()) line.end = TypedLine::End::kOver;
    return line;
  }

 private:
  bool ReadRow(std::string& row) {
    for (;;) {
      const std::size_t end = buffer_.find('\n');
      if (end != buffer_.npos || (over_ && !buffer_.empty())) {
        row = buffer_.substr(0, end);
        buffer_.erase(0, end == buffer_.npos ? end : end + 1);
        if (row.ends_with('\r')) row.pop_back();
        return true;
      }
      if (over_) return false;
      char bytes[16384];
      const ssize_t got = ::read(STDIN_FILENO, bytes, sizeof(bytes));
      if (got < 0 && errno == EINTR) continue;
      over_ = got <= 0 || buffer_.size() > limits::kStdinBytes;
      if (got > 0) buffer_.append(bytes, static_cast<std::size_t>(got));
    }
  }

  std::string buffer_;
  bool over_ = false;
};

}  // namespace

std::unique_ptr<LineSource> NewLineEditor(LineEditorOptions options) {
  return std::make_unique<LineEditor>(std::move(options));
}

std::unique_ptr<LineSource> NewPipedLines() { return std::make_unique<PipedLines>(); }

std::string HistoryFile(const Env& env) {
  std::string folder = env.Get("XDG_STATE_HOME").value_or("");
  if (folder.empty()) {
    const std::optional<std::string> home = env.Get("HOME");
    if (!home) return {};
    folder = *home + "/.local/state";
  }
  folder += "/weir";
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  return failed ? "" : folder + "/chat_history";
}

}  // namespace weir::cli
