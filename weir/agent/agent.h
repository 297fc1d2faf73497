#pragma once

// Agent: a model that works with tools until it hands in a result, as plain values. A flow's agent
// node is one (weir/flow/flow.h: a Step with tools); C++ fills it in by hand. loop.h runs it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/model/message.h"

namespace weir::agent {

// Whether a tool may run.
enum class Approval : std::uint8_t {
  kAuto,  // at once
  kAsk,   // when a person has said yes; where nobody can be asked, it may not
  kDeny,  // never; the model is told so
};

// Programs that are run right before a tool; what they print stands in front of its result.
using ContextPrograms = std::vector<std::vector<std::string>>;

// Exactly one of `exec` and `builtin`.
struct ToolDefinition {
  std::string name;
  std::string description;
  // JSON Schema of the arguments. Null: a built-in's own; a program takes none.
  json::Value arguments;
  // A program: arguments as one JSON object on its stdin, the result on its stdout (JSON or text).
  // A path with a slash counts from the definition's folder.
  std::vector<std::string> exec;
  std::string builtin;               // a name of Builtins() in tools/builtins.h
  std::optional<bool> mutates;       // unset: what the built-in is; true for a program
  std::optional<Approval> approval;  // unset: the agent's
  ContextPrograms context;
  json::Value inputs;  // laid under the arguments of the model, over the row's: an object
  std::vector<std::string> allow;               // run_command: programs that may be run
  Duration timeout = std::chrono::seconds(60);  // of one call; then the whole group is killed
  std::size_t max_output = 64 << 10;  // bytes of a result; what is longer is cut, and says so
  std::string place;                  // "flow.yaml:12:5", for messages; may be empty
};

// A server of the Model Context Protocol; its tools are the agent's, named as they are there.
struct McpServer {
  std::string name;
  std::vector<std::string> exec;  // over stdio ...
  std::string url;                // ... or streamable HTTP
  // Values may name variables: mcp/variables.h.
  std::vector<std::pair<std::string, std::string>> headers;  // of HTTP
  std::vector<std::pair<std::string, std::string>> env;      // of the program, beside PATH and HOME
  std::vector<std::string> only;                // the tools that are offered; empty: all
  std::string prefix;                           // put before the names of its tools; empty: none
  std::optional<Approval> approval;             // of its tools; unset: the agent's
  Duration timeout = std::chrono::seconds(60);  // of one call
  std::size_t max_output = 64 << 10;            // bytes of a result
  Duration startup_timeout = std::chrono::seconds(30);  // until it has told its tools
  std::string place;
};

// Temperatures by turn. The last turns are those behind max_turns - 2, and the one that was forced.
struct TurnPolicy {
  double first = 0.0;
  double loop = 0.1;
  double last = 0.0;
};

// How the result is handed in.
struct Submit {
  std::string name = "submit_result";
  std::string description;  // empty: a sentence that says what it is for
  json::Value schema;       // of the result. Null: kResultSchema
};

enum class WorkspaceMode : std::uint8_t {
  kNone,      // tools only look, at the source itself
  kCopy,      // each row works in a copy of its own, which a person reviews
  kWorktree,  // ... which is a git worktree
  kInPlace,   // tools change the source itself
};

struct WorkspaceRule {
  std::optional<WorkspaceMode> mode;  // unset: kCopy if a tool mutates, else kNone
  std::string
      source;  // the folder that is worked on; empty: that of the rows' files, or the flow's
  std::size_t max_bytes = 256 << 20;  // of a copy; more is refused, with advice
};

struct Agent {
  std::string name;
  std::vector<ToolDefinition> tools;
  std::vector<McpServer> servers;
  Submit submit;

  int max_turns = 20;        // answers of the model, the submission included
  int max_tool_calls = 200;  // over all turns
  // Prompts and answers of all turns together; the rest of it is the most that a turn may write.
  std::optional<std::int64_t> max_total_tokens;
  Duration timeout = std::chrono::seconds(300);  // of the whole work; zero: none
  int max_nudges = 2;       // answers without a call of a tool that are answered with "go on"
  int max_compactions = 3;  // how often a conversation that has become too long is summed up
  int parallel_tools = 8;   // tools that only read and were called in one turn, at once

  TurnPolicy temperature;
  // kRequired, kAuto or kNone (then tools are read out of the text only). kUnset: kRequired.
  model::ToolChoice::Kind tool_choice = model::ToolChoice::Kind::kUnset;
  // A turn that is less sure of the name of a tool is asked again, with other sampling.
  std::optional<double> min_tool_confidence;
  int confidence_retries = 1;

  Approval approval = Approval::kAuto;  // of tools that mutate; others run at once
  bool sandbox = false;                 // programs run in bubblewrap, without network
  WorkspaceRule workspace;
};

// {status: success|failed|skipped, summary, changed_files, details, error}: what is handed in where
// a definition has no schema of its own. JSON.
extern const std::string_view kResultSchema;

// Of the tools and the rule together.
WorkspaceMode WorkspaceModeOf(const Agent& agent);

}  // namespace weir::agent
