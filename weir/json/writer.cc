#include "weir/json/writer.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/number.h"
#include "weir/json/plain_text.h"
#include "weir/json/walk.h"

namespace weir::json {
namespace {

constexpr std::size_t kFirstReserve = 512;  // what most documents that we send fit into

enum class Ascii { kOnlyControls, kAll };  // which characters are escaped as \uXXXX

void AppendUnit(std::string& out, unsigned unit) {
  const char text[] = {'\\',
                       'u',
                       kHexDigits[unit >> 12 & 15],
                       kHexDigits[unit >> 8 & 15],
                       kHexDigits[unit >> 4 & 15],
                       kHexDigits[unit & 15]};
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

// How many characters at the front may be copied as they are.
template <Ascii kAscii>
std::size_t PlainRun(std::string_view text) {
  const char* const end = text.data() + text.size();
  const auto run = static_cast<std::size_t>(internal::SkipPlain(text.data(), end) - text.data());
  if constexpr (kAscii == Ascii::kOnlyControls) return run;
  return std::min(text.substr(0, run).find('\x7F'), run);
}

template <Ascii kAscii>
void AppendText(std::string& out, std::string_view text) {
  std::size_t run = PlainRun<kAscii>(text);  // what may be copied as it is
  if (run == text.size()) {
    const std::size_t before = out.size();
    const std::size_t after = before + run + 2;
    // The library may offer more bytes than were asked for.
    out.resize_and_overwrite(after, [&](char* bytes, std::size_t) {
      bytes[before] = '"';
      text.copy(bytes + before + 1, run);
      bytes[after - 1] = '"';
      return after;
    });
    return;
  }
  out += '"';
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
    const Utf8Char character = DecodeUtf8(text.substr(run));
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

// The text of a double like 0.7 or 12.125, which settings are made of; null for any other. What is
// exactly the double of a decimal that short has it as its shortest text.
char* WriteShortDecimal(double value, char* out) {
  if (!(value > 0 && value < 1000)) return nullptr;
  const int thousandths = static_cast<int>(std::lround(value * 1000));
  if (thousandths == 0 || thousandths / 1000.0 != value) return nullptr;
  out = std::to_chars(out, out + 4, thousandths / 1000).ptr;
  int rest = thousandths % 1000;
  if (rest != 0) *out++ = '.';
  for (int unit = 100; rest != 0; unit /= 10) {
    *out++ = static_cast<char>('0' + rest / unit);
    rest %= unit;
  }
  return out;
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
  const char* end = WriteShortDecimal(value, buffer);
  if (end == nullptr) end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  Raw({buffer, end});
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
  out_ += ':';
  if (indent_ > 0 || spaced_) out_ += ' ';
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
  if (comma_ && indent_ > 0) NewLine();
  out_ += bracket;
  comma_ = true;
}

void Writer::NextPlace() {
  assert((!comma_ || depth_ > 0) && "a second value after the document");
  if (comma_) out_ += ',';
  if (comma_ && spaced_) out_ += ' ';
  if (depth_ > 0 && indent_ > 0) NewLine();
}

void Writer::NewLine() {
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
