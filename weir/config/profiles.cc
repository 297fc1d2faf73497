#include "weir/config/profiles.h"

#include "weir/base/text.h"

namespace weir::config {
namespace {

using std::chrono::seconds;

template <class T>
void Take(Visitor& v, const Profile& profile, std::string_view key, const std::optional<T>& from,
          std::optional<T>& to) {
  if (!from) return;
  to = from;
  v.CameFrom(StrCat("defaults.", key), StrCat("profile ", profile.name));
}

}  // namespace

Profiles BuiltInProfiles() {
  Profile vllm{.name = "vllm"};
  vllm.sampling.top_p = 0.9;
  vllm.sampling.top_k = 50;
  vllm.sampling.repetition_penalty = 1.0;
  vllm.sampling.skip_special_tokens = true;

  Profile agent{.name = "agent",
                .call_timeout = seconds(120),
                .run_timeout = seconds(300),
                .max_turns = 20,
                .concurrency = 16};
  agent.sampling.max_tokens = 512;
  agent.sampling.temperature = 0.1;

  Profile chain{.name = "chain", .call_timeout = seconds(60)};
  chain.sampling.max_tokens = 512;
  chain.sampling.temperature = 0.1;

  Profile completion{.name = "completion", .call_timeout = seconds(300)};
  completion.sampling.max_tokens = 1024;
  completion.sampling.temperature = 0.7;

  Profile coder{.name = "coder", .call_timeout = seconds(600)};
  coder.sampling.max_tokens = 8192;
  coder.sampling.temperature = 0.1;

  Profiles profiles;
  for (const Profile& profile : {vllm, agent, chain, completion, coder}) {
    profiles.emplace(profile.name, profile);
  }
  return profiles;
}

std::vector<std::string> UnsetOnPurpose() {
  return {"/profiles/vllm/stop", "/profiles/vllm/logprobs", "/profiles/vllm/prompt_logprobs"};
}

void Apply(Visitor& v, const Profile& profile, EngineConfig& engine) {
  const model::Sampling& from = profile.sampling;
  model::Sampling& to = engine.defaults;
  Take(v, profile, "max_tokens", from.max_tokens, to.max_tokens);
  Take(v, profile, "min_tokens", from.min_tokens, to.min_tokens);
  Take(v, profile, "temperature", from.temperature, to.temperature);
  Take(v, profile, "top_p", from.top_p, to.top_p);
  Take(v, profile, "top_k", from.top_k, to.top_k);
  Take(v, profile, "min_p", from.min_p, to.min_p);
  Take(v, profile, "frequency_penalty", from.frequency_penalty, to.frequency_penalty);
  Take(v, profile, "presence_penalty", from.presence_penalty, to.presence_penalty);
  Take(v, profile, "repetition_penalty", from.repetition_penalty, to.repetition_penalty);
  Take(v, profile, "seed", from.seed, to.seed);
  Take(v, profile, "logprobs", from.logprobs, to.logprobs);
  Take(v, profile, "prompt_logprobs", from.prompt_logprobs, to.prompt_logprobs);
  Take(v, profile, "skip_special_tokens", from.skip_special_tokens, to.skip_special_tokens);
  if (!from.stop.empty()) {
    to.stop = from.stop;
    v.CameFrom("defaults.stop", StrCat("profile ", profile.name));
  }
  if (profile.call_timeout) {
    engine.http.upstream.timeouts.total = *profile.call_timeout;
    v.CameFrom("timeouts.total", StrCat("profile ", profile.name));
  }
}

}  // namespace weir::config
