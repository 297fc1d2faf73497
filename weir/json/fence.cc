#include "weir/json/fence.h"

#include <algorithm>
#include <cstddef>

#include "weir/base/text.h"

namespace weir::json {
namespace {

constexpr std::size_t kShortestFence = 3;
constexpr std::string_view kBlanks = " \t";

std::size_t LongestRun(std::string_view text, char c) {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char here : text) {
    run = here == c ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

std::size_t RunAt(std::string_view text, std::size_t at, char c) {
  return std::min(text.find_first_not_of(c, at), text.size()) - at;
}

// A row of fence characters at the start of a line.
struct FenceMark {
  char character;
  std::size_t begin;
  std::size_t size;

  std::size_t end() const { return begin + size; }
};

std::optional<FenceMark> FenceMarkAt(std::string_view text, std::size_t line) {
  const std::size_t begin = text.find_first_not_of(kBlanks, line);
  if (begin == text.npos || (text[begin] != '`' && text[begin] != '~')) return std::nullopt;
  const FenceMark mark{text[begin], begin, RunAt(text, begin, text[begin])};
  return mark.size >= kShortestFence ? std::optional(mark) : std::nullopt;
}

// Where the line at `line` ends: its '\n', or the end of the text.
std::size_t LineEnd(std::string_view text, std::size_t line) {
  return std::min(text.find('\n', line), text.size());
}

// `text` without the line break at its end, as far as the opening line had one of the same kind.
std::string_view WithoutLineBreak(std::string_view text, bool crlf) {
  if (!text.ends_with('\n')) return text;
  text.remove_suffix(1);
  if (crlf && text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

bool IsInfoWord(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("+-_.#").contains(c);
  });
}

// ```json {"a":1} ```: everything on the line of the mark.
std::optional<Fenced> OneLine(std::string_view line, const FenceMark& mark) {
  line = Trim(line);
  const std::size_t closing =
      line.size() - std::min(line.find_last_not_of(mark.character) + 1, line.size());
  if (closing < mark.size || line.size() < closing + mark.size) return std::nullopt;
  line.remove_prefix(mark.size);
  line.remove_suffix(closing);
  if (LongestRun(line, mark.character) >= mark.size) return std::nullopt;
  Fenced fenced{.content = line, .closed = true};
  const std::size_t word = std::min(line.find_first_of(kBlanks), line.size());
  if (word < line.size() && IsInfoWord(line.substr(0, word))) {
    fenced.info = line.substr(0, word);
    fenced.content.remove_prefix(word);
  }
  fenced.content = Trim(fenced.content);
  return fenced.content.empty() ? std::nullopt : std::optional(fenced);
}

// The block that `mark` opens, whose content starts with the next line.
Fenced Block(std::string_view text, const FenceMark& mark) {
  const std::size_t opening_end = LineEnd(text, mark.begin);
  const std::string_view opening = text.substr(mark.end(), opening_end - mark.end());
  const bool crlf = opening.ends_with('\r');
  const std::size_t first = std::min(opening_end + 1, text.size());
  Fenced fenced{.info = Trim(opening), .content = text.substr(first)};
  for (std::size_t line = first; line < text.size(); line = LineEnd(text, line) + 1) {
    const std::optional<FenceMark> closing = FenceMarkAt(text, line);
    if (!closing || closing->character != mark.character || closing->size < mark.size) continue;
    if (!Trim(text.substr(closing->end(), LineEnd(text, line) - closing->end())).empty()) continue;
    fenced.content = WithoutLineBreak(text.substr(first, line - first), crlf);
    fenced.closed = true;
    return fenced;
  }
  const std::string_view trimmed =
      fenced.content.substr(0, fenced.content.find_last_not_of(" \t\r\n") + 1);  // npos + 1 is 0
  const std::size_t glued = trimmed.size() - (trimmed.find_last_not_of(mark.character) + 1);
  if (glued >= mark.size) {
    fenced.content = trimmed.substr(0, trimmed.size() - glued);
    fenced.closed = true;
  }
  return fenced;
}

}  // namespace

std::string WrapFence(std::string_view text, std::string_view info) {
  const std::string fence(std::max(kShortestFence, LongestRun(text, '`') + 1), '`');
  std::string word;
  for (const char c : info) {
    if (c != '`' && c != '\n' && c != '\r') word += c;
  }
  return StrCat(fence, word, "\n", text, "\n", fence);
}

std::optional<Fenced> FindFence(std::string_view text) {
  const std::string_view trimmed = Trim(text);
  if (trimmed.starts_with('{') || trimmed.starts_with('[')) return std::nullopt;
  for (std::size_t line = 0; line < text.size(); line = LineEnd(text, line) + 1) {
    const std::optional<FenceMark> mark = FenceMarkAt(text, line);
    if (!mark) continue;
    const std::string_view rest = text.substr(mark->begin, LineEnd(text, line) - mark->begin);
    if (std::optional<Fenced> fenced = OneLine(rest, *mark)) return fenced;
    // Backticks behind backticks are code in a line of prose.
    if (mark->character == '`' && rest.substr(mark->size).contains('`')) continue;
    return Block(text, *mark);
  }
  return std::nullopt;
}

std::string_view StripFence(std::string_view text) {
  const std::optional<Fenced> fenced = FindFence(text);
  return fenced ? fenced->content : text;
}

}  // namespace weir::json
