#include "weir/sim/language/tokenizer.h"

#include "weir/sim/language/tables.h"

namespace weir::sim {

TokenId Tokenizer::size() { return static_cast<TokenId>(kLanguage.vocabulary.offsets.size()) - 1; }

std::string_view Tokenizer::Piece(TokenId id) { return kLanguage.vocabulary.Piece(id); }

void Tokenizer::Encode(std::string_view text, std::vector<TokenId>& out) {
  kLanguage.vocabulary.Encode(text, [&out](TokenId id) { out.push_back(id); });
}

std::vector<TokenId> Tokenizer::Encode(std::string_view text) {
  std::vector<TokenId> tokens;
  tokens.reserve(text.size() / 4 + 1);
  Encode(text, tokens);
  return tokens;
}

std::int64_t Tokenizer::Count(std::string_view text) {
  std::int64_t count = 0;
  kLanguage.vocabulary.Encode(text, [&count](TokenId) { ++count; });
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
