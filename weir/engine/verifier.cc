#include "weir/engine/verifier.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/schema/grammar.h"
#include "weir/schema/schema.h"

namespace weir::engine {
namespace {

using Kind = model::Constraint::Kind;

Result<schema::Language> LanguageOf(const model::Constraint& constraint) {
  if (constraint.kind == Kind::kGrammar) return schema::ParseGrammar(constraint.text);
  WEIR_TRY(const schema::Regex regex, schema::ParseRegex(constraint.text));
  return schema::LanguageOfRegex(regex);
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

Result<Verifier> Verifier::Make(const model::Constraint& constraint) {
  auto state = std::make_unique<State>();
  state->kind = constraint.kind;
  const auto leave_out = [&](const std::string& why) {
    state->unchecked = {
        StrCat("check of the ", model::ConstraintName(constraint.kind), " constraint"),
        StrCat("weir cannot judge it and trusts the server: ", why)};
  };
  switch (constraint.kind) {
    case Kind::kJsonObject:
      break;
    case Kind::kChoice:
      state->choices = constraint.choices;
      break;
    case Kind::kJsonSchema: {
      Result<schema::Schema> compiled = schema::Schema::Compile(constraint.schema);
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
      // Servers read dialects that weir does not, so that this need not be the caller's mistake.
      Result<schema::Language> language = LanguageOf(constraint);
      if (language) {
        state->language = *std::move(language);
      } else {
        state->doubtful = language.error().code != Code::kUnsupportedPattern;
        leave_out(language.error().message);
      }
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
      return Fail(Code::kInvalidJson,
                  "the answer is not JSON although the server was told so; does it support "
                  "constrained output? See what it is: weir call -o json",
                  value.error().message);
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
    return Fail(Code::kConstraintViolated,
                StrCat("the answer breaks the ", model::ConstraintName(state_->kind),
                       good == text.size() ? ": it ends too early" : StrCat(" at byte ", good),
                       "; the server ignored the constraint"));
  }
  return {};
}

const std::optional<model::Degradation>& Verifier::unchecked() const { return state_->unchecked; }
bool Verifier::doubtful() const { return state_->doubtful; }

}  // namespace weir::engine
