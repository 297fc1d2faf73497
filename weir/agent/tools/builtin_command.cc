#include "weir/agent/tools/builtin_command.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "weir/agent/tools/inputs.h"
#include "weir/agent/tools/program_tool.h"
#include "weir/agent/tools/root.h"
#include "weir/async/child.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

std::string Told(const ProgramResult& result) {
  std::string text;
  if (result.status != 0 || result.signal != 0) {
    StrAppend(text, "the command ",
              async::Describe(async::ChildExit{.status = result.status, .signal = result.signal}),
              "\n");
  }
  text += result.output;
  if (!Trim(result.errors).empty()) {
    StrAppend(text, text.empty() || text.ends_with('\n') ? "" : "\n", "stderr:\n", result.errors);
  }
  if (Trim(text).empty()) text = "(the command printed nothing and succeeded)";
  return text;
}

class CommandTool final : public Tool {
 public:
  CommandTool(model::ToolSpec spec, bool mutates, const ToolDefinition& definition)
      : Tool(std::move(spec), mutates), definition_(definition) {}

  async::Task<Result<std::string>> Run(async::Context ctx, ToolInput input) override {
    if (input.around.root == nullptr) {
      co_return Fail(Code::kInvalidRequest, "there is no workspace to run a command in");
    }
    WEIR_CO_TRY(ProgramRun run, Checked(input.arguments));
    const Result<ProgramResult> result = co_await RunProgram(ctx, std::move(run), input.around);
    if (!result) co_return Fail(result.error());
    co_return Told(*result);
  }

 private:
  json::View Given(json::View arguments, std::string_view name) const;
  Result<ProgramRun> Checked(json::View arguments) const;

  const ToolDefinition definition_;
};

// Never from the row: what is run is nothing that data may say.
json::View CommandTool::Given(json::View arguments, std::string_view name) const {
  const json::View value = SpeaksOf(spec().parameters, name) ? arguments.Find(name) : json::View();
  return value.exists() ? value : definition_.inputs.Find(name);
}

Result<ProgramRun> CommandTool::Checked(json::View arguments) const {
  const json::View command = Given(arguments, "command");
  ProgramRun run;
  run.argv.reserve(command.size());
  for (const json::View word : command.items()) {
    const auto text = word.AsString();
    if (!text || text->contains('\0')) {
      return Fail(Code::kInvalidRequest, "each word of `command` is a text without NUL bytes");
    }
    run.argv.emplace_back(*text);
  }
  if (run.argv.empty()) {
    return Fail(Code::kInvalidRequest,
                R"(`command` is a list of words, the program first: ["PROGRAM", "ARGUMENT"])");
  }
  const std::string& program = run.argv.front();
  if (std::ranges::find(definition_.allow, program) == definition_.allow.end()) {
    const std::string_view first = std::string_view(program).substr(0, program.find(' '));
    if (first != program &&
        std::ranges::find(definition_.allow, first) != definition_.allow.end()) {
      return Fail(Code::kInvalidRequest,
                  StrCat("each word is an item of its own, and no shell reads them: [\"", first,
                         "\", ...] and not [\"", Truncate(program, 100), "\"]"));
    }
    return Fail(Code::kInvalidRequest,
                StrCat("the program '", Truncate(program, 100),
                       "' may not be run here; these may: ", Join(definition_.allow, ", ")));
  }
  run.input = Given(arguments, "input").StringOr("");
  run.timeout = definition_.timeout;
  // Both outputs together, and what is said about the exit.
  run.max_output =
      definition_.max_output / 2 - std::min<std::size_t>(definition_.max_output / 4, 100);
  return run;
}

}  // namespace

std::unique_ptr<Tool> NewCommandTool(model::ToolSpec spec, bool mutates,
                                     const ToolDefinition& definition) {
  return std::make_unique<CommandTool>(std::move(spec), mutates, definition);
}

}  // namespace weir::agent
