#include "weir/http/cassette_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>

#include "weir/base/text.h"

namespace weir::http {
namespace {

using std::chrono::microseconds;

constexpr std::string_view kFirstLine = "weir-cassette 1";
constexpr std::string_view kSuffix = ".exchange";
constexpr std::size_t kLongestLine = 80;
constexpr std::size_t kLineBytesPerPiece = 64;  // a line with two numbers, and a line break
constexpr std::array<std::string_view, 4> kEnds = {"complete", "closed", "broken", "left"};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

std::int64_t Micros(Duration time) {
  return std::chrono::duration_cast<microseconds>(time).count();
}

// A number as WriteExchange writes it: no sign, no leading zero.
std::optional<std::uint64_t> Number(std::string_view word) {
  if (word.empty() || word.front() < '0' || word.front() > '9') return std::nullopt;
  if (word.size() > 1 && word.front() == '0') return std::nullopt;
  return ParseUint(word);
}

class ExchangeReader {
 public:
  ExchangeReader(std::string_view text, std::string_view name, const CassetteLimits& limits)
      : text_(text), name_(name), limits_(limits) {}

  Result<RecordedExchange> Read() {
    WEIR_TRY(const std::string_view first, Line());
    if (first != kFirstLine) {
      at_ = 0;
      return Wrong(StrCat("should begin with '", kFirstLine,
                          "': it is something else, or of another version of weir"));
    }
    WEIR_CHECK(ReadRequest());
    for (;;) {
      const std::size_t begin = at_;
      WEIR_TRY(const std::string_view line, Line());
      const std::vector<std::string_view> words = Split(line, ' ');
      if (words.size() == 3 && words[0] == "end") {
        WEIR_CHECK(ReadEnd(words, begin));
        return std::move(exchange_);
      }
      WEIR_CHECK(ReadPiece(words, begin));
    }
  }

 private:
  std::unexpected<Error> Wrong(std::string_view what) const {
    return Fail(Code::kIoError,
                StrCat("the recording ", name_, " is damaged at byte ", at_, ": it ", what,
                       "; record the exchange again, or delete the file"));
  }

  Result<std::string_view> Line() {
    const std::size_t end = text_.substr(at_, kLongestLine).find('\n');
    if (end == text_.npos) {
      if (text_.size() - at_ < kLongestLine) return Wrong("ends in the middle of a line");
      return Wrong("should have a short line here");
    }
    const std::string_view line = text_.substr(at_, end);
    at_ += end + 1;
    return line;
  }

  // `size` bytes and a line break.
  Result<std::string_view> Bytes(std::uint64_t size) {
    if (text_.size() - at_ <= size) return Wrong(StrCat("ends before ", size, " bytes and a line"));
    const std::string_view bytes = text_.substr(at_, size);
    at_ += size;
    if (text_[at_] != '\n') return Wrong("should have a line break here, behind counted bytes");
    ++at_;
    return bytes;
  }

  Result<void> ReadRequest() {
    const std::size_t begin = at_;
    WEIR_TRY(const std::string_view line, Line());
    const std::vector<std::string_view> words = Split(line, ' ');
    const auto head = words.size() == 3 ? Number(words[1]) : std::nullopt;
    const auto body = words.size() == 3 ? Number(words[2]) : std::nullopt;
    if (!head || !body || words[0] != "request" || *head > limits::kHeaderBytes ||
        *body > limits_.request_bytes) {
      at_ = begin;
      return Wrong("should say 'request HEAD_BYTES BODY_BYTES', both within the limits");
    }
    WEIR_TRY(const std::string_view bytes, Bytes(*head + *body));
    exchange_.head = bytes.substr(0, *head);
    exchange_.body = bytes.substr(*head);
    return {};
  }

  Result<Duration> Time(std::string_view word, std::size_t begin) {
    const auto micros = Number(word);
    if (!micros || *micros > static_cast<std::uint64_t>(Micros(Duration::max())) ||
        microseconds(*micros) < latest_) {
      at_ = begin;
      return Wrong("has a time that is none, or earlier than the one before");
    }
    latest_ = microseconds(*micros);
    return latest_;
  }

  Result<void> ReadPiece(const std::vector<std::string_view>& words, std::size_t begin) {
    const auto size = words.size() == 3 ? Number(words[2]) : std::nullopt;
    if (!size || *size == 0 || words[0] != "reply") {
      at_ = begin;
      return Wrong("should say 'reply MICROSECONDS BYTES' or 'end MICROSECONDS HOW'");
    }
    if (exchange_.pieces.size() == limits_.pieces ||
        *size > limits_.reply_bytes - exchange_.reply.size()) {
      at_ = begin;
      return Wrong(StrCat("has a reply above the limit of ", limits_.reply_bytes, " bytes in ",
                          limits_.pieces, " pieces"));
    }
    WEIR_TRY(const Duration time, Time(words[1], begin));
    WEIR_TRY(const std::string_view bytes, Bytes(*size));
    exchange_.reply += bytes;
    exchange_.pieces.push_back({.at = time, .end = exchange_.reply.size()});
    return {};
  }

  Result<void> ReadEnd(const std::vector<std::string_view>& words, std::size_t begin) {
    WEIR_TRY(exchange_.ended_at, Time(words[1], begin));
    const auto* const end = std::ranges::find(kEnds, words[2]);
    if (end == kEnds.end() || exchange_.pieces.empty()) {
      at_ = begin;
      return Wrong("should end a reply with 'complete', 'closed', 'broken' or 'left'");
    }
    if (at_ != text_.size()) return Wrong("goes on behind its end");
    exchange_.end = static_cast<RecordedExchange::End>(end - kEnds.begin());
    return {};
  }

  const std::string_view text_;
  const std::string_view name_;
  const CassetteLimits& limits_;
  std::size_t at_ = 0;
  Duration latest_{};
  RecordedExchange exchange_;
};

Result<std::string> ReadText(const std::string& path, std::size_t max_bytes) {
  const File file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) {
    return Fail(Code::kIoError, StrCat("cannot open the recording ", path), std::strerror(errno));
  }
  std::string text;
  char buffer[64 * 1024];
  for (std::size_t count = sizeof(buffer); count == sizeof(buffer);) {  // less: an end or an error
    count = std::fread(buffer, 1, sizeof(buffer), file.get());
    text.append(buffer, count);
    if (text.size() > max_bytes) {
      return Fail(Code::kIoError,
                  StrCat("the recording ", path, " is longer than ", max_bytes, " bytes"));
    }
  }
  if (std::ferror(file.get()) != 0) {
    return Fail(Code::kIoError, StrCat("cannot read the recording ", path), std::strerror(errno));
  }
  return text;
}

}  // namespace

std::string WriteExchange(const RecordedExchange& exchange) {
  std::string text;
  text.reserve(exchange.head.size() + exchange.body.size() + exchange.reply.size() +
               kLineBytesPerPiece * (exchange.pieces.size() + 3));
  StrAppend(text, kFirstLine, "\nrequest ", exchange.head.size(), " ", exchange.body.size(), "\n",
            exchange.head, exchange.body, "\n");
  for (std::size_t i = 0; i < exchange.pieces.size(); ++i) {
    const std::string_view bytes = exchange.PieceAt(i);
    StrAppend(text, "reply ", Micros(exchange.pieces[i].at), " ", bytes.size(), "\n", bytes, "\n");
  }
  StrAppend(text, "end ", Micros(exchange.ended_at), " ",
            kEnds[static_cast<std::size_t>(exchange.end)], "\n");
  return text;
}

Result<RecordedExchange> ReadExchange(std::string_view text, std::string_view name,
                                      const CassetteLimits& limits) {
  return ExchangeReader(text, name, limits).Read();
}

std::string ExchangePath(const std::string& folder, std::size_t number) {
  const std::string digits = std::to_string(number);
  return StrCat(folder, "/", std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0'), digits,
                kSuffix);
}

Result<void> WriteExchangeFile(const std::string& path, const RecordedExchange& exchange) {
  const std::string text = WriteExchange(exchange);
  const std::string part = StrCat(path, ".part");
  File file(std::fopen(part.c_str(), "wb"));
  const bool written = file != nullptr &&
                       std::fwrite(text.data(), 1, text.size(), file.get()) == text.size() &&
                       std::fflush(file.get()) == 0;
  std::string why = written ? "" : std::strerror(errno);
  const bool made = file != nullptr;
  file.reset();
  std::error_code error;
  if (written) {
    std::filesystem::rename(part, path, error);
    if (!error) return {};
    why = error.message();
  }
  if (made) std::filesystem::remove(part, error);
  return Fail(Code::kIoError,
              StrCat("cannot write the recording ", path, "; look at the disk and the folder"),
              std::move(why));
}

Result<RecordedExchange> ReadExchangeFile(const std::string& path, const CassetteLimits& limits) {
  const std::size_t most = limits::kHeaderBytes + limits.request_bytes + limits.reply_bytes +
                           kLineBytesPerPiece * (limits.pieces + 3);
  WEIR_TRY(const std::string text, ReadText(path, most));
  return ReadExchange(text, path, limits);
}

Result<std::vector<std::string>> ListExchanges(const std::string& folder,
                                               const CassetteLimits& limits) {
  std::vector<std::uint64_t> numbers;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!name.ends_with(kSuffix)) continue;
    const auto number = ParseUint(std::string_view(name).substr(0, name.size() - kSuffix.size()));
    if (!number || StrCat(folder, "/", name) != ExchangePath(folder, *number)) continue;
    if (numbers.size() == limits.exchanges) {
      return Fail(Code::kIoError, StrCat("the folder ", folder, " holds more than the limit of ",
                                         limits.exchanges, " recorded exchanges"));
    }
    numbers.push_back(*number);
  }
  if (error) {
    return Fail(Code::kIoError, StrCat("cannot read the folder of recordings ", folder),
                error.message());
  }
  std::ranges::sort(numbers);
  std::vector<std::string> paths;
  paths.reserve(numbers.size());
  for (const std::uint64_t number : numbers) paths.push_back(ExchangePath(folder, number));
  return paths;
}

}  // namespace weir::http
