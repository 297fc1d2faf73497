#include "weir/text/token_map.h"

#include <algorithm>
#include <ranges>

#include "weir/base/text.h"

namespace weir::text {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
// Places where an answer may stand that are looked at closely.
constexpr std::size_t kMostPlaces = 16;
constexpr char kRun = '\x80';

std::size_t BytesOfCharacter(unsigned char first) {
  if (first >= 0xF0) return 4;
  if (first >= 0xE0) return 3;
  return first >= 0xC0 ? 2 : 1;
}

// A text without its blanks, each run of characters beyond ASCII as one byte.
struct Skeleton {
  std::string bytes;
  std::vector<Range> places;  // of each of them in the text
};

Skeleton SkeletonOf(std::string_view text, std::size_t from) {
  Skeleton skeleton;
  for (std::size_t i = from; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    if (IsAscii(text[i])) {
      skeleton.bytes.push_back(text[i]);
      skeleton.places.push_back({i, i + 1});
    } else if (!skeleton.bytes.empty() && skeleton.bytes.back() == kRun) {
      skeleton.places.back().end = i + 1;
    } else {
      skeleton.bytes.push_back(kRun);
      skeleton.places.push_back({i, i + 1});
    }
  }
  return skeleton;
}

std::string_view Part(std::string_view text, Range range) {
  return text.substr(range.begin, range.end - range.begin);
}

bool EqualButForBlanks(std::string_view a, std::string_view b) {
  std::size_t i = 0;
  for (const char c : a) {
    if (c == ' ') continue;
    while (i < b.size() && b[i] == ' ') ++i;
    if (i == b.size() || b[i] != c) return false;
    ++i;
  }
  return std::ranges::all_of(b.substr(i), [](char c) { return c == ' '; });
}

}  // namespace

const Placement::Piece& Placement::PieceAt(std::size_t at) const {
  const auto next = std::ranges::upper_bound(pieces_, at, {}, &Piece::begin);
  return next == pieces_.begin() ? pieces_.front() : *std::prev(next);
}

Range Placement::Of(Range part) const {
  const Piece& first = PieceAt(part.begin);
  const Piece& last = PieceAt(part.end > part.begin ? part.end - 1 : part.begin);
  const auto exact = [](const Piece& piece, std::size_t at) {
    return std::min(piece.there.begin + (std::max(at, piece.begin) - piece.begin), piece.there.end);
  };
  return {.begin = first.exact ? exact(first, part.begin) : first.there.begin,
          .end = last.exact ? exact(last, part.end) : last.there.end};
}

TokenMap::TokenMap(std::span<const model::Token> tokens) : tokens_(tokens) {
  places_.reserve(tokens.size());
  for (const model::Token& token : tokens) {
    const std::size_t begin = text_.size();
    if (token.bytes.empty()) {
      text_ += token.text;
    } else {
      text_.append(token.bytes.begin(), token.bytes.end());
    }
    places_.push_back({begin, text_.size()});
  }
  std::size_t next_end = text_.size();
  for (Range& place : std::views::reverse(places_)) {
    if (place.begin != place.end) {
      next_end = place.end;
    } else if (place.end < text_.size() && !IsAscii(text_[place.end])) {
      place.end += BytesOfCharacter(static_cast<unsigned char>(text_[place.end]));
      place.end = std::min(place.end, next_end);
    }
  }
}

std::optional<Placement> TokenMap::Find(std::string_view answer, std::size_t from) const {
  if (answer.empty() || from >= text_.size()) return std::nullopt;
  Placement placement;
  if (const auto at = FindAll(text_, answer, from, 1); !at.empty()) {
    placement.pieces_.push_back({0, {at[0], at[0] + answer.size()}, true});
    return placement;
  }
  const Skeleton own = SkeletonOf(answer, 0);
  const Skeleton all = SkeletonOf(text_, from);
  if (own.bytes.empty()) return std::nullopt;
  for (const std::size_t at : FindAll(all.bytes, own.bytes, 0, kMostPlaces)) {
    placement.pieces_.clear();
    bool same = true;
    for (std::size_t i = 0; same && i < own.bytes.size(); ++i) {
      const Range here = own.places[i];
      const Range there = all.places[at + i];
      const std::string_view mine = Part(answer, here);
      const std::string_view its = Part(text_, there);
      const bool exact = mine == its;
      same = exact || EqualButForBlanks(mine, its) || its.contains(kReplacement);
      placement.pieces_.push_back({here.begin, there, exact});
    }
    if (same) return placement;
  }
  return std::nullopt;
}

Range TokenMap::TokensIn(Range part) const {
  if (part.begin >= part.end) return {};
  const auto first = std::ranges::upper_bound(places_, part.begin, {}, &Range::end);
  auto last = first;
  while (last != places_.end() && last->begin < part.end) ++last;
  return {static_cast<std::size_t>(first - places_.begin()),
          static_cast<std::size_t>(last - places_.begin())};
}

// Knuth, Morris and Pratt: std::string::find is quadratic where the text is made for it.
std::vector<std::size_t> FindAll(std::string_view text, std::string_view pattern, std::size_t from,
                                 std::size_t most) {
  std::vector<std::size_t> found;
  if (pattern.empty() || pattern.size() > text.size()) return found;
  std::vector<std::size_t> borders(pattern.size(), 0);
  for (std::size_t i = 1, k = 0; i < pattern.size(); ++i) {
    while (k > 0 && pattern[i] != pattern[k]) k = borders[k - 1];
    if (pattern[i] == pattern[k]) ++k;
    borders[i] = k;
  }
  for (std::size_t i = from, k = 0; i < text.size() && found.size() < most; ++i) {
    while (k > 0 && text[i] != pattern[k]) k = borders[k - 1];
    if (text[i] == pattern[k]) ++k;
    if (k < pattern.size()) continue;
    found.push_back(i + 1 - k);
    k = borders[k - 1];
  }
  return found;
}

}  // namespace weir::text
