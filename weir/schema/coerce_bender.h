#pragma once

// The search behind Coerce(): every way to make one value obey one set of schemas, and the
// cheapest of them. Results are remembered, so that a union in a recursive schema costs one visit
// for each value and branch.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "weir/schema/coerce.h"
#include "weir/schema/coerce_sets.h"
#include "weir/schema/validate.h"

namespace weir::schema {

// What became of a value: a tree, because the same part can stand in several tries.
struct Piece {
  struct Part {
    std::string_view key;          // of an object's member
    const Piece* piece = nullptr;  // null: the value as it is
    json::View value;
  };
  struct Note {
    ChangeKind kind;
    std::string text;
  };

  json::Kind form = json::Kind::kAbsent;  // kObject or kArray: see `parts`; else see `value`
  json::View value;
  std::vector<Part> parts;
  std::vector<Note> notes;
  std::int64_t penalty = 0;  // of the notes here and below
  std::size_t misfits = 0;   // how badly it still breaks the schema
  std::string problem;       // what is wrong here, where that is known; empty if nothing
  bool ambiguous = false;    // it is that two ways are equally good
};

class Bender {
 public:
  Bender(const Compiled& compiled, const CoerceOptions& options)
      : compiled_(compiled), options_(options), sets_(compiled), evaluator_(compiled) {}

  const Piece& Root(json::View value) { return *Bend(sets_.Of({compiled_.root}), value, kFresh); }

  json::Value ValueOf(const Piece& piece);

  // The option that stopped the search; empty when nothing did.
  std::string_view limit() const;

 private:
  // What may still be done to a value: it is wrapped only once.
  enum Mode : std::uint8_t { kFresh, kWrappedOnce };
  using Ways = std::vector<const Piece*>;
  using Choices = std::vector<json::View>;

  const Piece* Bend(const NodeSet& set, json::View value, Mode mode);
  const Piece* Compute(const NodeSet& set, json::View value, Mode mode);
  const Piece* ByUnion(const NodeSet& set, json::View value, Mode mode);
  void InPlace(const NodeSet& set, json::View value, Ways& ways);
  bool Spend(std::size_t amount);

  // The cheapest way that fits; if two that differ cost the same, a misfit that says so; if none
  // fits, the nearest.
  const Piece* Cheapest(const Ways& ways, json::View value);
  bool SameResult(const Piece& a, const Piece& b);

  // Pieces. `Same` is the value as it is; `Noted` is a piece with one change more.
  Piece& Make() { return pieces_.emplace_back(); }
  const Piece* Same(json::View value, std::size_t misfits = 0);
  const Piece* Misfit(const NodeSet& set, json::View value);
  const Piece* Ambiguous(json::View value, std::string text);
  static void AddNote(Piece& piece, ChangeKind kind, std::string text);
  const Piece* Noted(const Piece* piece, ChangeKind kind, std::string text);
  const Piece* Checked(const NodeSet& set, Piece& piece);
  bool AcceptsAll(const NodeSet& set, json::View value);

  // Scalars (coerce_scalar.cc). Each adds ways that fit.
  void FromText(const NodeSet& set, json::View value, Ways& ways);
  void NumberOf(const NodeSet& set, json::View value, Ways& ways);
  void TextOf(const NodeSet& set, json::View value, Mode mode, Ways& ways);
  void DocumentIn(const NodeSet& set, json::View value, Ways& ways);
  const Piece* Convert(const NodeSet& set, json::View from, json::Value to, ChangeKind kind);
  void Add(Ways& ways, const Piece* piece) {
    if (piece != nullptr) ways.push_back(piece);
  }

  // Enumerations (coerce_choice.cc).
  const Piece* Choose(const NodeSet& set, json::View value);
  std::vector<std::string> AliasesOf(const NodeSet& set) const;

  // Arrays, objects and wrappers (coerce_container.cc).
  const Piece* Array(const NodeSet& set, json::View value);
  const Piece* Object(const NodeSet& set, json::View value);
  void Around(const NodeSet& set, json::View value, Mode mode, Ways& ways);
  void Inside(const NodeSet& set, json::View value, Ways& ways);
  Piece::Part PartOf(const NodeSet& set, std::string_view key, json::View value);
  static void Append(Piece& piece, Piece::Part part, bool& changed);

  // Keys.
  struct Renaming;
  Renaming Renamings(const NodeSet& set, json::View value);
  bool Requires(const NodeSet& set, std::string_view key) const;
  std::vector<std::string_view> KeysOf(const NodeSet& set) const;
  std::vector<std::string> NamesOf(const NodeSet& set, std::string_view key);
  json::View DefaultOf(const NodeSet& set, std::string_view key);
  const Piece* Fill(const NodeSet& set, std::string_view key);
  bool NamesNull(const NodeSet& set, std::size_t depth);
  void Member(const NodeSet& set, json::Member member, const Renaming& renaming, Piece& piece,
              bool& changed);
  void FillMissing(const NodeSet& set, Piece& piece, bool& changed);

  const Compiled& compiled_;
  const CoerceOptions& options_;
  NodeSets sets_;
  Evaluator evaluator_;
  std::deque<Piece> pieces_;
  std::deque<json::Value> kept_;  // what was made on the way, for as long as views show it
  std::map<std::tuple<const NodeSet*, const void*, Mode>, const Piece*> known_;
  std::map<const void*, json::View> documents_;  // read out of texts; absent: there is none
  std::size_t spent_ = 0;
  std::size_t depth_ = 0;
  bool out_of_candidates_ = false;
  bool too_deep_ = false;
};

// Which bits of a TypeMask a value has.
TypeMask TypeBitOf(json::View value);

// What tells two places of a document apart.
const void* IdentityOf(json::View value);

}  // namespace weir::schema
