#include "weir/json/writer.h"

#include <cassert>
#include <charconv>
#include <cmath>
#include <cstring>

#include "weir/json/number.h"
#include "weir/json/utf8.h"
#include "weir/json/walk.h"

namespace weir::json {
namespace {

constexpr std::size_t kFirstReserve = 512;  // what most documents that we send fit into
constexpr char kHex[] = "0123456789abcdef";

enum class Ascii { kOnlyControls, kAll };  // which characters are escaped as \uXXXX

void AppendUnit(std::string& out, unsigned unit) {
  const char text[] = {
      '\\',           'u', kHex[unit >> 12 & 15], kHex[unit >> 8 & 15], kHex[unit >> 4 & 15],
      kHex[unit & 15]};
  out.append(text, sizeof(text));
}

void AppendUnits(std::string& out, char32_t code_point) {
  if (code_point < 0x10000) return AppendUnit(out, code_point);
  code_point -= 0x10000;
  AppendUnit(out, 0xD800 + (code_point >> 10));
  AppendUnit(out, 0xDC00 + (code_point & 0x3FF));
}

void AppendEscape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      AppendUnit(out, static_cast<unsigned char>(c));
  }
}

template <Ascii kAscii>
bool IsPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  const unsigned end = kAscii == Ascii::kAll ? 0x7F : 0x80;
  return byte >= 0x20 && byte < end && c != '"' && c != '\\';
}

// How many characters at the front are ASCII and need no escape; eight at a time.
template <Ascii kAscii>
std::size_t PlainRun(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kTops = 0x8080808080808080;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    const std::uint64_t quote = word ^ (kOnes * '"');
    const std::uint64_t slash = word ^ (kOnes * '\\');
    // The top bit of a byte: not ASCII, or below 0x20, or equal to one of the two. Carries can
    // only raise a false alarm behind a true one, and the loop below looks at the bytes.
    std::uint64_t special = word | (word - kOnes * 0x20) | (quote - kOnes) | (slash - kOnes);
    if constexpr (kAscii == Ascii::kAll) special |= word + kOnes;  // 0x7F
    if ((special & kTops) != 0) break;
  }
  while (at < text.size() && IsPlain<kAscii>(text[at])) ++at;
  return at;
}

template <Ascii kAscii>
void AppendText(std::string& out, std::string_view text) {
  out += '"';
  std::size_t run = 0;  // what may be copied as it is
  while (run < text.size()) {
    run += PlainRun<kAscii>(text.substr(run));
    if (run == text.size()) break;
    const char c = text[run];
    if (static_cast<unsigned char>(c) < 0x80) {
      out += text.substr(0, run);
      AppendEscape(out, c);
      text.remove_prefix(run + 1);
      run = 0;
      continue;
    }
    const internal::Utf8Char character = internal::DecodeUtf8(text.substr(run));
    if (kAscii == Ascii::kOnlyControls && character.valid) {
      run += character.length;
      continue;
    }
    out += text.substr(0, run);
    if constexpr (kAscii == Ascii::kAll) {
      AppendUnits(out, character.code_point);
    } else {
      out += "\xEF\xBF\xBD";
    }
    text.remove_prefix(run + character.length);
    run = 0;
  }
  out += text;
  out += '"';
}

}  // namespace

void Writer::Int(std::int64_t value) {
  char buffer[24];
  Raw({buffer, std::to_chars(buffer, buffer + sizeof(buffer), value).ptr});
}

void Writer::Uint(std::uint64_t value) {
  char buffer[24];
  Raw({buffer, std::to_chars(buffer, buffer + sizeof(buffer), value).ptr});
}

void Writer::Double(double value) {
  if (!std::isfinite(value)) return Misuse("a double that is not finite");
  char buffer[32];
  Raw({buffer, std::to_chars(buffer, buffer + sizeof(buffer), value).ptr});
}

void Writer::Number(std::string_view text) {
  if (!IsNumber(text)) return Misuse("a text that is not a JSON number");
  Raw(text);
}

void Writer::String(std::string_view text) {
  Separate();
  Quoted(text);
  comma_ = true;
}

void Writer::Key(std::string_view key) {
  Separate();
  Quoted(key);
  out_ += indent_ > 0 || spaced_ ? std::string_view(": ") : std::string_view(":");
  after_key_ = true;
}

void Writer::Value(View view) {
  if (!view.exists()) return Misuse("an absent value");
  internal::Walk(view, *this);
}

void Writer::Begin(char bracket) {
  Separate();
  out_ += bracket;
  comma_ = false;
  ++depth_;
}

void Writer::End(char bracket) {
  assert(depth_ > 0 && !after_key_);
  --depth_;
  if (comma_) NewLine();
  out_ += bracket;
  comma_ = true;
}

void Writer::Separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  assert((!comma_ || depth_ > 0) && "a second value after the document");
  if (comma_) out_ += spaced_ ? std::string_view(", ") : std::string_view(",");
  if (depth_ > 0) NewLine();
}

void Writer::NewLine() {
  if (indent_ <= 0) return;
  out_ += '\n';
  out_.append(depth_ * static_cast<std::size_t>(indent_), ' ');
}

void Writer::Quoted(std::string_view text) {
  if (spaced_) {
    AppendText<Ascii::kAll>(out_, text);
  } else {
    AppendText<Ascii::kOnlyControls>(out_, text);
  }
}

void Writer::Misuse(std::string_view what) {
  assert(false && "json::Writer is given what JSON cannot say: misuse() says what");
  if (misuse_.empty()) misuse_ = what;
  Null();
}

std::string Write(View view, WriteOptions options) {
  std::string out;
  if (view.size() > 0) out.reserve(kFirstReserve);
  Writer(out, options).Value(view);
  return out;
}

std::string WriteSpaced(View view) {
  std::string out;
  Writer writer(out);
  writer.spaced_ = true;
  writer.Value(view);
  return out;
}

std::string Canonical(View view) {
  std::string out;
  Writer writer(out);
  internal::Walk<internal::Order::kByKey>(view, writer);
  return out;
}

void AppendQuoted(std::string& out, std::string_view text) {
  AppendText<Ascii::kOnlyControls>(out, text);
}

}  // namespace weir::json
