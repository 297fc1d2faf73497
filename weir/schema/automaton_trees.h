#pragma once

// Character classes as decision trees over bytes. Equal subtrees are stored once, so that the tail
// of [^"] or of \p{L} costs the same however often it is used.

#include <bitset>
#include <cstdint>
#include <map>
#include <vector>

#include "weir/schema/regex_class.h"

namespace weir::schema::internal {

// How a character stands in the text.
enum class Spelling : std::uint8_t {
  kUtf8,        // as its bytes
  kJsonString,  // inside of a JSON string: as its bytes where that is allowed, or as any escape
};

class ByteTrees {
 public:
  static constexpr std::uint32_t kDone = 0xFFFFFFFF;  // the character is complete
  static constexpr std::uint32_t kNone = 0xFFFFFFFE;  // not in the class

  ByteTrees() { nodes_.emplace_back(); }

  // The root of the class's tree. Tree 0 is that of the empty class.
  std::uint32_t Add(const CodeSet& set, Spelling spelling);

  std::uint32_t Step(std::uint32_t node, unsigned char byte) const {
    for (const Edge& edge : nodes_[node].edges) {
      if (byte <= edge.high) return byte < edge.low ? kNone : edge.target;
    }
    return kNone;
  }
  const std::bitset<256>& Bytes(std::uint32_t node) const { return nodes_[node].bytes; }
  std::size_t size() const { return nodes_.size(); }

  // Bytes that no tree tells apart have the same number.
  std::vector<std::uint8_t> ByteClasses() const;

 private:
  struct Edge {
    unsigned char low = 0;
    unsigned char high = 0;
    std::uint32_t target = kNone;

    friend auto operator<=>(const Edge&, const Edge&) = default;
  };
  struct Node {
    std::vector<Edge> edges;  // sorted, disjoint
    std::bitset<256> bytes;
  };
  struct Span {  // numbers and where they lead
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::uint32_t target = kDone;

    friend bool operator==(const Span&, const Span&) = default;
  };
  enum class Digits : std::uint8_t { kContinuation, kHex };
  class Table;

  std::uint32_t Intern(const Table& table);
  std::uint32_t Number(const std::vector<Span>& spans, int digits, Digits kind);
  void AddRaw(Table& table, const CodeSet& set);
  void AddEscapes(Table& table, const CodeSet& set);

  std::vector<Node> nodes_;
  std::map<std::vector<Edge>, std::uint32_t> known_;
};

}  // namespace weir::schema::internal
