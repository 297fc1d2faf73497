#pragma once

// Rehearsal: a script in use. It counts, per rule, the requests that fit it, which is the only
// state that an answer of the simulator can depend on.

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "weir/model/call.h"
#include "weir/sim/plan.h"
#include "weir/sim/script.h"

namespace weir::sim {

class Rehearsal {
 public:
  explicit Rehearsal(Script script);

  // The reply of the first rule that fits the request, which is counted by every rule that it
  // reached and whose other conditions it fits; null if there is none. Any thread.
  const ScriptedReply* Find(const model::Call& call, std::span<const Prompt> prompts);

 private:
  const Script script_;
  const std::unique_ptr<std::atomic<std::int64_t>[]> hits_;  // one per rule
};

// The text of the last message of the user; empty when there is none.
std::string LastUserText(const model::Call& call);

}  // namespace weir::sim
