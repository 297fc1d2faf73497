// `weir agent`: checks, shows and lists agents, of files of their own and of flows.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "weir/agent/tools/builtins.h"
#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/cli/agent_show.h"
#include "weir/cli/command.h"
#include "weir/cli/flags.h"
#include "weir/cli/flow_files.h"
#include "weir/cli/print.h"
#include "weir/flow/read.h"
#include "weir/flow/read_agent.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/store/files.h"

namespace weir::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 2000;  // below one folder
constexpr int kDeepest = 16;

struct AgentFlags {
  std::string target;
  std::string format = "text";

  bool json() const { return format == "json"; }
};

bool IsFolder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

std::string TextOf(const std::string& path) {
  auto text = store::ReadFile(path, limits::kConfigFileBytes);
  return text && *text ? *std::move(*text) : std::string();
}

// Files below a folder that hold an agent, a flow or flows, sorted; hidden folders left out.
std::vector<std::string> FilesBelow(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  auto at = fs::recursive_directory_iterator(folder, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    const bool hidden = name.starts_with('.') && name.size() > 1;
    if (at->is_directory(error) && (hidden || at.depth() >= kDeepest))
      at.disable_recursion_pending();
    const bool yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    if (hidden || !yaml || !at->is_regular_file(error)) continue;
    const std::string path = at->path().lexically_normal().string();
    const std::string text = TextOf(path);
    const auto document = json::ReadYaml(text, path);
    const bool flow = document && (document->value.Find("nodes").exists() ||
                                   !document->value.Find("flows").empty());
    if (flow || flow::IsAgentFile(text)) files.push_back(path);
    if (files.size() == kMostFiles) break;
  }
  std::ranges::sort(files);
  return files;
}

// The flows that a file means: one alone, or those of a configuration.
std::vector<std::string> FlowsOf(const std::string& file) {
  const auto document = json::ReadYaml(TextOf(file), file);
  std::vector<std::string> targets;
  if (document) {
    for (const auto& [name, unused] : document->value.Find("flows").members()) {
      targets.push_back(StrCat(file, "#", name));
    }
  }
  if (targets.empty()) targets.push_back(file);
  return targets;
}

// One agent, with the graph that it stands in; or what is wrong with its file.
class Finder {
 public:
  explicit Finder(const Session& session) : session_(session) {}

  // Fails when there is nothing of that name. A file with mistakes is found, with its problem.
  Result<std::vector<FoundAgent>> Find(const std::string& target) {
    std::error_code error;
    const bool exists = fs::exists(target, error);
    const bool flow_folder = IsFolder(target) && fs::exists(fs::path(target) / "flow.yaml", error);
    if (IsFolder(target) && !flow_folder) {
      for (const std::string& file : FilesBelow(target)) AddFile(file);
    } else if (exists) {
      AddFile(flow_folder ? (fs::path(target) / "flow.yaml").string() : target);
    } else {
      WEIR_CHECK(AddNamed(target));
    }
    return std::move(found_);
  }

  // All below a folder, also where it is a flow's.
  std::vector<FoundAgent> FindBelow(const std::string& folder) {
    for (const std::string& file : FilesBelow(folder)) AddFile(file);
    return std::move(found_);
  }

 private:
  void AddFile(const std::string& file) {
    if (flow::IsAgentFile(TextOf(file))) {
      Add(file, LoadAgentFile(file, session_), {});
    } else {
      for (const std::string& target : FlowsOf(file)) Add(target, LoadFlow(target, session_), {});
    }
  }

  // FLOW#NAME: a flow of that name, or an agent of the flow.
  Result<void> AddNamed(const std::string& target) {
    Result<LoadedFlow> whole = LoadFlow(target, session_);
    const std::size_t hash = target.rfind('#');
    if (whole || hash == std::string::npos) {
      if (!whole) return Fail(whole.error());
      Add(target, std::move(whole), {});
      return {};
    }
    const std::string file = target.substr(0, hash);
    const std::string name = target.substr(hash + 1);
    Result<LoadedFlow> flow = LoadFlow(file, session_);
    if (!flow) return Fail(whole.error());
    Add(file, std::move(flow), name);
    if (!found_.empty()) return {};
    std::vector<std::string> names = std::move(names_);
    const auto nearest = Nearest(name, names);
    return Fail(Code::kConfigError,
                StrCat(file, " has no agent ", Truncate(name, 60), "; ",
                       nearest         ? StrCat("did you mean ", *nearest, "?")
                       : names.empty() ? std::string("none of its nodes is one")
                                       : StrCat("there are: ", Join(names, ", "))));
  }

  void Add(const std::string& file, Result<LoadedFlow> loaded, std::string_view only) {
    if (!loaded) {
      // Loading stops at the first kind of mistake.
      Result<CheckedFlow> checked = CheckFlowFile(file, session_);
      found_.push_back(
          {.file = file,
           .flow = nullptr,
           .node = nullptr,
           .problems = checked ? std::move(checked->problems) : std::vector<flow::Problem>(),
           .error = loaded.error()});
      return;
    }
    const auto flow = std::make_shared<LoadedFlow>(*std::move(loaded));
    const std::vector<flow::Problem> problems = CheckLoaded(*flow, session_);
    for (const flow::GraphNode* node : flow->graph.all()) {
      if (node->step() == nullptr || !node->step()->agent) continue;
      names_.push_back(node->node->id);
      if (!only.empty() && node->node->id != only) continue;
      found_.push_back(
          {.file = file, .flow = flow, .node = node, .problems = problems, .error = {}});
    }
  }

  const Session& session_;
  std::vector<FoundAgent> found_;
  std::vector<std::string> names_;
};

Result<std::vector<FoundAgent>> FindSome(const std::string& target, const Session& session) {
  WEIR_TRY(std::vector<FoundAgent> found, Finder(session).Find(target));
  if (!found.empty()) return found;
  return Fail(Code::kConfigError,
              StrCat("there is no agent in ", target,
                     "; name the file of one, a flow with an agent node, or a folder"));
}

int Stop(Session& session, const AgentFlags& flags, const Error& error) {
  if (flags.json()) session.terminal.Out(ErrorJson(error));
  return Refuse(session, error);
}

int Check(Session& session, const AgentFlags& flags) {
  const auto found = FindSome(flags.target, session);
  if (!found) return Stop(session, flags, found.error());
  const bool good = std::ranges::all_of(*found, [](const FoundAgent& one) { return one.good(); });
  if (flags.json()) {
    session.terminal.Out(AgentsJson(*found));
    return good ? kExitOk : kExitConfig;
  }
  const std::string* told = nullptr;  // the agents of a flow have its problems in common
  for (const FoundAgent& one : *found) {
    if (told == nullptr || *told != one.file) {
      const Result<void> sound = TellProblems(one.problems, session.terminal);
      if (!sound) session.terminal.Problem(sound.error());
      if (sound && one.error) session.terminal.Problem(*one.error);
    }
    told = &one.file;
    if (one.good()) session.terminal.Out(CheckText(one));
  }
  return good ? kExitOk : kExitConfig;
}

int Show(Session& session, const AgentFlags& flags) {
  const auto found = FindSome(flags.target, session);
  if (!found) return Stop(session, flags, found.error());
  std::string out;
  for (const FoundAgent& one : *found) {
    if (one.error) return Stop(session, flags, *one.error);
    if (!flags.json() && !out.empty()) out += "\n";
    out += flags.json() ? AgentJson(one) : AgentText(one);
  }
  session.terminal.Out(out);
  return kExitOk;
}

int List(Session& session, const AgentFlags& flags) {
  const std::string folder = flags.target.empty() ? "." : flags.target;
  if (!IsFolder(folder)) {
    return Stop(session, flags,
                {.code = Code::kConfigError, .message = StrCat("there is no folder ", folder)});
  }
  const std::vector<FoundAgent> found = Finder(session).FindBelow(folder);
  session.terminal.Out(flags.json() ? AgentsJson(found) : ListText(found));
  return kExitOk;
}

using Action = int (*)(Session&, const AgentFlags&);

void AddOne(CLI::App& parent, Session& session, const char* name, const char* about,
            Action action) {
  auto flags = std::make_shared<AgentFlags>();  // shared by the callbacks below
  CLI::App& command = AddCommand(parent, name, about);
  const bool list = action == &List;
  const Flag target = TextFlag(
      command, list ? "folder" : "agent", flags->target,
      list ? "where to look; default: here" : "FILE, FOLDER, a flow, or FLOW#NAME of its node");
  target.Shows(list ? "FOLDER" : "AGENT");
  if (!list) target.Required();
  TextFlag(command, "-o,--output", flags->format, "text or json").OneOf({"text", "json"});
  SetRun(command, session, [flags, &session, action] { return action(session, *flags); });
}

}  // namespace

void AddAgentCommand(CLI::App& app, Session& session) {
  CLI::App& agent = AddCommand(app, "agent", "Check, show and list agents");
  RequireCommand(agent);
  AddOne(agent, session, "check", "Find mistakes, and programs that are not there", &Check);
  AddOne(agent, session, "show", "What the model sees, and what bounds it", &Show);
  AddOne(agent, session, "list", "The agents below a folder", &List);
}

}  // namespace weir::cli
