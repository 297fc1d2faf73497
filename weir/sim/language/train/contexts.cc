#include "weir/sim/language/train/contexts.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace weir::sim {
namespace {

constexpr std::uint32_t kInvitingCount = 30;  // seen as often at least
constexpr double kInvitingVariety = 0.3;      // different words after it, of all after it
constexpr std::uint32_t kCommonShare = 3000;  // one in so many tokens of the corpus
constexpr std::size_t kShortestTopic = 4;     // bytes without the blank

// Answers that are data, such as JSON, are many in the corpus, for callers that force them. An
// answer should seldom begin so of its own accord: only one in so many of them counts as a
// beginning.
constexpr std::size_t kFormsPerBeginning = 8;

// A place of the corpus: the tokens before it, back to the mark that its document begins with.
struct Place {
  const TokenId* mark;
  const TokenId* next;

  // The token `depth` before the place (1: the last one). Before the mark there are only marks.
  TokenId Before(std::size_t depth) const {
    return static_cast<std::size_t>(next - mark) < depth ? *mark : *(next - depth);
  }
};

bool IsLetterByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

std::uint8_t TraitsOf(std::string_view piece, std::uint32_t count, std::uint32_t counted) {
  std::uint8_t traits = 0;
  if (piece.find_first_of(".!?") != piece.npos && piece.find_first_of("0123456789") == piece.npos) {
    traits |= kEndsSentence;
  }
  if (std::ranges::all_of(piece, IsLetterByte)) traits |= kContinues;
  if (piece.size() > 1 && piece[0] == ' ' && std::ranges::all_of(piece.substr(1), IsLetterByte)) {
    traits |= kOpensWord;
    if (piece.size() <= kShortestTopic || count > counted / kCommonShare) traits |= kCommon;
  }
  return traits;
}

class Counter {
 public:
  Counter(const std::vector<Document>& documents, const Vocabulary& vocabulary)
      : size_(vocabulary.offsets.size() - 1) {
    for (const Document& document : documents) {
      std::vector<TokenId>& tokens = tokens_.emplace_back();
      tokens.push_back(
          static_cast<TokenId>(document.thought ? Special::kThinkBegin : Special::kMessageEnd));
      const auto add = [&tokens](TokenId token) { tokens.push_back(token); };
      vocabulary.Encode(document.text, add,
                        [&](std::string_view word) { vocabulary.SplitWord(word, add); });
      tokens.push_back(kEndToken);
    }
    CountTokens(vocabulary);
    RankPlaces(vocabulary);
    GrowTree();
    FindInviting();
  }

  Contexts Take() { return std::move(out_); }

 private:
  void CountTokens(const Vocabulary& vocabulary) {
    out_.counts.resize(size_);
    for (const std::vector<TokenId>& tokens : tokens_) {
      for (const TokenId token : tokens) {
        if (Tokenizer::IsSpecial(token)) continue;
        ++out_.counts[static_cast<std::size_t>(token)];
        ++out_.counted;
      }
    }
    for (std::size_t i = 0; i < size_; ++i) {
      const auto id = static_cast<TokenId>(i);
      const std::string_view piece = vocabulary.Piece(id);
      out_.traits.push_back(
          Tokenizer::IsSpecial(id) ? 0 : TraitsOf(piece, out_.counts[i], out_.counted));
    }
  }

  void RankPlaces(const Vocabulary& vocabulary) {
    std::size_t forms = 0;
    for (const std::vector<TokenId>& tokens : tokens_) {
      const bool is_form = !IsLetterByte(vocabulary.Piece(tokens[1])[0]);
      const bool may_begin = !is_form || forms++ % kFormsPerBeginning == 0;
      for (std::size_t i = may_begin ? 1 : 2; i < tokens.size(); ++i) {
        places_.push_back({tokens.data(), tokens.data() + i});
      }
    }
    std::ranges::sort(places_, [](const Place& a, const Place& b) {
      for (std::size_t depth = 1; depth <= kLongestContext; ++depth) {
        if (a.Before(depth) != b.Before(depth)) return a.Before(depth) < b.Before(depth);
      }
      return *a.next < *b.next;
    });
    for (const Place& place : places_) {
      out_.next.push_back(static_cast<std::uint16_t>(*place.next));
    }
  }

  // Level by level, so that the children of a node stand together.
  void GrowTree() {
    struct Range {
      std::size_t begin, end;
    };
    std::vector<Range> level;
    std::size_t rank = 0;
    for (std::size_t token = 0; token < size_; ++token) {
      const std::size_t begin = rank;
      while (rank < places_.size() && places_[rank].Before(1) == static_cast<TokenId>(token)) {
        ++rank;
      }
      level.push_back({begin, rank});
      AddNode(token, begin);
    }
    for (std::size_t depth = 1; !level.empty(); ++depth) {
      std::vector<Range> deeper;
      for (const Range& node : level) {
        out_.children.push_back(static_cast<std::uint32_t>(out_.begin.size()));
        if (depth == kLongestContext || node.end - node.begin < 2) continue;
        if (Tokenizer::IsSpecial(places_[node.begin].Before(depth))) continue;
        for (std::size_t begin = node.begin; begin < node.end;) {
          const TokenId token = places_[begin].Before(depth + 1);
          std::size_t end = begin;
          while (end < node.end && places_[end].Before(depth + 1) == token) ++end;
          AddNode(static_cast<std::size_t>(token), begin);
          deeper.push_back({begin, end});
          begin = end;
        }
      }
      level = std::move(deeper);
    }
    out_.children.push_back(static_cast<std::uint32_t>(out_.begin.size()));
  }

  void AddNode(std::size_t token, std::size_t begin) {
    out_.earlier.push_back(static_cast<std::uint16_t>(token));
    out_.begin.push_back(static_cast<std::uint32_t>(begin));
  }

  void FindInviting() {
    for (std::size_t token = kFirstByte; token < size_; ++token) {
      const std::size_t begin = out_.begin[token];
      const std::size_t end = token + 1 < size_ ? out_.begin[token + 1] : out_.next.size();
      if (end - begin < kInvitingCount || !(out_.traits[token] & kOpensWord)) continue;
      std::unordered_set<std::uint16_t> words;
      for (std::size_t i = begin; i < end; ++i) {
        if (out_.traits[out_.next[i]] & kOpensWord) words.insert(out_.next[i]);
      }
      const bool inviting =
          static_cast<double>(words.size()) > kInvitingVariety * static_cast<double>(end - begin);
      if (inviting) out_.traits[token] |= kInvites;
    }
  }

  const std::size_t size_;
  std::vector<std::vector<TokenId>> tokens_;  // of each document, between its marks
  std::vector<Place> places_;                 // by rank
  Contexts out_;
};

}  // namespace

Contexts CountContexts(const std::vector<Document>& documents, const Vocabulary& vocabulary) {
  return Counter(documents, vocabulary).Take();
}

}  // namespace weir::sim
