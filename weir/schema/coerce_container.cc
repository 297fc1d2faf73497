#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "weir/base/text.h"
#include "weir/schema/coerce_bender.h"
#include "weir/schema/coerce_text.h"
#include "weir/schema/schema_words.h"

// Arrays and objects part by part, and the wrappers around a value.

namespace weir::schema {

// Which members of an object get another key.
struct Bender::Renaming {
  std::map<std::string_view, std::string_view> names;      // from what is there to what is asked
  std::map<std::string_view, std::string_view> ambiguous;  // what is there and what it could be
};

Piece::Part Bender::PartOf(const NodeSet& set, std::string_view key, json::View value) {
  const bool scalar = !value.IsArray() && !value.IsObject();
  if (scalar && AcceptsAll(set, value)) return {.key = key, .value = value};
  return {.key = key, .piece = Bend(set, value, kFresh), .value = value};
}

void Bender::Append(Piece& piece, Piece::Part part, bool& changed) {
  if (part.piece != nullptr) {
    const Piece& child = *part.piece;
    piece.penalty += child.penalty;
    piece.misfits += child.misfits;
    if (child.form == json::Kind::kAbsent && child.penalty == 0 && child.misfits == 0) {
      part.piece = nullptr;
      part.value = child.value;
    } else {
      changed = true;
    }
  }
  piece.parts.push_back(part);
}

const Piece* Bender::Array(const NodeSet& set, json::View value) {
  Piece& piece = Make();
  piece.form = json::Kind::kArray;
  piece.parts.reserve(value.size());
  bool changed = false;
  std::size_t prefix = 0;
  for (const ArrayRules* rules : set.arrays) prefix = std::max(prefix, rules->prefix.size());
  const NodeSet& rest = sets_.OfItem(set, prefix);
  for (std::size_t i = 0; i < value.size(); ++i) {
    const NodeSet& item = i < prefix ? sets_.OfItem(set, i) : rest;
    Append(piece, PartOf(item, {}, value[i]), changed);
  }
  const bool counted = std::ranges::all_of(set.arrays, [&](const ArrayRules* rules) {
    return value.size() >= rules->min_items && value.size() <= rules->max_items;
  });
  if (!counted) ++piece.misfits;
  if (!changed) {
    piece.form = json::Kind::kAbsent;
    piece.value = value;
    piece.parts.clear();
  }
  return Checked(set, piece);
}

std::vector<std::string_view> Bender::KeysOf(const NodeSet& set) const {
  std::vector<std::string_view> keys;
  std::set<std::string_view> seen;
  for (const ObjectRules* rules : set.objects) {
    for (const ObjectRules::Property& property : rules->properties) {
      if (seen.insert(property.key).second) keys.push_back(property.key);
    }
  }
  return keys;
}

bool Bender::Requires(const NodeSet& set, std::string_view key) const {
  return std::ranges::any_of(set.objects, [&](const ObjectRules* rules) {
    const std::uint32_t number = rules->table.Find(key);
    return number != kNone && rules->properties[number].required;
  });
}

std::vector<std::string> Bender::NamesOf(const NodeSet& set, std::string_view key) {
  std::vector<std::string> names = {Fold(key)};
  for (const ObjectRules* rules : set.objects) {
    const std::uint32_t number = rules->table.Find(key);
    if (number == kNone || rules->properties[number].node == kNone) continue;
    for (const std::string_view word : {"title", "alias", "aliases"}) {
      const json::View note = compiled_.Note(rules->properties[number].node, word);
      if (note.IsString()) names.push_back(Fold(*note.AsString()));
      for (const json::View name : note.items()) names.push_back(Fold(name.StringOr("")));
    }
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::erase(names, std::string());
  return names;
}

Bender::Renaming Bender::Renamings(const NodeSet& set, json::View value) {
  Renaming renaming;
  // Keys of the value that the schema does not know, by likeness.
  std::map<std::string, std::vector<std::string_view>> strangers;
  for (const json::Member member : value.members()) {
    if (!sets_.Knows(set, member.key)) strangers[Fold(member.key)].push_back(member.key);
  }
  if (strangers.empty()) return renaming;
  std::map<std::string_view, std::vector<std::string_view>> meanings;
  for (const std::string_view key : KeysOf(set)) {
    if (value.Find(key).exists()) continue;
    std::vector<std::string_view> sources;
    for (const std::string& name : NamesOf(set, key)) {
      const auto found = strangers.find(name);
      if (found == strangers.end()) continue;
      sources.insert(sources.end(), found->second.begin(), found->second.end());
    }
    const bool required = Requires(set, key);
    std::erase_if(
        sources, [&](std::string_view source) { return !required && !sets_.Forbids(set, source); });
    for (const std::string_view source : sources) {
      meanings[source].push_back(key);
      if (sources.size() > 1) renaming.ambiguous[source] = key;
    }
  }
  for (const auto& [source, keys] : meanings) {
    if (keys.size() > 1) renaming.ambiguous[source] = keys.front();
    if (!renaming.ambiguous.contains(source)) renaming.names[source] = keys.front();
  }
  return renaming;
}

void Bender::Member(const NodeSet& set, json::Member member, const Renaming& renaming, Piece& piece,
                    bool& changed) {
  const auto ambiguous = renaming.ambiguous.find(member.key);
  if (ambiguous != renaming.ambiguous.end()) {
    const std::string text =
        StrCat("the property \"", member.key, "\" is not the only one that could be meant by \"",
               ambiguous->second, "\"; write each property under its exact name");
    return Append(piece, {.key = member.key, .piece = Ambiguous(member.value, text)}, changed);
  }
  const auto renamed = renaming.names.find(member.key);
  const bool stranger = renamed != renaming.names.end();
  const std::string_view key = stranger ? renamed->second : member.key;
  if (!stranger && sets_.Forbids(set, key)) {
    changed = true;
    AddNote(piece, ChangeKind::kExtraDropped,
            StrCat("the property \"", key, "\" with ", Show(member.value),
                   " was dropped: the schema does not allow it"));
    return;
  }
  const NodeSet& child = sets_.OfProperty(set, key);
  Piece::Part part = PartOf(child, key, member.value);
  if (member.value.IsNull() && part.piece != nullptr && part.piece->misfits != 0) {
    if (!Requires(set, key)) {
      changed = true;
      piece.notes.push_back(
          {.kind = ChangeKind::kNullDropped,
           .text = StrCat("the property \"", key, "\" with null was dropped: it is optional")});
      piece.penalty += ChangePenalty(ChangeKind::kNullDropped);
      return;
    }
    const json::View fallback = DefaultOf(set, key);
    if (fallback.exists() && AcceptsAll(child, fallback)) {
      part.piece = Noted(Same(fallback), ChangeKind::kDefaultFilled,
                         StrCat("null was replaced by the default, ", Show(fallback)));
    }
  }
  if (stranger) {
    if (part.piece == nullptr) part.piece = Same(part.value);
    part.piece = Noted(part.piece, ChangeKind::kKeyRenamed,
                       StrCat("the property \"", member.key, "\" was renamed to \"", key, "\""));
  }
  Append(piece, part, changed);
}

json::View Bender::DefaultOf(const NodeSet& set, std::string_view key) {
  for (const ObjectRules* rules : set.objects) {
    const std::uint32_t number = rules->table.Find(key);
    if (number == kNone || rules->properties[number].node == kNone) continue;
    const json::View note = compiled_.Note(rules->properties[number].node, "default");
    if (note.exists()) return note;
  }
  for (const NodeIndex node : sets_.OfProperty(set, key).nodes) {
    const json::View note = compiled_.Note(node, "default");
    if (note.exists()) return note;
  }
  return {};
}

bool Bender::NamesNull(const NodeSet& set, std::size_t depth) {
  constexpr std::size_t kBranchesInEachOther = 8;
  if (depth > kBranchesInEachOther || !Spend(1)) return false;
  const auto names = [&](NodeIndex index) {
    const Node& node = compiled_[index];
    return node.types != kAnyType && (node.types & kNull) != 0;
  };
  if (std::ranges::any_of(set.nodes, names)) return true;
  const bool listed = std::ranges::any_of(set.values, [&](std::uint32_t index) {
    return std::ranges::any_of(compiled_.values[index].values,
                               [](json::View value) { return value.IsNull(); });
  });
  if (listed) return true;
  return std::ranges::any_of(set.unions, [&](const Union& choice) {
    return std::ranges::any_of(*choice.branches, [&](NodeIndex branch) {
      return NamesNull(sets_.Of({branch}), depth + 1);
    });
  });
}

const Piece* Bender::Fill(const NodeSet& set, std::string_view key) {
  const NodeSet& child = sets_.OfProperty(set, key);
  const json::View fallback = DefaultOf(set, key);
  if (fallback.exists() && AcceptsAll(child, fallback)) {
    return Noted(Same(fallback), ChangeKind::kDefaultFilled,
                 StrCat("the missing property \"", key, "\" got its default, ", Show(fallback)));
  }
  const json::View null = kept_.emplace_back();
  if (!AcceptsAll(child, null) || !NamesNull(child, 0)) return nullptr;
  return Noted(Same(null), ChangeKind::kNullFilled,
               StrCat("the missing property \"", key, "\" became null"));
}

void Bender::FillMissing(const NodeSet& set, Piece& piece, bool& changed) {
  std::set<std::string_view> there;
  for (const Piece::Part& part : piece.parts) there.insert(part.key);
  for (const std::string_view key : KeysOf(set)) {
    if (there.contains(key) || !Requires(set, key)) continue;
    const Piece* const filled = Fill(set, key);
    if (filled == nullptr) {
      ++piece.misfits;
      piece.problem = StrCat("the property \"", key, "\" is missing");
    } else {
      Append(piece, {.key = key, .piece = filled}, changed);
    }
  }
}

const Piece* Bender::Object(const NodeSet& set, json::View value) {
  Piece& piece = Make();
  piece.form = json::Kind::kObject;
  piece.parts.reserve(value.size());
  const Renaming renaming = Renamings(set, value);
  bool changed = false;
  for (const json::Member member : value.members()) Member(set, member, renaming, piece, changed);
  FillMissing(set, piece, changed);
  const std::size_t size = piece.parts.size();
  const bool counted = std::ranges::all_of(set.objects, [&](const ObjectRules* rules) {
    return size >= rules->min_properties && size <= rules->max_properties;
  });
  if (!counted) ++piece.misfits;
  if (!changed) {
    piece.form = json::Kind::kAbsent;
    piece.value = value;
    piece.parts.clear();
  }
  return Checked(set, piece);
}

void Bender::Around(const NodeSet& set, json::View value, Mode mode, Ways& ways) {
  if (mode == kWrappedOnce || !set.values.empty() || value.IsNull()) return;
  const auto wrap = [&](json::Kind form, const Piece::Part& part, ChangeKind kind,
                        std::string text) {
    if (part.piece->misfits != 0) return;
    Piece& piece = Make();
    piece.form = form;
    AddNote(piece, kind, std::move(text));
    bool changed = true;
    Append(piece, part, changed);
    ways.push_back(Checked(set, piece));
  };
  const bool counted = std::ranges::all_of(set.arrays, [](const ArrayRules* rules) {
    return rules->min_items <= 1 && rules->max_items >= 1;
  });
  if ((set.types & kArray) != 0 && counted) {
    const Piece* const item = Bend(sets_.OfItem(set, 0), value, kWrappedOnce);
    wrap(json::Kind::kArray, {.piece = item}, ChangeKind::kListFromSingle,
         StrCat(Show(value), " became a list of one item"));
  }
  const std::vector<std::string_view> keys = KeysOf(set);
  if ((set.types & kObject) == 0 || keys.size() != 1) return;
  // A text with a document in it is a reply that went wrong, not the value of a property.
  if (value.StringOr("").find_first_of("{[") != std::string_view::npos) return;
  const Piece* const member = Bend(sets_.OfProperty(set, keys.front()), value, kWrappedOnce);
  wrap(json::Kind::kObject, {.key = keys.front(), .piece = member}, ChangeKind::kWrapped,
       StrCat(Show(value), " became the value of \"", keys.front(), "\", the only property"));
}

void Bender::Inside(const NodeSet& set, json::View value, Ways& ways) {
  if (value.size() != 1) return;
  if (value.IsArray()) {
    if ((set.types & kArray) != 0 && set.values.empty()) return;
    ways.push_back(Noted(Bend(set, value[0], kFresh), ChangeKind::kSingleFromList,
                         "a list of one item became that item"));
    return;
  }
  const json::Member member = value.members()[0];
  const bool may_be_object = (set.types & kObject) != 0 && set.values.empty();
  if (may_be_object && (!member.value.IsObject() || sets_.Knows(set, member.key))) return;
  ways.push_back(Noted(Bend(set, member.value, kFresh), ChangeKind::kUnwrapped,
                       StrCat("the value of \"", member.key, "\" took the place of its object")));
}

}  // namespace weir::schema
