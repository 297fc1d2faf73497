#pragma once

// Behaviour by decoration: each of these is an Engine that owns the next one, in the order of
// client/wiring.cc (ARCHITECTURE.md has it, with the decorators that have headers of their own).
// What they do is told by events through the context of the call.

#include <memory>
#include <string>
#include <vector>

#include "weir/async/semaphore.h"
#include "weir/engine/policy/breaker.h"
#include "weir/engine/policy/retry_rule.h"
#include "weir/json/lenient.h"
#include "weir/model/engine.h"

namespace weir::engine {

struct VerifyOptions {
  int max_attempts = 2;  // answers that are asked for, the first one included
  // How much of an answer may be mended before it is held against its constraint.
  json::Strictness strictness = json::Strictness::kMend;
  bool coerce = true;                 // bend a value to its schema, as docs/schema-coerce.md says
  std::size_t max_blank_bytes = 256;  // white space in a row that ends a constrained stream
  // An answer that was cut at its token limit is asked for again with that many times as many.
  double longer_by = 2.0;
  std::optional<std::int64_t> default_max_tokens;  // the engine's, for calls that set no limit
  bool constraint_sent = true;  // false: the server never saw it, and is not to blame

  Result<void> Validate() const;
};

// Holds every reply against its constraint, its tools and its end, mends what may be mended, and
// asks again with the reason. Its budget is its own: every asking passes through what is below.
// Events: "verify:repair", "verify:retry", "verify:ignored" (once per engine that ignores
// constraints).
std::unique_ptr<model::Engine> NewVerifyEngine(std::shared_ptr<model::Engine> next,
                                               VerifyOptions options);

// One engine that a fallback may choose.
struct Route {
  std::string name;
  std::shared_ptr<model::Engine> engine;
  std::shared_ptr<Breaker> breaker;  // null: always tried
  std::string model;                 // its own; empty: the server's
  std::vector<std::string> names;    // models beside it that it may be asked for: adapters
};

// Tries the routes in order, skipping those whose breaker is open (all of them open: the first is
// tried all the same). Another one is tried only for errors that are about the engine, and never
// after the first delivered token. Events: "engine:fallback", "health.fail" and "health.ok" when a
// breaker opens or closes; a reply from another than the first route has a degradation. A model
// that the call names and another than the first route does not have (its server is asked, at most
// once in ten minutes for each name) gives way to that route's own, with a degradation.
std::unique_ptr<model::Engine> NewFallbackEngine(std::vector<Route> routes);

// Repeats failed calls by the rule. A stream is repeated only until its first piece with content:
// it is handed on with that piece already fetched, so that a later retry is impossible by
// construction. `breaker` hears of every attempt, and once it is open nothing is repeated; it may
// be null. Events: "provider:retry" {retry, max_retries, delay_ms, error, message}; "health.fail"
// and "health.ok" of `engine`, its name, when the breaker opens and closes.
std::unique_ptr<model::Engine> NewRetryEngine(std::unique_ptr<model::Engine> next, RetryRule rule,
                                              Random random,
                                              std::shared_ptr<Breaker> breaker = nullptr,
                                              std::string engine = {});

// Fills what a call leaves open with the engine's own defaults.
struct CallDefaults {
  model::Sampling sampling;
  std::optional<std::int64_t> context_window;
  model::ConfidenceRule confidence;  // for calls that have none of their own

  bool empty() const;
  model::Call Fill(model::Call call) const;
};
std::unique_ptr<model::Engine> NewDefaultsEngine(std::unique_ptr<model::Engine> next,
                                                 CallDefaults defaults);

struct LimitOptions {
  std::size_t max_in_flight = 64;   // calls (streams until their end) at once, over all threads
  std::size_t max_waiting = 65536;  // calls that may wait for a place
};

// Holds at most that many calls in flight; the others wait in order. `shared` are places that
// several engines have together, of which a call takes one after its engine's; it may be null.
std::unique_ptr<model::Engine> NewLimitEngine(std::unique_ptr<model::Engine> next,
                                              LimitOptions options,
                                              std::shared_ptr<async::Semaphore> shared = nullptr);

// How much of requests and replies goes into events.
enum class DebugLevel : std::uint8_t {
  kOff,      // "llm:request" and "llm:response" with counts and times
  kSummary,  // and "llm:request:debug", "llm:response:debug": the call and the reply, cut
  kRaw,      // and "llm:request:raw", "llm:response:raw" of wire_log.h, by the HTTP engine
};

struct RecordOptions {
  std::string engine;    // its name
  std::string provider;  // its kind
  std::string model;     // of calls that name none
  DebugLevel debug = DebugLevel::kOff;
  std::size_t truncate = 180;  // texts in debug events are cut at that many characters
  bool deltas = false;         // "llm:stream_block_start/delta/end" too
};

// Tells of every request and of its end, in the words of docs/events.md.
std::unique_ptr<model::Engine> NewRecordEngine(std::unique_ptr<model::Engine> next,
                                               RecordOptions options);

}  // namespace weir::engine
