#pragma once

// TokenMap: what the tokens of an answer wrote, as one text, and which token wrote which of its
// bytes.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/model/reply.h"

namespace weir::text {

// A stretch of a text, in bytes.
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;

  friend bool operator==(const Range&, const Range&) = default;
};

// Where a text stands in another one: piece by piece, since not every byte may be there.
class Placement {
 public:
  // Where `part`, a range of the text, stands.
  Range Of(Range part) const;

 private:
  friend class TokenMap;

  struct Piece {
    std::size_t begin;  // in the text; it goes to the beginning of the next one
    Range there;
    bool exact;  // byte by byte; otherwise only as a whole
  };

  const Piece& PieceAt(std::size_t at) const;

  std::vector<Piece> pieces_;
};

class TokenMap {
 public:
  // The bytes of each token are its `bytes`, or its text when it has none. The tokens must outlive
  // the map.
  explicit TokenMap(std::span<const model::Token> tokens);

  const std::string& text() const { return text_; }

  // Where `answer` stands in the text, the first time from `from` on. Servers that decode each
  // token by itself lose what is between two of them: half characters became U+FFFD, and blanks may
  // be gone. Where the answer does not stand byte for byte, such differences are looked through.
  // nullopt: it is not there, or is empty. Linear.
  std::optional<Placement> Find(std::string_view answer, std::size_t from) const;

  // The tokens, from the first to behind the last, that hold at least one byte of `part`. Those in
  // between that are not there() do not count.
  Range TokensIn(Range part) const;
  // Whether the token wrote anything. One without any byte before a character beyond ASCII began
  // it, and goes with the token that ends it.
  bool there(std::size_t token) const { return places_[token].begin != places_[token].end; }

 private:
  std::span<const model::Token> tokens_;
  std::string text_;
  std::vector<Range> places_;  // of each token
};

// Every place where `pattern` stands in `text` from `from` on, overlapping ones too, up to `most`
// of them. Linear, whatever is in the texts.
std::vector<std::size_t> FindAll(std::string_view text, std::string_view pattern, std::size_t from,
                                 std::size_t most);

}  // namespace weir::text
