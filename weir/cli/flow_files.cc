#include "weir/cli/flow_files.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/flow/batch.h"
#include "weir/flow/read.h"
#include "weir/flow/read_agent.h"
#include "weir/json/writer.h"
#include "weir/store/files.h"

namespace weir::cli {
namespace {

// Which file holds the configuration; empty: the usual search finds it.
Result<std::string> ConfigFileFor(const std::string& flow_file, const Session& session) {
  if (!session.config_file.empty() || session.env.Get("WEIR_CONFIG")) return session.config_file;
  WEIR_TRY(const std::optional<std::string> text,
           store::ReadFile(flow_file, limits::kConfigFileBytes));
  if (text && flow::IsConfigFile(*text)) return flow_file;
  const std::filesystem::path beside = std::filesystem::path(flow_file).parent_path() / "weir.yaml";
  std::error_code ignored;
  return std::filesystem::is_regular_file(beside, ignored) ? beside.string() : std::string();
}

// Whether it is the file of an agent alone, and of no flow.
bool IsAgent(const std::string& target) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(target, ignored)) return false;
  const auto text = store::ReadFile(target, limits::kConfigFileBytes);
  return text && *text && flow::IsAgentFile(**text);
}

// What a server of that kind cannot be asked for; weir checks answers, and does not make them.
std::map<std::string, std::string> LacksOf(const config::EngineConfig& engine) {
  if (engine.kind == config::Kind::kOpenAi) {
    const std::string reason = "OpenAI's API has JSON schemas only";
    return {{"regex", reason}, {"grammar", reason}, {"choice", reason}};
  }
  if (engine.kind == config::Kind::kOllama) {
    return {{"grammar", "Ollama has JSON schemas only"}};
  }
  return {};
}

flow::EngineFacts FactsOf(const config::EngineConfig& engine) {
  flow::EngineFacts facts{
      .kind = std::string(config::KindName(engine.kind)),
      .model = engine.http.model,
      .adapters = {},
      .loads_adapters = engine.kind == config::Kind::kVllm || engine.kind == config::Kind::kSim,
      .lacks = LacksOf(engine)};
  for (const config::AdapterConfig& adapter : engine.adapters) {
    facts.adapters.push_back(adapter.name);
  }
  return facts;
}

}  // namespace

Result<LoadedFlow> LoadFlow(const std::string& target, const Session& session) {
  if (IsAgent(target)) return LoadAgentFile(target, session);
  WEIR_TRY(flow::Flow flow, flow::ReadFlow(target));
  WEIR_TRY(flow::Graph graph, flow::Graph::Compile(std::move(flow)));
  WEIR_TRY(const std::string file, ConfigFileFor(flow::FlowFile(target), session));
  WEIR_TRY(config::Config config, config::Load(file, session.env));
  return LoadedFlow{std::move(graph), std::move(config)};
}

Result<LoadedFlow> LoadAgentFile(const std::string& path, const Session& session) {
  WEIR_TRY(flow::Flow flow, flow::ReadAgentFile(path));
  WEIR_TRY(flow::Graph graph, flow::Graph::Compile(std::move(flow)));
  WEIR_TRY(const std::string file, ConfigFileFor(path, session));
  WEIR_TRY(config::Config config, config::Load(file, session.env));
  return LoadedFlow{std::move(graph), std::move(config)};
}

Result<LoadedFlow> LoadBatch(const std::string& engine, const std::string& model,
                             const Session& session) {
  WEIR_TRY(flow::Graph graph, flow::Graph::Compile(flow::BatchFlow(engine, model)));
  WEIR_TRY(config::Config config, config::Load(session.config_file, session.env));
  return LoadedFlow{std::move(graph), std::move(config)};
}

bool CheckedFlow::ok() const {
  return std::ranges::all_of(problems, [](const flow::Problem& one) { return one.warning; });
}

Result<CheckedFlow> CheckFlowFile(const std::string& target, const Session& session,
                                  const std::string& engine) {
  flow::ReadProblems read;
  WEIR_TRY(flow::Flow flow,
           IsAgent(target) ? flow::ReadAgentFile(target, read) : flow::ReadFlow(target, read));
  CheckedFlow checked{.problems = std::move(read.problems)};
  const auto add = [&](std::vector<flow::Problem> more) {
    const std::vector<flow::Problem> known = checked.problems;
    for (flow::Problem& problem : more) {
      // What could not be read right is wrong for whoever looks at it next, too.
      const bool told = std::ranges::any_of(known, [&](const flow::Problem& one) {
        return !one.warning && !one.place.empty() && one.place == problem.place;
      });
      if (!told) checked.problems.push_back(std::move(problem));
    }
  };
  std::vector<flow::Problem> compiled;
  flow::Graph graph = flow::Graph::Compile(std::move(flow), compiled);
  checked.nodes = graph.all().size();
  add(std::move(compiled));
  Result<std::string> file = ConfigFileFor(flow::FlowFile(target), session);
  Result<config::Config> config =
      file ? config::Load(*file, session.env) : std::unexpected<Error>(file.error());
  if (!config) {
    checked.problems.push_back({.place = {}, .message = config.error().message});
    return checked;
  }
  // Names of nodes that could not be read would be told as unknown, wherever they are read.
  if (read.nodes_missing) return checked;
  const LoadedFlow loaded{std::move(graph), *std::move(config)};
  add(CheckLoaded(loaded, session, engine));
  return checked;
}

std::vector<flow::Problem> CheckLoaded(const LoadedFlow& loaded, const Session& session,
                                       const std::string& engine) {
  flow::CheckFacts facts;
  facts.engine = engine;
  facts.program_path = session.env.Get("PATH").value_or("");
  facts.env = &session.env;
  for (const config::EngineConfig& one : loaded.config.engines) {
    facts.engines.emplace(one.name, FactsOf(one));
  }
  // The simulator and addresses are engines that no file has.
  const std::vector<std::string> asked =
      engine.empty() ? flow::EnginesOf(loaded.graph) : std::vector{engine};
  for (const std::string& name : asked) {
    if (name.empty() || facts.engines.contains(name)) continue;
    const auto role = loaded.config.routes.roles.find(name);
    if (role != loaded.config.routes.roles.end() && !role->second.empty()) {
      facts.engines.emplace(name, FactsOf(*loaded.config.Find(role->second.front())));
    } else if (const auto found = config::ResolveEngine(loaded.config, name, session.env)) {
      facts.engines.emplace(name, FactsOf(*found));
    }
  }
  facts.default_engine = loaded.config.default_engine;
  for (const auto& [name, profile] : loaded.config.profiles) facts.profiles.push_back(name);
  return flow::CheckFlow(loaded.graph, facts);
}

std::string ProblemsJson(bool ok, const std::vector<flow::Problem>& problems) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Key("ok");
  out.Bool(ok);
  out.Key("problems");
  out.BeginArray();
  for (const flow::Problem& problem : problems) {
    out.BeginObject();
    out.Field("place", problem.place);
    out.Key("warning");
    out.Bool(problem.warning);
    out.Field("message", problem.message);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return text += '\n';
}

Result<void> TellProblems(const std::vector<flow::Problem>& problems, const Terminal& terminal) {
  std::vector<flow::Problem> errors;
  for (const flow::Problem& problem : problems) {
    if (!problem.warning) {
      errors.push_back(problem);
    } else {
      const std::string where = problem.place.empty() ? "" : problem.place + ": ";
      terminal.Warn(where + problem.message);
    }
  }
  if (errors.empty()) return {};
  return Fail(Code::kConfigError, flow::Describe(errors));
}

}  // namespace weir::cli
