#include "weir/http/head_scanner.h"

#include <algorithm>
#include <string>

#include "weir/base/text.h"
#include "weir/http/bytes.h"

namespace weir::http {
namespace {

constexpr std::string_view kHttp = "HTTP/";
constexpr std::size_t kShownLineBytes = 32;

std::size_t SkipLine(std::string_view bytes, std::size_t at, std::size_t end) {
  const char* const begin = bytes.data();
  return static_cast<std::size_t>(SkipLineBytes(begin + at, begin + end) - begin);
}

std::string Escape(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r' || c == '\n') {
      out += c == '\r' ? "\\r" : "\\n";
    } else if (byte < ' ' || byte >= 0x7F) {
      StrAppend(out, "\\x", kHexDigits[byte >> 4], kHexDigits[byte & 0xF]);
    } else {
      out += c;
    }
  }
  return out;
}

// An alert or a handshake record. One byte is enough to suspect it.
bool LooksLikeTls(std::string_view bytes) {
  return (bytes[0] == 0x15 || bytes[0] == 0x16) && (bytes.size() < 2 || bytes[1] == 0x03);
}

}  // namespace

std::string_view SenderName(HeadScanner::Sender sender) {
  return sender == HeadScanner::Sender::kServer ? "the server" : "the client";
}

Result<std::size_t> HeadScanner::Scan(std::string_view bytes, std::size_t max_bytes) {
  const std::size_t end = std::min(bytes.size(), max_bytes);
  if (sender_ == Sender::kServer && scanned_ < kHttp.size()) {
    const std::size_t size = std::min(end, kHttp.size());
    if (bytes.substr(0, size) != kHttp.substr(0, size)) return NotHttp(bytes);
  }
  while (scanned_ < end) {
    if (!after_cr_) {
      scanned_ = SkipLine(bytes, scanned_, end);
      if (scanned_ == end) break;
    }
    const char c = bytes[scanned_++];
    if (after_cr_) {
      if (c != '\n') return Malformed("a head with a lone carriage return");
      after_cr_ = false;
      const std::size_t line_end = scanned_ - 2;
      if (line_end == line_start_ && !first_line_) return scanned_;
      WEIR_CHECK(EndLine(bytes, line_end));
      line_start_ = scanned_;
    } else if (c == '\r') {
      after_cr_ = true;
    } else if (first_line_ && bytes.substr(0, scanned_).find(kHttp) == bytes.npos) {
      return NotHttp(bytes);
    } else {
      return Malformed(c == '\n' ? "a head with a line that ends in a lone line feed"
                                 : "a head with a control character");
    }
  }
  if (bytes.size() > max_bytes) {
    too_large_ = true;
    return Malformed(StrCat("a head of more than ", max_bytes, " bytes"));
  }
  return std::size_t{0};
}

Result<void> HeadScanner::EndLine(std::string_view bytes, std::size_t end) {
  const std::string_view line = bytes.substr(line_start_, end - line_start_);
  if (first_line_) {
    first_line_ = false;
    if (line.find(kHttp) == line.npos) return NotHttp(bytes);
  } else if (sender_ == Sender::kClient && (line[0] == ' ' || line[0] == '\t')) {
    return Malformed("a header that is folded over two lines");
  }
  return {};
}

std::unexpected<Error> HeadScanner::Malformed(std::string_view what) const {
  return Fail(Code::kProtocolError, StrCat(SenderName(sender_), " sent ", what));
}

std::unexpected<Error> HeadScanner::NotHttp(std::string_view bytes) const {
  std::string message = StrCat(SenderName(sender_), " does not speak HTTP: it began with \"",
                               Escape(bytes.substr(0, kShownLineBytes)), "\"");
  if (LooksLikeTls(bytes)) {
    StrAppend(message, sender_ == Sender::kServer
                           ? "; that looks like TLS, so try https:// instead of http://"
                           : "; that looks like TLS, so try http:// instead of https://");
  }
  return Fail(Code::kProtocolError, std::move(message));
}

}  // namespace weir::http
