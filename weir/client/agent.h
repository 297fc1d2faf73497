#pragma once

// Agents in C++: a model that works with tools until it hands in a result. In a flow, a run gives
// each row a copy of the files and a review behind it; here the tools work where they are told to.

#include <cstdint>
#include <string>
#include <vector>

#include "weir/agent/agent.h"
#include "weir/agent/figures.h"
#include "weir/client/options.h"
#include "weir/client/tool.h"
#include "weir/json/value.h"
#include "weir/model/message.h"

namespace weir {

using Agent = agent::Agent;

struct WorkOptions {
  CallOptions call = {};  // of every turn; its timeout is that of one turn
  // What the agent's tools may see and change, and what paths of its programs count from. Empty:
  // tools that need files fail.
  std::string folder = {};
  // C++ functions, beside the tools of the agent. They run on a thread of the client, one at a
  // time, and must not wait for it.
  ToolBox tools = {};
  // A file that the work is noted in after every step: called again with the same task, it goes on
  // from there. Empty: none. It is left behind when the work has ended.
  std::string checkpoint = {};
  std::uint64_t seed = 0;  // the same seed, task and server give the same work
};

struct WorkDone {
  json::Value result;                    // obeys Agent::submit
  std::vector<model::Message> messages;  // the whole conversation
  agent::Figures figures;
  std::vector<std::string> repairs;  // what was mended in calls and in the result, in words
};

}  // namespace weir
