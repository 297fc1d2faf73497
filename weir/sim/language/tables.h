#pragma once

// What the trainer (train/) learned from corpus.txt. The arrays are compiled in from a generated
// file; using them needs no start-up work.

#include <cstdint>
#include <span>

#include "weir/sim/language/vocabulary.h"

namespace weir::sim {

// What a token is good for, as a set of bits.
enum Trait : std::uint8_t {
  kEndsSentence = 1,  // ends with . ! or ?
  kOpensWord = 2,     // a blank and letters: the beginning of a word, or all of it
  kContinues = 4,     // letters without a blank: the middle or the end of a word
  kCommon = 8,        // too frequent to tell what a text is about
  kInvites = 16,      // many different words have been seen after it
};

// The corpus is cut into documents: an answer, or the thoughts before one. A document is preceded
// by kMessageEnd or kThinkBegin and is always followed by kMessageEnd.
//
// Every place of the corpus has a rank: the order of the places by the token before them, then by
// the token before that, and so on. So the places that follow a given context are one range of
// ranks, and the ranges of longer contexts lie within those of shorter ones. Contexts are the nodes
// of a tree: node t, below the size of the vocabulary, stands for the context of one token t; its
// children are the contexts with one more token before. Nodes seen only once have no children.
struct LanguageTables {
  Vocabulary vocabulary;
  std::span<const std::uint8_t> traits;     // of each token
  std::span<const std::uint16_t> counts;    // of each token in the corpus; 0 for specials
  std::uint32_t counted = 0;                // the sum of them
  std::span<const std::uint16_t> next;      // what comes at the place of each rank
  std::span<const std::uint16_t> earlier;   // of each node, the earliest token of its context
  std::span<const std::uint16_t> begin;     // the first rank; a node ends where its sister begins,
                                            // the last sister where their mother ends
  std::span<const std::uint16_t> children;  // the first child; they end where those of the next
                                            // node begin (one more than there are nodes)
};

extern const LanguageTables kLanguage;

}  // namespace weir::sim
