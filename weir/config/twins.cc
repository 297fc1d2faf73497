#include "weir/config/twins.h"

#include <algorithm>
#include <cctype>

#include "weir/base/text.h"
#include "weir/base/utf8.h"

namespace weir::config {
namespace {

constexpr std::size_t kMostTries = 32;  // the text is read again for each
// No key that is known begins like that. Several, for the new name may be there as well.
constexpr std::string_view kLetters = "ZQXJKWV0123456789";

bool IsOfName(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}

std::size_t NextCharacter(std::string_view text, std::size_t at) {
  do ++at;
  while (at < text.size() && IsInsideUtf8(text[at]));
  return std::min(at, text.size());
}

std::size_t OffsetOf(std::string_view text, json::Mark mark) {
  std::size_t at = 0;
  for (int line = 1; line < mark.line; ++line) {
    const std::size_t end = text.find('\n', at);
    if (end == text.npos) return text.size();
    at = end + 1;
  }
  for (int column = 1; column < mark.column; ++column) at = NextCharacter(text, at);
  return at;
}

}  // namespace

Result<json::YamlDocument> Twins::Read(Error refusal) {
  for (std::size_t tries = 0; tries < kMostTries; ++tries) {
    const std::optional<json::Mark> mark = PlaceIn(refusal);
    if (!mark) break;
    if (!AreAt(*mark)) told_.push_back({.mark = *mark, .error = refusal});
    if (!Rename(*mark, kLetters[tries % kLetters.size()])) break;
    Result<json::YamlDocument> document = json::ReadYaml(text_, file_name_);
    if (document) return document;
    refusal = std::move(document).error();
  }
  return Fail(std::move(refusal));
}

bool Twins::AreAt(json::Mark mark) const {
  return std::ranges::find(told_, mark, &Reading::Problem::mark) != told_.end();
}

std::optional<json::Mark> Twins::PlaceIn(const Error& refusal) const {
  std::string_view rest = refusal.message;
  if (!rest.contains("\" occurs twice in one mapping")) return std::nullopt;
  rest.remove_prefix(std::min(rest.size(), file_name_.size() + 1));
  const std::vector<std::string_view> parts = Split(rest, ':');
  const std::optional<std::int64_t> line = ParseInt(parts.front());
  const std::optional<std::int64_t> column = parts.size() > 1 ? ParseInt(parts[1]) : std::nullopt;
  if (!line || !column) return std::nullopt;
  return json::Mark{.line = static_cast<int>(*line), .column = static_cast<int>(*column)};
}

bool Twins::Rename(json::Mark mark, char letter) {
  std::size_t at = OffsetOf(text_, mark);
  if (at < text_.size() && (text_[at] == '"' || text_[at] == '\'')) ++at;
  if (at >= text_.size() || !IsOfName(text_[at])) return false;
  text_.replace(at, NextCharacter(text_, at) - at, 1, letter);
  return true;
}

}  // namespace weir::config
