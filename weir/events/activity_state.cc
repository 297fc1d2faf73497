#include "weir/events/activity_state.h"

#include <utility>

#include "weir/base/clock.h"

namespace weir::events {
namespace {

void Write(json::Writer& out, std::string_view key, std::int64_t value) {
  out.Key(key);
  out.Int(value);
}

void Write(json::Writer& out, std::string_view key, double value) {
  out.Key(key);
  out.Double(value);
}

void Write(json::Writer& out, std::string_view key, const std::optional<double>& value) {
  if (value) Write(out, key, *value);
}

// Fields that say nothing are left out.
void Write(json::Writer& out, std::string_view key, const std::string& text) {
  if (!text.empty()) out.Field(key, text);
}

void WriteTime(json::Writer& out, Moment time) {
  out.Field("ts", FormatWallTime(std::chrono::nanoseconds(time).count()));
}

void WriteThroughput(json::Writer& out, const ActivityState& state) {
  Write(out, "agents", state.agents_known);
  Write(out, "agents_busy", state.agents_busy);
  Write(out, "agents_stale", state.agents_stale);
  Write(out, "agents_failed", state.agents_failed);
  Write(out, "in_flight", state.in_flight);
  Write(out, "stale", state.stale);
  Write(out, "requests", state.requests);
  Write(out, "errors", state.errors);
  Write(out, "retries", state.retries);
  Write(out, "steps", state.steps);
  Write(out, "steps_failed", state.steps_failed);
  Write(out, "prompt_tokens", state.prompt_tokens);
  Write(out, "completion_tokens", state.completion_tokens);
  Write(out, "requests_per_second", state.requests_per_second);
  Write(out, "prompt_tokens_per_second", state.prompt_per_second);
  Write(out, "completion_tokens_per_second", state.completion_per_second);
}

void WriteEngine(json::Writer& out, const EngineActivity& engine) {
  out.Field("engine", engine.name);
  Write(out, "server", engine.server);
  Write(out, "in_flight", engine.in_flight);
  Write(out, "stale", engine.stale);
  Write(out, "requests", engine.requests);
  Write(out, "errors", engine.errors);
  Write(out, "requests_per_second", engine.requests_per_second);
  Write(out, "tokens_per_second", engine.tokens_per_second);
  Write(out, "p50_ms", engine.p50_millis);
  if (!engine.figures) return;
  Write(out, "running", engine.figures->running);
  Write(out, "waiting", engine.figures->waiting);
  Write(out, "kv_use", engine.figures->kv_use);
  Write(out, "hit_rate", engine.figures->hit_rate);
}

void WriteAgent(json::Writer& out, const AgentActivity& agent) {
  out.Field("agent", agent.id);
  Write(out, "run", agent.run);
  Write(out, "engine", agent.engine);
  out.Field("state", Name(agent.state));
  Write(out, "turn", agent.turn);
  if (agent.max_turns > 0) Write(out, "max_turns", agent.max_turns);
  Write(out, "in_flight", agent.in_flight);
  Write(out, "tool_calls", agent.tool_calls);
  Write(out, "prompt_tokens", agent.prompt_tokens);
  Write(out, "completion_tokens", agent.completion_tokens);
  Write(out, "age_ms", std::int64_t{agent.age.count()});
  Write(out, "last_event", agent.last_event);
}

void WriteStream(json::Writer& out, const StreamActivity& stream) {
  WriteTime(out, stream.time);
  Write(out, "who", stream.who);
  Write(out, "request_id", stream.request_id);
  out.Key("stale");
  out.Bool(stream.stale);
  out.Field("text", stream.text);
}

void WriteRecent(json::Writer& out, const RecentEvent& event) {
  WriteTime(out, event.time);
  out.Field("text", event.text);
}

template <class Item>
void WriteAll(json::Writer& out, std::string_view key, const std::vector<Item>& items,
              void (*write)(json::Writer&, const Item&)) {
  out.Key(key);
  out.BeginArray();
  for (const Item& item : items) {
    out.BeginObject();
    write(out, item);
    out.EndObject();
  }
  out.EndArray();
}

}  // namespace

std::string_view Name(AgentState state) {
  switch (state) {
    case AgentState::kBusy:
      return "busy";
    case AgentState::kIdle:
      return "idle";
    case AgentState::kStale:
      return "stale";
    case AgentState::kFailed:
      return "failed";
    case AgentState::kDone:
      return "done";
  }
  std::unreachable();
}

void WriteActivity(json::Writer& out, const ActivityState& state) {
  out.BeginObject();
  WriteTime(out, state.now);
  out.Key("throughput");
  out.BeginObject();
  WriteThroughput(out, state);
  out.EndObject();
  WriteAll(out, "engines", state.engines, WriteEngine);
  WriteAll(out, "agents", state.agents, WriteAgent);
  WriteAll(out, "streams", state.streams, WriteStream);
  WriteAll(out, "recent", state.recent, WriteRecent);
  out.EndObject();
}

}  // namespace weir::events
