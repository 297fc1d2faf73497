#pragma once

// What the flags of `vllm serve` and vLLM's variables make of the simulator.

#include <string>
#include <vector>

#include "weir/base/env.h"
#include "weir/cli/vllm_flags.h"
#include "weir/http/server.h"
#include "weir/sim/sim.h"

namespace weir::cli {

struct VllmPlan {
  sim::SimOptions sim;
  http::ListenOptions listen;
  std::string url;  // as vLLM names it: http://127.0.0.1:8000
  Duration shutdown_timeout{};
  std::vector<std::string> ignored;  // flags of vLLM that change nothing here
};

// `base` is what the simulator was told before. Fails with kConfigError for what vLLM refuses when
// it starts; the message is the last line of its traceback.
Result<VllmPlan> PlanVllm(const VllmArguments& arguments, const Env& env, sim::SimOptions base);

}  // namespace weir::cli
