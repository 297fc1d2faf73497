#include "weir/agent/workspace/diff.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <unordered_map>

#include "weir/agent/workspace/lines.h"

namespace weir::agent {
namespace {

// Lines are compared as numbers: equal lines have equal ones.
using Ids = std::vector<std::uint32_t>;
using Index = std::ptrdiff_t;

constexpr std::size_t kBinaryLook = 8000;
constexpr Index kLeastEffort = 256;

// Lines of one side that the search looks at, and where they stand in the text.
struct Sought {
  Ids ids;
  std::vector<std::size_t> places;
};

// A part of both sides that is still to be compared.
struct Box {
  Index x = 0, x_end = 0;  // of `from`
  Index y = 0, y_end = 0;  // of `to`
};

struct Point {
  Index x = 0, y = 0;
};

// Myers' search from both ends at once. A diagonal d is x - y; for each, how far the best path of
// so many edits has come is kept. It ends when two paths meet, or when it has cost too much: then
// the path that came furthest is taken for good, so that the whole work stays near N * sqrt(N).
class MiddleSearch {
 public:
  MiddleSearch(const Ids& from, const Ids& to)
      : from_(from),
        to_(to),
        offset_(static_cast<Index>(to.size()) + 1),
        ahead_(from.size() + to.size() + 3),
        behind_(from.size() + to.size() + 3) {
    effort_ = kLeastEffort;
    while (effort_ * effort_ < static_cast<Index>(from.size() + to.size())) effort_ *= 2;
  }

  // A point of a path through `box`, which has a line on each side.
  Point Find(const Box& box) {
    const Index low = box.x - box.y_end;
    const Index high = box.x_end - box.y;
    Band forward{.low = box.x - box.y, .high = box.x - box.y};
    Band backward{.low = box.x_end - box.y_end, .high = box.x_end - box.y_end};
    const bool odd = ((forward.low - backward.low) & 1) != 0;
    Ahead(forward.low) = box.x;
    Behind(backward.low) = box.x_end;
    Point met;
    for (Index cost = 1;; ++cost) {
      forward.Widen(low, high, [this](Index d) { Ahead(d) = -1; });
      if (StepAhead(box, forward, odd ? backward : Band{}, met)) return met;
      backward.Widen(low, high, [this](Index d) { Behind(d) = kFar; });
      if (StepBack(box, backward, odd ? Band{} : forward, met)) return met;
      if (cost >= effort_) return Furthest(box, forward, backward);
    }
  }

 private:
  static constexpr Index kFar = std::numeric_limits<Index>::max();

  // The diagonals that paths have come to; none where high < low.
  struct Band {
    Index low = 0;
    Index high = -1;

    // By one on each side, inside the box; the diagonals around are given a value that loses.
    template <class Clear>
    void Widen(Index least, Index most, Clear clear) {
      if (low > least) {
        clear(--low - 1);
      } else {
        ++low;
      }
      if (high < most) {
        clear(++high + 1);
      } else {
        --high;
      }
    }
    bool Has(Index d) const { return low <= d && d <= high; }
  };

  Index& Ahead(Index d) { return ahead_[static_cast<std::size_t>(d + offset_)]; }
  Index& Behind(Index d) { return behind_[static_cast<std::size_t>(d + offset_)]; }
  bool Same(Index x, Index y) const {
    return from_[static_cast<std::size_t>(x)] == to_[static_cast<std::size_t>(y)];
  }

  bool StepAhead(const Box& box, Band band, Band others, Point& met) {
    for (Index d = band.high; d >= band.low; d -= 2) {
      Index x = std::max(Ahead(d - 1) + 1, Ahead(d + 1));
      while (x < box.x_end && x - d < box.y_end && Same(x, x - d)) ++x;
      Ahead(d) = x;
      if (!others.Has(d) || Behind(d) > x) continue;
      met = {.x = x, .y = x - d};
      return true;
    }
    return false;
  }

  bool StepBack(const Box& box, Band band, Band others, Point& met) {
    for (Index d = band.high; d >= band.low; d -= 2) {
      Index x = std::min(Behind(d - 1), Behind(d + 1) - 1);
      while (x > box.x && x - d > box.y && Same(x - 1, x - d - 1)) --x;
      Behind(d) = x;
      if (!others.Has(d) || Ahead(d) < x) continue;
      met = {.x = x, .y = x - d};
      return true;
    }
    return false;
  }

  // The end of the path that left the least to compare.
  Point Furthest(const Box& box, Band forward, Band backward) {
    Point ahead{.x = box.x, .y = box.y};
    for (Index d = forward.high; d >= forward.low; d -= 2) {
      const Index x = std::min({Ahead(d), box.x_end, box.y_end + d});
      if (x < box.x || x - d < box.y) continue;
      if (x + x - d > ahead.x + ahead.y) ahead = {.x = x, .y = x - d};
    }
    Point behind{.x = box.x_end, .y = box.y_end};
    for (Index d = backward.high; d >= backward.low; d -= 2) {
      const Index x = std::max({Behind(d), box.x, box.y + d});
      if (x > box.x_end || x - d > box.y_end) continue;
      if (x + x - d < behind.x + behind.y) behind = {.x = x, .y = x - d};
    }
    const Index won_ahead = ahead.x + ahead.y - box.x - box.y;
    const Index won_behind = box.x_end + box.y_end - behind.x - behind.y;
    return won_ahead >= won_behind ? ahead : behind;
  }

  const Ids& from_;
  const Ids& to_;
  const Index offset_;
  Index effort_;
  std::vector<Index> ahead_;
  std::vector<Index> behind_;
};

// Which lines of the two texts have no partner in the other.
struct Marks {
  std::vector<bool> from;
  std::vector<bool> to;
};

void Compare(const Sought& from, const Sought& to, Marks& marks) {
  MiddleSearch search(from.ids, to.ids);
  const auto same = [&](Index x, Index y) {
    return from.ids[static_cast<std::size_t>(x)] == to.ids[static_cast<std::size_t>(y)];
  };
  std::vector<Box> open{
      {.x_end = static_cast<Index>(from.ids.size()), .y_end = static_cast<Index>(to.ids.size())}};
  while (!open.empty()) {
    Box box = open.back();
    open.pop_back();
    for (; box.x < box.x_end && box.y < box.y_end && same(box.x, box.y); ++box.x) ++box.y;
    for (; box.x < box.x_end && box.y < box.y_end && same(box.x_end - 1, box.y_end - 1);
         --box.x_end) {
      --box.y_end;
    }
    Point split{.x = box.x, .y = box.y};
    if (box.x < box.x_end && box.y < box.y_end) split = search.Find(box);
    const bool at_begin = split.x == box.x && split.y == box.y;
    const bool at_end = split.x == box.x_end && split.y == box.y_end;
    if (!at_begin && !at_end) {
      open.push_back({.x = split.x, .x_end = box.x_end, .y = split.y, .y_end = box.y_end});
      open.push_back({.x = box.x, .x_end = split.x, .y = box.y, .y_end = split.y});
      continue;
    }
    for (Index x = box.x; x < box.x_end; ++x) {
      marks.from[from.places[static_cast<std::size_t>(x)]] = true;
    }
    for (Index y = box.y; y < box.y_end; ++y) {
      marks.to[to.places[static_cast<std::size_t>(y)]] = true;
    }
  }
}

// Both texts as numbers.
struct Numbered {
  Ids from;
  Ids to;
  std::uint32_t count = 0;  // of different lines
};

Numbered Number(std::string_view from, std::string_view to) {
  Numbered numbered;
  std::unordered_map<std::string_view, std::uint32_t> known;
  const auto number = [&](std::string_view text, Ids& ids) {
    const std::vector<std::string_view> lines = LinesOf(text);
    ids.reserve(lines.size());
    for (const std::string_view line : lines) {
      ids.push_back(
          known.try_emplace(line, static_cast<std::uint32_t>(known.size())).first->second);
    }
  };
  number(from, numbered.from);
  number(to, numbered.to);
  numbered.count = static_cast<std::uint32_t>(known.size());
  return numbered;
}

// The lines of [begin, end) that the other side has, too; the others are marked at once.
Sought Seek(const Ids& ids, std::size_t begin, std::size_t end, const std::vector<bool>& other_has,
            std::vector<bool>& marks) {
  Sought sought;
  for (std::size_t i = begin; i < end; ++i) {
    if (!other_has[ids[i]]) {
      marks[i] = true;
      continue;
    }
    sought.ids.push_back(ids[i]);
    sought.places.push_back(i);
  }
  return sought;
}

Marks MarkChanges(const Numbered& lines) {
  Marks marks{.from = std::vector<bool>(lines.from.size()),
              .to = std::vector<bool>(lines.to.size())};
  const std::size_t shorter = std::min(lines.from.size(), lines.to.size());
  std::size_t begin = 0;
  while (begin < shorter && lines.from[begin] == lines.to[begin]) ++begin;
  std::size_t from_end = lines.from.size();
  std::size_t to_end = lines.to.size();
  while (from_end > begin && to_end > begin && lines.from[from_end - 1] == lines.to[to_end - 1]) {
    --from_end;
    --to_end;
  }
  std::vector<bool> in_from(lines.count);
  std::vector<bool> in_to(lines.count);
  for (std::size_t i = begin; i < from_end; ++i) in_from[lines.from[i]] = true;
  for (std::size_t i = begin; i < to_end; ++i) in_to[lines.to[i]] = true;
  Compare(Seek(lines.from, begin, from_end, in_to, marks.from),
          Seek(lines.to, begin, to_end, in_from, marks.to), marks);
  return marks;
}

std::vector<Hunk> HunksOf(const Marks& marks) {
  std::vector<Hunk> hunks;
  std::size_t from = 0;
  std::size_t to = 0;
  while (from < marks.from.size() || to < marks.to.size()) {
    Hunk hunk{.from_begin = from, .to_begin = to};
    while (from < marks.from.size() && marks.from[from]) ++from;
    while (to < marks.to.size() && marks.to[to]) ++to;
    hunk.from_end = from;
    hunk.to_end = to;
    if (hunk.from_begin < from || hunk.to_begin < to) hunks.push_back(hunk);
    ++from;
    ++to;
  }
  return hunks;
}

// Lines that only came or only went are moved down as far as the text allows, so that what was put
// behind a paragraph shows there, and not in its middle. Hunks that meet become one.
std::vector<Hunk> MoveDown(const Numbered& lines, const std::vector<Hunk>& hunks) {
  std::vector<Hunk> moved;  // from the last to the first
  moved.reserve(hunks.size());
  for (std::size_t i = hunks.size(); i-- > 0;) {
    Hunk hunk = hunks[i];
    const std::size_t limit = moved.empty() ? lines.from.size() : moved.back().from_begin;
    const bool came = hunk.from_begin == hunk.from_end;
    const bool went = hunk.to_begin == hunk.to_end;
    const Ids& ids = came ? lines.to : lines.from;
    const std::size_t& first = came ? hunk.to_begin : hunk.from_begin;
    const std::size_t& behind = came ? hunk.to_end : hunk.from_end;
    while ((came || went) && hunk.from_end < limit && ids[first] == ids[behind]) {
      ++hunk.from_begin;
      ++hunk.from_end;
      ++hunk.to_begin;
      ++hunk.to_end;
    }
    if (!moved.empty() && hunk.from_end == limit) {
      moved.back().from_begin = hunk.from_begin;
      moved.back().to_begin = hunk.to_begin;
    } else {
      moved.push_back(hunk);
    }
  }
  std::ranges::reverse(moved);
  return moved;
}

}  // namespace

std::vector<Hunk> DiffLines(std::string_view from, std::string_view to) {
  const Numbered lines = Number(from, to);
  return MoveDown(lines, HunksOf(MarkChanges(lines)));
}

bool IsBinary(std::string_view text) { return text.substr(0, kBinaryLook).contains('\0'); }

}  // namespace weir::agent
