#include "weir/http/multipart.h"

#include <algorithm>
#include <vector>

#include "weir/base/text.h"

namespace weir::http {
namespace {

constexpr std::size_t kMostBoundary = 70;  // bytes, by RFC 2046
constexpr std::string_view kBoundaryMarks = "'()+_,-./:=? ";

bool IsBoundary(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kBoundaryMarks.contains(c);
  };
  return !text.empty() && text.size() <= kMostBoundary && text.back() != ' ' &&
         std::ranges::all_of(text, fits);
}

// The parameters behind the first word of a field: name and value, one after the other.
class Parameters {
 public:
  explicit Parameters(std::string_view field) : rest_(field) {
    rest_.remove_prefix(std::min(rest_.find(';'), rest_.size()));
  }

  // False at the end, and where the field breaks the rules.
  bool Next(std::string& name, std::string& value) {
    if (!rest_.starts_with(';')) return false;
    rest_.remove_prefix(1);
    const std::size_t equals = rest_.find('=');
    if (equals == rest_.npos) return false;
    name = ToLower(Trim(rest_.substr(0, equals)));
    rest_ = rest_.substr(equals + 1);
    while (rest_.starts_with(' ') || rest_.starts_with('\t')) rest_.remove_prefix(1);
    if (rest_.starts_with('"')) return Quoted(value);
    const std::size_t end = std::min(rest_.find(';'), rest_.size());
    value = Trim(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return true;
  }

 private:
  bool Quoted(std::string& value) {
    value.clear();
    std::size_t at = 1;
    for (; at < rest_.size() && rest_[at] != '"'; ++at) {
      // A backslash stands for itself unless it guards one of these two: old browsers send paths.
      const bool guards = rest_[at] == '\\' && at + 1 < rest_.size() &&
                          (rest_[at + 1] == '"' || rest_[at + 1] == '\\');
      if (guards) ++at;
      value += rest_[at];
    }
    if (at == rest_.size()) return false;
    rest_.remove_prefix(at + 1);
    rest_.remove_prefix(std::min(rest_.find(';'), rest_.size()));
    return true;
  }

  std::string_view rest_;
};

std::string_view FirstWord(std::string_view field) {
  return Trim(field.substr(0, field.find(';')));
}

}  // namespace

Result<std::string> MultipartBoundary(std::string_view content_type) {
  if (!EqualsIgnoreCase(FirstWord(content_type), "multipart/form-data")) {
    return Fail(Code::kProtocolError, StrCat("the body is no multipart/form-data but '",
                                             Truncate(content_type, 100), "'"));
  }
  Parameters parameters(content_type);
  for (std::string name, value; parameters.Next(name, value);) {
    if (name == "boundary" && IsBoundary(value)) return value;
  }
  return Fail(Code::kProtocolError, "the content type multipart/form-data names no boundary");
}

MultipartReader::MultipartReader(std::string_view boundary, PartSink& sink, MultipartLimits limits)
    : delimiter_(StrCat("\r\n--", boundary)), sink_(sink), limits_(limits) {}

Result<void> MultipartReader::Feed(std::string_view bytes) {
  while (!bytes.empty() && state_ != State::kOver) {
    if (state_ == State::kBroken) return Broken("has failed already");
    if (state_ == State::kPreamble || state_ == State::kData) {
      Scan(bytes);
      continue;
    }
    const char c = bytes.front();
    bytes.remove_prefix(1);
    WEIR_CHECK(state_ == State::kHead ? TakeHead(c) : TakeBehind(c));
  }
  return {};
}

Result<void> MultipartReader::Finish() const {
  if (state_ == State::kOver) return {};
  return Fail(Code::kProtocolError, "the multipart body ends before its last boundary");
}

// Looks for the delimiter, up to its end or that of `bytes`. CR begins a delimiter and stands
// nowhere else in it: what did not match is data, and the byte that broke it may begin another.
void MultipartReader::Scan(std::string_view& bytes) {
  const bool data = state_ == State::kData;
  std::size_t begin = 0;  // of the data in `bytes` that was not handed out
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (matched_ == 0) {
      at = std::min(bytes.find('\r', at), bytes.size());
      if (at == bytes.size()) break;
    }
    if (bytes[at] == delimiter_[matched_]) {
      if (matched_ == 0 && data && at > begin) sink_.OnData(bytes.substr(begin, at - begin));
      ++at;
      begin = at;
      if (++matched_ < delimiter_.size()) continue;
      if (data) sink_.OnPartEnd();
      state_ = State::kBehind;
      matched_ = 0;
      bytes.remove_prefix(at);
      return;
    }
    if (data && matched_ > 0) sink_.OnData(std::string_view(delimiter_).substr(0, matched_));
    begin = at;
    matched_ = 0;
  }
  if (matched_ == 0 && data && bytes.size() > begin) sink_.OnData(bytes.substr(begin));
  bytes = {};
}

Result<void> MultipartReader::TakeBehind(char c) {
  if (state_ == State::kDash) {
    if (c != '-') return Broken("has a boundary with one dash behind it");
    state_ = State::kOver;
  } else if (state_ == State::kBehindCr) {
    if (c != '\n') return Broken("has a boundary whose line does not end");
    state_ = State::kHead;
    head_.clear();
  } else if (c == '\r') {
    state_ = State::kBehindCr;
  } else if (c == '-') {
    state_ = State::kDash;
  } else if (c != ' ' && c != '\t') {
    return Broken("has something behind a boundary");
  }
  return {};
}

Result<void> MultipartReader::TakeHead(char c) {
  head_ += c;
  if (head_.size() > limits_.head_bytes) return Broken("has a part with too long a head");
  if (head_ == "\r\n" || head_.ends_with("\r\n\r\n")) return BeginPart();
  return {};
}

Result<void> MultipartReader::BeginPart() {
  if (++parts_ > limits_.parts) {
    return Broken(StrCat("has more than ", limits_.parts, " parts"));
  }
  PartHead head;
  bool named = false;
  for (std::string_view line : Split(head_, '\n')) {
    line = Trim(line);
    const std::size_t colon = line.find(':');
    if (colon == line.npos) continue;
    const std::string_view field = line.substr(0, colon);
    const std::string_view value = Trim(line.substr(colon + 1));
    if (EqualsIgnoreCase(field, "Content-Type")) head.content_type = value;
    if (!EqualsIgnoreCase(field, "Content-Disposition")) continue;
    if (!EqualsIgnoreCase(FirstWord(value), "form-data")) continue;
    Parameters parameters(value);
    for (std::string key, text; parameters.Next(key, text);) {
      if (key == "filename") head.filename = text;
      if (key != "name") continue;
      head.name = text;
      named = true;
    }
  }
  if (!named) return Broken("has a part without a name");
  sink_.OnPart(std::move(head));
  state_ = State::kData;
  matched_ = 0;
  return {};
}

std::unexpected<Error> MultipartReader::Broken(std::string_view what) {
  state_ = State::kBroken;
  return Fail(Code::kProtocolError, StrCat("the multipart body ", what));
}

std::string FormField(std::string_view boundary, std::string_view name, std::string_view value) {
  return StrCat("--", boundary, "\r\nContent-Disposition: form-data; name=\"", name, "\"\r\n\r\n",
                value, "\r\n");
}

std::string FormFileHead(std::string_view boundary, std::string_view name,
                         std::string_view filename, std::string_view content_type) {
  std::string guarded;
  for (const char c : filename) {
    if (c == '"' || c == '\\') guarded += '\\';
    // Nothing breaks out of its line.
    guarded += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '_' : c;
  }
  return StrCat("--", boundary, "\r\nContent-Disposition: form-data; name=\"", name,
                "\"; filename=\"", guarded, "\"\r\nContent-Type: ", content_type, "\r\n\r\n");
}

std::string FormEnd(std::string_view boundary) { return StrCat("\r\n--", boundary, "--\r\n"); }

}  // namespace weir::http
