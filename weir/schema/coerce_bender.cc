#include "weir/schema/coerce_bender.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/number.h"
#include "weir/json/writer.h"
#include "weir/schema/schema_words.h"

namespace weir::schema {
namespace {

void Build(json::Builder& builder, const Piece& piece) {
  if (piece.form == json::Kind::kAbsent) return builder.Copy(piece.value);
  const bool object = piece.form == json::Kind::kObject;
  object ? builder.BeginObject() : builder.BeginArray();
  for (const Piece::Part& part : piece.parts) {
    if (object) builder.Key(part.key);
    if (part.piece == nullptr) {
      builder.Copy(part.value);
    } else {
      Build(builder, *part.piece);
    }
  }
  object ? builder.EndObject() : builder.EndArray();
}

}  // namespace

TypeMask TypeBitOf(json::View value) {
  constexpr TypeMask kTypes[] = {0, kNull, kBoolean, kFraction, kString, kArray, kObject};
  if (value.IsNumber() && json::IsInteger(value.NumberText())) return kInteger;
  return kTypes[static_cast<std::size_t>(value.kind())];
}

const void* IdentityOf(json::View value) {
  static_assert(sizeof(json::View) == sizeof(const void*));
  return std::bit_cast<const void*>(value);
}

json::Value Bender::ValueOf(const Piece& piece) {
  json::Builder builder;
  Build(builder, piece);
  return std::move(builder).Finish();
}

std::string_view Bender::limit() const {
  if (out_of_candidates_) return "max_candidates";
  if (too_deep_) return "max_depth";
  return evaluator_.exhausted() ? "max_steps of the schema" : "";
}

bool Bender::Spend(std::size_t amount) {
  spent_ += amount;
  out_of_candidates_ |= spent_ > options_.max_candidates;
  return !out_of_candidates_;
}

const Piece* Bender::Same(json::View value, std::size_t misfits) {
  Piece& piece = Make();
  piece.value = value;
  piece.misfits = misfits;
  return &piece;
}

const Piece* Bender::Misfit(const NodeSet& set, json::View value) {
  Piece& piece = Make();
  piece.value = value;
  piece.misfits = 1;
  if ((set.types & TypeBitOf(value)) != 0) return &piece;
  piece.misfits = 2;
  if (set.types != 0 && set.values.empty()) {
    piece.problem = StrCat("expected ", ShowTypes(set.types), ", got ", Show(value));
  }
  return &piece;
}

const Piece* Bender::Ambiguous(json::View value, std::string text) {
  Piece& piece = Make();
  piece.value = value;
  piece.misfits = 1;
  piece.problem = std::move(text);
  piece.ambiguous = true;
  return &piece;
}

const Piece* Bender::Noted(const Piece* piece, ChangeKind kind, std::string text) {
  Piece& noted = Make();
  noted = *piece;
  noted.notes.insert(noted.notes.begin(), {.kind = kind, .text = std::move(text)});
  noted.penalty += ChangePenalty(kind);
  return &noted;
}

void Bender::AddNote(Piece& piece, ChangeKind kind, std::string text) {
  piece.notes.push_back({.kind = kind, .text = std::move(text)});
  piece.penalty += ChangePenalty(kind);
}

const Piece* Bender::Checked(const NodeSet& set, Piece& piece) {
  if (piece.misfits != 0 || !set.checked) return &piece;
  const bool as_it_is = piece.form == json::Kind::kAbsent;
  const json::Value rebuilt = as_it_is ? json::Value() : ValueOf(piece);
  if (!AcceptsAll(set, as_it_is ? piece.value : json::View(rebuilt))) piece.misfits = 1;
  return &piece;
}

bool Bender::AcceptsAll(const NodeSet& set, json::View value) {
  return std::ranges::all_of(set.nodes,
                             [&](NodeIndex node) { return evaluator_.Accepts(node, value); });
}

const Piece* Bender::Bend(const NodeSet& set, json::View value, Mode mode) {
  const auto key = std::tuple(&set, IdentityOf(value), mode);
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  if (depth_ >= options_.max_depth) {
    too_deep_ = true;
    return Same(value, 1);
  }
  if (evaluator_.exhausted() || !Spend(1)) return Same(value, 1);
  ++depth_;
  const Piece* const piece = Compute(set, value, mode);
  --depth_;
  known_.emplace(key, piece);
  return piece;
}

const Piece* Bender::Compute(const NodeSet& set, json::View value, Mode mode) {
  const bool container = value.IsArray() || value.IsObject();
  // A plain container is asked part by part instead.
  const bool whole = !container || set.checked || !set.unions.empty() || !set.values.empty();
  if (whole && AcceptsAll(set, value)) return Same(value);
  if (!set.unions.empty()) return ByUnion(set, value, mode);

  Ways ways;
  InPlace(set, value, ways);
  const bool in_place = !ways.empty();
  if (in_place && ways.front()->misfits == 0 && ways.front()->penalty == 0) return ways.front();
  if (!set.values.empty()) {
    Add(ways, Choose(set, value));
  } else if (value.IsString()) {
    FromText(set, value, ways);
  }
  const bool refused = (set.types & TypeBitOf(value)) == 0;
  if (value.IsString()) DocumentIn(set, value, ways);
  if (container) Inside(set, value, ways);
  if (refused) {
    TextOf(set, value, mode, ways);
    Around(set, value, mode, ways);
  }
  // A part of an object that is wrong says more than that the object is. Nothing of the value is of
  // use where even its type is wrong.
  if (!in_place) ways.push_back(Misfit(set, value));
  return Cheapest(ways, value);
}

void Bender::InPlace(const NodeSet& set, json::View value, Ways& ways) {
  if (!set.values.empty()) return;
  if (value.IsObject() && (set.types & kObject) != 0) ways.push_back(Object(set, value));
  if (value.IsArray() && (set.types & kArray) != 0) ways.push_back(Array(set, value));
}

const Piece* Bender::ByUnion(const NodeSet& set, json::View value, Mode mode) {
  const Union& choice = set.unions.front();
  Ways ways;
  for (const NodeIndex branch : *choice.branches) {
    const Piece* const piece = Bend(sets_.WithBranch(set, choice, branch), value, mode);
    ways.push_back(piece);
    if (out_of_candidates_) break;
  }
  return Cheapest(ways, value);
}

bool Bender::SameResult(const Piece& a, const Piece& b) {
  if (&a == &b) return true;
  if (!Spend(1 + a.parts.size())) return true;
  if (a.form == json::Kind::kAbsent && b.form == json::Kind::kAbsent) return a.value == b.value;
  return ValueOf(a) == ValueOf(b);
}

const Piece* Bender::Cheapest(const Ways& ways, json::View value) {
  const Piece* best = ways.front();
  for (const Piece* way : ways) {
    if (std::pair(way->misfits, way->penalty) < std::pair(best->misfits, best->penalty)) best = way;
  }
  if (best->misfits != 0 || best->penalty == 0) return best;
  for (const Piece* way : ways) {
    if (way->misfits != 0 || way->penalty != best->penalty || SameResult(*best, *way)) continue;
    return Ambiguous(
        value, StrCat(Show(value), " is ambiguous: it could become ",
                      Truncate(json::Write(ValueOf(*best)), 80), " or ",
                      Truncate(json::Write(ValueOf(*way)), 80), "; write exactly one of them"));
  }
  return best;
}

}  // namespace weir::schema
