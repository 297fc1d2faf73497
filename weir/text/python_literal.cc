#include "weir/text/python_literal.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/lenient.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/text/call_values.h"

namespace weir::text {
namespace {

constexpr std::size_t kMaxName = 256;

constexpr std::pair<std::string_view, std::string_view> kConstants[] = {
    {"True", "true"}, {"False", "false"}, {"None", "null"},
    {"true", "true"}, {"false", "false"}, {"null", "null"}};

}  // namespace

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool IsNameByte(char c) { return IsNameStart(c) || IsDigit(c); }

std::size_t PythonLiteral::SkipSpace(std::size_t at) const {
  while (at < text_.size() && kWhiteSpace.contains(text_[at])) ++at;
  return at;
}

bool PythonLiteral::Read(std::size_t& at, std::string& json, Place place) {
  at_ = SkipSpace(at);
  if (!Value(json, place, 0)) return false;
  at = at_;
  return true;
}

std::string_view PythonLiteral::ReadKeyword(std::size_t& at) const {
  const std::size_t begin = SkipSpace(at);
  std::size_t end = begin;
  const bool quoted = end < text_.size() && (text_[end] == '"' || text_[end] == '\'');
  if (quoted) ++end;
  const std::size_t name_at = end;
  while (end < text_.size() && end - name_at < kMaxName &&
         (IsNameByte(text_[end]) || (text_[end] == '-' && (quoted || end > name_at)))) {
    ++end;
  }
  const std::string_view name = text_.substr(name_at, end - name_at);
  if (quoted) {
    if (end == text_.size() || text_[end] != text_[begin]) return {};
    ++end;
  }
  const std::size_t sign = SkipSpace(end);
  if (name.empty() || sign == text_.size()) return {};
  const bool assigns = text_[sign] == '=' && !text_.substr(sign).starts_with("==");
  if (!assigns && text_[sign] != ':') return {};
  at = sign + 1;
  return name;
}

// Of a name that is no longer than names are.
std::size_t PythonLiteral::NameEnd(std::size_t at) const {
  std::size_t end = at;
  while (end < text_.size() && end - at < kMaxName && IsNameByte(text_[end])) ++end;
  return end;
}

bool PythonLiteral::IsCutWord(std::size_t at) const {
  if (at >= text_.size() || !IsNameStart(text_[at])) return false;
  std::size_t end = NameEnd(at);
  while (end < text_.size() && text_[end] == '-') end = NameEnd(end + 1);
  return end == text_.size();
}

bool PythonLiteral::IsCutConstant(std::size_t at) const {
  const std::string_view word = text_.substr(std::min(at, text_.size()));
  return !word.empty() && std::ranges::any_of(kConstants, [word](const auto& one) {
    return one.first.starts_with(word) && one.first != word;
  });
}

// True, None and the like, as an argument without a name.
bool PythonLiteral::IsConstant(std::size_t at) const {
  const std::size_t end = NameEnd(at);
  const std::size_t next = SkipSpace(end);
  const std::string_view word = text_.substr(at, end - at);
  return next < text_.size() && std::string_view(",)]").contains(text_[next]) &&
         std::ranges::any_of(kConstants, [word](const auto& one) { return one.first == word; });
}

bool PythonLiteral::StartsCall(std::size_t at) const {
  std::size_t end = NameEnd(at);
  while (end < text_.size() && (text_[end] == '.' || text_[end] == '-')) end = NameEnd(end + 1);
  return end < text_.size() && text_[end] == '(' &&
         list_.Tool(list_.PlainName(text_.substr(at, end - at))) != nullptr;
}

void PythonLiteral::NoteCut() {
  list_.Note("the text ended inside the call: what was open is closed");
}

bool PythonLiteral::Value(std::string& json, Place place, std::size_t depth) {
  if (depth > kMaxDepth || at_ == text_.size()) return false;
  if (StartsText()) return Texts(json, place);
  if (text_.substr(at_).starts_with("“")) return SmartText(json, place);
  const char c = text_[at_];
  if (c == '[') return List(']', json, depth);
  if (c == '(') return List(')', json, depth);
  if (c == '{') return Braces(json, depth);
  if (IsDigit(c) || c == '-' || c == '+' || c == '.') return Number(json);
  return Word(json);
}

// A list or a tuple; one value in parentheses without a comma is that value.
bool PythonLiteral::List(char closer, std::string& json, std::size_t depth) {
  ++at_;
  std::string items;
  std::size_t count = 0;
  bool comma = false;
  for (;;) {
    at_ = SkipSpace(at_);
    if (at_ == text_.size()) NoteCut();
    if (at_ == text_.size() || At(closer)) break;
    if (At(',')) {
      comma = true;
      ++at_;
      continue;
    }
    if (count++ > 0) items += ',';
    if (!Value(items, Place::kInside, depth + 1)) return false;
  }
  if (at_ < text_.size()) ++at_;
  const bool single = closer == ')' && count == 1 && !comma;
  json += single ? items : StrCat("[", items, "]");
  return true;
}

// A dict or a set. Keys that are no text become one, as Python's own JSON writer does.
bool PythonLiteral::Braces(std::string& json, std::size_t depth) {
  ++at_;
  std::string items;
  bool has_keys = false, is_set = false;
  for (;;) {
    at_ = SkipSpace(at_);
    if (at_ == text_.size()) NoteCut();
    if (at_ == text_.size() || At('}')) break;
    if (At(',')) {
      ++at_;
      continue;
    }
    std::string key;
    if (!Value(key, Place::kInside, depth + 1)) {
      std::size_t at = at_;
      const std::string_view bare = ReadKeyword(at);
      if (bare.empty()) return false;
      at_ = at - 1;
      key = Quoted(bare);
    }
    at_ = SkipSpace(at_);
    const bool pair = At(':') || At('=');
    if (pair ? is_set : has_keys && at_ < text_.size()) return false;
    (pair || at_ == text_.size() ? has_keys : is_set) = true;
    if (at_ == text_.size()) continue;  // a key without its value was cut: it is left out
    if (!items.empty()) items += ',';
    if (!pair) {
      items += key;
      continue;
    }
    at_ = SkipSpace(at_ + 1);
    if (at_ == text_.size()) {
      if (items.ends_with(',')) items.pop_back();
      continue;
    }
    items += key.starts_with('"') ? key : Quoted(key);
    items += ':';
    if (!Value(items, Place::kInside, depth + 1)) return false;
  }
  if (at_ < text_.size()) ++at_;
  json += is_set ? StrCat("[", items, "]") : StrCat("{", items, "}");
  return true;
}

bool PythonLiteral::StartsText() const {
  std::size_t at = at_;
  while (at < text_.size() && at - at_ < 2 && std::string_view("rRbBuUfF").contains(text_[at])) {
    ++at;
  }
  return at < text_.size() && (text_[at] == '"' || text_[at] == '\'');
}

// Texts that stand side by side are one.
bool PythonLiteral::Texts(std::string& json, Place place) {
  std::string text;
  for (;;) {
    if (!Text(text, place)) return false;
    const std::size_t end = at_;
    at_ = SkipSpace(at_);
    if (StartsText()) continue;
    at_ = end;
    json += Quoted(text);
    return true;
  }
}

// A text between typographic quotes.
bool PythonLiteral::SmartText(std::string& json, Place place) {
  constexpr std::string_view kOpen = "“", kClose = "”";
  const std::size_t begin = at_ + kOpen.size();
  for (std::size_t end = text_.find(kClose, begin); end != text_.npos;
       end = text_.find(kClose, end + kClose.size())) {
    if (!MayEndText(end + kClose.size(), place)) continue;
    list_.Note("a text stood in typographic quotes");
    json += Quoted(text_.substr(begin, end - begin));
    at_ = end + kClose.size();
    return true;
  }
  return false;
}

bool PythonLiteral::Text(std::string& out, Place place) {
  bool raw = false;
  for (; text_[at_] != '"' && text_[at_] != '\''; ++at_) {
    raw = raw || text_[at_] == 'r' || text_[at_] == 'R';
  }
  const std::string_view mark = text_.substr(at_, 1);
  const std::string triple(3, mark[0]);
  const bool is_triple = text_.substr(at_).starts_with(triple);
  const std::string_view quote = is_triple ? std::string_view(triple) : mark;
  at_ += quote.size();
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\\' && !raw && at_ + 1 == text_.size()) break;  // what it was to escape never came
    if (c == '\\' && at_ + 1 < text_.size()) {
      if (raw) {
        out += text_.substr(at_, 2);
        at_ += 2;
      } else {
        ++at_;
        Escape(out);
      }
      continue;
    }
    if (c == quote[0] && text_.substr(at_).starts_with(quote)) {
      if (is_triple || MayEndText(at_ + 1, place)) {
        at_ += quote.size();
        return true;
      }
      list_.Note("a quote inside a text was not escaped");
    }
    out += c;
    ++at_;
  }
  at_ = text_.size();
  NoteCut();
  if (place == Place::kArgument && Trim(out).ends_with(")]")) {
    out.resize(out.rfind(")]"));  // more likely the end of the list than of the text
    list_.Note("a text had no closing quote");
  }
  return true;
}

// Whether what stands behind a quote can follow a text. Behind a comma between arguments only
// another argument can, so that a comma in the text is told from one behind it.
bool PythonLiteral::MayEndText(std::size_t at, Place place) const {
  at = SkipSpace(at);
  if (at == text_.size()) return true;
  const char c = text_[at];
  if (place == Place::kInside) return std::string_view(",)]}:\"'=").contains(c);
  if (c == ',') {
    std::size_t next = SkipSpace(at + 1);
    if (next == text_.size() || text_[next] == ')' || text_[next] == '*') return true;
    return !IsNameStart(text_[next]) || IsCutWord(next) || IsConstant(next) ||
           !ReadKeyword(next).empty() || StartsCall(next);
  }
  const std::size_t next = SkipSpace(at + 1);
  if (c == ']') return next == text_.size() || text_[next] == '<' || text_[next] == '`';
  if (c != ')') return c == '"' || c == '\'' || !std::string_view(ReadKeyword(at)).empty();
  return next == text_.size() || std::string_view(",;])<`").contains(text_[next]) ||
         text_.substr(at, next - at).contains('\n') || StartsCall(next);
}

void PythonLiteral::Escape(std::string& out) {
  constexpr std::pair<char, char> kEscapes[] = {{'n', '\n'}, {'t', '\t'}, {'r', '\r'}, {'b', '\b'},
                                                {'f', '\f'}, {'v', '\v'}, {'a', '\a'}, {'\\', '\\'},
                                                {'"', '"'},  {'\'', '\''}};
  const char c = text_[at_++];
  for (const auto& [written, meant] : kEscapes) {
    if (c == written) {
      out += meant;
      return;
    }
  }
  if (c == '\n') return;  // the line goes on
  if (c == 'x') return Code(out, 2);
  if (c == 'u') return Code(out, 4);
  if (c == 'U') return Code(out, 8);
  if (c == '0') {
    out += '\0';
    return;
  }
  out += '\\';
  out += c;
}

// \xHH, \uHHHH, \UHHHHHHHH, and two \u that are halves of one character.
void PythonLiteral::Code(std::string& out, std::size_t digits) {
  const auto read = [this](std::size_t at, std::size_t count, std::uint32_t& code) {
    if (at + count > text_.size()) return false;
    const std::string hex(text_.substr(at, count));
    if (!std::ranges::all_of(hex, IsHexDigit)) return false;
    code = static_cast<std::uint32_t>(std::strtoul(hex.c_str(), nullptr, 16));
    return true;
  };
  std::uint32_t code = 0;
  if (!read(at_, digits, code)) {
    out += '\\';
    out += text_[at_ - 1];
    return;
  }
  at_ += digits;
  std::uint32_t low = 0;
  if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_).starts_with("\\u") &&
      read(at_ + 2, 4, low) && low >= 0xDC00 && low < 0xE000) {
    code = 0x10000 + (((code - 0xD800) << 10) | (low - 0xDC00));
    at_ += 6;
  }
  const bool character = code < 0xD800 || (code > 0xDFFF && code <= 0x10FFFF);
  AppendUtf8(out, character ? code : 0xFFFD);
}

bool PythonLiteral::Number(std::string& json) {
  std::size_t end = at_ + 1;
  while (end < text_.size()) {
    const char c = text_[end];
    const bool sign = (c == '-' || c == '+') && (text_[end - 1] == 'e' || text_[end - 1] == 'E');
    if (!sign && !IsNameByte(c) && c != '.') break;
    ++end;
  }
  const std::string_view written = text_.substr(at_, end - at_);
  if (json::Read(written)) {
    json += written;
  } else {
    const auto mended = json::ReadLenient(written);
    if (!mended || !mended->value.IsNumber()) return false;
    json += mended->value.NumberText();
  }
  at_ = end;
  return true;
}

bool PythonLiteral::Word(std::string& json) {
  std::size_t end = at_;
  while (end < text_.size() && (IsNameByte(text_[end]) || text_[end] == '.')) ++end;
  const std::string_view word = text_.substr(at_, end - at_);
  for (const auto& [written, meant] : kConstants) {
    if (word == written) {
      json += meant;
      at_ = end;
      return true;
    }
  }
  return false;
}

}  // namespace weir::text
