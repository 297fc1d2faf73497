#pragma once

// What is going on at one moment: the figures that `weir top` shows.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/writer.h"

namespace weir::events {

using Moment = std::chrono::milliseconds;  // since 1970, UTC

// In the order in which they are shown.
enum class AgentState : std::uint8_t {
  kBusy,    // a request or a tool is under way
  kIdle,    // it waits for its turn
  kStale,   // it has not ended, and nothing was heard of it for long
  kFailed,  // it has ended with an error
  kDone,
};
std::string_view Name(AgentState state);

struct AgentActivity {
  std::string key;  // unique, also among runs
  std::string id;   // NODE/ROW
  std::string run;
  std::string engine;
  AgentState state = AgentState::kBusy;
  std::int64_t turn = 0;
  std::int64_t max_turns = 0;  // 0: not known
  std::int64_t in_flight = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t tool_calls = 0;
  Moment age{};            // since its last event
  std::string last_event;  // in words
};

// What a server tells of itself.
struct ServerFigures {
  std::optional<double> running;
  std::optional<double> waiting;
  std::optional<double> kv_use;    // 0 to 1
  std::optional<double> hit_rate;  // of the prefix cache, 0 to 1
};

struct EngineActivity {
  std::string name;
  std::string server;     // starting, ready, stopped; empty: nothing was told of it
  std::int64_t port = 0;  // of a server that weir started; 0: none is known
  std::int64_t in_flight = 0;
  std::int64_t stale = 0;  // requests, which do not count as in flight
  std::int64_t requests = 0;
  std::int64_t errors = 0;
  double requests_per_second = 0;
  double tokens_per_second = 0;      // of answers
  std::optional<double> p50_millis;  // of the last answers
  std::optional<ServerFigures> figures;
};

struct RecentEvent {
  Moment time{};
  std::string agent;  // its key; empty: it happened in none
  std::string text;   // in words
  bool bad = false;
};

// An answer that is coming.
struct StreamActivity {
  Moment time{};      // of its last piece
  std::string agent;  // the key of the agent; empty: none
  std::string who;    // its id, or the engine
  std::string request_id;
  std::string text;  // its end
  bool stale = false;
};

struct ActivityState {
  Moment now{};
  std::int64_t agents_known = 0;
  std::int64_t agents_busy = 0;
  std::int64_t agents_stale = 0;
  std::int64_t agents_failed = 0;
  std::int64_t in_flight = 0;
  std::int64_t stale = 0;  // requests
  std::int64_t requests = 0;
  std::int64_t errors = 0;  // of requests
  std::int64_t retries = 0;
  std::int64_t steps = 0;  // rows that a node of a flow is done with, or has failed at
  std::int64_t steps_failed = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  double requests_per_second = 0;
  double prompt_per_second = 0;
  double completion_per_second = 0;
  std::vector<EngineActivity> engines;  // by name
  std::vector<AgentActivity> agents;    // by state; then the first begun, or the last ended, first
  std::vector<StreamActivity> streams;  // the newest last, as are the events
  std::vector<RecentEvent> recent;
};

// One object, as docs/events.md describes it.
void WriteActivity(json::Writer& out, const ActivityState& state);

}  // namespace weir::events
