#pragma once

// Toolbox: all tools of one agent, compiled once and shared by its rows: what a call that a model
// wrote becomes, from its name and the text of its arguments to the text that the model is told.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/agent/agent.h"
#include "weir/agent/mcp/server.h"
#include "weir/agent/tools/tool.h"
#include "weir/schema/schema.h"

namespace weir::agent {

// Asks a person whether a tool may run.
class Approver {
 public:
  virtual ~Approver() = default;
  // May be asked several questions at once, and answers them as it likes. The context has no
  // deadline: a person takes the time that it takes.
  virtual async::Task<Result<bool>> Ask(async::Context ctx, std::string agent_id,
                                        model::ToolCall call) = 0;
};

struct ToolboxOptions {
  std::string folder;            // what programs of the definition count from
  Env env;                       // what programs and servers may get of it: tools/surroundings.h
  Approver* approver = nullptr;  // outlives the toolbox; null: nobody can be asked
  std::vector<std::unique_ptr<Tool>> functions;  // C++ tools, behind those of the definition
};

enum class ToolStatus : std::uint8_t { kOk, kError, kDenied, kInterrupted };

std::string_view ToolStatusName(ToolStatus status);

// What the model is told of one call.
struct ToolOutcome {
  ToolStatus status = ToolStatus::kOk;
  std::string text;
  std::string error;  // unknown_tool, bad_tool_args, tool_failed, tool_timeout, denied; "": none
  std::vector<std::string> repairs;  // what was mended in the arguments
  Duration took{};
  Duration waited{};  // for a person's yes or no
};

class Toolbox {
 public:
  // Compiles the tools and asks the MCP servers for theirs. Fails with kConfigError (two tools of
  // one name, a schema that is none, no such built-in) or as mcp::Server::Open(). The agent
  // outlives it.
  static async::Task<Result<std::unique_ptr<Toolbox>>> Open(async::Context ctx, const Agent& agent,
                                                            ToolboxOptions options);
  ~Toolbox();

  // In the order of the definition, then those of C++, then those of servers, the submission last:
  // always the same, so that prompts keep their beginning.
  const std::vector<model::ToolSpec>& specs() const { return specs_; }
  // The submission alone, for a turn that must hand in.
  const std::vector<model::ToolSpec>& submission() const { return submission_; }
  bool Mutates(std::string_view name) const;

  // What a call of the submission hands in, held against its schema. An error is for the model.
  Result<json::Value> Submission(const model::ToolCall& call,
                                 std::vector<std::string>* repairs) const;

  // Runs one call of another tool. While a person is asked, the clock of `ctx` stands. `before` is
  // asked when it may run and its arguments are good, right before it does; it outlives the task.
  // Fails when the context ends, and as `before` does.
  async::Task<Result<ToolOutcome>> Run(async::Context ctx, const model::ToolCall& call,
                                       const Surroundings& around,
                                       const std::function<Result<void>()>& before);

  // Ends the servers, which the destructor kills.
  async::Task<void> Close(async::Context ctx);

  // Whether the server of the model takes `tool_choice: required` and named ones: some parsers of
  // calls answer them with HTTP 400. The first agent that learns it tells the others.
  bool may_force = true;

 private:
  struct Entry {
    std::unique_ptr<Tool> tool;
    schema::Schema arguments;
    Approval approval = Approval::kAuto;
    std::size_t max_output = 0;
    ContextPrograms context;  // that are run before it
  };

  explicit Toolbox(const Agent& agent) : agent_(agent) {}
  Result<void> Add(std::unique_ptr<Tool> tool, std::optional<Approval> approval,
                   std::size_t max_output);
  Result<void> AddSubmission();
  const Entry* Find(std::string_view name) const;
  // Empty: it may run; else why not.
  async::Task<Result<std::string>> Denial(async::Context ctx, const Entry& entry,
                                          const model::ToolCall& call, const Surroundings& around);

  const Agent& agent_;
  Approver* approver_ = nullptr;
  std::string folder_;  // of the definition
  std::vector<std::unique_ptr<mcp::Server>> servers_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::optional<schema::Schema> result_;  // of the submission
  std::vector<model::ToolSpec> specs_;
  std::vector<model::ToolSpec> submission_;
};

}  // namespace weir::agent
