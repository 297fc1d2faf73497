#pragma once

// The simulator's tokenizer: byte-level BPE, learned when weir is built from language/corpus.txt
// (language/train/). Prompts, answers, /tokenize and usage all count by it, and any bytes survive
// the way there and back.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::sim {

using TokenId = std::int32_t;  // [0, Tokenizer::size())

// The marks that are one token each. Text never becomes one of them: they stand between messages.
enum class Special : TokenId {
  kTextEnd,       // <|endoftext|>
  kMessageBegin,  // <|im_start|>
  kMessageEnd,    // <|im_end|>: what ends an answer
  kThinkBegin,    // <think>
  kThinkEnd,      // </think>
  kCallBegin,     // <tool_call>
  kCallEnd,       // </tool_call>
  kMedium,        // <|medium|>: stands for an image or another medium, as often as it has tokens
};
inline constexpr TokenId kSpecials = 8;  // they are the first ids
inline constexpr TokenId kEndToken = static_cast<TokenId>(Special::kMessageEnd);

// Stateless: a view of tables that are part of the program. Any thread.
class Tokenizer {
 public:
  static TokenId size();
  static bool IsSpecial(TokenId id) { return id < kSpecials; }

  // The bytes of a token; of a special one its mark. Not always whole characters.
  static std::string_view Piece(TokenId id);

  // Appends the tokens of `text`. Time is linear in it.
  static void Encode(std::string_view text, std::vector<TokenId>& out);
  static std::vector<TokenId> Encode(std::string_view text);
  static std::int64_t Count(std::string_view text);

  // The bytes of all tokens; the marks of special ones are left out with `skip_special`.
  static std::string Decode(std::span<const TokenId> tokens, bool skip_special);
};

}  // namespace weir::sim
