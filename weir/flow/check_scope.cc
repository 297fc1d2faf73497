#include "weir/flow/check_scope.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "weir/flow/names.h"

namespace weir::flow {

Scope::Scope(Types row) : row_(std::move(row)) {
  for (const std::string_view name : GivenNames()) {
    const bool text = name == "row_id";
    Add(std::string(name), KnownName::Kind::kGiven,
        text             ? TextType()
        : name == "vars" ? Anything()
                         : row_);
  }
}

void Scope::Add(std::string name, KnownName::Kind kind, Types types) {
  names_.push_back({.name = std::move(name), .kind = kind, .types = std::move(types)});
}

const KnownName* Scope::Find(std::string_view name) const {
  for (const KnownName& known : std::views::reverse(names_)) {
    if (known.name == name) return &known;
  }
  return nullptr;
}

std::vector<std::string> Scope::Names() const {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  for (const KnownName& known : std::views::reverse(names_)) {
    const bool rare = known.kind == KnownName::Kind::kGiven || known.name == "index";
    if (!rare && known.kind != KnownName::Kind::kThoughts) add(known.name);
  }
  for (const std::string& field : MembersOf(row_)) add(field);
  for (const std::string_view given : GivenNames()) add(std::string(given));
  return names;
}

}  // namespace weir::flow
