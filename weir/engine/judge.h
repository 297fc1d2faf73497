#pragma once

// The judge of one call: is its reply what was asked for? Its texts are held against the
// constraint, its tool calls against the schemas of their tools.

#include <optional>
#include <string>
#include <vector>

#include "weir/engine/decorators.h"
#include "weir/engine/verifier.h"
#include "weir/model/call.h"
#include "weir/model/reply.h"
#include "weir/schema/cache.h"
#include "weir/schema/schema.h"

namespace weir::engine {

// What is wrong with a reply, and in which of its choices.
struct Breach {
  Error error;
  std::size_t choice = 0;  // its place in the reply
};

class Judge {
 public:
  // Fails when the constraint is none, as Verifier does. `schemas` keeps what is compiled.
  static Result<Judge> Make(const model::Call& call, const VerifyOptions& options,
                            schema::Cache& schemas);

  // Mends the reply where it may, and says what is wrong with it otherwise: kTruncated,
  // kContentFilter, kEmptyModelResponse, kInvalidJson, kSchemaMismatch, kConstraintViolated.
  std::optional<Breach> Mend(model::Reply& reply) const;

  // Mends the calls of a choice whose words were handed over already. All of them or none: what
  // cannot be mended stays as it came, for Check() to judge.
  void MendCalls(model::Choice& choice, std::vector<std::string>& repairs) const;

  // What Mend() says of a reply that was handed over already: nothing can be mended any more.
  Result<void> Check(const model::Reply& reply) const;

  // What the words of every answer are held to; null: nothing, or a call may stand in their place.
  const Verifier* of_words() const { return verifier_ && names_.empty() ? &*verifier_ : nullptr; }

  // What is not looked at, and why.
  const std::optional<model::Degradation>& unchecked() const { return unchecked_; }

 private:
  struct Tool {
    std::string name;
    schema::Schema arguments;
    bool as_said = false;
  };

  Judge() = default;
  Result<void> MendChoice(model::Choice& choice, std::vector<std::string>& repairs) const;
  Result<void> MendToolCall(model::ToolCall& call, std::vector<std::string>& repairs) const;
  Result<void> CheckToolCall(const model::ToolCall& call) const;
  Result<void> CheckKnown(const model::ToolCall& call) const;
  Result<void> CheckForced(const model::Choice& choice) const;
  Result<void> CheckText(std::string_view text) const;
  Result<void> CheckCut(const model::Choice& choice) const;
  Result<void> CheckEnd(const model::Choice& choice) const;

  VerifyOptions options_;
  std::optional<Verifier> verifier_;
  std::vector<Tool> tools_;         // those whose arguments can be checked
  std::vector<std::string> names_;  // of all tools
  bool must_call_ = false;          // a tool
  std::optional<model::Degradation> unchecked_;
};

}  // namespace weir::engine
