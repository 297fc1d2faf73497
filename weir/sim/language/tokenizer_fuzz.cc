// Properties: the tokens of a text are its bytes again, none of them is special, and counting them
// agrees with writing them down.

#include <cstdint>
#include <string_view>
#include <vector>

#include "weir/base/fuzz_testing.h"
#include "weir/sim/language/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::sim;
  const std::string_view text = FuzzText(data, size);
  const std::vector<TokenId> tokens = Tokenizer::Encode(text);
  for (const TokenId token : tokens) {
    Require(!Tokenizer::IsSpecial(token) && token < Tokenizer::size());
  }
  Require(Tokenizer::Decode(tokens, true) == text);
  Require(Tokenizer::Count(text) == static_cast<std::int64_t>(tokens.size()));
  return 0;
}
