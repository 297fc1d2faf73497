#include "weir/flow/read_agent.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "weir/base/text.h"
#include "weir/flow/names.h"
#include "weir/flow/read_include.h"
#include "weir/flow/read_nodes.h"
#include "weir/flow/read_step.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;
using agent::Agent;
using agent::WorkspaceMode;
using ChoiceKind = model::ToolChoice::Kind;

constexpr double kMostWhole = 1e9;
constexpr NumberRange kTemperatures = {.least = 0, .most = 2};

template <class T>
struct Word {
  std::string_view word;
  T value;
};

constexpr std::array kApprovals = {Word{"auto", agent::Approval::kAuto},
                                   Word{"ask", agent::Approval::kAsk},
                                   Word{"deny", agent::Approval::kDeny}};
constexpr std::array kChoices = {Word{"auto", ChoiceKind::kAuto},
                                 Word{"required", ChoiceKind::kRequired},
                                 Word{"none", ChoiceKind::kNone}};
constexpr std::array kModes = {
    Word{"none", WorkspaceMode::kNone}, Word{"copy", WorkspaceMode::kCopy},
    Word{"worktree", WorkspaceMode::kWorktree}, Word{"in_place", WorkspaceMode::kInPlace}};

template <class Words>
auto ReadWord(Keys& keys, std::string_view key, const Words& words)
    -> std::optional<decltype(words[0].value)> {
  const json::View value = keys.Find(key);
  if (!value.exists()) return std::nullopt;
  const std::string text = ScalarText(value).value_or(std::string(json::KindName(value.kind())));
  std::vector<std::string> names;
  for (const auto& [word, value] : words) {
    if (word == text) return value;
    names.emplace_back(word);
  }
  const auto nearest = Nearest(text, names);
  keys.Wrong(key, StrCat("must be one of ", Join(names, ", "), ", found '", Truncate(text, 60), "'",
                         nearest ? StrCat("; did you mean ", *nearest, "?") : ""));
  return std::nullopt;
}

template <class T>
void PutWhole(Keys& keys, std::string_view key, double least, T& field) {
  if (const auto whole = keys.Whole(key, {.least = least, .most = kMostWhole})) {
    field = static_cast<T>(*whole);
  }
}

void PutText(Keys& keys, std::string_view key, std::string& field) {
  if (keys.Has(key)) {
    field = keys.Text(key);
  } else {
    keys.Find(key);
  }
}

// Whom to ask and what to say.
void ReadQuestion(Keys& keys, Step& step) {
  PutText(keys, "engine", step.engine);
  PutText(keys, "model", step.model);
  PutText(keys, NameOfKey(keys, {"adapter", "model_id"}), step.adapter);
  PutText(keys, "profile", step.profile);
  const Source system = keys.Code(NameOfKey(keys, {"system", "system_prompt"}));
  if (!system.empty()) step.system = system;
  const Source user = keys.Code("user");
  if (!user.empty()) step.user = user;
  const json::View both = keys.Find("initial_context");
  if (both.exists()) {
    Keys inner(keys.reading(), keys.file(), both, keys.PointerOf("initial_context"),
               StrCat("`initial_context` of ", keys.what()));
    if (inner.Has("system_prompt")) step.system = inner.Code("system_prompt");
    if (inner.Has("node_context")) step.user = inner.Code("node_context");
    inner.Finish();
  }
  std::vector<Source> media = ReadMedia(keys);
  if (!media.empty()) step.media = std::move(media);
  LaySampling(ReadAllSampling(keys, false), step.sampling);
  if (keys.Has("reasoning")) step.reasoning = ReadReasoning(keys);
  keys.Find("reasoning");
  PutWhole(keys, "retries", 0, step.retries);
  if (const auto timeout = keys.Seconds("timeout")) step.timeout = timeout;
}

void ReadTemperature(Keys& keys, agent::TurnPolicy& policy) {
  const json::View value = keys.Find("temperature");
  if (!value.exists()) return;
  if (!value.IsObject()) {
    if (const auto all = keys.Number("temperature", kTemperatures)) policy = {*all, *all, *all};
    return;
  }
  Keys inner(keys.reading(), keys.file(), value, keys.PointerOf("temperature"),
             StrCat("`temperature` of ", keys.what()));
  policy.first = inner.Number("first", kTemperatures).value_or(policy.first);
  policy.loop = inner.Number("loop", kTemperatures).value_or(policy.loop);
  policy.last = inner.Number("final", kTemperatures).value_or(policy.last);
  inner.Finish();
}

void ReadConfidence(Keys& keys, Step& step) {
  constexpr NumberRange kPart = {.least = 0, .most = 1};
  const json::View value = keys.Find("confidence");
  if (!value.exists()) return;
  if (const auto flag = value.AsBool()) {
    step.confidence.report = *flag;
  } else if (!value.IsObject()) {
    step.agent->min_tool_confidence = keys.Number("confidence", kPart);
  } else {
    Keys inner(keys.reading(), keys.file(), value, keys.PointerOf("confidence"),
               StrCat("`confidence` of ", keys.what()));
    step.agent->min_tool_confidence = inner.Number("threshold", kPart);
    step.confidence.report = inner.Flag("report").value_or(step.confidence.report);
    PutWhole(inner, "max_retries", 0, step.agent->confidence_retries);
    inner.Finish();
  }
}

// A schema, or {name, description, schema} around one.
void ReadSubmit(Keys& keys, Step& step) {
  const json::View value = keys.Find("submit");
  if (!value.exists()) return;
  bool wrapped = value.IsObject() && !value.empty();
  for (const auto& [key, unused] : value.members()) {
    wrapped &= key == "name" || key == "description" || key == "schema";
  }
  if (!wrapped) {
    step.output = ReadShape(keys, "submit");
    return;
  }
  Keys inner(keys.reading(), keys.file(), value, keys.PointerOf("submit"),
             StrCat("`submit` of ", keys.what()));
  PutText(inner, "name", step.agent->submit.name);
  PutText(inner, "description", step.agent->submit.description);
  Shape shape = ReadShape(inner, "schema");
  if (shape.schema) step.output = std::move(shape);
  inner.Finish();
}

void ReadWorkspace(Keys& keys, agent::WorkspaceRule& rule) {
  const json::View value = keys.Find("workspace");
  if (!value.exists()) return;
  if (!value.IsObject()) {
    if (const auto mode = ReadWord(keys, "workspace", kModes)) rule.mode = mode;
    return;
  }
  Keys inner(keys.reading(), keys.file(), value, keys.PointerOf("workspace"),
             StrCat("`workspace` of ", keys.what()));
  if (const auto mode = ReadWord(inner, "mode", kModes)) rule.mode = mode;
  PutText(inner, "source", rule.source);
  if (inner.Has("source")) rule.source = PathFrom(keys.file().folder, rule.source);
  PutWhole(inner, "max_bytes", 1, rule.max_bytes);
  inner.Finish();
}

void ReadLimits(Keys& keys, Agent& agent) {
  PutWhole(keys, "max_turns", 1, agent.max_turns);
  PutWhole(keys, "max_tool_calls", 0, agent.max_tool_calls);
  if (const auto tokens = keys.Whole("max_total_tokens", {.least = 1})) {
    agent.max_total_tokens = tokens;
  }
  if (const auto timeout = keys.Seconds("run_timeout")) agent.timeout = *timeout;
  PutWhole(keys, "max_nudges", 0, agent.max_nudges);
  PutWhole(keys, "max_compactions", 0, agent.max_compactions);
  PutWhole(keys, "parallel_tools", 1, agent.parallel_tools);
}

// Lays the keys of one map over what is there.
void ReadOver(Keys& keys, Step& step) {
  Agent& agent = *step.agent;
  ReadQuestion(keys, step);
  if (keys.Has("tools")) agent.tools = ReadTools(keys);
  keys.Find("tools");
  if (keys.Has("mcp")) agent.servers = ReadServers(keys);
  keys.Find("mcp");
  ReadSubmit(keys, step);
  ReadLimits(keys, agent);
  ReadTemperature(keys, agent.temperature);
  ReadConfidence(keys, step);
  if (const auto choice = ReadWord(keys, "tool_choice", kChoices)) agent.tool_choice = *choice;
  if (const auto approval = ReadApproval(keys)) agent.approval = *approval;
  agent.sandbox = keys.Flag("sandbox").value_or(agent.sandbox);
  ReadWorkspace(keys, agent.workspace);
}

void ReadDefinition(Keys& keys, Step& step) {
  const std::string_view key = NameOfKey(keys, {"definition", "use"});
  const std::string path = keys.Text(key);
  if (path.empty()) return;
  FlowReading& reading = keys.reading();
  const std::string file = PathFrom(keys.file().folder, path);
  if (++reading.includes > kMostIncludes) {
    return keys.Wrong(key, StrCat("is one too many: a flow has at most ", kMostIncludes, " files"));
  }
  const auto text = ReadPart(file);
  if (!text) {
    return keys.Wrong(key, StrCat("is the path of an agent: ", Describe(text.error())));
  }
  const auto document = json::ReadYaml(*text, file);
  if (!document) return reading.Wrong({}, document.error().message);
  if (std::ranges::find(reading.parts, file) == reading.parts.end()) reading.parts.push_back(file);
  const FlowFileText inner = {
      .yaml = *document, .folder = fs::path(file).parent_path().string(), .included = true};
  Keys below(reading, inner, document->value, "", StrCat("agent ", file));
  below.Text("name");
  ReadOver(below, step);
  below.Finish();
}

}  // namespace

std::optional<agent::Approval> ReadApproval(Keys& keys) {
  return ReadWord(keys, "approval", kApprovals);
}

std::string_view NameOfKey(Keys& keys, std::initializer_list<std::string_view> names) {
  std::string_view found;
  for (const std::string_view name : names) {
    if (!keys.Find(name).exists()) continue;
    if (!found.empty()) {
      keys.Wrong(name, StrCat("means the same as `", found, "`; keep one of them"));
    } else {
      found = name;
    }
  }
  return found.empty() ? *names.begin() : found;
}

std::vector<std::string> ProgramOf(const Keys& keys, json::View value) {
  std::vector<std::string> words;
  for (const std::string_view word : Split(value.StringOr(""), ' ')) {
    if (!Trim(word).empty()) words.emplace_back(Trim(word));
  }
  for (const json::View item : value.items()) {
    auto word = ScalarText(item);
    if (!word) return {};
    words.push_back(*std::move(word));
  }
  const FlowFileText& file = keys.file();
  const bool beside = !words.empty() && words[0].contains('/') && !words[0].starts_with('/');
  if (beside && file.included) {
    words[0] = RelativeTo(keys.reading().folder, PathFrom(file.folder, words[0]));
  }
  return words;
}

std::vector<std::string> ReadProgramWords(Keys& keys, std::string_view key) {
  const json::View value = keys.Find(key);
  if (!value.exists()) return {};
  std::vector<std::string> words = ProgramOf(keys, value);
  if (words.empty() || words.front().empty()) {
    keys.Wrong(key, "must be a program: a list of words, or words between blanks");
  }
  return words;
}

Step ReadAgent(Keys& keys) {
  Step step;
  step.agent.emplace();
  ReadDefinition(keys, step);
  ReadOver(keys, step);
  return step;
}

bool IsAgentFile(std::string_view text) {
  const auto document = json::ReadYaml(text, "agent");
  if (!document || !document->value.IsObject()) return false;
  const json::View root = document->value;
  if (root.Find("nodes").exists() || root.Find("flows").exists()) return false;
  if (root.Find("engines").exists()) return false;
  constexpr std::array<std::string_view, 4> kSigns = {"tools", "mcp", "submit", "max_turns"};
  return std::ranges::any_of(kSigns, [&](std::string_view key) { return root.Find(key).exists(); });
}

namespace {

Result<Flow> ReadAgentDocument(std::string_view text, const std::string& file_name,
                               ReadProblems& found) {
  WEIR_TRY(const json::YamlDocument document, json::ReadYaml(text, file_name));
  Flow flow;
  flow.file = file_name;
  flow.folder = fs::path(file_name).parent_path().string();
  FlowReading reading;
  reading.folder = flow.folder;
  reading.parts.push_back(file_name);
  const FlowFileText file = {.yaml = document, .folder = flow.folder};
  Keys keys(reading, file, document.value, "", "the agent");
  if (!document.value.IsObject() && reading.problems.empty()) {
    reading.Wrong(keys.place(), "the file holds no agent; docs/agents.md has an example");
  }
  Node& node = flow.nodes.emplace_back();
  node.place = keys.place();
  node.id = keys.Text("name");
  if (node.id.empty()) {
    node.id = fs::path(file_name).stem().string();
    for (char& c : node.id) {
      if (!IsName(std::string_view(&c, 1)) && (c < '0' || c > '9')) c = '_';
    }
  }
  flow.name = node.id;
  keys.Rename(StrCat("agent ", Truncate(node.id, 60)));
  Step& step = std::get<Step>(node.what);
  step.agent.emplace();
  ReadOver(keys, step);
  keys.Finish();
  found.problems = std::move(reading.problems);
  found.nodes_missing = reading.nodes_missing;
  flow.parts = std::move(reading.parts);
  return flow;
}

}  // namespace

Result<Flow> ReadAgentText(std::string_view text, const std::string& file_name) {
  ReadProblems found;
  WEIR_TRY(Flow flow, ReadAgentDocument(text, file_name, found));
  if (!found.problems.empty()) return Fail(Code::kConfigError, Describe(found.problems));
  return flow;
}

Result<Flow> ReadAgentFile(const std::string& path) {
  WEIR_TRY(const std::string text, ReadPart(path));
  return ReadAgentText(text, path);
}

Result<Flow> ReadAgentFile(const std::string& path, ReadProblems& found) {
  WEIR_TRY(const std::string text, ReadPart(path));
  return ReadAgentDocument(text, path, found);
}

}  // namespace weir::flow
