#include "weir/sim/constraint/stretch.h"

#include <algorithm>
#include <utility>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/writer.h"
#include "weir/schema/generate.h"
#include "weir/schema/grammar.h"
#include "weir/schema/regex.h"
#include "weir/schema/schema_language.h"
#include "weir/sim/constraint/decoder_form.h"

namespace weir::sim {
namespace {

using schema::Language;

Result<Stretch> Held(Language language, std::string_view what) {
  if (language.empty()) {
    return Fail(Code::kUnsupportedConstraint,
                StrCat("no text obeys the ", what, "; look for parts that exclude each other"));
  }
  Stretch stretch;
  stretch.language = std::move(language);
  return stretch;
}

// Servers take formats that they do not know as notes.
bool OnlyFormats(const std::vector<std::string>& not_enforced) {
  return std::ranges::all_of(not_enforced, [](std::string_view entry) {
    return entry.substr(0, entry.find(" (")).ends_with("/format");
  });
}

bool Satisfiable(json::View schema) {
  const auto compiled = schema::Schema::Compile(schema);
  if (!compiled) return false;
  Random random(1);
  return schema::Generate(*compiled, random, {.max_steps = 5'000}).has_value();
}

}  // namespace

Result<schema::SchemaLanguage> DecoderLanguage(json::View schema, bool compact) {
  using Whitespace = schema::SchemaTextOptions::Whitespace;
  return schema::LanguageOfSchema(schema,
                                  {.whitespace = compact ? Whitespace::kCompact : Whitespace::kFree,
                                   .order = schema::SchemaTextOptions::Order::kDeclared,
                                   .every_spelling = false,
                                   .assert_formats = true});
}

Result<Stretch> SchemaStretch(json::View schema, bool compact) {
  WEIR_TRY(schema::Schema compiled, schema::Schema::Compile(schema));
  const json::Value form = DecoderForm(schema);
  WEIR_TRY(schema::SchemaLanguage found, DecoderLanguage(form, compact));
  const bool changed = !(form == schema);
  const auto hopeless = [&] {
    return found.language.empty() ||
           (!OnlyFormats(found.not_enforced) && !Satisfiable(form) && Satisfiable(schema));
  };
  if (changed && hopeless()) {
    WEIR_TRY(found, DecoderLanguage(schema, compact));
  }
  WEIR_TRY(Stretch stretch, Held(std::move(found.language), "JSON schema"));
  if (!OnlyFormats(found.not_enforced)) {
    stretch.check = std::make_shared<const schema::Schema>(std::move(compiled));
    stretch.open = std::move(found.not_enforced);
  }
  return stretch;
}

Result<std::vector<std::string>> RareTexts(const Stretch& stretch, std::uint64_t seed) {
  Random random(seed);
  auto value = schema::Generate(*stretch.check, random);
  if (!value) return Fail(Code::kUnsupportedConstraint, std::move(value).error().message);
  return std::vector<std::string>{json::WriteSpaced(*value), json::Write(*value)};
}

Result<Stretch> RegexStretch(std::string_view expression) {
  WEIR_TRY(const schema::Regex regex, schema::ParseRegex(expression));
  WEIR_TRY(Language language, schema::LanguageOfRegex(regex));
  return Held(std::move(language), "regular expression");
}

Result<Stretch> GrammarStretch(std::string_view grammar) {
  WEIR_TRY(Language language, schema::ParseGrammar(grammar));
  return Held(std::move(language), "grammar");
}

Result<Stretch> ChoiceStretch(std::span<const std::string> choices) {
  if (choices.empty()) {
    return Fail(Code::kUnsupportedConstraint, "the choice is between nothing; give one text");
  }
  schema::Regex regex;
  std::vector<std::uint32_t> ways;
  for (const std::string& choice : choices) {
    if (!IsUtf8(choice)) {
      return Fail(Code::kUnsupportedConstraint,
                  StrCat("choice ", ways.size(), " is not UTF-8; choices are texts"));
    }
    ways.push_back(regex.AddText(choice));
  }
  regex.root = regex.AddAlternate(std::move(ways));
  WEIR_TRY(Language language, schema::LanguageOfRegex(regex));
  return Held(std::move(language), "choice");
}

Result<Stretch> WordsStretch(std::span<const std::string> forbidden) {
  // No character that begins a forbidden text: so none can begin, let alone end in what follows.
  std::string letters;
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ,.")) {
    const auto begins = [c](const std::string& text) { return text.starts_with(c); };
    if (std::ranges::none_of(forbidden, begins)) letters += c;
  }
  const bool blank = std::ranges::none_of(
      forbidden, [](const std::string& text) { return text.starts_with(' '); });
  if (letters.empty()) return RegexStretch("");
  return RegexStretch(blank ? StrCat("([", letters, "]{1,12}( [", letters, "]{1,12}){0,11})?")
                            : StrCat("[", letters, "]{0,12}"));
}

}  // namespace weir::sim
