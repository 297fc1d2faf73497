#pragma once

// Activity: event lines in, what is going on out. A machine without a clock: time is what the
// events say, and what the reader asks for.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "weir/events/activity_state.h"
#include "weir/events/rate_window.h"
#include "weir/json/value.h"

namespace weir::events {

struct ActivityOptions {
  Moment window = std::chrono::seconds(10);  // rates are over that time
  // Agents and requests of which nothing was heard for longer do not count as busy.
  Moment stale_after = std::chrono::seconds(60);
  // Beyond these the oldest are forgotten, those that have ended first.
  std::size_t max_agents = 2000;
  std::size_t max_requests = 10'000;
  std::size_t max_engines = 200;         // further ones count as "other"
  std::size_t max_recent = 500;          // events
  std::size_t max_text_bytes = 400;      // of the words of an event
  std::size_t max_stream_bytes = 1'000;  // of an answer that is coming: its end
  std::size_t max_latencies = 100;       // answers of an engine that its median is of
};

// Takes the lines of several processes, in about the order of their times. Fields that are missing
// or wrong are as good as absent.
class Activity {
 public:
  explicit Activity(ActivityOptions options = {});

  void Add(json::View event);
  // A line that is no event.
  void AddInvalid() { ++invalid_; }
  // What the server of an engine says of itself; nothing: it does not answer.
  void SetServer(std::string_view engine, const std::optional<ServerFigures>& figures);

  // As things stood at `now`, if nothing later was added.
  ActivityState At(Moment now) const;

  // Times of the first and the last event; unset when there was none with a time.
  std::optional<Moment> first() const { return first_; }
  std::optional<Moment> last() const { return last_; }
  std::int64_t invalid() const { return invalid_; }

 private:
  struct Request {
    std::string engine;
    std::string agent;  // its key
    std::string who;
    Moment last{};
    std::uint64_t order = 0;
    bool open = true;  // false: it was broken off, and only its response is due
    std::string text;
  };
  struct Agent {
    AgentActivity shown;  // state and age are made when somebody asks
    Moment last{};
    std::uint64_t order = 0;
    std::optional<bool> ended;  // well or not
    std::int64_t open_tools = 0;
    bool has_calls = false;  // events of its requests come, too
    std::int64_t call_prompt = 0;
    std::int64_t call_completion = 0;
  };
  struct Engine {
    EngineActivity shown;
    RateWindow rates;
    std::deque<double> latencies;
  };
  struct Seen {  // what every handler is given
    json::View event;
    Moment at{};
    Agent* agent = nullptr;
  };
  using Handler = void (Activity::*)(const Seen&);
  using Requests = std::map<std::string, Request, std::less<>>;
  using Agents = std::map<std::string, Agent, std::less<>>;

  static Handler HandlerOf(std::string_view name);
  Moment TimeOrLast(json::View event);
  Agent* FindAgent(json::View event, Moment at);
  Engine& EngineOf(std::string_view name);
  void Remember(std::string_view name, const Seen& seen);
  void PushRecent(RecentEvent event);
  void EndRequestsOf(const std::string& agent);
  void EndAgent(const Seen& seen, bool ok);
  void ForgetRequests();
  void ForgetAgents();
  static AgentState StateOf(const Agent& agent, Moment silence, Moment stale_after,
                            std::int64_t in_flight);
  void AddRequests(ActivityState& state, std::map<std::string_view, std::int64_t>& by_agent) const;
  void AddAgents(ActivityState& state,
                 const std::map<std::string_view, std::int64_t>& by_agent) const;

  void OnRequest(const Seen& seen);
  void OnResponse(const Seen& seen);
  void OnDelta(const Seen& seen);
  void OnAborted(const Seen& seen);
  void OnRetry(const Seen& seen);
  void OnNodeEnd(const Seen& seen);
  void OnServer(const Seen& seen);
  void OnAgentStart(const Seen& seen);
  void OnTurn(const Seen& seen);
  void OnToolCall(const Seen& seen);
  void OnToolResult(const Seen& seen);
  void OnAgentError(const Seen& seen);
  void OnAgentEnd(const Seen& seen);

  const ActivityOptions options_;
  std::optional<Moment> first_;
  std::optional<Moment> last_;
  std::int64_t invalid_ = 0;
  std::uint64_t next_order_ = 0;
  Requests requests_;  // by their id
  Agents agents_;      // by their key
  std::map<std::string, Engine, std::less<>> engines_;
  std::deque<RecentEvent> recent_;
  ActivityState totals_;  // what only grows
  RateWindow calls_;
  // Turns of agents and nodes of flows, for files without the lines of requests.
  bool has_calls_ = false;
  RateWindow work_;
  WorkCounts work_sum_;
};

}  // namespace weir::events
