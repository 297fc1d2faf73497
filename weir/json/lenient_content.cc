// What the text between two quotation marks means: escapes, control characters, bad UTF-8.

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/escapes.h"
#include "weir/json/lenient_scanner.h"

namespace weir::json::internal {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The number that `digits` hex digits at the front of `text` make; -1 if they are not there.
int Hex(std::string_view text, std::size_t digits) {
  if (text.size() < digits) return -1;
  int value = 0;
  for (const char c : text.substr(0, digits)) {
    const int digit = HexValue(c);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

// Quotation marks, and what Markdown escapes and no regular expression.
constexpr std::string_view kDroppedBefore = "'`\xE2_$";

// The letters that JSON escapes, beside u.
bool IsEscapedLetter(char c) { return c == 'n' || c == 't' || c == 'r' || c == 'b' || c == 'f'; }

// What the backslashes of a string are, beside those of JSON.
enum class Backslashes : std::uint8_t { kOfJson, kOfPath, kBeforeLetters };

// A letter that JSON does not escape says that the string was never escaped.
Backslashes BackslashesOf(std::string_view content) {
  for (std::size_t i = content.find('\\'); i < content.size(); i = content.find('\\', i + 2)) {
    const char c = i + 1 < content.size() ? content[i + 1] : '\0';
    if (!IsLetter(c) || IsEscapedLetter(c)) continue;
    if (c == 'u' && Hex(content.substr(i + 2), 4) >= 0) continue;
    const bool path = content.size() > 2 && IsLetter(content[0]) && content.substr(1, 2) == ":\\";
    return path ? Backslashes::kOfPath : Backslashes::kBeforeLetters;
  }
  return Backslashes::kOfJson;
}

// Whether the backslash before `rest`, which begins with an escaped letter, escapes nothing: in
// a path, a regular expression (\b) or a command of LaTeX.
bool MeansLetters(Backslashes backslashes, std::string_view rest) {
  constexpr std::array<std::string_view, 28> kCommands = {
      "nabla",   "natural",   "ne",    "nearrow",    "neg",   "neq",    "newcommand",
      "newline", "ni",        "not",   "notin",      "nu",    "rangle", "rceil",
      "rfloor",  "rho",       "right", "rightarrow", "tau",   "text",   "textbf",
      "textit",  "therefore", "theta", "times",      "tilde", "to",     "triangle"};
  if (backslashes != Backslashes::kBeforeLetters) return backslashes == Backslashes::kOfPath;
  const auto end = std::ranges::find_if_not(rest, IsLetter);
  const std::string_view word(rest.begin(), end);
  if (rest[0] == 'b' || rest[0] == 'f') return rest[0] == 'b' || word.size() > 1;
  return std::ranges::find(kCommands, word) != kCommands.end();
}

// Whether the end of the text has cut off the second half of a pair, of which `rest` is there.
bool CutInPair(std::string_view rest) {
  return rest.size() < 6 && std::string_view("\\u").starts_with(rest.substr(0, 2));
}

// Takes one level of backslashes away, as a document inside a string has them.
std::string Unescape(std::string_view content) {
  std::string out;
  out.reserve(content.size());
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] == '\\' && i + 1 < content.size() &&
        (content[i + 1] == '\\' || content[i + 1] == '"')) {
      ++i;
    }
    out += content[i];
  }
  return out;
}

// Puts characters for the entities that HTML cannot do without.
std::string DecodeEntities(std::string_view content) {
  struct Entity {
    std::string_view name;
    char character;
  };
  constexpr std::array<Entity, 8> kEntities = {{{"&quot;", '"'},
                                                {"&#34;", '"'},
                                                {"&amp;", '&'},
                                                {"&lt;", '<'},
                                                {"&gt;", '>'},
                                                {"&#39;", '\''},
                                                {"&#x27;", '\''},
                                                {"&apos;", '\''}}};
  std::string out;
  out.reserve(content.size());
  for (std::size_t i = 0; i < content.size();) {
    const auto* const entity = std::ranges::find_if(
        kEntities, [&](const Entity& e) { return content.substr(i).starts_with(e.name); });
    const bool found = entity != kEntities.end();
    out += found ? entity->character : content[i];
    i += found ? entity->name.size() : 1;
  }
  return out;
}

}  // namespace

void LenientScanner::AppendContent(std::string_view content, std::size_t offset, Quote quote,
                                   Place place) {
  if (quote == Quote::kEscaped) {
    const std::string once = Unescape(content);
    return AppendContent(once, offset, Quote::kDouble, place);
  }
  if (quote == Quote::kEntity || quote == Quote::kSingleEntity) {
    const std::string plain = DecodeEntities(content);
    return AppendContent(plain, offset, Quote::kDouble, place);
  }
  std::optional<Backslashes> backslashes;
  bool noted_control = false;
  for (std::size_t i = 0; i < content.size();) {
    bool high = false;
    const std::size_t end = PlainEnd(content, i, '\\', high);
    AppendPlain(content.substr(i, end - i), offset + i, high);
    if (end == content.size()) return;
    if (content[end] == '\\') {
      const char c = end + 1 < content.size() ? content[end + 1] : '\0';
      if (IsEscapedLetter(c)) {
        if (!backslashes) backslashes = BackslashesOf(content);
        if (MeansLetters(*backslashes, content.substr(end + 1))) {
          Note(RepairKind::kInvalidEscape, offset + end);
          scratch_ += '\\';
          i = end + 1;
          continue;
        }
      }
      i = end + AppendEscape(content, end, offset, place);
      continue;
    }
    if (!noted_control) Note(RepairKind::kControlCharacter, offset + end);
    noted_control = true;
    scratch_ += content[end];
    i = end + 1;
  }
}

// Appends text without escapes; what is not UTF-8 becomes U+FFFD.
void LenientScanner::AppendPlain(std::string_view text, std::size_t offset, bool high) {
  std::size_t from = 0;
  for (std::size_t i = 0; high && i < text.size();) {
    const Utf8Char character = DecodeUtf8(text.substr(i));
    if (!character.valid) {
      Note(RepairKind::kInvalidUnicode, offset + i);
      scratch_ += text.substr(from, i - from);
      scratch_ += kReplacement;
      from = i + character.length;
    }
    i += character.length;
  }
  scratch_ += text.substr(from);
}

// Appends what the backslash at `i` and what follows it stand for; returns how many bytes that is.
std::size_t LenientScanner::AppendEscape(std::string_view content, std::size_t i,
                                         std::size_t offset, Place place) {
  const char c = i + 1 < content.size() ? content[i + 1] : '\0';
  if (const char plain = PlainEscape(c)) {
    scratch_ += plain;
    return 2;
  }
  if (c == 'u') {
    const int unit = Hex(content.substr(i + 2), 4);
    if (unit >= 0xD800 && unit < 0xDC00 && content.substr(i + 6, 2) == "\\u") {
      const int low = Hex(content.substr(i + 8), 4);
      if (low >= 0xDC00 && low < 0xE000) {
        AppendUtf8(scratch_, 0x10000u + (static_cast<unsigned>(unit - 0xD800) << 10) +
                                 static_cast<unsigned>(low - 0xDC00));
        return 12;
      }
    }
    if (unit >= 0xD800 && unit < 0xDC00 && string_cut_ && CutInPair(content.substr(i + 6))) {
      Note(RepairKind::kInvalidEscape, offset + i);
      return content.size() - i;
    }
    if (unit >= 0xD800 && unit < 0xE000) {
      Note(RepairKind::kInvalidUnicode, offset + i);
      scratch_ += kReplacement;
      return 6;
    }
    if (unit >= 0) {
      AppendUtf8(scratch_, static_cast<unsigned>(unit));
      return 6;
    }
  }
  Note(RepairKind::kInvalidEscape, offset + i);
  const bool unfinished =
      c == 'u' && content.size() < i + 6 && content.find_first_of("\" ", i) == content.npos;
  if (string_cut_ && (i + 1 == content.size() || unfinished)) return content.size() - i;
  if (c == '\n') return 2;  // a line that goes on, as in JavaScript
  const int byte = c == 'x' ? Hex(content.substr(i + 2), 2) : -1;
  if (byte >= 0) {
    AppendUtf8(scratch_, static_cast<unsigned>(byte));
    return 4;
  }
  if (place != Place::kKey && kDroppedBefore.find(c) == kDroppedBefore.npos) scratch_ += '\\';
  return 1;
}

}  // namespace weir::json::internal
