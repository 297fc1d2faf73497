// Properties: an expression that is read is compiled by RE2 and by the automaton, or refused with
// a reason; on whole texts the two agree; every byte that Next() names can follow, and no other;
// a text that is alive and not complete can go on.

#include <cstdint>
#include <string>

#include "weir/base/fuzz_testing.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/schema/automaton.h"
#include "weir/schema/pattern.h"
#include "weir/schema/regex.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::schema;
  const std::string_view input = weir::FuzzText(data, size);
  const std::size_t cut = input.find('\0');
  const std::string_view expression = input.substr(0, cut);
  const std::string_view text = cut == input.npos ? "" : input.substr(cut + 1);
  if (expression.size() > 200 || text.size() > 100) return 0;  // larger ones are only slower

  const auto regex = ParseRegex(expression);
  PatternOptions options;
  options.max_program = 1 << 20;
  const auto pattern = Pattern::Compile(StrCat("^(?:", expression, ")$"), options);
  if (!regex) {
    Require(!regex.error().message.empty());
    return 0;
  }
  LanguageOptions limits;
  limits.max_states = 20'000;
  const auto language = LanguageOfRegex(*regex, limits);
  if (!language) {
    Require(language.error().code == Code::kUnsupportedPattern);
    return 0;
  }
  if (pattern && IsUtf8(text)) Require(pattern->Found(text) == language->Contains(text));
  if (!pattern) Require(pattern.error().code == Code::kUnsupportedPattern);

  Matcher matcher = language->Begin();
  for (const char byte : text) {
    const bool next = matcher.Next()[static_cast<unsigned char>(byte)];
    Require(matcher.Accepts({&byte, 1}) == next);
    Require(matcher.Advance({&byte, 1}) == next);
    if (!next) break;
    Require(matcher.Complete() || matcher.Next().any());
  }
  return 0;
}
