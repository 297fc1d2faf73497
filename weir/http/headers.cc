#include "weir/http/headers.h"

#include <algorithm>
#include <charconv>

#include "weir/base/text.h"
#include "weir/http/bytes.h"

namespace weir::http {
namespace {

constexpr std::size_t kShownFieldBytes = 60;
constexpr std::size_t kUsualFields = 12;  // one allocation each is enough for most heads
constexpr std::size_t kUsualHeaderBytes = 256;

bool IsToken(std::string_view text) {
  const char* const end = text.data() + text.size();
  return !text.empty() && Skip(text.data(), end, ByteClass::kToken) == end;
}

bool IsTarget(std::initializer_list<std::string_view> parts) {
  bool empty = true;
  for (const std::string_view part : parts) {
    const char* const end = part.data() + part.size();
    if (Skip(part.data(), end, ByteClass::kTarget) != end) return false;
    empty = empty && part.empty();
  }
  return !empty;
}

void AppendLine(std::string& out, std::string_view name, std::string_view value) {
  const std::size_t before = out.size();
  const std::size_t after = before + name.size() + value.size() + 4;
  // The library may offer more bytes than were asked for.
  out.resize_and_overwrite(after, [&](char* bytes, std::size_t) {
    char* at = bytes + before;
    at += name.copy(at, name.size());
    *at++ = ':';
    *at++ = ' ';
    at += value.copy(at, value.size());
    *at++ = '\r';
    *at++ = '\n';
    return after;
  });
}

}  // namespace

Headers::Headers(std::initializer_list<Header> fields) {
  for (const Header& field : fields) Add(field.name, field.value);
}

void Headers::Add(std::string_view name, std::string_view value) {
  if (ends_.empty()) ends_.reserve(kUsualFields);
  const std::size_t begin = text_.size();
  const std::size_t size = begin + name.size() + value.size() + 4;
  if (size > text_.capacity()) {
    std::string grown;  // the old text stays until the views are copied: they may point into it
    grown.reserve(std::max({size, 2 * text_.capacity(), kUsualHeaderBytes}));
    grown += text_;
    AppendLine(grown, name, value);
    text_.swap(grown);
  } else {
    AppendLine(text_, name, value);
  }
  ends_.push_back({begin + name.size(), size});
}

void Headers::AddLine(std::string_view line, std::size_t name_size) {
  ends_.push_back({text_.size() + name_size, text_.size() + line.size()});
  text_ += line;
}

void Headers::Set(std::string_view name, std::string_view value) {
  const std::size_t first = IndexOf(name, 0);
  if (first == size()) return Add(name, value);
  const std::string wanted(name);
  std::string line;
  AppendLine(line, name, value);
  for (std::size_t i = IndexOf(wanted, first + 1); i < size(); i = IndexOf(wanted, i)) Erase(i);
  const std::size_t begin = BeginOf(first);
  const std::size_t old_size = ends_[first].line - begin;
  text_.replace(begin, old_size, line);
  ends_[first] = {begin + wanted.size(), begin + line.size()};
  for (std::size_t i = first + 1; i < size(); ++i) {
    ends_[i].name = ends_[i].name - old_size + line.size();
    ends_[i].line = ends_[i].line - old_size + line.size();
  }
}

void Headers::Remove(std::string_view name) {
  const std::string wanted(name);
  for (std::size_t i = IndexOf(wanted, 0); i < size(); i = IndexOf(wanted, i)) Erase(i);
}

void Headers::Clear() {
  text_.clear();
  ends_.clear();
}

void Headers::Reserve(std::size_t bytes) {
  text_.reserve(text_.size() + bytes);
  ends_.reserve(ends_.size() + kUsualFields);
}

std::optional<std::string_view> Headers::Find(std::string_view name) const {
  const std::size_t index = IndexOf(name, 0);
  if (index == size()) return std::nullopt;
  return (*this)[index].value;
}

std::size_t Headers::Count(std::string_view name) const {
  std::size_t count = 0;
  for (const Header& field : *this) count += EqualsIgnoreCase(field.name, name) ? 1 : 0;
  return count;
}

bool Headers::HasToken(std::string_view name, std::string_view token) const {
  for (const Header& field : *this) {
    if (!EqualsIgnoreCase(field.name, name)) continue;
    for (const std::string_view entry : Split(field.value, ',')) {
      if (EqualsIgnoreCase(Trim(entry), token)) return true;
    }
  }
  return false;
}

std::size_t Headers::IndexOf(std::string_view name, std::size_t from) const {
  std::size_t index = from;
  while (index < size() && !EqualsIgnoreCase((*this)[index].name, name)) ++index;
  return index;
}

void Headers::Erase(std::size_t index) {
  const std::size_t begin = BeginOf(index);
  const std::size_t count = ends_[index].line - begin;
  text_.erase(begin, count);
  ends_.erase(ends_.begin() + static_cast<std::ptrdiff_t>(index));
  for (std::size_t i = index; i < size(); ++i) {
    ends_[i].name -= count;
    ends_[i].line -= count;
  }
}

Result<void> CheckHeader(std::string_view name, std::string_view value) {
  if (!IsToken(name)) {
    return Fail(Code::kInvalidRequest,
                StrCat("a header name of ", name.size(),
                       " bytes is not one: letters, digits and - only, as in \"X-Request-Id\""));
  }
  const char* const end = value.data() + value.size();
  if (SkipLineBytes(value.data(), end) != end) {
    return Fail(Code::kInvalidRequest,
                StrCat("the value of header \"", Truncate(name, kShownFieldBytes),
                       "\" has a line break or another control character; take it out"));
  }
  if (!value.empty() && (IsBlank(value.front()) || IsBlank(value.back()))) {
    return Fail(Code::kInvalidRequest,
                StrCat("the value of header \"", Truncate(name, kShownFieldBytes),
                       "\" begins or ends with white space; take it out"));
  }
  return {};
}

Result<FieldBlock> FieldBlock::Make(const Headers& headers) {
  std::string lines;
  WEIR_CHECK(HeadWriter(lines).Add(headers));
  return FieldBlock(std::move(lines));
}

Result<void> HeadWriter::Start(std::string_view method,
                               std::initializer_list<std::string_view> target) {
  if (!IsToken(method)) {
    return Fail(Code::kInvalidRequest, "the method is not one word; use GET or POST");
  }
  if (!IsTarget(target)) {
    return Fail(Code::kInvalidRequest,
                "the target of the request is empty or has a space or a control character; "
                "percent-encode it");
  }
  out_ += method;
  out_ += ' ';
  for (const std::string_view part : target) out_ += part;
  out_ += " HTTP/1.1\r\n";
  return {};
}

Result<void> HeadWriter::Start(int status) {
  if (status < 100 || status > 999) {
    return Fail(Code::kInvalidRequest, StrCat(status, " is not an HTTP status"));
  }
  out_ += "HTTP/1.1 ";
  char digits[3];
  std::to_chars(digits, digits + sizeof(digits), status);
  out_.append(digits, sizeof(digits));
  out_ += ' ';
  out_ += ReasonPhrase(status);
  out_ += "\r\n";
  return {};
}

Result<void> HeadWriter::Add(std::string_view name, std::string_view value) {
  WEIR_CHECK(CheckHeader(name, value));
  AddKnown(name, value);
  return {};
}

Result<void> HeadWriter::Add(const Headers& headers) {
  for (const Header& field : headers) {
    WEIR_CHECK(CheckHeader(field.name, field.value));
  }
  out_ += headers.lines();
  return {};
}

void HeadWriter::AddKnown(std::string_view name, std::string_view value) {
  AppendLine(out_, name, value);
}

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 424:
      return "Failed Dependency";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 529:
      return "Overloaded";
    default:
      return "Unknown";
  }
}

void AppendChunk(std::string& out, std::string_view piece) {
  if (piece.empty()) return;
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof(digits), piece.size(), 16).ptr;
  out.append(digits, end);
  out += "\r\n";
  out += piece;
  out += "\r\n";
}

void AppendLastChunk(std::string& out) { out += "0\r\n\r\n"; }

}  // namespace weir::http
