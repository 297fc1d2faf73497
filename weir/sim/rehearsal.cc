#include "weir/sim/rehearsal.h"

#include <algorithm>
#include <utility>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/json/writer.h"

namespace weir::sim {
namespace {

using model::Message;
using model::Role;

bool AnyMessage(const model::Call& call, std::string_view text) {
  return std::ranges::any_of(
      call.messages, [&](const Message& message) { return message.AllText().contains(text); });
}

bool Contains(const Cue& cue, std::string_view text) {
  return AnyMessage(cue.call, text) || std::ranges::any_of(cue.prompts, [&](const Prompt& prompt) {
           return prompt.text.contains(text);
         });
}

bool SystemSays(const model::Call& call, std::string_view text) {
  return std::ranges::any_of(call.messages, [&](const Message& message) {
    const bool rules = message.role == Role::kSystem || message.role == Role::kDeveloper;
    return rules && message.AllText().contains(text);
  });
}

bool EndsWithToolResult(const model::Call& call, std::string_view text) {
  return !call.messages.empty() && call.messages.back().role == Role::kTool &&
         call.messages.back().AllText().contains(text);
}

std::int64_t TurnOf(const model::Call& call) {
  return 1 + std::ranges::count(call.messages, Role::kAssistant, &Message::role);
}

bool Offers(const model::Call& call, std::string_view tool) {
  return std::ranges::find(call.tools, tool, &model::ToolSpec::name) != call.tools.end();
}

bool HasHeader(const http::Headers& headers, std::string_view name, std::string_view text) {
  return std::ranges::any_of(headers, [&](const http::Header& field) {
    return EqualsIgnoreCase(field.name, name) && field.value.contains(text);
  });
}

// All conditions but the call number, which counts the requests that get this far. The cheap ones
// come first.
bool Fits(const Match& match, const Cue& cue) {
  const model::Call& call = cue.call;
  if (match.path ? *match.path != cue.path : cue.beside) return false;
  if (match.stream && *match.stream != cue.stream) return false;
  if (match.model && *match.model != (call.adapter.empty() ? call.model : call.adapter)) {
    return false;
  }
  if (match.turn && *match.turn != TurnOf(call)) return false;
  if (match.tool_choice && *match.tool_choice != call.tool_choice.kind) return false;
  if (match.tool && !Offers(call, *match.tool)) return false;
  for (const auto& [name, text] : match.headers) {
    if (cue.headers == nullptr || !HasHeader(*cue.headers, name, text)) return false;
  }
  if (match.tool_result && !EndsWithToolResult(call, *match.tool_result)) return false;
  if (match.system && !SystemSays(call, *match.system)) return false;
  if (match.last_user && !LastUserText(call).contains(*match.last_user)) return false;
  return !match.contains || Contains(cue, *match.contains);
}

struct Counts {
  std::atomic<std::int64_t> matched = 0;
  std::atomic<std::int64_t> applied = 0;
};

}  // namespace

struct Rehearsal::Running {
  explicit Running(Script its)
      : script(std::move(its)), counts(std::make_unique<Counts[]>(script.rules.size())) {}

  const Script script;
  const std::unique_ptr<Counts[]> counts;
};

Rehearsal::Rehearsal(Script script, std::uint64_t seed)
    : running_(std::make_shared<Running>(std::move(script))), seed_(seed) {}
Rehearsal::~Rehearsal() = default;

std::shared_ptr<Rehearsal::Running> Rehearsal::Current() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

std::shared_ptr<const ScriptedReply> Rehearsal::Find(const Cue& cue) {
  const std::shared_ptr<Running> running = Current();
  const std::vector<Rule>& rules = running->script.rules;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Rule& rule = rules[i];
    if (!Fits(rule.match, cue)) continue;
    const std::int64_t number = ++running->counts[i].matched;
    if (rule.match.call_number && *rule.match.call_number != number) continue;
    if (rule.times && number > *rule.times) continue;
    if (rule.rate < 1) {
      const std::uint64_t key[] = {i, static_cast<std::uint64_t>(number)};
      if (Random(StableHash(key, sizeof(key), seed_)).Uniform() >= rule.rate) continue;
    }
    ++running->counts[i].applied;
    return {running, &rule.reply};
  }
  return nullptr;
}

void Rehearsal::Replace(Script script) {
  auto next = std::make_shared<Running>(std::move(script));
  const std::lock_guard lock(mutex_);
  running_.swap(next);
}

void Rehearsal::ResetCounts() {
  const std::shared_ptr<Running> running = Current();
  for (std::size_t i = 0; i < running->script.rules.size(); ++i) {
    running->counts[i].matched = 0;
    running->counts[i].applied = 0;
  }
}

std::size_t Rehearsal::rules() const { return Current()->script.rules.size(); }

std::string Rehearsal::CountsJson() const {
  const std::shared_ptr<Running> running = Current();
  std::string out;
  json::Writer json(out);
  json.BeginArray();
  for (std::size_t i = 0; i < running->script.rules.size(); ++i) {
    json.BeginObject();
    json.Field("name", running->script.rules[i].name);
    json.Key("matched");
    json.Int(running->counts[i].matched);
    json.Key("applied");
    json.Int(running->counts[i].applied);
    json.EndObject();
  }
  json.EndArray();
  return out;
}

}  // namespace weir::sim
