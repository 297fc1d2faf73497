#pragma once

// The vocabulary as a tree of bytes: one walk with an automaton beside it tells every piece that
// the automaton takes. And what the pieces look like to somebody who writes JSON.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "weir/sim/language/tokenizer.h"

namespace weir::sim {

// What may stand between the tokens of JSON.
inline bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// What a piece does where it is written, as bits: the first group outside of a string, the second
// one inside.
using PieceTraits = std::uint16_t;
inline constexpr PieceTraits kBlank = 1;          // nothing but white space
inline constexpr PieceTraits kLeadsBlank = 2;     // begins with white space
inline constexpr PieceTraits kLoose = 4;          // a line end, a tab, or several blanks in a row
inline constexpr PieceTraits kDigits = 8;         // goes on with a number
inline constexpr PieceTraits kCloses = 16;        // a closing bracket comes first
inline constexpr PieceTraits kMore = 32;          // a comma comes first
inline constexpr PieceTraits kOpens = 64;         // has an opening bracket
inline constexpr PieceTraits kQuote = 128;        // ends the string
inline constexpr PieceTraits kQuoteCloses = 256;  // ... and a closing bracket comes next
inline constexpr PieceTraits kQuoteMore = 512;    // ... and a comma comes next
inline constexpr PieceTraits kQuoteOpens = 1024;  // ... and has an opening bracket behind it
inline constexpr PieceTraits kEscape = 2048;      // has a backslash

PieceTraits TraitsOf(std::string_view piece);

// The end token is the only special one in it, and only in form().
class PieceTree {
 public:
  struct Node {
    std::uint32_t behind = 0;  // the first node that is not below this one
    std::uint32_t first = 0;   // the tokens that end here: tokens()[first, last)
    std::uint32_t last = 0;
    std::uint16_t depth = 0;  // 1: the first byte of a piece
    std::uint8_t byte = 0;
  };

  PieceTree();

  std::span<const Node> nodes() const { return nodes_; }  // a node, then those below it
  std::span<const TokenId> tokens() const { return tokens_; }
  std::size_t depth() const { return depth_; }

  // Pieces with the same traits have the same form; there are few.
  std::span<const PieceTraits> forms() const { return forms_; }
  std::size_t form(TokenId token) const { return form_of_[static_cast<std::size_t>(token)]; }

 private:
  std::vector<Node> nodes_;
  std::vector<TokenId> tokens_;
  std::size_t depth_ = 0;
  std::vector<PieceTraits> forms_;
  std::vector<std::uint16_t> form_of_;  // by token
};

}  // namespace weir::sim
