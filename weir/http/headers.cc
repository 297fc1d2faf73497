#include "weir/http/headers.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "weir/base/text.h"

namespace weir::http {
namespace {

constexpr std::size_t kShownBytes = 60;
constexpr std::size_t kUsualFields = 12;  // one allocation is enough for most heads

constexpr std::array<bool, 256> kTokenByte = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<int>(c)] = true;
  return table;
}();

bool IsToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return kTokenByte[static_cast<unsigned char>(c)];
  });
}

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < ' ' || byte == 0x7F;
}

bool IsTarget(std::string_view text) {
  return !text.empty() &&
         std::ranges::none_of(text, [](char c) { return IsControl(c) || c == ' '; });
}

Result<void> AppendFields(std::string& out, const Headers& headers) {
  for (const Header& field : headers) {
    WEIR_CHECK(CheckHeader(field.name, field.value));
    out += field.name;
    out += ": ";
    out += field.value;
    out += "\r\n";
  }
  out += "\r\n";
  return {};
}

// Appends all of a head, or leaves `out` as it was.
Result<void> AppendHead(std::string& out, std::size_t old_size, const Headers& headers) {
  Result<void> appended = AppendFields(out, headers);
  if (!appended) out.resize(old_size);
  return appended;
}

}  // namespace

void Headers::Add(std::string_view name, std::string_view value) {
  if (fields_.empty()) fields_.reserve(kUsualFields);
  fields_.push_back({std::string(name), std::string(value)});
}

void Headers::Set(std::string_view name, std::string_view value) {
  const auto same = [&](const Header& field) { return EqualsIgnoreCase(field.name, name); };
  const auto first = std::ranges::find_if(fields_, same);
  if (first == fields_.end()) return Add(name, value);
  *first = {std::string(name), std::string(value)};
  fields_.erase(std::remove_if(first + 1, fields_.end(), same), fields_.end());
}

void Headers::Remove(std::string_view name) {
  std::erase_if(fields_, [&](const Header& field) { return EqualsIgnoreCase(field.name, name); });
}

const std::string* Headers::Find(std::string_view name) const {
  for (const Header& field : fields_) {
    if (EqualsIgnoreCase(field.name, name)) return &field.value;
  }
  return nullptr;
}

std::size_t Headers::Count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      fields_, [&](const Header& field) { return EqualsIgnoreCase(field.name, name); }));
}

bool Headers::HasToken(std::string_view name, std::string_view token) const {
  return std::ranges::any_of(fields_, [&](const Header& field) {
    return EqualsIgnoreCase(field.name, name) &&
           std::ranges::any_of(Split(field.value, ','), [&](std::string_view entry) {
             return EqualsIgnoreCase(Trim(entry), token);
           });
  });
}

Result<void> CheckHeader(std::string_view name, std::string_view value) {
  if (!IsToken(name)) {
    return Fail(Code::kInvalidRequest,
                StrCat("a header name of ", name.size(),
                       " bytes is not one: letters, digits and - only, as in \"X-Request-Id\""));
  }
  if (std::ranges::any_of(value, [](char c) { return IsControl(c) && c != '\t'; })) {
    return Fail(Code::kInvalidRequest,
                StrCat("the value of header \"", Truncate(name, kShownBytes),
                       "\" has a line break or another control character; take it out"));
  }
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  if (!value.empty() && (blank(value.front()) || blank(value.back()))) {
    return Fail(Code::kInvalidRequest, StrCat("the value of header \"", Truncate(name, kShownBytes),
                                              "\" begins or ends with white space; take it out"));
  }
  return {};
}

Result<void> AppendRequestHead(std::string& out, std::string_view method, std::string_view target,
                               const Headers& headers) {
  if (!IsToken(method)) {
    return Fail(Code::kInvalidRequest, "the method is not one word; use GET or POST");
  }
  if (!IsTarget(target)) {
    return Fail(Code::kInvalidRequest,
                "the target of the request is empty or has a space or a control character; "
                "percent-encode it");
  }
  const std::size_t old_size = out.size();
  out += method;
  out += ' ';
  out += target;
  out += " HTTP/1.1\r\n";
  return AppendHead(out, old_size, headers);
}

Result<void> AppendResponseHead(std::string& out, int status, const Headers& headers) {
  if (status < 100 || status > 999) {
    return Fail(Code::kInvalidRequest, StrCat(status, " is not an HTTP status"));
  }
  const std::size_t old_size = out.size();
  out += "HTTP/1.1 ";
  char digits[3];
  std::to_chars(digits, digits + sizeof(digits), status);
  out.append(digits, sizeof(digits));
  out += ' ';
  out += ReasonPhrase(status);
  out += "\r\n";
  return AppendHead(out, old_size, headers);
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
