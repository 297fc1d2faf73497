#include "weir/agent/tools/program_tool.h"

#include <filesystem>
#include <set>
#include <string_view>
#include <utility>

#include "weir/agent/tools/inputs.h"
#include "weir/agent/tools/root.h"
#include "weir/async/child.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/writer.h"

namespace weir::agent {
namespace {

constexpr std::size_t kToldBytes = 4'000;  // of what a program said before it failed

// A program with a slash in its name counts from the folder of its definition.
std::vector<std::string> FromFolder(std::vector<std::string> argv, const std::string& folder) {
  if (!argv.empty() && argv.front().contains('/')) {
    argv.front() = std::filesystem::absolute(std::filesystem::path(folder) / argv.front()).string();
  }
  return argv;
}

// The end is where programs say what went wrong.
std::string Failure(std::string_view name, const ProgramResult& result) {
  std::string text =
      StrCat(name, " ",
             async::Describe(async::ChildExit{.status = result.status, .signal = result.signal}));
  std::size_t room = kToldBytes;
  for (const std::string* said : {&result.errors, &result.output}) {
    const std::string_view end = Utf8Suffix(Trim(*said), room);
    if (end.empty()) continue;
    room -= end.size();
    StrAppend(text, said == &result.errors ? "; stderr:\n" : "\nstdout:\n", end);
  }
  return text;
}

class ProgramTool final : public Tool {
 public:
  ProgramTool(model::ToolSpec spec, const ToolDefinition& definition, std::string folder)
      : Tool(std::move(spec), definition.mutates.value_or(true)),
        definition_(definition),
        folder_(std::move(folder)) {}

  async::Task<Result<std::string>> Run(async::Context ctx, ToolInput input) override {
    Surroundings around = input.around;
    around.env.variables["WEIR_AGENT"] = around.agent_id;
    around.env.variables["WEIR_TOOL"] = name();
    if (around.root != nullptr) around.env.variables["WEIR_WORKSPACE"] = around.root->folder();
    WEIR_CO_TRY(std::string text, co_await RunContext(ctx, definition_.context, folder_, around));
    ProgramRun run;
    run.argv = FromFolder(definition_.exec, folder_);
    run.input = StrCat(
        MergedInputs(spec().parameters, around.inputs, definition_.inputs, input.arguments), "\n");
    run.timeout = definition_.timeout;
    run.max_output = definition_.max_output;
    const Result<ProgramResult> result = co_await RunProgram(ctx, std::move(run), around);
    if (!result) co_return Fail(result.error());
    if (result->status != 0 || result->signal != 0) {
      co_return Fail(Code::kIoError, Failure(name(), *result));
    }
    text += result->output;
    co_return Trim(text).empty() ? "(no output)" : std::move(text);
  }

 private:
  const ToolDefinition definition_;
  const std::string folder_;
};

}  // namespace

std::unique_ptr<Tool> NewProgramTool(const ToolDefinition& definition, std::string folder) {
  model::ToolSpec spec{.name = definition.name,
                       .description = definition.description,
                       .parameters = definition.arguments,
                       .strict = {}};
  return std::make_unique<ProgramTool>(std::move(spec), definition, std::move(folder));
}

async::Task<Result<std::string>> RunContext(async::Context ctx, const ContextPrograms& programs,
                                            std::string folder, const Surroundings& around) {
  std::string text;
  for (const std::vector<std::string>& argv : programs) {
    ProgramRun run;
    run.argv = FromFolder(argv, folder);
    const Result<ProgramResult> result = co_await RunProgram(ctx, std::move(run), around);
    if (ctx.cancelled()) co_return Fail(async::CancelledError());
    if (!result && ctx.Now() >= ctx.deadline) co_return Fail(async::TotalTimeoutError(ctx));
    const std::string_view name = argv.empty() ? "" : std::string_view(argv.front());
    if (!result) {
      StrAppend(text, "context program ", name, " failed: ", result.error().message);
    } else if (result->status != 0 || result->signal != 0) {
      StrAppend(text, "context program ", name, " failed: ", Failure("it", *result));
    } else {
      text += result->output;
    }
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
  }
  co_return text;
}

}  // namespace weir::agent
