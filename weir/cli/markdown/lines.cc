#include "weir/cli/markdown/lines.h"

#include <algorithm>

#include "weir/base/text.h"

namespace weir::cli {
namespace {

constexpr int kCodeIndent = 4;
constexpr std::size_t kMostDigits = 9;  // of the number of an item
constexpr int kMostQuotes = 8;

int TakeIndent(std::string_view& line) {
  int columns = 0;
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) {
    columns += line.front() == '\t' ? 4 - columns % 4 : 1;
    line.remove_prefix(1);
  }
  return columns;
}

bool TakeQuote(std::string_view& line) {
  const std::size_t at = line.find_first_not_of(' ');
  if (at == line.npos || at > 3 || line[at] != '>') return false;
  line.remove_prefix(at + 1);
  if (line.starts_with(' ')) line.remove_prefix(1);
  return true;
}

bool HasOnly(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == text.npos;
}

std::size_t RunOf(std::string_view text) {
  return std::min(text.find_first_not_of(text.front()), text.size());
}

// --- or * * *
bool IsRule(std::string_view text) {
  const char mark[] = {text.front(), ' '};
  return std::string_view("-*_").contains(text.front()) && HasOnly(text, {mark, 2}) &&
         std::ranges::count(text, text.front()) >= 3;
}

bool IsDelimiter(std::string_view text) {
  return HasOnly(text, "|-: \t") && text.contains('-') && text.contains('|');
}

// "-", "12." or "3)" at the front, 0 for none.
std::size_t MarkerSize(std::string_view text) {
  if (std::string_view("-*+").contains(text.front())) return 1;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > kMostDigits || digits == text.size()) return 0;
  return text[digits] == '.' || text[digits] == ')' ? digits + 1 : 0;
}

// Whether more of the line decides what it is.
bool IsUndecided(std::string_view text) {
  const char first = text.front();
  if (first == '`' || first == '~') {
    const std::size_t run = RunOf(text);
    return run >= 3 || run == text.size();
  }
  if (first == '#') return RunOf(text) == text.size();
  if (std::string_view("-*_").contains(first)) {
    const char mark[] = {first, ' '};
    if (HasOnly(text, {mark, 2})) return true;
  }
  if (HasOnly(text, "|-: \t")) return true;
  if (first == '+') return text.size() == 1;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > kMostDigits) return false;
  return digits == text.size() || (digits + 1 == text.size() && MarkerSize(text) > 0);
}

void SetHeading(std::string_view text, Line& out) {
  out.kind = LineKind::kHeading;
  out.level = static_cast<int>(RunOf(text));
  text = Trim(text.substr(RunOf(text)));
  const std::size_t end = text.find_last_not_of('#');
  const bool closed = end != text.npos && end + 1 < text.size() && text[end] == ' ';
  out.text = closed ? Trim(text.substr(0, end)) : text;
}

void SetKind(std::string_view text, Line& out) {
  const char first = text.front();
  const std::size_t run = RunOf(text);
  const std::size_t marker = MarkerSize(text);
  out.text = text;
  if (first == '#' && run <= 6 && (run == text.size() || text[run] == ' ')) {
    SetHeading(text, out);
  } else if ((first == '`' || first == '~') && run >= 3 &&
             !(first == '`' && text.substr(run).contains('`'))) {
    out.kind = LineKind::kFence;
    out.level = static_cast<int>(run);
    out.marker = first;
    out.text = Trim(text.substr(run));
  } else if (IsDelimiter(text)) {
    out.kind = LineKind::kDelimiter;
  } else if (IsRule(text)) {
    out.kind = LineKind::kRule;
  } else if (marker > 0 && (marker == text.size() || text[marker] == ' ' || text[marker] == '\t')) {
    out.kind = LineKind::kItem;
    out.marker = text.substr(0, marker);
    out.text = Trim(text.substr(marker));
  } else {
    out.kind = first == '|' ? LineKind::kPipe : LineKind::kText;
  }
}

}  // namespace

Line ClassifyLine(std::string_view line, LinePart part) {
  Line out;
  const bool whole = part == LinePart::kWhole;
  while (out.quotes < kMostQuotes && TakeQuote(line)) ++out.quotes;
  out.indent = TakeIndent(line);
  if (line.empty()) {
    out.kind = whole ? LineKind::kBlank : LineKind::kUnknown;
    return out;
  }
  if (!whole && IsUndecided(line)) return out;
  SetKind(line, out);
  const bool plain = out.kind == LineKind::kText || out.kind == LineKind::kPipe;
  if (plain && out.indent >= kCodeIndent) out.kind = LineKind::kIndented;
  return out;
}

std::string_view StripCodeMargin(std::string_view line, int quotes, int indent) {
  while (quotes > 0 && TakeQuote(line)) --quotes;
  while (indent > 0 && line.starts_with(' ')) {
    line.remove_prefix(1);
    --indent;
  }
  return line;
}

}  // namespace weir::cli
