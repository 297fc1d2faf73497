#include "weir/schema/coerce.h"

#include <array>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/pointer.h"
#include "weir/schema/coerce_bender.h"

namespace weir::schema {
namespace {

struct KindInfo {
  std::string_view name;
  int penalty;
};

constexpr std::array<KindInfo, kChangeKinds> kKinds = {{
    {"text_trimmed", 1},        {"text_unquoted", 3},
    {"number_from_text", 1},    {"number_from_grouped", 2},
    {"bool_from_text", 1},      {"bool_from_prose", 3},
    {"null_from_text", 1},      {"text_from_scalar", 2},
    {"text_from_document", 5},  {"document_from_text", 1},
    {"document_from_prose", 3}, {"choice_by_case", 1},
    {"choice_by_fold", 2},      {"choice_by_alias", 2},
    {"choice_by_scalar", 1},    {"choice_in_prose", 4},
    {"list_from_single", 2},    {"single_from_list", 2},
    {"unwrapped", 2},           {"wrapped", 4},
    {"key_renamed", 1},         {"extra_dropped", 3},
    {"null_dropped", 1},        {"default_filled", 100},
    {"null_filled", 100},
}};

std::string_view PlaceOf(const std::string& path) {
  return path.empty() ? std::string_view("the top level") : std::string_view(path);
}

// Walks the tree of what became of the value, with the path of the place.
class Collector {
 public:
  explicit Collector(std::size_t max_changes) : max_changes_(max_changes) {}

  void Collect(const Piece& piece) {
    if (!piece.problem.empty() && (problem_.empty() || (piece.ambiguous && !ambiguous_))) {
      problem_ = StrCat("at ", PlaceOf(path_), ": ", piece.problem);
      ambiguous_ = piece.ambiguous;
    }
    for (const Piece::Note& note : piece.notes) {
      if (changes_.size() >= max_changes_) {
        overflow_ = true;
        return;
      }
      changes_.push_back({.kind = note.kind,
                          .path = path_,
                          .note = note.text,
                          .penalty = ChangePenalty(note.kind)});
    }
    const std::size_t size = path_.size();
    for (std::size_t i = 0; i < piece.parts.size(); ++i) {
      const Piece::Part& part = piece.parts[i];
      if (part.piece == nullptr) continue;
      if (piece.form == json::Kind::kObject) {
        json::AppendToken(path_, part.key);
      } else {
        json::AppendToken(path_, i);
      }
      Collect(*part.piece);
      path_.resize(size);
    }
  }

  std::vector<Change>& changes() { return changes_; }
  // The first thing that is known to be wrong; rather one that is ambiguous than another.
  const std::string& problem() const { return problem_; }
  bool ambiguous() const { return ambiguous_; }
  bool overflow() const { return overflow_; }

 private:
  const std::size_t max_changes_;
  std::vector<Change> changes_;
  std::string path_;
  std::string problem_;
  bool ambiguous_ = false;
  bool overflow_ = false;
};

// The first violation of the best try. Of a union the search knows better which branch was nearest.
Result<void> Explain(const Schema& schema, json::View best, const Collector& collector) {
  if (collector.ambiguous()) return Fail(Code::kSchemaMismatch, collector.problem());
  const std::vector<Violation> found = schema.Check(best, {.max_violations = 1});
  if (found.empty()) return {};
  const std::string& keyword = found.front().keyword;
  const bool branches = keyword == "anyOf" || keyword == "oneOf";
  if (!branches || collector.problem().empty()) {
    return Fail(Code::kSchemaMismatch, found.front().message);
  }
  return Fail(Code::kSchemaMismatch, collector.problem());
}

std::unexpected<Error> Limit(std::string_view option) {
  return Fail(Code::kSchemaMismatch,
              StrCat("the value does not obey the schema, and bending it takes more than ", option,
                     " allows; raise it or ask the model again"));
}

}  // namespace

std::string_view ChangeName(ChangeKind kind) { return kKinds[static_cast<std::size_t>(kind)].name; }

int ChangePenalty(ChangeKind kind) { return kKinds[static_cast<std::size_t>(kind)].penalty; }

Result<Coerced> Coerce(const Schema& schema, json::View value, const CoerceOptions& options) {
  if (!value.exists()) return Fail(Code::kSchemaMismatch, "there is no value to bend");
  Coerced coerced;
  if (schema.Accepts(value)) {
    coerced.value = json::Value::CopyOf(value);
    return coerced;
  }
  Bender bender(schema.compiled(), options);
  const Piece& piece = bender.Root(value);
  if (!bender.limit().empty()) return Limit(bender.limit());
  Collector collector(options.max_changes);
  collector.Collect(piece);
  coerced.value = bender.ValueOf(piece);
  WEIR_CHECK(Explain(schema, coerced.value, collector));
  if (collector.overflow()) return Limit("max_changes");
  if (piece.penalty > options.max_penalty) {
    return Fail(Code::kSchemaMismatch,
                StrCat("the value obeys the schema only after changes with a penalty of ",
                       piece.penalty, ", and max_penalty allows ", options.max_penalty,
                       "; the first violation is ", schema.Validate(value).error().message));
  }
  coerced.changes = std::move(collector.changes());
  coerced.penalty = static_cast<int>(piece.penalty);
  return coerced;
}

}  // namespace weir::schema
