#pragma once

// Verifier: holds an answer against the constraint that it was asked under. Servers promise to keep
// a constraint and do not always: old ones ignore it, and one in five answers of a real decoder
// broke its schema.

#include <memory>
#include <optional>
#include <string_view>

#include "weir/base/result.h"
#include "weir/json/lenient.h"
#include "weir/model/reply.h"
#include "weir/model/sampling.h"
#include "weir/schema/automaton.h"
#include "weir/schema/cache.h"

namespace weir::engine {

// Made once per call, before anything is sent; checking is thread-safe.
class Verifier {
 public:
  // Fails with kInvalidSchema, kInvalidPattern or kInvalidGrammar when the constraint is none: no
  // server could keep it. Servers read dialects that weir does not; what looks like one passes.
  static Result<Verifier> Make(const model::Constraint& constraint, schema::Cache& schemas);
  Verifier(Verifier&&) noexcept;
  Verifier& operator=(Verifier&&) noexcept;
  ~Verifier();

  // `text` is one whole answer. Fails with kInvalidJson, kSchemaMismatch (the message says where
  // and what was expected, so that a model can mend it) or kConstraintViolated.
  Result<void> Check(std::string_view text) const;

  // The same, after mending what the options allow. Gives the answer as it then is.
  struct Answer {
    std::string text;
    json::Value value;                 // null unless the constraint is one of JSON
    std::vector<std::string> repairs;  // none: `text` is what came
  };
  struct Mending {
    json::Strictness strictness = json::Strictness::kMend;
    bool coerce = true;
  };
  Result<Answer> Mend(std::string_view text, const Mending& mending) const;

  // At the start of an answer to a regex or a grammar, to watch one that is still being written.
  std::optional<schema::Matcher> Watch() const;
  // What an answer is told whose first `good` bytes could still have become one.
  Error BrokenAt(std::size_t good) const;

  // What Check() does not look at, and why: an expression with lookaround, a structural tag.
  const std::optional<model::Degradation>& unchecked() const;
  // Whether the constraint is left unchecked because weir cannot even read it: it looks like a
  // dialect of the server's own, and may be a mistake.
  bool doubtful() const;

 private:
  struct State;
  explicit Verifier(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace weir::engine
