#include "weir/schema/automaton_trees.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace weir::schema::internal {

// A node under construction.
class ByteTrees::Table {
 public:
  Table() { targets_.fill(kNone); }
  void Set(unsigned byte, std::uint32_t target) { targets_[byte] = target; }
  std::uint32_t operator[](unsigned byte) const { return targets_[byte]; }

 private:
  std::array<std::uint32_t, 256> targets_;
};

std::uint32_t ByteTrees::Intern(const Table& table) {
  std::vector<Edge> edges;
  std::bitset<256> bytes;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::uint32_t target = table[byte];
    if (target == kNone) continue;
    bytes.set(byte);
    const auto value = static_cast<unsigned char>(byte);
    if (!edges.empty() && edges.back().target == target && edges.back().high + 1u == byte) {
      edges.back().high = value;
    } else {
      edges.push_back({value, value, target});
    }
  }
  if (edges.empty()) return 0;
  const auto [place, added] = known_.try_emplace(edges, static_cast<std::uint32_t>(nodes_.size()));
  if (added) nodes_.push_back({std::move(edges), bytes});
  return place->second;
}

// The node that reads a number of `digits` digits, most significant first.
std::uint32_t ByteTrees::Number(const std::vector<Span>& spans, int digits, Digits kind) {
  if (digits == 0) return spans.front().target;
  const int bits = kind == Digits::kHex ? 4 : 6;
  const int shift = bits * (digits - 1);
  const std::uint32_t below = (1u << shift) - 1;
  Table table;
  std::vector<Span> before;
  std::uint32_t before_node = kNone;
  std::size_t first = 0;
  for (std::uint32_t digit = 0; digit < 1u << bits; ++digit) {
    const std::uint32_t low = digit << shift;
    const std::uint32_t high = low + below;
    while (first < spans.size() && spans[first].high < low) ++first;
    std::vector<Span> inside;
    for (std::size_t i = first; i < spans.size() && spans[i].low <= high; ++i) {
      inside.push_back({std::max(spans[i].low, low) - low, std::min(spans[i].high, high) - low,
                        spans[i].target});
    }
    if (inside.empty()) continue;
    if (inside != before) {
      before_node = Number(inside, digits - 1, kind);
      before = std::move(inside);
    }
    if (kind == Digits::kContinuation) {
      table.Set(0x80 + digit, before_node);
    } else {
      table.Set(static_cast<unsigned char>("0123456789abcdef"[digit]), before_node);
      table.Set(static_cast<unsigned char>("0123456789ABCDEF"[digit]), before_node);
    }
  }
  return Intern(table);
}

void ByteTrees::AddRaw(Table& table, const CodeSet& set) {
  struct Length {
    char32_t low, high;
    int continuation;
    unsigned lead;
  };
  constexpr Length kLengths[] = {{0, 0x7F, 0, 0},
                                 {0x80, 0x7FF, 1, 0xC0},
                                 {0x800, 0xFFFF, 2, 0xE0},
                                 {0x10000, 0x10FFFF, 3, 0xF0}};
  for (const Length& length : kLengths) {
    const int shift = 6 * length.continuation;
    const CodeSet part = Intersection(set, CodeSet({{length.low, length.high}}));
    std::vector<std::vector<Span>> by_lead((length.high >> shift) + 1);
    for (const CodeRange& range : part.ranges()) {
      for (char32_t lead = range.low >> shift; lead <= range.high >> shift; ++lead) {
        const char32_t base = lead << shift;
        const char32_t last = base + (1u << shift) - 1;
        by_lead[lead].push_back(
            {std::max(range.low, base) - base, std::min(range.high, last) - base, kDone});
      }
    }
    for (std::uint32_t lead = 0; lead < by_lead.size(); ++lead) {
      if (by_lead[lead].empty()) continue;
      table.Set(length.lead + lead,
                Number(by_lead[lead], length.continuation, Digits::kContinuation));
    }
  }
}

void ByteTrees::AddEscapes(Table& table, const CodeSet& set) {
  Table escape;
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (set.Contains(static_cast<unsigned char>(kValues[i]))) {
      escape.Set(static_cast<unsigned char>(kNames[i]), kDone);
    }
  }
  std::vector<Span> units;
  for (const CodeRange& range : Intersection(set, CodeSet({{0, 0xFFFF}})).ranges()) {
    units.push_back({range.low, range.high, kDone});
  }
  // Behind a high surrogate must come an escaped low one: \uD83D\uDE00.
  std::vector<std::vector<Span>> by_high(0x400);
  for (const CodeRange& range : Intersection(set, CodeSet({{0x10000, kLastCodePoint}})).ranges()) {
    const char32_t low = range.low - 0x10000;
    const char32_t high = range.high - 0x10000;
    for (char32_t top = low >> 10; top <= high >> 10; ++top) {
      const char32_t base = top << 10;
      by_high[top].push_back({0xDC00 + std::max(low, base) - base,
                              0xDC00 + std::min<char32_t>(high, base + 0x3FF) - base, kDone});
    }
  }
  std::uint32_t pair = kNone;
  for (std::uint32_t top = 0; top < by_high.size(); ++top) {
    if (by_high[top].empty()) continue;
    if (top == 0 || by_high[top] != by_high[top - 1]) {
      Table u;
      u.Set('u', Number(by_high[top], 4, Digits::kHex));
      Table backslash;
      backslash.Set('\\', Intern(u));
      pair = Intern(backslash);
    }
    if (!units.empty() && units.back().target == pair && units.back().high + 1 == 0xD800 + top) {
      ++units.back().high;
    } else {
      units.push_back({0xD800 + top, 0xD800 + top, pair});
    }
  }
  std::ranges::sort(units, {}, &Span::low);
  if (!units.empty()) escape.Set('u', Number(units, 4, Digits::kHex));
  if (const std::uint32_t node = Intern(escape); node != 0) table.Set('\\', node);
}

std::uint32_t ByteTrees::Add(const CodeSet& set, Spelling spelling) {
  Table table;
  if (spelling == Spelling::kUtf8) {
    AddRaw(table, set);
  } else {
    const CodeSet escaped({{0, 0x1F}, {'"', '"'}, {'\\', '\\'}});
    AddRaw(table, Intersection(set, escaped.Complement()));
    AddEscapes(table, set);
  }
  return Intern(table);
}

std::vector<std::uint8_t> ByteTrees::ByteClasses() const {
  std::bitset<257> starts;
  for (const Node& node : nodes_) {
    for (const Edge& edge : node.edges) {
      starts.set(edge.low);
      starts.set(edge.high + 1u);
    }
  }
  std::vector<std::uint8_t> out(256);
  std::uint8_t number = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (byte > 0 && starts[byte]) ++number;
    out[byte] = number;
  }
  return out;
}

}  // namespace weir::schema::internal
