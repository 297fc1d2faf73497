#include "weir/schema/grammar.h"

#include "weir/base/text.h"

namespace weir::schema {

GrammarDialect DetectGrammar(std::string_view text) {
  for (const std::string_view line : Split(text, '\n')) {
    const std::string_view trimmed = Trim(line);
    if (trimmed.empty() || trimmed.starts_with('#')) continue;
    if (trimmed.starts_with("//") || trimmed.starts_with('%')) return GrammarDialect::kLark;
    const std::size_t colon = trimmed.find(':');
    if (colon == trimmed.npos) continue;
    return trimmed.substr(colon).starts_with("::=") ? GrammarDialect::kGbnf : GrammarDialect::kLark;
  }
  return GrammarDialect::kGbnf;
}

Result<Language> ParseGrammar(std::string_view text, const GrammarOptions& options) {
  const bool lark = DetectGrammar(text) == GrammarDialect::kLark;
  WEIR_TRY(const Grammar grammar, lark ? ParseLark(text, options) : ParseGbnf(text, options));
  return LanguageOfGrammar(grammar, options.language);
}

}  // namespace weir::schema
