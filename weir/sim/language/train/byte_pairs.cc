#include "weir/sim/language/train/byte_pairs.h"

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace weir::sim {
namespace {

// In the order of Special.
constexpr std::string_view kMarks[] = {
    "<|endoftext|>", "<|im_start|>", "<|im_end|>",   "<think>",
    "</think>",      "<tool_call>",  "</tool_call>", "<|medium|>",
};
static_assert(std::size(kMarks) == kSpecials);

constexpr std::size_t kSlots = 16384;  // at most a third of them taken

using Pair = std::uint64_t;

Pair PairOf(TokenId left, TokenId right) {
  return static_cast<Pair>(left) << 32 | static_cast<std::uint32_t>(right);
}

// The words of the corpus, each as the pieces it has at the moment.
class PairCounter {
 public:
  void AddWord(std::string_view text) {
    const auto [entry, is_new] = index_.try_emplace(text, words_.size());
    if (is_new) {
      Word& word = words_.emplace_back();
      for (const char c : text) word.pieces.push_back(kFirstByte + static_cast<unsigned char>(c));
    }
    ++words_[entry->second].count;
  }

  void CountAll() {
    for (std::size_t i = 0; i < words_.size(); ++i) Count(i, +1);
    for (const auto& [pair, use] : pairs_) queue_.emplace(use.count, ~pair);
  }

  // The most frequent pair, among equals the one of the oldest pieces. False when there is none.
  bool PopBest(TokenId& left, TokenId& right) {
    while (!queue_.empty()) {
      const auto [count, inverse] = queue_.top();
      queue_.pop();
      if (pairs_[~inverse].count != count) continue;  // outdated: it was pushed again
      left = static_cast<TokenId>(~inverse >> 32);
      right = static_cast<TokenId>(~inverse & 0xFFFFFFFF);
      return true;
    }
    return false;
  }

  void Join(TokenId left, TokenId right, TokenId joined) {
    const std::unordered_set<std::size_t> places = std::move(pairs_[PairOf(left, right)].words);
    for (const std::size_t index : places) {
      Count(index, -1);
      std::vector<TokenId>& pieces = words_[index].pieces;
      std::size_t kept = 0;
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        const bool here = i + 1 < pieces.size() && pieces[i] == left && pieces[i + 1] == right;
        pieces[kept++] = here ? joined : pieces[i];
        if (here) ++i;
      }
      pieces.resize(kept);
      Count(index, +1);
    }
    for (const Pair pair : touched_) {
      if (const std::int64_t count = pairs_[pair].count; count > 0) queue_.emplace(count, ~pair);
    }
    touched_.clear();
  }

 private:
  struct Word {
    std::vector<TokenId> pieces;
    std::int64_t count = 0;
  };
  struct Use {
    std::int64_t count = 0;
    std::unordered_set<std::size_t> words;
  };

  void Count(std::size_t index, std::int64_t sign) {
    const Word& word = words_[index];
    for (std::size_t i = 0; i + 1 < word.pieces.size(); ++i) {
      const Pair pair = PairOf(word.pieces[i], word.pieces[i + 1]);
      Use& use = pairs_[pair];
      use.count += sign * word.count;
      if (sign > 0) use.words.insert(index);
      touched_.insert(pair);
    }
  }

  std::vector<Word> words_;
  std::unordered_map<std::string_view, std::size_t> index_;
  std::unordered_map<Pair, Use> pairs_;
  std::unordered_set<Pair> touched_;  // counts changed since they were last pushed
  std::priority_queue<std::pair<std::int64_t, Pair>> queue_;  // (count, ~pair)
};

}  // namespace

LearnedPieces::LearnedPieces(const std::vector<std::string>& pieces) : slots_(kSlots) {
  for (const std::string& piece : pieces) {
    offsets_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    bytes_ += piece;
  }
  offsets_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  for (std::size_t id = kFirstByte; id < pieces.size(); ++id) {
    std::size_t slot = PieceHash(pieces[id]) % kSlots;
    while (slots_[slot] != 0) slot = (slot + 1) % kSlots;
    slots_[slot] = static_cast<std::uint16_t>(id);
  }
}

LearnedPieces LearnPieces(const std::vector<std::string_view>& documents, std::size_t size) {
  std::vector<std::string> pieces(std::begin(kMarks), std::end(kMarks));
  for (int byte = 0; byte < 256; ++byte) pieces.emplace_back(1, static_cast<char>(byte));

  PairCounter counter;
  for (std::string_view text : documents) {
    while (!text.empty()) {
      const std::size_t word = WordSize(text);
      counter.AddWord(text.substr(0, word));
      text.remove_prefix(word);
    }
  }
  counter.CountAll();
  std::unordered_set<std::string> known(pieces.begin(), pieces.end());
  TokenId left = 0;
  TokenId right = 0;
  while (pieces.size() < size && counter.PopBest(left, right)) {
    std::string joined =
        pieces[static_cast<std::size_t>(left)] + pieces[static_cast<std::size_t>(right)];
    // The same bytes may come about in two ways; they are still one piece.
    auto id = static_cast<TokenId>(pieces.size());
    if (known.insert(joined).second) {
      pieces.push_back(std::move(joined));
    } else {
      id = static_cast<TokenId>(std::ranges::find(pieces, joined) - pieces.begin());
    }
    counter.Join(left, right, id);
  }
  return LearnedPieces(pieces);
}

}  // namespace weir::sim
