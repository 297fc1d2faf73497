#include "weir/events/activity.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>
#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/events/story.h"
#include "weir/events/story_words.h"

namespace weir::events {
namespace {

// Lines that are too many, or say too much, to be read by people.
bool IsDetail(std::string_view name) {
  return name.starts_with("span.") || name.starts_with("llm:stream_block_") ||
         name.ends_with(":debug") || name.ends_with(":raw") || name == "run.progress";
}

bool IsBad(json::View event) {
  return !TextOf(event, "error").empty() || TextOf(event, "status") == "error";
}

std::string KeyOf(json::View event, std::string_view agent) {
  const std::string run = AnyOf(event, "run");
  return run.empty() ? std::string(agent) : StrCat(run, "\n", agent);
}

void KeepEnd(std::string& text, std::size_t max_bytes) {
  text.erase(0, text.size() - Utf8Suffix(text, max_bytes).size());
}

WorkCounts TokensOf(json::View event, double requests) {
  return {.requests = requests,
          .prompt_tokens = static_cast<double>(WholeOf(event, "prompt_tokens")),
          .completion_tokens = static_cast<double>(WholeOf(event, "completion_tokens"))};
}

// How many of `count` have to go, so that not every new one costs a search.
std::size_t TooMany(std::size_t count, std::size_t most) {
  return count <= most ? 0 : count - most + most / 8;
}

}  // namespace

Activity::Activity(ActivityOptions options)
    : options_(options), calls_(options.window), work_(options.window) {}

Activity::Handler Activity::HandlerOf(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Handler>, 19> kHandlers = {
      {{"llm:request", &Activity::OnRequest},
       {"llm:response", &Activity::OnResponse},
       {"llm:stream_block_delta", &Activity::OnDelta},
       {"llm:stream_aborted", &Activity::OnAborted},
       {"provider:retry", &Activity::OnRetry},
       {"verify:retry", &Activity::OnRetry},
       {"confidence.retry", &Activity::OnRetry},
       {"agent.retry_low_confidence", &Activity::OnRetry},
       {"node.end", &Activity::OnNodeEnd},
       {"engine.start", &Activity::OnServer},
       {"engine.reuse", &Activity::OnServer},
       {"engine.ready", &Activity::OnServer},
       {"engine.stop", &Activity::OnServer},
       {"agent.start", &Activity::OnAgentStart},
       {"agent.turn", &Activity::OnTurn},
       {"tool_call", &Activity::OnToolCall},
       {"tool_result", &Activity::OnToolResult},
       {"agent_error", &Activity::OnAgentError},
       {"agent.end", &Activity::OnAgentEnd}}};
  const auto* found =
      std::ranges::find(kHandlers, name, [](const auto& handler) { return handler.first; });
  return found == kHandlers.end() ? nullptr : found->second;
}

void Activity::Add(json::View event) {
  const std::string_view name = TextOf(event, "event");
  if (name.empty()) return AddInvalid();
  Seen seen{.event = event, .at = TimeOrLast(event)};
  if (name.starts_with("span.")) return;  // their ids are those of one process
  seen.agent = FindAgent(event, seen.at);
  if (seen.agent != nullptr && event.Find("turn").exists()) {
    seen.agent->shown.turn = WholeOf(event, "turn");
  }
  if (const Handler handler = HandlerOf(name)) (this->*handler)(seen);
  Remember(name, seen);
}

void Activity::SetServer(std::string_view engine, const std::optional<ServerFigures>& figures) {
  EngineOf(engine).shown.figures = figures;
}

Moment Activity::TimeOrLast(json::View event) {
  const std::optional<std::int64_t> time = TimeOf(event);
  if (!time) return last_.value_or(Moment());
  const Moment at(*time);
  if (!first_) first_ = at;
  last_ = std::max(at, last_.value_or(at));
  return at;
}

Activity::Agent* Activity::FindAgent(json::View event, Moment at) {
  const std::string_view id = TextOf(event, "agent");
  if (id.empty()) return nullptr;
  const std::string key = KeyOf(event, id);
  auto found = agents_.find(key);
  if (found == agents_.end()) {
    found = agents_.emplace(key, Agent{.order = ++next_order_}).first;
    found->second.shown.key = key;
    found->second.shown.id = id;
    found->second.shown.run = AnyOf(event, "run");
  }
  found->second.last = std::max(found->second.last, at);
  if (agents_.size() > options_.max_agents) {
    ForgetAgents();
    found = agents_.find(key);
    if (found == agents_.end()) return nullptr;
  }
  return &found->second;
}

Activity::Engine& Activity::EngineOf(std::string_view name) {
  if (name.empty()) name = "-";
  auto found = engines_.find(name);
  if (found != engines_.end()) return found->second;
  if (engines_.size() >= options_.max_engines) name = "other";
  found =
      engines_.try_emplace(std::string(name), Engine{{}, RateWindow(options_.window), {}}).first;
  found->second.shown.name = name;
  return found->second;
}

void Activity::Remember(std::string_view name, const Seen& seen) {
  if (IsDetail(name)) return;
  if (seen.agent != nullptr) {
    seen.agent->shown.last_event = Utf8Prefix(TellBriefly(seen.event), options_.max_text_bytes);
  }
  PushRecent({.time = seen.at,
              .agent = seen.agent == nullptr ? "" : seen.agent->shown.key,
              .text = std::string(Utf8Prefix(Tell(seen.event), options_.max_text_bytes)),
              .bad = IsBad(seen.event)});
}

void Activity::PushRecent(RecentEvent event) {
  recent_.push_back(std::move(event));
  if (recent_.size() > options_.max_recent) recent_.pop_front();
}

void Activity::OnRequest(const Seen& seen) {
  const std::string& engine = EngineOf(TextOf(seen.event, "engine")).shown.name;
  has_calls_ = true;
  if (seen.agent != nullptr) seen.agent->has_calls = true;
  const std::string_view id = TextOf(seen.event, "request_id");
  if (id.empty()) return;  // its end could not be told from that of another
  Request request{.engine = engine, .last = seen.at, .order = ++next_order_};
  request.who = engine;
  if (seen.agent != nullptr) {
    request.agent = seen.agent->shown.key;
    request.who = seen.agent->shown.id;
  }
  requests_.insert_or_assign(std::string(id), std::move(request));
  ForgetRequests();
}

void Activity::OnDelta(const Seen& seen) {
  const auto found = requests_.find(TextOf(seen.event, "request_id"));
  if (found == requests_.end() || WholeOf(seen.event, "choice") != 0) return;
  found->second.last = std::max(found->second.last, seen.at);
  found->second.text += TextOf(seen.event, "text");
  KeepEnd(found->second.text, options_.max_stream_bytes);
}

void Activity::OnAborted(const Seen& seen) {
  const auto found = requests_.find(TextOf(seen.event, "request_id"));
  if (found != requests_.end()) found->second.open = false;
}

void Activity::OnResponse(const Seen& seen) {
  has_calls_ = true;
  const auto found = requests_.find(TextOf(seen.event, "request_id"));
  if (found != requests_.end()) {
    const Request& request = found->second;
    if (!request.text.empty()) {
      PushRecent({.time = seen.at,
                  .agent = request.agent,
                  .text = StrCat("llm:stream      ", request.who, ": ", request.text)});
    }
    requests_.erase(found);
  }
  Engine& engine = EngineOf(TextOf(seen.event, "engine"));
  ++engine.shown.requests;
  ++totals_.requests;
  if (TextOf(seen.event, "status") != "ok") {
    ++engine.shown.errors;
    ++totals_.errors;
  } else if (const std::optional<double> time = seen.event.Find("duration_ms").AsDouble()) {
    engine.latencies.push_back(*time);
    if (engine.latencies.size() > options_.max_latencies) engine.latencies.pop_front();
  }
  const WorkCounts counts = TokensOf(seen.event, 1);
  engine.rates.Add(seen.at, counts);
  calls_.Add(seen.at, counts);
  totals_.prompt_tokens += WholeOf(seen.event, "prompt_tokens");
  totals_.completion_tokens += WholeOf(seen.event, "completion_tokens");
  if (seen.agent == nullptr) return;
  seen.agent->has_calls = true;
  seen.agent->call_prompt += WholeOf(seen.event, "prompt_tokens");
  seen.agent->call_completion += WholeOf(seen.event, "completion_tokens");
}

void Activity::OnRetry(const Seen& /*seen*/) { ++totals_.retries; }

void Activity::OnNodeEnd(const Seen& seen) {
  ++totals_.steps;
  if (!seen.event.Find("ok").BoolOr(true)) ++totals_.steps_failed;
  const std::string agent = StrCat(AnyOf(seen.event, "node"), "/", AnyOf(seen.event, "row"));
  if (agents_.contains(KeyOf(seen.event, agent))) return;  // its turns have been counted
  const WorkCounts counts = TokensOf(seen.event, seen.event.Find("prompt_tokens").exists() ? 1 : 0);
  work_.Add(seen.at, counts);
  work_sum_.prompt_tokens += counts.prompt_tokens;
  work_sum_.completion_tokens += counts.completion_tokens;
  work_sum_.requests += counts.requests;
}

void Activity::OnServer(const Seen& seen) {
  EngineActivity& engine = EngineOf(TextOf(seen.event, "engine")).shown;
  engine.port = WholeOf(seen.event, "port");
  const std::string_view name = TextOf(seen.event, "event");
  engine.server = name == "engine.stop" ? "stopped" : name == "engine.ready" ? "ready" : "starting";
  const bool goes_on =
      seen.event.Find("in_use").BoolOr(false) && !seen.event.Find("gone").BoolOr(false);
  if (name == "engine.stop" && goes_on) engine.server = "ready";
  if (engine.server == "stopped") engine.port = 0;
}

void Activity::OnAgentStart(const Seen& seen) {
  if (seen.agent == nullptr) return;
  Agent& agent = *seen.agent;
  EndRequestsOf(agent.shown.key);
  AgentActivity shown{.key = agent.shown.key, .id = agent.shown.id, .run = agent.shown.run};
  shown.engine = TextOf(seen.event, "engine");
  shown.turn = WholeOf(seen.event, "turn");
  shown.max_turns = WholeOf(seen.event, "max_turns");
  agent = Agent{.shown = std::move(shown), .last = seen.at, .order = ++next_order_};
}

void Activity::OnTurn(const Seen& seen) {
  const WorkCounts counts = TokensOf(seen.event, 1);
  work_.Add(seen.at, counts);
  work_sum_.requests += 1;
  work_sum_.prompt_tokens += counts.prompt_tokens;
  work_sum_.completion_tokens += counts.completion_tokens;
  if (seen.agent == nullptr) return;
  AgentActivity& shown = seen.agent->shown;
  shown.prompt_tokens += WholeOf(seen.event, "prompt_tokens");
  shown.completion_tokens += WholeOf(seen.event, "completion_tokens");
  seen.agent->open_tools = 0;
}

void Activity::OnToolCall(const Seen& seen) {
  if (seen.agent == nullptr) return;
  ++seen.agent->open_tools;
  ++seen.agent->shown.tool_calls;
}

void Activity::OnToolResult(const Seen& seen) {
  if (seen.agent != nullptr && seen.agent->open_tools > 0) --seen.agent->open_tools;
}

void Activity::OnAgentError(const Seen& seen) { EndAgent(seen, false); }

void Activity::OnAgentEnd(const Seen& seen) {
  EndAgent(seen, TextOf(seen.event, "status") == "ok");
  if (seen.agent == nullptr) return;
  AgentActivity& shown = seen.agent->shown;
  shown.prompt_tokens = std::max(shown.prompt_tokens, WholeOf(seen.event, "prompt_tokens"));
  shown.completion_tokens =
      std::max(shown.completion_tokens, WholeOf(seen.event, "completion_tokens"));
}

void Activity::EndAgent(const Seen& seen, bool ok) {
  if (seen.agent == nullptr) return;
  seen.agent->ended = ok;
  seen.agent->open_tools = 0;
  EndRequestsOf(seen.agent->shown.key);
}

void Activity::EndRequestsOf(const std::string& agent) {
  std::erase_if(requests_, [&](const auto& entry) { return entry.second.agent == agent; });
}

void Activity::ForgetRequests() {
  const std::size_t too_many = TooMany(requests_.size(), options_.max_requests);
  if (too_many == 0) return;
  std::vector<std::pair<Moment, std::uint64_t>> ages;
  ages.reserve(requests_.size());
  for (const auto& [id, request] : requests_) ages.emplace_back(request.last, request.order);
  const auto cut = ages.begin() + static_cast<std::ptrdiff_t>(std::min(too_many, ages.size()) - 1);
  std::ranges::nth_element(ages, cut);
  std::erase_if(requests_, [&](const auto& entry) {
    return std::pair(entry.second.last, entry.second.order) <= *cut;
  });
}

void Activity::ForgetAgents() {
  const std::size_t too_many = TooMany(agents_.size(), options_.max_agents);
  if (too_many == 0) return;
  using Rank = std::tuple<bool, Moment, std::uint64_t>;  // those that go on last
  const auto rank = [](const Agent& agent) {
    return Rank(!agent.ended.has_value(), agent.last, agent.order);
  };
  std::vector<Rank> ranks;
  ranks.reserve(agents_.size());
  for (const auto& [key, agent] : agents_) ranks.push_back(rank(agent));
  const auto cut =
      ranks.begin() + static_cast<std::ptrdiff_t>(std::min(too_many, ranks.size()) - 1);
  std::ranges::nth_element(ranks, cut);
  std::erase_if(agents_, [&](const auto& entry) { return rank(entry.second) <= *cut; });
}

AgentState Activity::StateOf(const Agent& agent, Moment silence, Moment stale_after,
                             std::int64_t in_flight) {
  if (agent.ended) return *agent.ended ? AgentState::kDone : AgentState::kFailed;
  if (silence > stale_after) return AgentState::kStale;
  // Without the lines of its requests nobody can tell when it waits.
  const bool busy = !agent.has_calls || agent.open_tools > 0 || in_flight > 0;
  return busy ? AgentState::kBusy : AgentState::kIdle;
}

void Activity::AddRequests(ActivityState& state,
                           std::map<std::string_view, std::int64_t>& by_agent) const {
  std::map<std::string_view, EngineActivity*> engines;
  for (EngineActivity& engine : state.engines) engines[engine.name] = &engine;
  for (const auto& [id, request] : requests_) {
    if (!request.open) continue;
    const bool stale = state.now - request.last > options_.stale_after;
    ++(stale ? state.stale : state.in_flight);
    const auto engine = engines.find(request.engine);
    if (engine != engines.end()) ++(stale ? engine->second->stale : engine->second->in_flight);
    if (!stale && !request.agent.empty()) ++by_agent[request.agent];
    if (request.text.empty()) continue;
    state.streams.push_back({.time = request.last,
                             .agent = request.agent,
                             .who = request.who,
                             .request_id = id,
                             .text = request.text,
                             .stale = stale});
  }
  std::ranges::sort(state.streams, {}, [](const StreamActivity& stream) {
    return std::tie(stream.time, stream.request_id);
  });
}

void Activity::AddAgents(ActivityState& state,
                         const std::map<std::string_view, std::int64_t>& by_agent) const {
  struct Place {
    AgentState state;
    std::int64_t order;
    const Agent* agent;
    std::int64_t in_flight;
  };
  std::vector<Place> places;
  places.reserve(agents_.size());
  for (const auto& [key, agent] : agents_) {
    const auto found = by_agent.find(key);
    const std::int64_t in_flight = found == by_agent.end() ? 0 : found->second;
    const AgentState its = StateOf(agent, state.now - agent.last, options_.stale_after, in_flight);
    const std::int64_t order =
        agent.ended ? -std::int64_t{agent.last.count()} : static_cast<std::int64_t>(agent.order);
    places.push_back({its, order, &agent, in_flight});
    ++state.agents_known;
    if (its == AgentState::kBusy) ++state.agents_busy;
    if (its == AgentState::kStale) ++state.agents_stale;
    if (its == AgentState::kFailed) ++state.agents_failed;
  }
  std::ranges::sort(places, {}, [](const Place& place) {
    return std::tuple(place.state, place.order, std::string_view(place.agent->shown.key));
  });
  state.agents.reserve(places.size());
  for (const Place& place : places) {
    AgentActivity& shown = state.agents.emplace_back(place.agent->shown);
    shown.state = place.state;
    shown.in_flight = place.in_flight;
    shown.age = std::max(state.now - place.agent->last, Moment());
    shown.prompt_tokens = std::max(shown.prompt_tokens, place.agent->call_prompt);
    shown.completion_tokens = std::max(shown.completion_tokens, place.agent->call_completion);
  }
}

ActivityState Activity::At(Moment now) const {
  ActivityState state = totals_;
  state.now = now;
  const Moment began = first_.value_or(now);
  state.engines.reserve(engines_.size());
  for (const auto& [name, engine] : engines_) {
    EngineActivity& shown = state.engines.emplace_back(engine.shown);
    const WorkCounts rates = engine.rates.PerSecond(now, began);
    shown.requests_per_second = rates.requests;
    shown.tokens_per_second = rates.completion_tokens;
    if (engine.latencies.empty()) continue;
    std::vector<double> sorted(engine.latencies.begin(), engine.latencies.end());
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>((sorted.size() - 1) / 2);
    std::ranges::nth_element(sorted, middle);
    shown.p50_millis = *middle;
  }
  const WorkCounts rates = (has_calls_ ? calls_ : work_).PerSecond(now, began);
  state.requests_per_second = rates.requests;
  state.prompt_per_second = rates.prompt_tokens;
  state.completion_per_second = rates.completion_tokens;
  if (!has_calls_) {
    state.requests = static_cast<std::int64_t>(work_sum_.requests);
    state.prompt_tokens = static_cast<std::int64_t>(work_sum_.prompt_tokens);
    state.completion_tokens = static_cast<std::int64_t>(work_sum_.completion_tokens);
  }
  std::map<std::string_view, std::int64_t> by_agent;
  AddRequests(state, by_agent);
  AddAgents(state, by_agent);
  state.recent.assign(recent_.begin(), recent_.end());
  return state;
}

}  // namespace weir::events
