#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/flow/checker.h"

namespace weir::flow {
namespace {

using Presence = Found::Presence;

}  // namespace

std::string Advice(std::string_view word, const std::vector<std::string>& names) {
  if (const auto nearest = Nearest(word, names)) return StrCat("did you mean `", *nearest, "`?");
  if (names.empty()) return "it has none";
  return StrCat("there are: ", Truncate(Join(names, ", "), 300));
}

void Checker::Tell(bool warning, const Text& text, const text::VariableRead* read,
                   std::string_view message) {
  const std::string& place = text.source.place.empty() ? text.node.node->place : text.source.place;
  std::string where = StrCat("`", text.key, "` of ", text.node.node->id);
  // A loop reads its list, and items of that list: each has the same to say of what they begin
  // with.
  if (!told_.insert(StrCat(place, "\n", where, "\n", message)).second) return;
  const bool long_text = text.source.text.contains('\n');
  if (read != nullptr && long_text) StrAppend(where, ", line ", read->line);
  Tell(warning, place, StrCat(where, read != nullptr ? ": " : " ", message));
}

// What no value of these types survives; a row would fail there, after it was paid for.
void Checker::CheckNeeds(const Text& text, const text::VariableRead& read, const Types& types) {
  constexpr std::pair<schema::TypeMask, json::Kind> kKinds[] = {
      {schema::kNull, json::Kind::kNull},     {schema::kBoolean, json::Kind::kBool},
      {schema::kNumber, json::Kind::kNumber}, {schema::kString, json::Kind::kString},
      {schema::kArray, json::Kind::kArray},   {schema::kObject, json::Kind::kObject},
  };
  const schema::TypeMask may_be = KindsOf(types);
  for (const text::KindNeed& need : read.needs) {
    schema::TypeMask fits = 0;
    for (const auto& [mask, kind] : kKinds) {
      if ((need.kinds & text::KindBit(kind)) != 0) fits |= mask;
    }
    if ((may_be & fits) != 0 || may_be == 0) continue;
    const bool number_of_text = fits == schema::kNumber && (may_be & schema::kString) != 0;
    Tell(need.sometimes || read.optional, text, &read,
         StrCat(need.by, " needs ", KindWords(fits), ", and `", read.path, "` is ",
                KindWords(may_be), number_of_text ? "; make one of it with `| float`" : ""));
  }
}

void Checker::CheckReads(const Text& text, const std::vector<text::VariableRead>& reads,
                         const Scope& scope) {
  for (const text::VariableRead& read : reads) CheckRead(text, read, scope);
}

std::string Checker::HiddenReason(const GraphNode& reader, std::string_view name) const {
  const GraphNode* node = graph_.Find(name);
  if (node == nullptr) return {};
  if (node == &reader) return "is this node itself, which has no value yet";
  if (values_[node->index].empty()) {
    const bool filter = node->apply() != nullptr && !node->apply()->where.empty();
    if (!filter) return "comes later in the flow; move it in front of this node";
  }
  if (node->apply() != nullptr && !node->apply()->where.empty()) {
    return "is a filter and has no value";
  }
  if (node->parallel() != nullptr) return "is a parallel; read the joins of its branches";
  const auto inside = inside_.find(name);
  if (inside == inside_.end()) return {};
  const bool branch = inside->second.starts_with("branch");
  return StrCat("is inside of ", inside->second, ", which is not seen from here; ",
                branch ? "give the branch a `join` and read that" : "read that node instead");
}

void Checker::UnknownName(const Text& text, const text::VariableRead& read, const Scope& scope,
                          const Found& field) {
  const std::string_view path = read.path;
  const std::string_view name = path.substr(0, path.find_first_of(".["));
  if (const std::string reason = HiddenReason(text.node, name); !reason.empty()) {
    if (!read.optional || field.presence == Presence::kNever) {
      const bool field_may_be = field.presence != Presence::kNever;
      Tell(false, text, &read,
           StrCat("`", name, "` ", reason,
                  field_may_be ? StrCat("; the field of the row is `row.", name, "`") : ""));
    }
    return;
  }
  if (read.optional) return;
  const std::vector<std::string> names = scope.Names();
  if (field.presence == Presence::kNever) {
    return Tell(false, text, &read,
                StrCat("`", name, "` is not there: no earlier node and no field of the row has ",
                       "that name; ", Advice(name, names)));
  }
  const auto nearest = Nearest(name, names);
  if (graph_.input() && nearest) {
    return Tell(false, text, &read,
                StrCat("`", name, "` is not there; did you mean `", *nearest,
                       "`? If it is a field of the row, name it in `input`"));
  }
  if (graph_.input()) {
    return Tell(true, text, &read,
                StrCat("`", name, "` is taken for a field of the row, which `input` does not ",
                       "name; ", Advice(name, names)));
  }
  const KnownName* close = nearest ? scope.Find(*nearest) : nullptr;
  if (close != nullptr && close->kind != KnownName::Kind::kGiven) {
    Tell(true, text, &read,
         StrCat("`", name, "` is taken for a field of the row; did you mean `", *nearest,
                "`? An `input` schema tells the two apart"));
  }
}

Types Checker::CheckVars(const Text& text, const text::VariableRead& read, const PathStep& step) {
  const json::View vars = graph_.flow().vars;
  if (vars.IsObject() && vars.Find(step.key).exists()) {
    // --set may lay any other value over it.
    return Anything();
  }
  if (!read.optional) {
    std::vector<std::string> names;
    for (const auto& [name, value] : vars.members()) names.emplace_back(name);
    Tell(true, text, &read,
         StrCat("`vars` has no `", step.key, "`: every row fails unless --set ", step.key,
                "=... gives it; ", names.empty() ? "add it to `vars`" : Advice(step.key, names)));
  }
  return Anything();
}

// False when what comes behind the step cannot be known.
bool Checker::TellStep(const Text& text, const text::VariableRead& read, const PathStep& step,
                       std::string_view before, const Types& of, const Found& found) {
  const bool member = step.kind == PathStep::Kind::kMember;
  const std::string part = member ? StrCat("`", step.key, "`") : std::string("items");
  switch (found.presence) {
    case Presence::kThere:
      return true;
    case Presence::kMaybe:
      if (!read.optional) {
        Tell(true, text, &read,
             StrCat("`", step.written, "` may be missing: its schema does not promise it; add it ",
                    "to `required`, or write | default(...)"));
      }
      return true;
    case Presence::kUnknown:
      if (member && !read.optional && !MembersOf(of).empty()) {
        Tell(true, text, &read,
             StrCat("`", step.written, "` is not in the schema of `", before, "`; ",
                    Advice(step.key, MembersOf(of))));
      }
      return false;
    case Presence::kNever:
      if (!read.optional) {
        Tell(false, text, &read,
             StrCat("`", step.written, "` is not there: `", before, "` has no ", part, "; ",
                    Advice(step.key, MembersOf(of))));
      }
      return false;
    case Presence::kWrongKind:
      Tell(read.optional, text, &read,
           StrCat("`", before, "` is ", KindWords(KindsOf(of)), " and has no ", part,
                  of[0].kind == Type::Kind::kText && member
                      ? "; give the step an `output` to get an object"
                      : ""));
      return false;
  }
  return false;
}

Types Checker::CheckRead(const Text& text, const text::VariableRead& read, const Scope& scope) {
  const std::vector<PathStep> steps = SplitPath(read.path);
  if (steps.empty()) return Anything();
  Types types;
  std::string_view before = steps[0].written;
  if (const KnownName* known = scope.Find(steps[0].key)) {
    types = known->types;
    if (known->kind == KnownName::Kind::kThoughts && !read.optional) {
      Tell(true, text, &read,
           StrCat("`", known->name, "` is missing when the model gave no thoughts; write ",
                  known->name, " | default(\"\")"));
    }
  } else {
    const Found field = Follow(scope.row(), steps[0]);
    const bool named = field.presence <= Presence::kMaybe;
    if (!named) {
      UnknownName(text, read, scope, field);
      return Anything();
    }
    TellStep(text, read, steps[0], "row", scope.row(), field);
    types = field.types;
  }
  if (steps[0].key == "vars" && steps.size() > 1 && scope.Find("vars") != nullptr) {
    return CheckVars(text, read, steps[1]);
  }
  for (std::size_t i = 1; i < steps.size(); ++i) {
    Found found = Follow(types, steps[i]);
    const bool known = TellStep(text, read, steps[i], before, types, found);
    if (!known) return Anything();
    types = std::move(found.types);
    before = steps[i].written;
  }
  CheckNeeds(text, read, types);
  return types;
}

Types Checker::TypeOf(const Text& text, const text::Expression& expression, const Scope& scope) {
  const std::vector<text::VariableRead>& reads = expression.reads();
  if (reads.empty()) {
    auto value = expression.Evaluate({});
    return value ? ConstantType(*std::move(value)) : Anything();
  }
  Types types = Anything();
  const std::string_view whole = Trim(text.source.text);
  for (const text::VariableRead& read : reads) {
    Types read_types = CheckRead(text, read, scope);
    if (read.path == whole) types = std::move(read_types);
  }
  return types;
}

Types Checker::ItemTypeOf(const Text& text, const text::Expression& expression,
                          const Scope& scope) {
  const Types types = TypeOf(text, expression, scope);
  const schema::TypeMask kinds = KindsOf(types);
  if ((kinds & schema::kArray) == 0) {
    Tell(false, text, nullptr, StrCat("is ", KindWords(kinds), ", and must be a list"));
    return Anything();
  }
  if (kinds != schema::kAnyType && kinds != schema::kArray) {
    Tell(true, text, nullptr,
         StrCat("may be ", KindWords(kinds & ~schema::kArray), ": the row fails then; it must be ",
                "a list"));
  }
  return ItemsOf(types);
}

}  // namespace weir::flow
