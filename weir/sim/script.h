#pragma once

// Script: replies that are laid down, for tests and demos. The first rule that fits a request
// answers it; what no rule fits is made up as always. docs/sim.md shows the format by example.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/result.h"
#include "weir/model/message.h"

namespace weir::sim {

// Which requests a rule is for: those that fit every field that is set.
struct Match {
  std::optional<std::string> model;      // the model or adapter that was asked for
  std::optional<std::string> contains;   // stands in any message, or in the prompt
  std::optional<std::string> last_user;  // stands in the last message of the user
  // Only the so manieth request that fits the fields above, counted from 1.
  std::optional<std::int64_t> call_number;
};

struct ScriptedError {
  int status = 500;
  std::string type;         // empty: the server's word for the status
  std::string message;      // empty: the status in words
  std::string retry_after;  // the header's value; empty: not sent
};

// What happens. At most one of text, tool_calls, error, garbage and html is set; with none of them
// the answer is made up, and only its manners are scripted.
struct ScriptedReply {
  std::optional<std::string> text;          // taken as it is, also where it breaks a constraint
  std::vector<model::ToolCall> tool_calls;  // ids are made
  std::string finish;                       // the finish reason; empty: as it comes out
  std::optional<ScriptedError> error;       // an HTTP error, also for a stream
  std::optional<std::string> garbage;       // these bytes with status 200, as if they were a reply
  std::optional<std::string> html;          // a page with status 200, as a proxy in between sends
  Duration delay{};                         // before anything else
  std::optional<Duration> ttft;             // instead of the simulator's own
  std::optional<Duration> itl;
  std::optional<std::size_t> drop_after;   // the connection is cut after that many tokens
  std::optional<std::size_t> stall_after;  // nothing comes after that many tokens
};

struct Rule {
  Match match;
  ScriptedReply reply;
  // How many requests it is good for, of those that fit fields other than call_number.
  std::optional<std::int64_t> times;
};

struct Script {
  std::vector<Rule> rules;
};

// Reads the YAML (or JSON) of a script. Fails with kConfigError, "file:line:column: what", naming
// the nearest right key when one is unknown.
Result<Script> LoadScript(std::string_view text, std::string_view file_name);

}  // namespace weir::sim
