#include "weir/agent/toolbox.h"

#include <utility>

#include "weir/agent/arguments.h"
#include "weir/agent/tools/builtins.h"
#include "weir/agent/tools/program_tool.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::agent {
namespace {

ToolOutcome Refused(std::string_view error, std::string text) {
  return {.status = ToolStatus::kError, .text = std::move(text), .error = std::string(error)};
}

// The end of a long result is as likely to matter as its beginning, but what is cut must be said
// where the model reads on.
std::string CutTo(std::string text, std::size_t max_bytes) {
  if (max_bytes == 0 || text.size() <= max_bytes) return text;
  const std::size_t whole = text.size();
  text = Truncate(text, max_bytes);
  StrAppend(text, "\n[cut: the first ", max_bytes, " of ", whole,
            " bytes; ask for a part of it instead]");
  return text;
}

}  // namespace

std::string_view ToolStatusName(ToolStatus status) {
  switch (status) {
    case ToolStatus::kOk:
      return "ok";
    case ToolStatus::kError:
      return "error";
    case ToolStatus::kDenied:
      return "denied";
    case ToolStatus::kInterrupted:
      return "interrupted";
  }
  std::unreachable();
}

Toolbox::~Toolbox() = default;

async::Task<Result<std::unique_ptr<Toolbox>>> Toolbox::Open(async::Context ctx, const Agent& agent,
                                                            ToolboxOptions options) {
  std::unique_ptr<Toolbox> box(new Toolbox(agent));
  box->approver_ = options.approver;
  box->folder_ = options.folder;
  for (const ToolDefinition& definition : agent.tools) {
    std::unique_ptr<Tool> tool;
    if (definition.builtin.empty()) {
      tool = NewProgramTool(definition, options.folder);
    } else {
      WEIR_CO_TRY(tool, NewBuiltin(definition));
    }
    const std::string name = tool->name();
    WEIR_CO_CHECK(box->Add(std::move(tool), definition.approval, definition.max_output));
    // A program tool runs its own.
    if (!definition.builtin.empty()) box->entries_.at(name).context = definition.context;
  }
  for (std::unique_ptr<Tool>& tool : options.functions) {
    WEIR_CO_CHECK(box->Add(std::move(tool), {}, 0));
  }
  for (const McpServer& definition : agent.servers) {
    mcp::ServerOptions server_options{.folder = options.folder, .env = options.env};
    WEIR_CO_TRY(std::unique_ptr<mcp::Server> server,
                co_await mcp::Server::Open(ctx, definition, std::move(server_options)));
    for (std::unique_ptr<Tool>& tool : mcp::ToolsOf(*server, definition)) {
      WEIR_CO_CHECK(box->Add(std::move(tool), definition.approval, definition.max_output));
    }
    box->servers_.push_back(std::move(server));
  }
  WEIR_CO_CHECK(box->AddSubmission());
  co_return box;
}

Result<void> Toolbox::Add(std::unique_ptr<Tool> tool, std::optional<Approval> approval,
                          std::size_t max_output) {
  const std::string name = tool->name();
  Result<schema::Schema> arguments = CompileArguments(tool->spec());
  if (!arguments) {
    return Fail(Code::kConfigError, StrCat("the arguments of the tool ", name, " of the agent ",
                                           agent_.name, ": ", arguments.error().message));
  }
  const Approval otherwise = tool->mutates() ? agent_.approval : Approval::kAuto;
  specs_.push_back(tool->spec());
  const auto [at, is_new] =
      entries_.try_emplace(name, Entry{.tool = std::move(tool),
                                       .arguments = *std::move(arguments),
                                       .approval = approval.value_or(otherwise),
                                       .max_output = max_output});
  if (is_new && name != agent_.submit.name) return {};
  return Fail(Code::kConfigError,
              StrCat("the agent ", agent_.name, " has two tools of the name '", name,
                     "'; rename one, or give the tools of an MCP server a `prefix`"));
}

Result<void> Toolbox::AddSubmission() {
  const Submit& submit = agent_.submit;
  model::ToolSpec spec{.name = submit.name,
                       .description = submit.description,
                       .parameters = submit.schema,
                       .strict = {},
                       .as_said = true};
  if (spec.description.empty()) {
    spec.description = "Hands in the result and ends the work. Call it once, when you are done.";
  }
  if (spec.parameters.IsNull()) {
    WEIR_TRY(spec.parameters, json::Read(kResultSchema));
  }
  WEIR_TRY(result_, schema::Schema::Compile(spec.parameters));
  specs_.push_back(spec);
  submission_.push_back(std::move(spec));
  return {};
}

const Toolbox::Entry* Toolbox::Find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

bool Toolbox::Mutates(std::string_view name) const {
  const Entry* entry = Find(name);
  return entry != nullptr && entry->tool->mutates();
}

Result<json::Value> Toolbox::Submission(const model::ToolCall& call,
                                        std::vector<std::string>* repairs) const {
  Result<json::Value> value = ReadArguments(call, *result_, Bending::kSmall, repairs);
  if (value) return value;
  return Fail(value.error().code, StrCat("the result was not accepted: ", value.error().message,
                                         ". Correct it and call ", call.name, " again."));
}

async::Task<Result<std::string>> Toolbox::Denial(async::Context ctx, const Entry& entry,
                                                 const model::ToolCall& call,
                                                 const Surroundings& around) {
  if (entry.approval == Approval::kAuto) co_return std::string();
  if (entry.approval == Approval::kDeny) {
    co_return StrCat("the tool ", call.name, " may not be used here; do without it");
  }
  if (approver_ == nullptr) {
    co_return StrCat("the tool ", call.name,
                     " needs a person's yes, and nobody can be asked; do without it");
  }
  WEIR_CO_TRY(const bool yes, co_await approver_->Ask(ctx, around.agent_id, call));
  if (yes) co_return std::string();
  co_return StrCat("a person has said no to this call of ", call.name, "; do something else");
}

async::Task<Result<ToolOutcome>> Toolbox::Run(async::Context ctx, const model::ToolCall& call,
                                              const Surroundings& around,
                                              const std::function<Result<void>()>& before) {
  const Entry* entry = Find(call.name);
  if (entry == nullptr) {
    std::vector<std::string> names;
    names.reserve(specs_.size());
    for (const model::ToolSpec& spec : specs_) names.push_back(spec.name);
    const std::optional<std::string> nearest = Nearest(call.name, names);
    co_return Refused("unknown_tool",
                      StrCat("error: there is no tool '", Truncate(call.name, 60), "'",
                             nearest ? StrCat("; did you mean '", *nearest, "'?")
                                     : StrCat("; there are ", Join(names, ", "))));
  }
  std::vector<std::string> repairs;
  const Result<json::Value> arguments =
      ReadArguments(call, entry->arguments, Bending::kAll, &repairs);
  if (!arguments) {
    co_return Refused("bad_tool_args", StrCat("error: the arguments of ", call.name,
                                              " are wrong: ", arguments.error().message));
  }
  async::Context patient = ctx;
  patient.deadline = kNever;
  const TimePoint asked = ctx.Now();
  WEIR_CO_TRY(std::string denial, co_await Denial(patient, *entry, call, around));
  const Duration waited = ctx.Now() - asked;
  ctx.deadline = After(ctx.deadline, waited);
  if (!denial.empty()) {
    co_return ToolOutcome{.status = ToolStatus::kDenied,
                          .text = StrCat("error: ", denial),
                          .error = "denied",
                          .waited = waited};
  }
  WEIR_CO_CHECK(before());
  const TimePoint start = ctx.Now();
  const ToolInput input{.arguments = *arguments, .around = around};
  std::string context;
  if (!entry->context.empty()) {
    WEIR_CO_TRY(context, co_await RunContext(ctx, entry->context, folder_, around));
    // It must not cut the result away.
    context = CutTo(std::move(context), entry->max_output / 2);
  }
  Result<std::string> result = co_await entry->tool->Run(ctx, input);
  if (result) result->insert(0, context);
  const Duration took = ctx.Now() - start;
  if (ctx.cancelled()) co_return Fail(async::CancelledError());
  if (!result && ctx.Now() >= ctx.deadline) co_return Fail(async::TotalTimeoutError(ctx));
  if (!result) {
    const bool late = result.error().code == Code::kTimeout;
    ToolOutcome failed =
        Refused(late ? "tool_timeout" : "tool_failed",
                CutTo(StrCat("error: ", result.error().message), entry->max_output));
    failed.took = took;
    failed.waited = waited;
    failed.repairs = std::move(repairs);
    co_return failed;
  }
  co_return ToolOutcome{.text = CutTo(*std::move(result), entry->max_output),
                        .error = {},
                        .repairs = std::move(repairs),
                        .took = took,
                        .waited = waited};
}

async::Task<void> Toolbox::Close(async::Context ctx) {
  for (const std::unique_ptr<mcp::Server>& server : servers_) co_await server->Close(ctx);
}

}  // namespace weir::agent
