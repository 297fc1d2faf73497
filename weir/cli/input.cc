#include "weir/cli/input.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <unistd.h>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/reader.h"

namespace weir::cli {
namespace {

constexpr std::size_t kChunk = 256 * 1024;
constexpr std::size_t kShownBefore = 60;  // columns of an excerpt
constexpr std::size_t kShownBehind = 20;

// An open file, or stdin.
class Source {
 public:
  static Result<Source> Open(const std::string& path) {
    if (path == kStdin) return Source(STDIN_FILENO, "stdin");
    WEIR_TRY(const int fd, OpenInput(path));
    return Source(fd, path);
  }

  Source(Source&& other) noexcept
      : fd_(std::exchange(other.fd_, STDIN_FILENO)), name_(std::move(other.name_)) {}
  Source& operator=(Source&&) = delete;
  ~Source() {
    if (fd_ != STDIN_FILENO) ::close(fd_);
  }

  const std::string& name() const { return name_; }

  // Appends what is there, at most a chunk; 0 bytes at the end.
  Result<std::size_t> Append(std::string& out) {
    const std::size_t before = out.size();
    out.resize(before + kChunk);
    ssize_t got = -1;
    do {
      got = ::read(fd_, out.data() + before, kChunk);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return Fail(Code::kIoError, StrCat("cannot read ", name_), std::strerror(errno));
    out.resize(before + static_cast<std::size_t>(got));
    return static_cast<std::size_t>(got);
  }

 private:
  Source(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  int fd_;
  std::string name_;
};

// Cuts a source into lines. A line that is too long is skipped up to its end.
class LineCutter {
 public:
  LineCutter(Source source, std::size_t max_bytes)
      : source_(std::move(source)), max_bytes_(max_bytes) {}

  // The next line if it is there as a whole. It is good until the next call of either function.
  std::optional<Result<std::string_view>> Next() {
    const std::size_t end = buffer_.find('\n', begin_ + searched_);
    if (end != buffer_.npos) return Take(end, end + 1);
    searched_ = buffer_.size() - begin_;
    if (searched_ > max_bytes_) {
      too_long_ = true;
      begin_ = buffer_.size();
      searched_ = 0;
    }
    const bool last_line_is_left = ended_ && (searched_ > 0 || too_long_);
    if (!last_line_is_left) return std::nullopt;
    return Take(buffer_.size(), buffer_.size());
  }

  // False at the end of the source.
  Result<bool> ReadMore() {
    if (ended_) return false;
    buffer_.erase(0, std::exchange(begin_, 0));
    WEIR_TRY(const std::size_t got, source_.Append(buffer_));
    ended_ = got == 0;
    return true;
  }

 private:
  Result<std::string_view> Take(std::size_t end, std::size_t next) {
    std::string_view line = std::string_view(buffer_).substr(begin_, end - begin_);
    begin_ = next;
    ++number_;
    searched_ = 0;
    if (std::exchange(too_long_, false) || line.size() > max_bytes_) {
      return Fail(Code::kInvalidRequest,
                  StrCat("line ", number_, " of ", source_.name(), " is longer than the limit of ",
                         max_bytes_, " bytes; --max-bytes raises it"));
    }
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  Source source_;
  const std::size_t max_bytes_;
  std::string buffer_;
  std::size_t begin_ = 0;     // of the next line
  std::size_t searched_ = 0;  // bytes of it that hold no line break
  std::size_t number_ = 0;
  bool too_long_ = false;  // a part of the next line is gone
  bool ended_ = false;
};

}  // namespace

Result<std::string> ReadDocument(const Session& session, const std::string& path,
                                 std::size_t max_bytes) {
  if (path == kStdin && session.terminal.in_is_terminal()) {
    return Fail(Code::kInvalidRequest, "nothing to read: name a file, or pipe a text in");
  }
  WEIR_TRY(Source source, Source::Open(path));
  std::string text;
  for (;;) {
    WEIR_TRY(const std::size_t got, source.Append(text));
    if (got == 0) return text;
    if (text.size() <= max_bytes) continue;
    return Fail(Code::kInvalidRequest, StrCat(source.name(), " is longer than the limit of ",
                                              max_bytes, " bytes; --max-bytes raises it"));
  }
}

Result<void> CheckUtf8(std::string_view text, std::string_view what) {
  if (IsUtf8(text)) return {};
  std::size_t at = 0;
  for (std::size_t size = 1; at + size <= text.size() && size <= 4;) {
    const bool whole = IsUtf8(text.substr(at, size));
    if (whole) at += size;
    size = whole ? 1 : size + 1;
  }
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(text[at]);
  return Fail(Code::kConfigError, StrCat(what, " is not UTF-8: at byte ", at, " stands 0x",
                                         kDigits.substr(byte >> 4, 1), kDigits.substr(byte & 15, 1),
                                         "; convert it, e.g. with iconv -f latin1 -t utf-8"));
}

int AnswerLines(Session& session, const LineInput& input, const AnswerLine& answer) {
  Result<Source> source = Source::Open(input.path);
  if (!source) return Refuse(session, source.error());
  LineCutter lines(*std::move(source), input.max_bytes);
  std::string out;
  std::size_t rows = 0;
  std::size_t failed = 0;
  for (;;) {
    while (const std::optional<Result<std::string_view>> line = lines.Next()) {
      ++rows;
      if (answer(*line, out) == RowOutcome::kFailed) ++failed;
      out += '\n';
      if (out.size() < kChunk) continue;
      session.terminal.Out(out);
      out.clear();
    }
    if (!out.empty()) session.terminal.Out(out);
    out.clear();
    if (session.terminal.out_error()) return kExitFailed;
    const Result<bool> more = lines.ReadMore();
    if (!more) return Refuse(session, more.error());
    if (!*more) break;
  }
  if (failed == 0) return kExitOk;
  return failed == rows ? kExitFailed : kExitSomeFailed;
}

Result<std::string> TextOfRow(std::string_view line) {
  json::ReadOptions options;
  options.max_bytes = line.size();
  WEIR_TRY(const json::Value row, json::Read(line, options));
  const std::optional<std::string_view> plain = row.Find("text").AsString();
  const std::optional<std::string_view> coded = row.Find("base64").AsString();
  if (plain && coded) {
    return Fail(Code::kInvalidRequest, "the row has a \"text\" and a \"base64\"; give one of them");
  }
  if (plain) return std::string(*plain);
  if (coded) {
    if (std::optional<std::string> bytes = Base64Decode(*coded)) return *std::move(bytes);
    return Fail(Code::kInvalidRequest, "the member \"base64\" of the row is not base64");
  }
  return Fail(Code::kInvalidRequest,
              "a row must be an object with a string \"text\", or \"base64\" for any bytes");
}

LineColumn PlaceFinder::Find(std::size_t offset) {
  offset = std::min(offset, text_.size());
  if (offset < at_) {
    at_ = 0;
    place_ = {};
  }
  for (; at_ < offset; ++at_) {
    if (text_[at_] == '\n') {
      ++place_.line;
      place_.column = 1;
    } else if (!IsInsideUtf8(text_[at_])) {
      ++place_.column;
    }
  }
  return place_;
}

void WritePlace(json::Writer& out, std::size_t offset, LineColumn place) {
  out.Key("offset");
  out.Uint(offset);
  out.Key("line");
  out.Uint(place.line);
  out.Key("column");
  out.Uint(place.column);
}

std::string Excerpt(std::string_view text, std::size_t offset) {
  const std::size_t line = text.substr(0, offset).rfind('\n') + 1;
  std::string_view shown = text.substr(line, text.find('\n', offset) - line);
  std::size_t caret = offset - line;
  std::string_view dots;
  if (caret > kShownBefore) {
    std::size_t cut = caret - kShownBefore;
    while (cut < caret && IsInsideUtf8(shown[cut])) ++cut;
    shown.remove_prefix(cut);
    caret -= cut;
    dots = "...";
  }
  shown = Utf8Prefix(shown, caret + kShownBehind);

  const bool readable = IsUtf8(shown);
  std::string clean;
  std::size_t column = dots.size();
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto byte = static_cast<unsigned char>(shown[i]);
    const bool control = byte < 0x20 || byte == 0x7F;
    clean += control ? ' ' : byte >= 0x80 && !readable ? '?' : shown[i];
    if (i < caret && !(readable && IsInsideUtf8(shown[i]))) ++column;
  }
  const std::string number = StrCat(PlaceFinder(text).Find(offset).line);
  return StrCat("  ", number, " | ", dots, Redact(clean), "\n", std::string(number.size() + 2, ' '),
                " | ", std::string(column, ' '), "^\n");
}

}  // namespace weir::cli
