#include "weir/sim/language/tokenizer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "weir/sim/language/tables.h"
#include "weir/sim/language/vocabulary.h"

namespace weir::sim {
namespace {

// The words that were split last, with their tokens: joining pieces costs fifty times as much as
// looking here, and prompts say the same names again and again.
class WordMemo {
 public:
  template <class Sink>
  void Split(std::string_view word, Sink&& sink) {
    if (word.size() > kMostBytes) return kLanguage.vocabulary.SplitWord(word, sink);
    Pair& pair = pairs_[PieceHash(word) % pairs_.size()];
    const Entry* entry = &pair.last;
    if (!entry->Is(word)) {
      entry = &pair.before;
      if (!entry->Is(word)) {
        pair.before = pair.last;
        Learn(word, pair.last);
        entry = &pair.last;
      }
    }
    for (std::size_t i = 0; i < entry->count; ++i) sink(TokenId{entry->tokens[i]});
  }

 private:
  static constexpr std::size_t kMostBytes = 14;  // there are never more tokens than bytes

  struct Entry {
    bool Is(std::string_view other) const {
      return size == other.size() && std::memcmp(word, other.data(), size) == 0;
    }

    std::uint8_t size = 0;
    std::uint8_t count = 0;
    char word[kMostBytes] = {};
    std::uint16_t tokens[kMostBytes] = {};
  };

  struct Pair {
    Entry last;
    Entry before;
  };

  static void Learn(std::string_view word, Entry& entry) {
    entry.size = static_cast<std::uint8_t>(word.size());
    entry.count = 0;
    std::memcpy(entry.word, word.data(), word.size());
    kLanguage.vocabulary.SplitWord(word, [&entry](TokenId id) {
      entry.tokens[entry.count++] = static_cast<std::uint16_t>(id);
    });
  }

  std::array<Pair, 512> pairs_{};
};

template <class Sink>
void EncodeText(std::string_view text, Sink&& sink) {
  thread_local WordMemo memo;
  kLanguage.vocabulary.Encode(text, sink, [&](std::string_view word) { memo.Split(word, sink); });
}

}  // namespace

TokenId Tokenizer::size() { return static_cast<TokenId>(kLanguage.vocabulary.offsets.size()) - 1; }

std::string_view Tokenizer::Piece(TokenId id) { return kLanguage.vocabulary.Piece(id); }

void Tokenizer::Encode(std::string_view text, std::vector<TokenId>& out) {
  EncodeText(text, [&out](TokenId id) { out.push_back(id); });
}

std::vector<TokenId> Tokenizer::Encode(std::string_view text) {
  std::vector<TokenId> tokens;
  tokens.reserve(text.size() / 4 + 1);
  Encode(text, tokens);
  return tokens;
}

std::int64_t Tokenizer::Count(std::string_view text) {
  std::int64_t count = 0;
  EncodeText(text, [&count](TokenId) { ++count; });
  return count;
}

std::string Tokenizer::Decode(std::span<const TokenId> tokens, bool skip_special) {
  std::string text;
  text.reserve(tokens.size() * 5);
  for (const TokenId token : tokens) {
    if (!skip_special || !IsSpecial(token)) text += Piece(token);
  }
  return text;
}

}  // namespace weir::sim
