#pragma once

// The shared beginning of prompts, which servers keep in their prefix cache: what it is, a warning
// when it changes, and a request that fills the cache before the work begins. A cache knows a
// prompt again by its bytes only, up to the first that differs.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/model/engine.h"

namespace weir::engine {

// What comes first in every prompt: the system and developer messages at the front and the tools,
// in the order in which they are given, with what else the chat template makes of them. Two calls
// share a cache when all of it is equal. The tool choice is no part of it, although models that are
// told of their tools in words are told of it too, behind the tools; with one tool named, a guided
// call tells of that tool alone.
struct Prefix {
  std::string model;            // the adapter, or else the model; empty: the engine's own
  std::uint64_t system = 0;     // digests: of the messages at the front
  std::uint64_t tools = 0;      // ... of the tools in their order
  std::uint64_t tool_set = 0;   // ... of the tools in any order
  std::uint64_t rendering = 0;  // ... of the template, its switches, documents and the salt
  std::string digest;           // of everything above but the set; 32 hexadecimal digits
  bool empty = true;            // there are neither such messages nor tools

  friend bool operator==(const Prefix& a, const Prefix& b) { return a.digest == b.digest; }
};

// A completions call has no parts that could be told apart: its prefix is empty.
Prefix PrefixOf(const model::Call& call);

struct PrefixOptions {
  std::string engine;  // its name, for events
  // Of the work that all calls belong to, such as a node of a flow. Empty: calls of one session_id
  // belong together, and those without one that go to the same model.
  std::string name;
  std::size_t max_names = 4096;   // sessions that are remembered; more are forgotten together
  std::size_t max_prefixes = 64;  // of one name; nothing is told of further ones
};

// Watches the prefixes and changes nothing: tools are sent in the order of the caller, because
// their order may matter to the model, and another order is told like any change.
// Event: "prefix.changed", once for each prefix that calls of one name come with after the first.
std::unique_ptr<model::Engine> NewPrefixEngine(std::unique_ptr<model::Engine> next,
                                               PrefixOptions options);

struct WarmedPrefix {
  Prefix prefix;
  Duration duration{};
  model::Usage usage;
  std::optional<Error> error;  // set: it is not warm
};

struct WarmUpReport {
  std::vector<WarmedPrefix> prefixes;  // each once, in the order of the calls
  std::size_t repeated = 0;            // calls whose prefix was already in the list
  std::size_t without = 0;             // calls that have no prefix to warm
  Duration total{};

  std::size_t warmed() const;  // without an error
};

// Sends one streamed request of one token for each distinct prefix of `calls`, one after the other,
// and goes on after one that fails. Fails only when the context ends. `engine` must outlive the
// task. The request has the tool choice of the first call with that prefix, so that the words of
// its system message are the same; a choice that a call without tools cannot have is refused as
// that call would be. Event: "prefix.warmed" for each request.
async::Task<Result<WarmUpReport>> WarmUp(async::Context ctx, model::Engine& engine,
                                         std::vector<model::Call> calls);

}  // namespace weir::engine
