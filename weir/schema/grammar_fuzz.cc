// Properties: a grammar is read or refused with a place; with and without inlining of rules it is
// the same language (a finite automaton and the stack machine agree); every byte that Next() names
// can follow, and no other; where a text is cut does not matter.

#include <cstdint>
#include <string>

#include "weir/base/fuzz_testing.h"
#include "weir/base/text.h"
#include "weir/schema/automaton.h"
#include "weir/schema/grammar.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::schema;
  const std::string_view input = weir::FuzzText(data, size);
  const std::size_t cut = input.find('\0');
  const std::string_view source = input.substr(0, cut);
  const std::string_view text = cut == input.npos ? "" : input.substr(cut + 1);
  if (source.size() > 400 || text.size() > 60) return 0;  // larger ones are only slower

  GrammarOptions options;
  options.max_repeat = 20;
  options.language.max_states = 5000;
  options.language.max_items = 500;
  const auto language = ParseGrammar(source, options);
  if (!language) {
    Require(language.error().code == Code::kInvalidGrammar && !language.error().message.empty());
    return 0;
  }
  Matcher matcher = language->Begin();
  for (const char byte : text) {
    const ByteSet next = matcher.Next();
    const bool alive = matcher.Advance({&byte, 1});
    if (matcher.GaveUp()) return 0;
    Require(alive == next[static_cast<unsigned char>(byte)]);
    if (!alive) break;
    Require(matcher.Complete() || matcher.Next().any());
  }
  Require(language->Begin().Accepts(text) == !matcher.Dead());
  Require(language->Contains(text) == matcher.Complete());

  options.language.max_inlined_states = 0;
  const auto called = ParseGrammar(source, options);
  if (!called) return 0;
  Matcher other = called->Begin();
  other.Advance(text);
  if (!other.GaveUp())
    Require(other.Complete() == matcher.Complete() && other.Dead() == matcher.Dead());
  return 0;
}
