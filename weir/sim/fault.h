#pragma once

// What the faults of a script do to the bytes of one reply. Nothing is sent and nothing waits here:
// whoever sends asks where to stop, and sends what comes back.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/http/server.h"
#include "weir/sim/script.h"

namespace weir::sim {

// The first fault of this kind; null if there is none.
const Fault* FindFault(std::span<const Fault> faults, Fault::Kind kind);

// How a whole reply goes out.
struct WholeTamper {
  std::size_t length = 0;         // what its Content-Length says
  const Fault* ending = nullptr;  // breaks it off behind the body; null: nothing does
  const Fault* drip = nullptr;    // it comes byte by byte; null: at once

  bool plain() const { return ending == nullptr && drip == nullptr; }
};

// The faults of one reply, in the order of its token steps. Events are as the codecs of `wire`
// write them: blocks of an "event:" and a "data:" line with an empty line behind them, or lines of
// JSON.
//
// A fault inside an event happens once, at its step or at the first later one that has an event. A
// fault that ends the stream does so even when the answer is shorter than `after`.
class EventTamper {
 public:
  // The end of the answer, behind its last step.
  static constexpr std::size_t kEnd = static_cast<std::size_t>(-1);

  // `faults` must outlive it.
  explicit EventTamper(std::span<const Fault> faults);

  // Whether there is anything to do for the bytes of the reply.
  bool active() const { return active_; }

  // What ends the stream before token step `step`, or before its tail (kEnd): stall, reset, close,
  // truncated_chunk, error_event or no_finish; null if nothing does. no_finish without an `after`
  // ends nothing: all tokens come, only the finish is missing.
  const Fault* EndsBefore(std::size_t step) const;
  // The same for a reply that comes whole: truncated_chunk and no_finish belong to TamperWhole.
  const Fault* EndsWholeBefore(std::size_t step) const;

  // Changes the events of this step before they are sent.
  void Tamper(std::size_t step, std::string& events);
  // Changes what follows the last step: usage and [DONE].
  void TamperEnd(std::string& tail) const;
  // Changes the JSON of a whole reply. Of a truncated one, half of the body remains.
  WholeTamper TamperWhole(std::string& body) const;

  // The fault by which bytes come one by one, from its `after` on; null if they do not.
  const Fault* drip() const { return Find(Fault::Kind::kSlowDrip); }

 private:
  const Fault* Find(Fault::Kind kind) const { return FindFault(faults_, kind); }
  bool Has(Fault::Kind kind) const { return Find(kind) != nullptr; }

  const std::span<const Fault> faults_;
  std::vector<bool> happened_;  // those inside events; as many as there are faults
  bool active_ = false;
};

// How the connection is broken off by this fault; nullopt if it is not.
std::optional<http::BreakOff> BreakOffOf(const Fault& fault);

}  // namespace weir::sim
