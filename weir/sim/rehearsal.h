#pragma once

// Rehearsal: a script in use. It counts, per rule, the requests that fit it, which is the only
// state that an answer of the simulator can depend on. Thread-safe; the script may be exchanged
// while requests run.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "weir/http/headers.h"
#include "weir/model/call.h"
#include "weir/sim/prompt.h"
#include "weir/sim/script.h"

namespace weir::sim {

// A request as the conditions of a rule see it.
struct Cue {
  const model::Call& call;
  std::span<const Prompt> prompts;
  const http::Headers* headers = nullptr;  // null: it came in process
  bool stream = false;
  std::string_view path = {};  // of the URL, or of the API where it came in process
  bool beside = false;         // not for generation: only rules that name the path are for it
  bool calls_dropped = false;  // a whole reply loses its calls, and never ends because of them
  bool compact_json = false;   // the constraint's JSON has no white space
};

class Rehearsal {
 public:
  Rehearsal(Script script, std::uint64_t seed);
  ~Rehearsal();

  // The reply of the first rule that fits the request, which is counted by every rule that it
  // reached and whose other conditions it fits; null if there is none.
  std::shared_ptr<const ScriptedReply> Find(const Cue& cue);

  // From now on this script, with counts at zero.
  void Replace(Script script);
  void ResetCounts();
  std::size_t rules() const;
  // [{"name":..., "matched":n, "applied":n}, ...]: how often each rule was met.
  std::string CountsJson() const;

 private:
  struct Running;
  std::shared_ptr<Running> Current() const;

  mutable std::mutex mutex_;  // guards the pointer only
  std::shared_ptr<Running> running_;
  const std::uint64_t seed_;
};

}  // namespace weir::sim
