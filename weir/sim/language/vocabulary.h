#pragma once

// The pieces of a vocabulary and the way from text to them. A view: the arrays are part of the
// program, or belong to the trainer while it learns.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>

#include "weir/sim/language/tokenizer.h"
#include "weir/sim/language/word_split.h"

namespace weir::sim {

// The ids after the specials are the 256 bytes, in order; then come the merges, as learned.
inline constexpr TokenId kFirstByte = kSpecials;

// A hash of a piece's bytes. The trainer lays the slots out by it.
inline std::uint32_t PieceHash(std::string_view piece) {
  constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15ULL;
  const char* data = piece.data();
  std::size_t size = piece.size();
  std::uint64_t hash = size * kFactor;
  const auto mix = [&hash](std::uint64_t word) { hash = std::rotl(hash ^ word, 23) * kFactor; };
  const auto load = [](const char* from, std::size_t count) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, count);
    return word;
  };
  for (; size > 8; data += 8, size -= 8) mix(load(data, 8));
  if (size == 8) {
    mix(load(data, 8));
  } else if (size >= 4) {
    mix(load(data, 4) | load(data + size - 4, 4) << 32);
  } else if (size > 0) {
    mix(load(data, 1) | load(data + size / 2, 1) << 8 | load(data + size - 1, 1) << 16);
  }
  return static_cast<std::uint32_t>(hash >> 40);
}

struct Vocabulary {
  std::span<const char> bytes;             // of all pieces, one after the other
  std::span<const std::uint32_t> offsets;  // where each begins; one more than there are pieces
  std::span<const std::uint16_t> slots;    // piece ids by hash, open addressing; 0: free

  std::string_view Piece(TokenId id) const {
    const auto index = static_cast<std::size_t>(id);
    return {bytes.data() + offsets[index], offsets[index + 1] - offsets[index]};
  }

  // The piece with exactly these bytes, never a special one; 0 when there is none.
  TokenId Find(std::string_view piece) const {
    const std::size_t mask = slots.size() - 1;
    for (std::size_t slot = PieceHash(piece) & mask;; slot = (slot + 1) & mask) {
      const TokenId id = slots[slot];
      if (id == 0 || Piece(id) == piece) return id;
    }
  }

  // Gives `text` as tokens to `sink`. A word that is a piece is that token; of all others `split`
  // is asked.
  template <class Sink, class Split>
  void Encode(std::string_view text, Sink&& sink, Split&& split) const {
    while (!text.empty()) {
      const std::size_t size = WordSize(text);
      const std::string_view word = text.substr(0, size);
      if (const TokenId id = Find(word); id != 0) {
        sink(id);
      } else {
        split(word);
      }
      text.remove_prefix(size);
    }
  }

  // Gives a word that is no piece as tokens: the neighbours whose union was learned first are
  // joined, until no two can be.
  template <class Sink>
  void SplitWord(std::string_view word, Sink&& sink) const;
};

template <class Sink>
void Vocabulary::SplitWord(std::string_view word, Sink&& sink) const {
  constexpr TokenId kNone = std::numeric_limits<TokenId>::max();
  struct Part {
    TokenId id;
    TokenId joined;  // what it and the next part are together, or kNone
    std::size_t begin;
  };
  Part parts[kLongestWord + 1];
  std::size_t count = word.size();
  const auto joined = [&](std::size_t at) {
    if (at + 1 >= count) return kNone;
    const std::size_t begin = parts[at].begin;
    const TokenId id = Find(word.substr(begin, parts[at + 2].begin - begin));
    return id != 0 ? id : kNone;
  };
  for (std::size_t i = 0; i <= count; ++i) parts[i].begin = i;
  for (std::size_t i = 0; i < count; ++i) {
    parts[i].id = kFirstByte + static_cast<unsigned char>(word[i]);
    parts[i].joined = joined(i);
  }
  for (;;) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < count; ++i) {
      if (parts[i].joined < parts[best].joined) best = i;
    }
    if (parts[best].joined == kNone) break;
    parts[best].id = parts[best].joined;
    std::memmove(&parts[best + 1], &parts[best + 2], (count - best - 1) * sizeof(Part));
    --count;
    parts[best].joined = joined(best);
    if (best > 0) parts[best - 1].joined = joined(best - 1);
  }
  for (std::size_t i = 0; i < count; ++i) sink(parts[i].id);
}

}  // namespace weir::sim
