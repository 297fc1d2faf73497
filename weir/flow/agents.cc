#include "weir/flow/agents.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include <unistd.h>

#include "weir/agent/message_json.h"
#include "weir/agent/overrides.h"
#include "weir/agent/tools/program_tool.h"
#include "weir/agent/tools/root.h"
#include "weir/agent/tools/surroundings.h"
#include "weir/async/off_loop.h"
#include "weir/base/random.h"
#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/events/label.h"
#include "weir/flow/call.h"
#include "weir/json/builder.h"
#include "weir/json/writer.h"
#include "weir/store/files.h"

namespace weir::flow {
namespace {

using agent::WorkspaceMode;

constexpr Duration kLookAgain = std::chrono::milliseconds(20);
constexpr Duration kLongWait = std::chrono::seconds(5);  // then a person is told

const agent::Agent& AgentOf(const GraphNode& node) { return *node.step()->agent; }

// The part of a glob that has no wildcard in it: a folder, or "".
std::string FixedFolderOf(std::string_view glob) {
  const std::string_view fixed = glob.substr(0, glob.find_first_of("*?[{"));
  const std::size_t end = fixed.rfind('/');
  return end == std::string_view::npos ? std::string() : std::string(fixed.substr(0, end));
}

// What tools get beside the arguments of the model: the fields of the row, and under names of their
// own all of it and the workspace, which no field hides.
json::Value InputsOf(const AgentWork& work, std::string_view workspace) {
  json::Builder out;
  out.BeginObject();
  for (const auto& [name, value] : work.row.members()) {
    if (name == "row" || name == "workspace") continue;
    out.Key(name);
    out.Copy(value);
  }
  out.Key("row");
  out.Copy(work.row);
  out.Key("workspace");
  out.String(workspace);
  out.EndObject();
  return std::move(out).Finish();
}

// Whether no tool writes into a file that is there: built-in ones put another in its place, and
// what a program does is not known.
bool OnlyReplaces(const agent::Agent& agent) {
  return agent.servers.empty() && std::ranges::all_of(agent.tools, [](const auto& tool) {
           return !tool.builtin.empty() && tool.builtin != "run_command" && tool.context.empty();
         });
}

// The part of a file that a row is, or its file, where its id says neither.
std::string TitleOf(const AgentWork& work) {
  const std::string_view path = work.row.Find("path").StringOr("");
  const std::string_view name = work.row.Find("name").StringOr("");
  if (path.empty() || path == work.row_id) return {};
  const bool is_unit = !name.empty() && work.row.Find("kind").IsString();
  return is_unit ? StrCat(path, ":", name) : std::string(path);
}

// What the system refused, in files that are ours. What is damaged, or of a later version, has no
// cause: then it is one row's.
bool IsOfTheDisk(const Error& error) {
  return error.code == Code::kIoError && !error.cause.empty();
}

// A checkpoint that tells afterwards whether the disk failed under it.
class WatchedCheckpoint final : public agent::Checkpoint {
 public:
  explicit WatchedCheckpoint(std::unique_ptr<agent::Checkpoint> checkpoint)
      : checkpoint_(std::move(checkpoint)) {}

  const agent::Begun& begun() const override { return checkpoint_->begun(); }
  Result<void> Add(const model::Message& message, const agent::Figures& figures) override {
    return Noted(checkpoint_->Add(message, figures));
  }
  Result<void> Replace(const std::vector<model::Message>& messages,
                       const agent::Figures& figures) override {
    return Noted(checkpoint_->Replace(messages, figures));
  }
  Result<void> Start(const std::string& call_id) override {
    return Noted(checkpoint_->Start(call_id));
  }

  const std::optional<Error>& failure() const { return failure_; }

 private:
  Result<void> Noted(Result<void> done) {
    if (!done && !failure_ && IsOfTheDisk(done.error())) failure_ = done.error();
    return done;
  }

  const std::unique_ptr<agent::Checkpoint> checkpoint_;
  std::optional<Error> failure_;
};

std::string AgentId(const AgentWork& work) { return StrCat(work.node->node->id, "/", work.row_id); }

}  // namespace

struct Agents::Room {
  std::unique_ptr<WatchedCheckpoint> checkpoint;
  bool in_use = false;  // by another process
  std::optional<agent::Root> root;
  agent::Surroundings around;
};

Agents::Agents(const Graph& graph, const RunOptions& options, std::string run_folder)
    : graph_(graph), options_(options), run_folder_(std::move(run_folder)) {}

Agents::~Agents() = default;

std::string Agents::PathOf(const GraphNode& node, const std::string& key,
                           std::string_view ending) const {
  return StrCat(run_folder_, "/agents/", node.node->id, "/", agent::FolderNameOf(key), ending);
}

std::string Agents::KeyOf(const Traveller& traveller) const {
  return ids_are_keys_ ? traveller.id : WorkKey(traveller);
}

// A folder that is there without the mark was made when ids were the keys, and stays so.
Result<void> Agents::OpenFolder() {
  const std::string folder = run_folder_ + "/agents";
  const std::string mark = folder + "/.keys";
  std::error_code failed;
  const bool is_new = std::filesystem::create_directories(folder, failed);
  if (failed) {
    return Fail(Code::kIoError, StrCat("cannot make the folder ", folder), failed.message());
  }
  if (is_new) {
    WEIR_CHECK(store::ReplaceFile(mark, "1\n"));
  }
  ids_are_keys_ = !std::filesystem::exists(mark, failed);
  return {};
}

async::Task<Result<void>> Agents::Open(async::Context ctx, std::optional<Queue> queue) {
  queue_ = std::move(queue);
  if (HasAgents(graph_)) {
    WEIR_CO_CHECK(OpenFolder());
  }
  for (const GraphNode* node : graph_.all()) {
    if (node->step() == nullptr || !node->step()->agent) continue;
    const agent::Agent& agent = AgentOf(*node);
    Kit& kit = kits_[node->index];
    kit.mode = agent::WorkspaceModeOf(agent);
    if (agent.sandbox) {
      const auto check = [this] { return agent::CheckSandbox(options_.env); };
      WEIR_CO_CHECK(co_await async::OffLoop(ctx, check));
    }
    agent::ToolboxOptions options{.folder = graph_.flow().folder,
                                  .env = options_.env,
                                  .approver = options_.approver,
                                  .functions = {}};
    WEIR_CO_TRY(kit.toolbox, co_await agent::Toolbox::Open(ctx, agent, std::move(options)));
    std::error_code failed;
    std::filesystem::create_directories(StrCat(run_folder_, "/agents/", node->node->id), failed);
    if (failed) {
      co_return Fail(Code::kIoError, StrCat("cannot make the folder ", run_folder_, "/agents"),
                     failed.message());
    }
  }
  if (kits_.empty()) co_return Result<void>();
  Result<void> opened = co_await OpenWorkspaces(ctx);
  for (const auto& [mode, store] : stores_) {
    if (!store) continue;
    for (const std::string& note : store->notes()) {
      ctx.Emit("preflight", {{"message", std::string_view(note)}});
    }
  }
  co_return opened;
}

std::string Agents::JournalOf(const GraphNode& node, const std::string& key, int attempt) const {
  return PathOf(node, key, StrCat(".", attempt, ".journal"));
}

agent::WorkspaceStore::Options Agents::WorkspaceOptions(const GraphNode& node,
                                                        agent::WorkspaceMode mode) const {
  const agent::WorkspaceRule& rule = AgentOf(node).workspace;
  const Flow& flow = graph_.flow();
  agent::WorkspaceStore::Options options;
  options.source = rule.source;
  options.run_folder = run_folder_;
  options.mode = mode;
  options.max_bytes = rule.max_bytes;
  options.env = options_.env;
  options.present = queue_.has_value();
  if (queue_) options.without = queue_->without;
  for (const auto& [index, kit] : kits_) {
    const GraphNode& any = *graph_.all()[index];
    if (OnlyReplaces(AgentOf(any))) options.replacing.insert(any.node->id);
  }
  if (options.source.empty()) {
    options.source = options_.files.empty() ? flow.folder : options_.files_folder;
    const std::string_view flow_files = flow.files ? std::string_view(flow.files->glob) : "";
    options.only = FixedFolderOf(options_.files.empty() ? flow_files : options_.files);
  }
  if (options.source.empty()) options.source = ".";
  return options;
}

// Of those that share a folder one makes the snapshot, and the others wait.
async::Task<Result<void>> Agents::OpenWorkspaces(async::Context ctx) {
  TimePoint tell = ctx.Now() + kLongWait;
  while (true) {
    bool busy = false;
    const auto open = [this, &busy] { return TryWorkspaces(busy); };
    Result<void> opened = co_await async::OffLoop(ctx, open);
    if (!busy) co_return opened;
    if (ctx.Now() >= tell) {
      tell = kNever;
      ctx.Emit("preflight", {{"message", std::string_view(opened.error().message)}});
    }
    WEIR_CO_CHECK(co_await async::Sleep(ctx, kLookAgain));
  }
}

Result<void> Agents::TryWorkspaces(bool& busy) {
  std::optional<agent::WorkspaceStore::Options> copied;
  for (const auto& [index, kit] : kits_) {
    const GraphNode& node = *graph_.all()[index];
    agent::WorkspaceStore::Options options = WorkspaceOptions(node, kit.mode);
    const bool copies = kit.mode == WorkspaceMode::kCopy || kit.mode == WorkspaceMode::kWorktree;
    if (copies && copied && (copied->source != options.source || copied->mode != options.mode)) {
      return Fail(Code::kConfigError,
                  StrCat("the agents of a flow work on one source in one way, since a run has one "
                         "snapshot: that of ",
                         node.node->id, " differs from those before it (workspace: ...)"));
    }
    if (copies && !copied) copied = options;
    if (stores_.contains(kit.mode)) continue;
    WEIR_TRY(stores_[kit.mode], agent::WorkspaceStore::Open(std::move(options), &busy));
  }
  return {};
}

async::Task<void> Agents::Close(async::Context ctx, bool done) {
  for (const auto& [index, kit] : kits_) {
    if (kit.toolbox) co_await kit.toolbox->Close(ctx);
    if (!done) continue;
    std::error_code ignored;
    const std::string folder = StrCat(run_folder_, "/agents/", graph_.all()[index]->node->id);
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
      if (entry.path().extension() == ".journal") std::filesystem::remove(entry.path(), ignored);
    }
  }
}

async::Task<Result<void>> Agents::Prepare(async::Context ctx, const AgentWork& work, Room& room) {
  const Kit& kit = kits_.at(work.node->index);
  WEIR_CO_TRY(
      std::unique_ptr<agent::Checkpoint> checkpoint,
      agent::Checkpoint::Open(JournalOf(*work.node, work.key, work.attempt),
                              agent::BeginningOf(work.call.messages, work.seed), &room.in_use));
  room.checkpoint = std::make_unique<WatchedCheckpoint>(std::move(checkpoint));
  const bool goes_on = !room.checkpoint->begun().messages.empty();
  agent::WorkspaceStore& store = *stores_.at(kit.mode);
  const auto make = [&] { return store.Make(work.node->node->id, work.key, goes_on); };
  WEIR_CO_TRY(const std::string folder, co_await async::OffLoop(ctx, make));
  WEIR_CO_TRY(agent::Root root, agent::Root::Open(folder));
  room.root.emplace(std::move(root));
  room.around.root = &*room.root;
  room.around.agent_id = AgentId(work);
  room.around.inputs = InputsOf(work, folder);
  room.around.env = agent::ToolEnv(options_.env);
  room.around.sandbox = AgentOf(*work.node).sandbox;
  co_return Result<void>();
}

async::Task<Agents::Worked> Agents::Work(async::Context ctx, AgentWork work) {
  Worked worked{
      .result = {.submission = json::Value(), .figures = {}, .messages = {}, .repairs = {}}};
  agent::WorkResult& result = worked.result;
  const auto of = [](const Error& error) {
    return IsOfTheDisk(error) ? Hindrance::kDisk : Hindrance::kNone;
  };
  const std::string id = AgentId(work);
  std::optional<events::LabelSink> labels;
  if (ctx.trace != nullptr) {
    labels.emplace(
        *ctx.trace,
        events::EventLabels{{"row", work.row_id}, {"node", work.node->node->id}, {"agent", id}});
    ctx.trace = &*labels;
    ctx.span = 0;
  }
  agent::Agent changed = AgentOf(*work.node);
  if (const Result<void> good = agent::Override(changed, work.call, work.overrides); !good) {
    result.submission = Fail(good.error());
    co_return worked;
  }
  Room room;
  if (Result<void> prepared = co_await Prepare(ctx, work, room); !prepared) {
    result.submission = Fail(prepared.error());
    worked.hindrance = room.in_use ? Hindrance::kElsewhere : of(prepared.error());
    co_return worked;
  }
  const agent::Job job{.call = std::move(work.call),
                       .seed = work.seed,
                       .turn_timeout = work.turn_timeout,
                       .around = &room.around,
                       .checkpoint = room.checkpoint.get(),
                       .on_answer = work.on_answer};
  agent::Toolbox& toolbox = *kits_.at(work.node->index).toolbox;
  result = co_await agent::Work(ctx, *work.engine, changed, toolbox, job);
  if (ctx.cancelled()) co_return worked;
  if (room.checkpoint->failure()) {
    result.submission = Fail(*room.checkpoint->failure());
    worked.hindrance = Hindrance::kDisk;
  } else if (result.submission) {
    if (Result<void> finished = co_await Finish(ctx, work, result); !finished) {
      result.submission = Fail(finished.error());
      worked.hindrance = of(finished.error());
    }
  }
  if (worked.hindrance == Hindrance::kNone) WriteTranscript(work, result);
  co_return worked;
}

async::Task<Result<void>> Agents::Finish(async::Context ctx, const AgentWork& work,
                                         agent::WorkResult& result) {
  agent::WorkspaceStore& store = *stores_.at(kits_.at(work.node->index).mode);
  const std::string title = TitleOf(work);
  const auto finish = [&]() -> Result<void> {
    const Result<std::vector<agent::Change>> changes =
        store.Finish(work.node->node->id, work.key, {.result = *result.submission, .title = title});
    if (!changes) return Fail(changes.error());
    return {};
  };
  Result<void> finished = co_await async::OffLoop(ctx, finish);
  co_return finished;
}

// What a person reads to find out why an agent did what it did. That it cannot be written is no
// reason to lose the work.
void Agents::WriteTranscript(const AgentWork& work, const agent::WorkResult& result) const {
  std::string text;
  json::Writer out(text, {.indent = 1});
  out.BeginObject();
  out.Field("agent", AgentId(work));
  if (result.submission) {
    out.Field("result", json::View(*result.submission));
  } else {
    out.Field("error", Name(result.submission.error()));
    out.Field("message", Redact(result.submission.error().message));
  }
  out.PlainKey("figures");
  agent::WriteFigures(out, result.figures);
  if (!result.repairs.empty()) {
    out.PlainKey("repairs");
    out.BeginArray();
    for (const std::string& repair : result.repairs) out.String(repair);
    out.EndArray();
  }
  out.PlainKey("messages");
  out.BeginArray();
  for (const model::Message& message : result.messages) agent::WriteMessage(out, message);
  out.EndArray();
  out.EndObject();
  text += '\n';
  (void)store::ReplaceFile(PathOf(*work.node, work.key, ".json"), text, {.durable = false});
}

std::optional<agent::Figures> Agents::FiguresOf(AgentWork work) const {
  const std::string journal = JournalOf(*work.node, work.key, work.attempt);
  std::error_code ignored;
  if (!std::filesystem::exists(journal, ignored)) return std::nullopt;
  agent::Agent changed = AgentOf(*work.node);
  if (!agent::Override(changed, work.call, work.overrides)) return std::nullopt;
  const auto checkpoint =
      agent::Checkpoint::Open(journal, agent::BeginningOf(work.call.messages, work.seed));
  if (!checkpoint || (*checkpoint)->begun().messages.empty()) return std::nullopt;
  return (*checkpoint)->begun().figures;
}

std::optional<int> Agents::BrokenOff(const GraphNode& node, const std::string& key,
                                     Attempts attempts) const {
  for (int attempt = attempts.last; attempt >= attempts.first; --attempt) {
    std::error_code ignored;
    if (std::filesystem::exists(JournalOf(node, key, attempt), ignored)) return attempt;
  }
  return std::nullopt;
}

async::Task<Result<void>> Agents::Forget(async::Context ctx, const GraphNode& node, std::string key,
                                         Attempts attempts, Ending ending) {
  for (int attempt = attempts.first; attempt <= attempts.last; ++attempt) {
    ::unlink(JournalOf(node, key, attempt).c_str());
  }
  if (ending == Ending::kDone) co_return Result<void>();
  agent::WorkspaceStore& store = *stores_.at(kits_.at(node.index).mode);
  const auto discard = [&] {
    return ending == Ending::kGivenUp ? store.GiveUp(node.node->id, key)
                                      : store.Discard(node.node->id, key);
  };
  Result<void> discarded = co_await async::OffLoop(ctx, discard);
  // What cannot be taken away is in nobody's way.
  if (ending != Ending::kGivenUp || discarded || !IsOfTheDisk(discarded.error())) {
    discarded = Result<void>();
  }
  co_return discarded;
}

}  // namespace weir::flow
