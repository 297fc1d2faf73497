#include <string>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/number.h"
#include "weir/json/writer.h"
#include "weir/schema/coerce_bender.h"
#include "weir/schema/coerce_text.h"
#include "weir/schema/schema_words.h"

// Which of the values of "enum" or "const" was meant: from the nearest likeness to the farthest,
// and at each step only one may be alike.

namespace weir::schema {
namespace {

bool IsScalar(json::View value) { return !value.IsArray() && !value.IsObject(); }

std::string TextOfChoice(json::View choice) {
  return choice.IsString() ? std::string(*choice.AsString()) : json::Write(choice);
}

// "2" and 2, "true" and true.
bool SameScalar(json::View value, json::View choice) {
  if (value.IsNull()) return false;
  if (value.IsString() == choice.IsString()) return false;
  const json::View text = value.IsString() ? value : choice;
  const json::View other = value.IsString() ? choice : value;
  const std::string_view plain = Unquote(*text.AsString());
  if (other.IsNumber()) {
    const auto number = NumberFromText(plain);
    return number && json::SameNumber(number->text, other.NumberText());
  }
  if (other.IsBool()) return BoolFromText(plain) == other.AsBool();
  return EqualsIgnoreCase(plain, "null") || EqualsIgnoreCase(plain, "none");
}

void AddNames(json::View note, std::vector<std::string>& out) {
  if (note.IsString()) out.push_back(std::string(*note.AsString()));
  for (const json::View name : note.items()) {
    if (name.IsString()) out.push_back(std::string(*name.AsString()));
  }
}

}  // namespace

std::vector<std::string> Bender::AliasesOf(const NodeSet& set) const {
  std::vector<std::string> names;
  for (const NodeIndex node : set.nodes) {
    if (compiled_[node].values == kNone) continue;
    for (const std::string_view name : {"title", "alias", "aliases"}) {
      AddNames(compiled_.Note(node, name), names);
    }
  }
  return names;
}

const Piece* Bender::Choose(const NodeSet& set, json::View value) {
  if (!IsScalar(value) || value.IsNull()) return nullptr;
  Choices choices;
  for (const json::View choice : compiled_.values[set.values.front()].values) {
    if (IsScalar(choice) && AcceptsAll(set, choice)) choices.push_back(choice);
  }
  const std::string_view text = value.StringOr("");
  const std::size_t work = choices.size() * (1 + text.size() / 256) / 16;
  if (choices.empty() || !Spend(1 + work)) return nullptr;
  const std::string_view plain = Unquote(text);
  const std::string folded = Fold(text);
  std::vector<std::string> aliases;
  if (choices.size() == 1) aliases = AliasesOf(set);

  const auto matching = [&](auto matches) {
    Choices found;
    for (const json::View choice : choices) {
      if (matches(choice)) found.push_back(choice);
    }
    return found;
  };
  const auto settle = [&](const Choices& found, ChangeKind kind) -> const Piece* {
    if (found.size() == 1) {
      return Noted(Same(found.front()), kind, StrCat(Show(value), " became ", Show(found.front())));
    }
    return Ambiguous(value, StrCat(Show(value), " is ambiguous: it could mean ", Show(found[0]),
                                   " or ", Show(found[1]), "; write exactly one of them"));
  };

  const Choices scalars = matching([&](json::View choice) { return SameScalar(value, choice); });
  if (!scalars.empty()) return settle(scalars, ChangeKind::kChoiceByScalar);
  if (!value.IsString()) return nullptr;
  const Choices cased = matching([&](json::View choice) {
    return choice.IsString() && EqualsIgnoreCase(Trim(*choice.AsString()), plain);
  });
  if (!cased.empty()) return settle(cased, ChangeKind::kChoiceByCase);
  if (folded.empty()) return nullptr;
  const Choices alike = matching(
      [&](json::View choice) { return choice.IsString() && Fold(*choice.AsString()) == folded; });
  if (!alike.empty()) return settle(alike, ChangeKind::kChoiceByFold);
  for (const std::string& alias : aliases) {
    if (Fold(alias) == folded) return settle(choices, ChangeKind::kChoiceByAlias);
  }
  if (text.size() > options_.max_prose_bytes) return nullptr;
  std::vector<std::string> names;
  names.reserve(choices.size() + aliases.size());
  for (const json::View choice : choices) names.push_back(FoldWords(TextOfChoice(choice)));
  for (const std::string& alias : aliases) names.push_back(FoldWords(alias));
  Choices named;
  for (const std::size_t i : NamedIn(FoldWords(text), names)) {
    // Aliases stand behind the only choice there is.
    const json::View choice = i < choices.size() ? choices[i] : choices.front();
    if (named.empty() || IdentityOf(named.back()) != IdentityOf(choice)) named.push_back(choice);
  }
  return named.empty() ? nullptr : settle(named, ChangeKind::kChoiceInProse);
}

}  // namespace weir::schema
