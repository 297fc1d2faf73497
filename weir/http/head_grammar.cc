#include "weir/http/head_grammar.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "weir/base/text.h"
#include "weir/http/bytes.h"

namespace weir::http {
namespace {

constexpr std::string_view kLengthAndEncoding =
    "both Content-Length and Transfer-Encoding, so that nobody can tell where the body ends";
constexpr std::string_view kBadFirstLine =
    "an HTTP version that is neither 1.0 nor 1.1, or a malformed first line";
constexpr std::string_view kBadValue = "a malformed header value";
constexpr std::size_t kFoldedBytes = 4096;
constexpr std::size_t kShownBytes = 40;
constexpr std::size_t kUsualBytes = 512;

// Whether `name`, a token, is `known`, which is in small letters. No other byte of a token becomes
// a small letter or a hyphen through that bit.
bool Is(std::string_view name, std::string_view known) {
  return std::ranges::equal(
      name, known, [](char c, char wanted) { return static_cast<char>(c | ' ') == wanted; });
}

}  // namespace

// Reads a head from front to back. Functions that return false have left in `wrong` what was wrong,
// in words that follow "the server sent ".
class HeadReader {
 public:
  HeadReader(std::string_view bytes, std::size_t max_fields, Headers& headers)
      : begin_(bytes.data()),
        at_(bytes.data()),
        end_(bytes.data() + bytes.size()),
        max_fields_(max_fields),
        headers_(headers) {
    headers_.Clear();
    headers_.Reserve(std::min(bytes.size(), kUsualBytes));
  }

  bool ReadRequestLine();
  bool ReadStatusLine();
  bool ReadFields();
  // What can be said only when all fields are known.
  bool CheckEncoding();
  // Of a message without a body of its own kind; responses go on from here.
  Framing FramingOf() const;

  std::string wrong;
  bool too_many_fields = false;
  bool bad_version = false;
  bool unknown_coding = false;

  std::string_view method, target, reason;
  int status = 0;
  int minor_version = 0;
  std::size_t hosts = 0;
  bool chunked = false;

 private:
  bool Wrong(std::string_view what) {
    wrong = what;
    return false;
  }

  bool Take(char c);
  bool TakeLineEnd();
  bool TakeVersion();
  std::string_view TakeWhile(ByteClass wanted);
  std::string_view TakeLine();
  bool AtFold() const { return at_ != end_ && IsBlank(*at_); }
  bool ReadField();
  bool Unfold(std::string_view& value);
  bool Note(std::string_view name, std::string_view value);
  bool NoteConnection(std::string_view value);
  bool NoteLength(std::string_view value);
  bool NoteEncoding(std::string_view value);
  void NoteExpectation(std::string_view value);

  const char* const begin_;
  const char* at_;
  const char* const end_;
  const std::size_t max_fields_;
  Headers& headers_;
  std::string folded_;  // the joined lines of a folded field
  bool may_fold_ = false;
  bool close_ = false;
  bool stay_ = false;  // Connection: keep-alive
  Expectation expectation_ = Expectation::kNone;
  std::optional<std::uint64_t> length_;
  std::optional<std::size_t> encoding_;  // the index of Transfer-Encoding
};

bool HeadReader::Take(char c) {
  if (at_ == end_ || *at_ != c) return false;
  ++at_;
  return true;
}

bool HeadReader::TakeLineEnd() {
  if (end_ - at_ < 2 || at_[0] != '\r' || at_[1] != '\n') return false;
  at_ += 2;
  return true;
}

bool HeadReader::TakeVersion() {
  const std::string_view left(at_, static_cast<std::size_t>(end_ - at_));
  if (!left.starts_with("HTTP/1.0") && !left.starts_with("HTTP/1.1")) return false;
  minor_version = left[7] - '0';
  at_ += 8;
  return true;
}

std::string_view HeadReader::TakeWhile(ByteClass wanted) {
  const char* const begin = std::exchange(at_, Skip(at_, end_, wanted));
  return {begin, static_cast<std::size_t>(at_ - begin)};
}

std::string_view HeadReader::TakeLine() {
  const char* const begin = std::exchange(at_, SkipLineBytes(at_, end_));
  return {begin, static_cast<std::size_t>(at_ - begin)};
}

bool HeadReader::ReadRequestLine() {
  method = TakeWhile(ByteClass::kToken);
  if (method.empty() || !Take(' ')) return Wrong("a malformed method");
  target = TakeWhile(ByteClass::kTarget);
  if (target.empty() || !Take(' ')) return Wrong("a malformed request target");
  bad_version = !TakeVersion() || !TakeLineEnd();
  return !bad_version || Wrong(kBadFirstLine);
}

bool HeadReader::ReadStatusLine() {
  may_fold_ = true;
  if (!TakeVersion() || !Take(' ')) return Wrong(kBadFirstLine);
  if (end_ - at_ < 4 || !std::all_of(at_, at_ + 3, IsDigit) || at_[3] != ' ') {
    return Wrong("a malformed status line (after the version: a space, three digits, a space)");
  }
  status = (at_[0] - '0') * 100 + (at_[1] - '0') * 10 + (at_[2] - '0');
  at_ += 4;
  reason = TakeLine();
  return TakeLineEnd() || Wrong("a malformed reason phrase");
}

bool HeadReader::ReadFields() {
  while (!TakeLineEnd()) {
    if (headers_.size() == max_fields_) {
      too_many_fields = true;
      return Wrong(StrCat("a head of more than ", max_fields_, " fields"));
    }
    if (!ReadField()) return false;
  }
  return true;
}

bool HeadReader::ReadField() {
  const char* const begin = at_;
  const std::string_view name = TakeWhile(ByteClass::kToken);
  if (name.empty() || !Take(':')) return Wrong("a malformed header name");
  const std::string_view line = TakeLine();
  if (!TakeLineEnd()) return Wrong(kBadValue);
  std::string_view value = TrimBlanks(line);
  if (AtFold()) {
    if (!Unfold(value)) return false;
    headers_.Add(name, value);
  } else if (line.size() == value.size() + 1 && line.front() == ' ') {  // as we would write it
    headers_.AddLine({begin, static_cast<std::size_t>(at_ - begin)}, name.size());
  } else {
    headers_.Add(name, value);
  }
  return Note(name, value);
}

// Joins the lines of a field with single spaces (RFC 9112 5.2).
bool HeadReader::Unfold(std::string_view& value) {
  if (!may_fold_) return Wrong("a header that is folded over two lines");
  folded_ = value;
  while (AtFold()) {
    const std::string_view line = TrimBlanks(TakeLine());
    if (!TakeLineEnd()) return Wrong(kBadValue);
    if (!folded_.empty() && !line.empty()) folded_ += ' ';
    folded_ += line;
  }
  value = folded_;
  return value.size() <= kFoldedBytes || Wrong("a folded header of more than 4096 bytes");
}

// The length of a name tells nearly all of them apart.
bool HeadReader::Note(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 4:
      hosts += Is(name, "host") ? 1 : 0;
      return true;
    case 6:
      if (Is(name, "expect")) NoteExpectation(value);
      return true;
    case 10:
      return !Is(name, "connection") || NoteConnection(value);
    case 14:
      return !Is(name, "content-length") || NoteLength(value);
    case 16:
      return !Is(name, "proxy-connection") || NoteConnection(value);
    case 17:
      return !Is(name, "transfer-encoding") || NoteEncoding(value);
    default:
      return true;
  }
}

// Tokens between commas; empty entries are allowed (RFC 9110 5.6.1).
bool HeadReader::NoteConnection(std::string_view value) {
  const char* at = value.data();
  const char* const end = at + value.size();
  while (at != end) {
    const char* const begin = std::find_if_not(at, end, IsBlank);
    at = Skip(begin, end, ByteClass::kToken);
    const std::string_view token(begin, static_cast<std::size_t>(at - begin));
    close_ = close_ || Is(token, "close");
    stay_ = stay_ || Is(token, "keep-alive");
    at = std::find_if_not(at, end, IsBlank);
    if (at == end) break;
    if (*at != ',') return Wrong(kBadValue);
    ++at;
  }
  return true;
}

// One number, or the same one several times (RFC 9110 8.6).
bool HeadReader::NoteLength(std::string_view value) {
  if (encoding_) return Wrong(kLengthAndEncoding);
  for (;;) {
    const std::size_t comma = value.find(',');
    const std::optional<std::uint64_t> length = ParseUint(TrimBlanks(value.substr(0, comma)));
    if (!length) return Wrong("a malformed Content-Length");
    if (length_ && *length_ != *length) return Wrong("two different Content-Lengths");
    length_ = length;
    if (comma == value.npos) return true;
    value.remove_prefix(comma + 1);
  }
}

bool HeadReader::NoteEncoding(std::string_view value) {
  if (length_) return Wrong(kLengthAndEncoding);
  if (encoding_) return Wrong("Transfer-Encoding twice");
  encoding_ = headers_.size() - 1;
  chunked = EqualsIgnoreCase(value, "chunked");
  return true;
}

void HeadReader::NoteExpectation(std::string_view value) {
  const bool known = EqualsIgnoreCase(value, "100-continue");
  if (expectation_ == Expectation::kUnknown) return;
  expectation_ = known ? Expectation::kContinue : Expectation::kUnknown;
}

// Anything but exactly "chunked" cannot be delimited safely: two readers that disagree about the
// end of a body are how requests are smuggled.
bool HeadReader::CheckEncoding() {
  if (!encoding_ || chunked) return true;
  unknown_coding = true;
  return Wrong(StrCat("Transfer-Encoding \"", Truncate(headers_[*encoding_].value, kShownBytes),
                      "\"; only \"chunked\" is known"));
}

Framing HeadReader::FramingOf() const {
  Framing framing;
  framing.head_bytes = static_cast<std::size_t>(at_ - begin_);
  framing.keep_alive = !close_ && (minor_version == 1 || stay_);
  framing.expectation = expectation_;
  if (chunked) {
    framing.kind = BodyReader::Framing::kChunked;
  } else if (length_) {
    framing.kind = BodyReader::Framing::kLength;
    framing.length = *length_;
  }
  return framing;
}

namespace {

bool HasNoBody(int status) { return status / 100 == 1 || status == 204 || status == 304; }

std::unexpected<Error> ServerSent(std::string_view what) {
  return Fail(Code::kProtocolError, StrCat("the server sent ", what));
}

std::unexpected<Error> ClientSent(std::string_view what) {
  return Fail(Code::kProtocolError, StrCat("the client sent ", what));
}

// Whether the first line is a request line of some other version of HTTP.
bool NamesOtherVersion(std::string_view bytes) {
  const std::string_view line = bytes.substr(0, bytes.find('\r'));
  const std::size_t space = line.rfind(' ');
  return std::ranges::count(line, ' ') == 2 && line.substr(space + 1).starts_with("HTTP/");
}

}  // namespace

Result<Framing> ParseResponseHead(std::string_view bytes, std::size_t max_fields,
                                  ResponseHead& head) {
  HeadReader reader(bytes, max_fields, head.headers);
  if (!reader.ReadStatusLine() || !reader.ReadFields()) return ServerSent(reader.wrong);
  if (reader.status < 100) return ServerSent(StrCat("the status ", reader.status));
  if (!reader.CheckEncoding()) return ServerSent(reader.wrong);
  head.status = reader.status;
  head.reason = reader.reason;
  head.minor_version = reader.minor_version;

  Framing framing = reader.FramingOf();
  if (HasNoBody(head.status)) {
    framing.kind = BodyReader::Framing::kNone;
  } else if (framing.kind == BodyReader::Framing::kNone) {
    framing.kind = BodyReader::Framing::kUntilEof;
    framing.keep_alive = false;
  } else if (head.minor_version == 0 && reader.chunked) {
    framing.keep_alive = false;  // RFC 9112 6.1: faulty framing
  }
  return framing;
}

Result<Framing> ParseRequestHead(std::string_view bytes, std::size_t max_fields, RequestHead& head,
                                 int& status) {
  status = 400;
  HeadReader reader(bytes, max_fields, head.headers);
  if (!reader.ReadRequestLine() || !reader.ReadFields()) {
    if (reader.too_many_fields) status = 431;
    if (reader.bad_version && NamesOtherVersion(bytes)) status = 505;
    return ClientSent(reader.wrong);
  }
  if (!reader.CheckEncoding()) {
    if (reader.unknown_coding) status = 501;
    return ClientSent(reader.wrong);
  }
  head.method = reader.method;
  head.target = reader.target;
  head.minor_version = reader.minor_version;
  if (head.minor_version == 0 && reader.chunked) {
    return ClientSent("Transfer-Encoding in an HTTP/1.0 request");
  }
  if (reader.hosts > 1) return ClientSent("more than one Host header");
  if (reader.hosts == 0 && head.minor_version == 1) {
    return ClientSent("an HTTP/1.1 request without Host");
  }
  status = 0;
  return reader.FramingOf();
}

}  // namespace weir::http
