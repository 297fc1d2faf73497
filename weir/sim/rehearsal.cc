#include "weir/sim/rehearsal.h"

#include <algorithm>
#include <utility>

namespace weir::sim {
namespace {

bool Contains(const model::Call& call, std::span<const Prompt> prompts, std::string_view text) {
  return std::ranges::any_of(prompts,
                             [&](const Prompt& prompt) { return prompt.text.contains(text); }) ||
         std::ranges::any_of(call.messages, [&](const model::Message& message) {
           return message.AllText().contains(text);
         });
}

// All conditions but the call number, which counts the requests that get this far.
bool Fits(const Match& match, const model::Call& call, std::span<const Prompt> prompts) {
  const std::string& asked = call.adapter.empty() ? call.model : call.adapter;
  if (match.model && *match.model != asked) return false;
  if (match.contains && !Contains(call, prompts, *match.contains)) return false;
  return !match.last_user || LastUserText(call).contains(*match.last_user);
}

}  // namespace

std::string LastUserText(const model::Call& call) {
  const auto last = std::ranges::find(call.messages.rbegin(), call.messages.rend(),
                                      model::Role::kUser, &model::Message::role);
  return last == call.messages.rend() ? std::string() : last->AllText();
}

Rehearsal::Rehearsal(Script script)
    : script_(std::move(script)),
      hits_(std::make_unique<std::atomic<std::int64_t>[]>(script_.rules.size())) {}

const ScriptedReply* Rehearsal::Find(const model::Call& call, std::span<const Prompt> prompts) {
  for (std::size_t i = 0; i < script_.rules.size(); ++i) {
    const Rule& rule = script_.rules[i];
    if (!Fits(rule.match, call, prompts)) continue;
    const std::int64_t number = ++hits_[i];
    if (rule.match.call_number && *rule.match.call_number != number) continue;
    if (rule.times && number > *rule.times) continue;
    return &rule.reply;
  }
  return nullptr;
}

}  // namespace weir::sim
