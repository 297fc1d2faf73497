#include "weir/base/text.h"
#include "weir/wire/ollama_client_writer.h"

namespace weir::wire {
namespace {

using model::Constraint;

constexpr std::string_view kDigits = "0-9";
constexpr std::string_view kWordCharacters = "0-9A-Za-z_";

bool IsOneOf(char c, std::string_view set) { return set.find(c) != set.npos; }

// A regular expression as llama.cpp, which makes grammars for Ollama, reads patterns. It knows
// literals, groups, classes, alternatives and greedy counts; a text in which a quotation mark, a
// backslash or a control character could stand would not stay a JSON string.
class Pattern {
 public:
  explicit Pattern(std::string_view regex) : rest_(regex) {}

  // Unset: it cannot be said.
  std::optional<std::string> Read() {
    if (rest_.starts_with('^')) rest_.remove_prefix(1);
    const bool anchored = rest_.ends_with('$') && !rest_.ends_with("\\$");
    if (anchored) rest_.remove_suffix(1);
    out_ = "^(";
    while (good_ && !rest_.empty()) Take();
    if (!good_ || in_class_) return std::nullopt;
    return out_ + ")$";
  }

 private:
  void Take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    const bool counts = !in_class_ && IsOneOf(c, "*+?}");
    if (counts && !rest_.empty() && IsOneOf(rest_.front(), "?+")) good_ = false;
    if (c == '\\') return TakeEscape();
    if (static_cast<unsigned char>(c) < ' ' || IsOneOf(c, "\"\x7F")) good_ = false;
    if (in_class_) {
      in_class_ = c != ']';
      if (c == '[') good_ = false;
    } else if (c == '[') {
      in_class_ = true;
      if (rest_.starts_with('^') || rest_.starts_with(']')) good_ = false;
    } else if (c == '(' && rest_.starts_with("?")) {
      good_ = rest_.starts_with("?:");
      if (good_) rest_.remove_prefix(2);
    } else if (IsOneOf(c, ".^$")) {
      good_ = false;
    }
    out_ += c;
  }

  void TakeEscape() {
    const char c = rest_.empty() ? 'z' : rest_.front();
    if (!rest_.empty()) rest_.remove_prefix(1);
    if (c == 'd' || c == 'w') {
      const std::string_view set = c == 'd' ? kDigits : kWordCharacters;
      in_class_ ? StrAppend(out_, set) : StrAppend(out_, "[", set, "]");
    } else if (IsOneOf(c, "^$.[]()|{}*+?")) {
      StrAppend(out_, "\\", std::string_view(&c, 1));
    } else if (IsOneOf(c, "-/") && !in_class_) {
      out_ += c;
    } else {
      good_ = false;
    }
  }

  std::string_view rest_;
  std::string out_;
  bool in_class_ = false;
  bool good_ = true;
};

Error CannotEnforce(const Constraint& constraint, std::string_view why) {
  return Error{.code = Code::kUnsupportedConstraint,
               .message = StrCat("ollama cannot enforce the constraint ",
                                 model::ConstraintName(constraint.kind), why,
                                 ": use a JSON schema, or an engine of the kind vllm")};
}

Result<void> WriteChoice(const Constraint& constraint, OllamaWriter& out) {
  if (constraint.choices.empty()) {
    return Fail(Code::kInvalidRequest, "the constraint is empty: it needs at least one choice");
  }
  json::Writer& json = out.Key("format");
  json.BeginObject();
  json.Field("type", "string");
  json.Key("enum");
  json.BeginArray();
  for (const std::string& choice : constraint.choices) json.String(choice);
  json.EndArray();
  json.EndObject();
  out.SetQuotedAnswer();
  return {};
}

Result<void> WriteRegex(const Constraint& constraint, OllamaWriter& out) {
  const std::optional<std::string> pattern = Pattern(constraint.text).Read();
  if (constraint.text.empty() || !pattern) {
    return Fail(CannotEnforce(constraint,
                              " with what this one needs (it has literals, groups, classes, \\d, "
                              "\\w, alternatives and counts)"));
  }
  json::Writer& json = out.Key("format");
  json.BeginObject();
  json.Field("type", "string");
  json.Field("pattern", *pattern);
  json.EndObject();
  out.SetQuotedAnswer();
  return {};
}

Result<void> WriteSchema(const Constraint& constraint, OllamaWriter& out) {
  if (constraint.schema.IsObject()) {
    out.Key("format").Value(constraint.schema);
    return {};
  }
  if (constraint.schema.BoolOr(false)) {
    out.Key("format").Raw("{}");
    return {};
  }
  return Fail(constraint.schema.IsBool() ? Code::kUnsupportedConstraint : Code::kInvalidRequest,
              "ollama needs a JSON schema that is an object for a constraint json");
}

}  // namespace

Result<void> WriteOllamaFormat(OllamaWriter& out) {
  if (!out.call().constraint) return {};
  const Constraint& constraint = *out.call().constraint;
  switch (constraint.kind) {
    case Constraint::Kind::kJsonObject:
      out.SetText("format", "json");
      return {};
    case Constraint::Kind::kJsonSchema:
      return WriteSchema(constraint, out);
    case Constraint::Kind::kChoice:
      return WriteChoice(constraint, out);
    case Constraint::Kind::kRegex:
      return WriteRegex(constraint, out);
    case Constraint::Kind::kGrammar:
    case Constraint::Kind::kStructuralTag:
      return Fail(CannotEnforce(constraint, ""));
  }
  std::unreachable();
}

}  // namespace weir::wire
