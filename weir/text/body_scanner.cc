#include "weir/text/body_scanner.h"

#include <algorithm>

#include "weir/base/text.h"

namespace weir::text {
namespace {

enum BodyMark : std::uint8_t {
  kBodyClose,
  kBodyEnd,
  kUnshield,
  kEscape,
  kShield
};  // kShield + its index

}  // namespace

BodyScanner::BodyScanner(std::span<const std::string> close, std::span<const std::string> ends,
                         std::span<const Shield> shields)
    : shields_(shields), inside_(shields.size()) {
  const auto add_ends = [&](MarkFinder& finder) {
    for (const std::string& mark : close) finder.Add(mark, kBodyClose);
    for (const std::string& mark : ends) finder.Add(mark, kBodyEnd);
  };
  add_ends(bare_);
  add_ends(outside_);
  for (std::size_t i = 0; i < shields.size(); ++i) {
    outside_.Add(shields[i].open, static_cast<int>(kShield + i));
    inside_[i].Add(shields[i].close, kUnshield);
    if (shields[i].escapes) inside_[i].Add("\\", kEscape);
    add_ends(inside_[i]);
  }
}

void BodyScanner::Begin(std::size_t from) {
  scanned_ = from;
  shield_ = kNone;
  first_.reset();
  last_.reset();
}

BodyScanner::Found BodyScanner::Scan(std::string_view text, bool ends, std::size_t max_bytes) {
  while (true) {
    const MarkFinder& finder = shield_ != kNone ? inside_[shield_]
                               : use_shields_   ? outside_
                                                : bare_;
    const MarkFinder::Hit hit = finder.Find(text, scanned_, kNone, ends);
    if (hit.at > max_bytes) return Found::kTooLong;
    if (hit.size == 0 && ends) break;
    scanned_ = hit.at;
    if (hit.size == 0) return Found::kMore;
    if (hit.mark == kEscape && hit.at + 2 > text.size()) {
      if (!ends) return Found::kMore;
      break;
    }
    if (Take(text, hit)) return Found::kEnd;
  }
  end_ = {text.size(), text.size()};
  if (shield_ != kNone) {
    DropShields();
    if (first_) end_ = *first_;
  } else {
    end_.body = bare_.Find(text, scanned_, kNone, false).at;  // cut inside the closing mark
  }
  return Found::kEnd;
}

bool BodyScanner::Take(std::string_view text, MarkFinder::Hit hit) {
  const End here{hit.at, hit.at + hit.size};
  scanned_ = here.closed;
  switch (hit.mark) {
    case kBodyClose:
      if (shield_ == kNone) return EndAt(here);
      last_ = here;
      if (!first_) first_ = here;
      return false;
    case kBodyEnd:
      if (shield_ == kNone) return EndAt({hit.at, hit.at});
      // What follows a closing mark at once shows that it was one, and the string a broken one.
      if (last_ && Trim(text.substr(last_->closed, hit.at - last_->closed)).empty()) {
        return EndAt(*last_);
      }
      return false;
    case kUnshield:
      shield_ = kNone;
      last_.reset();
      return false;
    case kEscape:
      scanned_ = hit.at + 2;
      return false;
    default:
      shield_ = static_cast<std::size_t>(hit.mark) - kShield;
      return false;
  }
}

bool BodyScanner::EndAt(End end) {
  end_ = end;
  return true;
}

}  // namespace weir::text
