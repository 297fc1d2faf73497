#pragma once

// Latency: how fast the simulated engine is.

#include <cstdint>
#include <string_view>

#include "weir/base/clock.h"
#include "weir/base/random.h"
#include "weir/base/result.h"

namespace weir::sim {

// A latency, drawn evenly between its ends.
struct Spread {
  Duration least{};
  Duration most{};

  static constexpr Spread Fixed(Duration time) { return {time, time}; }
  Duration Draw(Random& random) const;
};

struct Latency {
  enum class Pace : std::uint8_t { kInstant, kFixed, kModelled };

  Pace pace = Pace::kFixed;

  // kFixed. Until the first token, counted from when the request got its seat; then per token.
  Spread ttft = {std::chrono::milliseconds(50), std::chrono::milliseconds(200)};
  Spread itl = {std::chrono::milliseconds(20), std::chrono::milliseconds(50)};
  Duration per_prompt_token{};  // added to ttft for every prompt token that is not cached

  // kModelled: one step lasts base + prefill tokens x per_prefill_token + running sequences x
  // per_sequence + tokens of context of those x per_context_token, times a jitter.
  Duration step_base = std::chrono::microseconds(6000);
  Duration per_prefill_token = std::chrono::microseconds(25);
  Duration per_sequence = std::chrono::microseconds(40);
  double per_context_token_ns = 20;
  double jitter = 0;  // relative, normal, cut at three times its width

  double time_scale = 1;  // multiplies everything; 0.1 is ten times faster
  Duration Scaled(Duration time) const;
};

// A profile: a YAML file with the fields above (pace: fixed, ttft: 20ms..80ms, itl: 5ms, ...;
// per_context_token: 20ns; `like: 8b-h100` starts from a built-in one). Fails with kConfigError,
// "file:line:column: what", naming the nearest right key when one is unknown.
Result<Latency> LatencyOfProfile(std::string_view text, std::string_view file_name);
// "8b-h100", "70b-8xh100" or "small-l40s", modelled; fails naming what there is.
Result<Latency> BuiltInLatency(std::string_view name);

}  // namespace weir::sim
