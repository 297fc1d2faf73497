#include "weir/engine/verifier.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/coerce.h"
#include "weir/schema/grammar.h"
#include "weir/schema/schema.h"

namespace weir::engine {
namespace {

using Kind = model::Constraint::Kind;

const std::string kNotJson =
    "the answer is not JSON, which was asked for; does the server support constrained output?";

// Defaults and nulls for what the model has not said cost 100 and more: they are not taken.
constexpr int kMostInvented = 99;

bool Contains(std::string_view set, char c) { return set.find(c) != set.npos; }
bool IsLetterOrDigit(char c) { return IsDigit(c) || IsLetter(c); }

// Of a grammar that is right, but too large for us: kUnsupportedPattern.
Result<schema::Language> LanguageOfGrammar(std::string_view text) {
  const bool lark = schema::DetectGrammar(text) == schema::GrammarDialect::kLark;
  WEIR_TRY(const schema::Grammar grammar, lark ? schema::ParseLark(text) : schema::ParseGbnf(text));
  Result<schema::Language> language = schema::LanguageOfGrammar(grammar);
  if (!language) return Fail(Code::kUnsupportedPattern, language.error().message);
  return language;
}

Result<schema::Language> LanguageOf(const model::Constraint& constraint) {
  if (constraint.kind == Kind::kGrammar) return LanguageOfGrammar(constraint.text);
  WEIR_TRY(const schema::Regex regex, schema::ParseRegex(constraint.text));
  return schema::LanguageOfRegex(regex);
}

// Whether what weir cannot read may be a notation that only servers know: groups, escapes and
// possessive repetitions of Python and Rust; token names, look-ahead, macros, templates and
// directives of grammars; a grammar above our limit. Where in the text it stands does not matter.
bool MayBeOfAnotherDialect(const model::Constraint& constraint) {
  const std::string_view text = constraint.text;
  const bool grammar = constraint.kind == Kind::kGrammar;
  if (grammar && text.size() > schema::GrammarOptions().max_bytes) return true;
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const char c = text[i];
    const char next = text[i + 1];
    const char third = i + 2 < text.size() ? text[i + 2] : '\0';
    if (grammar) {
      const bool word = IsLetterOrDigit(c) || c == '_';
      if (c == '%' || c == '<' || (c == '(' && (next == '=' || next == '!'))) return true;
      if (word && (next == '(' || (next == '{' && !IsDigit(third)))) return true;
      if (c == '/' && IsLetterOrDigit(next)) return true;  // a flag of an expression
    } else {
      if (c == '(' && next == '?' && third != '\0' && !Contains(":=!<", third)) return true;
      if (c == '\\' && Contains("AaCEGhHKNQRUXZz", next)) return true;
      if (next == '+' && Contains("*+?}", c)) return true;
    }
  }
  return false;
}

// How far the text could still have become one of the language.
std::size_t GoodPrefix(const schema::Language& language, std::string_view text) {
  schema::Matcher matcher = language.Begin();
  std::size_t good = 0;
  while (good < text.size() && matcher.Advance(text.substr(good, 1))) ++good;
  return good;
}

}  // namespace

struct Verifier::State {
  Kind kind = Kind::kJsonObject;
  std::vector<std::string> choices;
  std::optional<schema::Schema> schema;
  std::optional<schema::Language> language;
  std::optional<model::Degradation> unchecked;
  bool doubtful = false;
};

Verifier::Verifier(std::unique_ptr<State> state) : state_(std::move(state)) {}
Verifier::Verifier(Verifier&&) noexcept = default;
Verifier& Verifier::operator=(Verifier&&) noexcept = default;
Verifier::~Verifier() = default;

Result<Verifier> Verifier::Make(const model::Constraint& constraint, schema::Cache& schemas) {
  auto state = std::make_unique<State>();
  state->kind = constraint.kind;
  const auto leave_out = [&](const std::string& why) {
    state->unchecked = {
        StrCat("no check of the ", model::ConstraintName(constraint.kind), " constraint"),
        StrCat("weir cannot judge it and trusts the server: ", why)};
  };
  switch (constraint.kind) {
    case Kind::kJsonObject:
      break;
    case Kind::kChoice:
      state->choices = constraint.choices;
      break;
    case Kind::kJsonSchema: {
      Result<schema::Schema> compiled = schemas.Get(constraint.schema);
      if (compiled) {
        state->schema = *std::move(compiled);
      } else if (compiled.error().code == Code::kUnsupportedSchema ||
                 compiled.error().code == Code::kUnsupportedPattern) {
        leave_out(compiled.error().message);
      } else {
        return Fail(std::move(compiled).error());
      }
      break;
    }
    case Kind::kRegex:
    case Kind::kGrammar: {
      Result<schema::Language> language = LanguageOf(constraint);
      if (language) {
        state->language = *std::move(language);
        break;
      }
      state->doubtful = language.error().code != Code::kUnsupportedPattern;
      if (state->doubtful && !MayBeOfAnotherDialect(constraint)) {
        return Fail(std::move(language).error());
      }
      leave_out(language.error().message);
      break;
    }
    case Kind::kStructuralTag:
      leave_out("a structural tag is the server's own notation");
      break;
  }
  return Verifier(std::move(state));
}

Result<void> Verifier::Check(std::string_view text) const {
  if (state_->kind == Kind::kJsonSchema || state_->kind == Kind::kJsonObject) {
    const Result<json::Value> value = json::Read(text);
    if (!value) {
      return Fail(Code::kInvalidJson, kNotJson, value.error().message);
    }
    if (!state_->schema) return {};
    const Result<void> valid = state_->schema->Validate(*value);
    if (valid) return {};
    return Fail(valid.error().code, StrCat("the answer breaks its schema ", valid.error().message));
  }
  if (state_->kind == Kind::kChoice &&
      std::ranges::find(state_->choices, text) == state_->choices.end()) {
    return Fail(Code::kConstraintViolated,
                StrCat("the answer is none of the choices ", Join(state_->choices, ", "),
                       ": the server ignored the constraint"));
  }
  if (state_->language && !state_->language->Contains(text)) {
    const std::size_t good = GoodPrefix(*state_->language, text);
    if (good < text.size()) return std::unexpected<Error>(BrokenAt(good));
    return Fail(Code::kConstraintViolated,
                StrCat("the answer breaks the ", model::ConstraintName(state_->kind),
                       ": it ends too early; the server ignored the constraint"));
  }
  return {};
}

std::optional<schema::Matcher> Verifier::Watch() const {
  if (!state_->language) return std::nullopt;
  return state_->language->Begin();
}

Error Verifier::BrokenAt(std::size_t good) const {
  return {.code = Code::kConstraintViolated,
          .message = StrCat("the answer breaks the ", model::ConstraintName(state_->kind),
                            " at byte ", good, "; the server ignored the constraint")};
}

Result<Verifier::Answer> Verifier::Mend(std::string_view text, const Mending& mending) const {
  Answer answer{.text = std::string(text), .value = {}, .repairs = {}};
  const bool is_json = state_->kind == Kind::kJsonSchema || state_->kind == Kind::kJsonObject;
  if (!is_json || mending.strictness == json::Strictness::kStrict) {
    const std::string_view trimmed = Trim(text);
    const bool pads = state_->kind == Kind::kChoice && trimmed.size() < text.size() && !Check(text);
    if (pads && mending.strictness != json::Strictness::kStrict) {
      WEIR_CHECK(Check(trimmed));
      answer.text = trimmed;
      answer.repairs.emplace_back("white space around the choice was dropped");
      return answer;
    }
    WEIR_CHECK(Check(text));
    if (is_json) {
      WEIR_TRY(answer.value, json::Read(text));
    }
    return answer;
  }
  Result<json::Mended> mended = json::ReadLenient(text, {.strictness = mending.strictness});
  if (!mended) return Fail(Code::kInvalidJson, kNotJson, mended.error().message);
  if (!mended->report.complete && mending.strictness != json::Strictness::kSalvage) {
    return Fail(Code::kInvalidJson, "the answer ends in the middle of its JSON");
  }
  // Text without any structure is read as one string: that is an answer in prose.
  const bool prose = mended->value.IsString() && mended->report.count > 0;
  if (prose && !(state_->schema && state_->schema->Accepts(mended->value))) {
    return Fail(Code::kInvalidJson, kNotJson);
  }
  for (const json::Repair& repair : mended->report.repairs) {
    answer.repairs.push_back(StrCat(json::RepairName(repair.kind), " at byte ", repair.offset));
  }
  answer.value = std::move(mended->value);
  if (state_->kind == Kind::kJsonObject && !answer.value.IsObject()) {
    return Fail(Code::kSchemaMismatch, StrCat("the answer is ", json::KindName(answer.value.kind()),
                                              ", and should be a JSON object"));
  }
  if (state_->schema && !state_->schema->Accepts(answer.value)) {
    const Result<void> valid = state_->schema->Validate(answer.value);
    const std::string breach = StrCat("the answer breaks its schema ", valid.error().message);
    if (!mending.coerce) return Fail(valid.error().code, breach);
    Result<schema::Coerced> coerced =
        schema::Coerce(*state_->schema, answer.value, {.max_penalty = kMostInvented});
    if (!coerced) return Fail(valid.error().code, breach);
    for (const schema::Change& change : coerced->changes) {
      answer.repairs.push_back(StrCat(schema::ChangeName(change.kind), ": ", change.note));
    }
    answer.value = std::move(coerced->value);
  }
  if (!answer.repairs.empty()) answer.text = json::Write(answer.value);
  return answer;
}

const std::optional<model::Degradation>& Verifier::unchecked() const { return state_->unchecked; }
bool Verifier::doubtful() const { return state_->doubtful; }

}  // namespace weir::engine
