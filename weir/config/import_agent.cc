#include "weir/config/import_agent.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/config/import_agent_text.h"
#include "weir/config/import_agent_tools.h"
#include "weir/config/import_source.h"
#include "weir/store/files.h"

namespace weir::config {
namespace {

namespace fs = std::filesystem;
using json::Value;

// What prompts call by another name there.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kPromptVariables = {
    {{"node_text", "text"},
     {"node_name", "name"},
     {"node_type", "kind"},
     {"file_path", "path"},
     {"node_id", "row_id"}}};
bool IsWordChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// A name for an agent: letters, digits and _, the first no digit.
std::string AgentName(std::string_view text) {
  std::string name(text);
  for (char& c : name) {
    if (!IsWordChar(c)) c = '_';
  }
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) name.insert(0, "_");
  return name;
}

// The prompt with the variables of weir; `used` gets their names. Only what stands between {{ }} or
// {% %} is a variable, and no text in quotation marks and no part behind a dot is.
std::string WithOurVariables(std::string_view prompt, std::vector<std::string_view>& used) {
  std::string out;
  char quote = 0;
  bool code = false;
  for (std::size_t i = 0; i < prompt.size();) {
    const std::string_view two = prompt.substr(i, 2);
    if (!code || quote != 0) {
      if (quote == 0 && (two == "{{" || two == "{%")) code = true;
      if (quote != 0 && prompt[i] == quote) quote = 0;
      out += prompt[i++];
      continue;
    }
    if (two == "}}" || two == "%}") code = false;
    if (prompt[i] == '"' || prompt[i] == '\'') quote = prompt[i];
    std::size_t length = 0;
    while (i + length < prompt.size() && IsWordChar(prompt[i + length])) ++length;
    if (length == 0) {
      out += prompt[i++];
      continue;
    }
    const std::string_view word = prompt.substr(i, length);
    const auto* const known = std::ranges::find(
        kPromptVariables, word, &std::pair<std::string_view, std::string_view>::first);
    const bool is_part = i > 0 && prompt[i - 1] == '.';
    const bool ours = known != kPromptVariables.end() && !is_part;
    if (ours) used.push_back(known->second);
    out += ours ? known->second : word;
    i += length;
  }
  return out;
}

class Bundle {
 public:
  // The bundle lies in `folder`, the definition will in `to`.
  Bundle(ImportJob& job, std::string folder, std::string to)
      : job_(job), tools_(std::move(folder), std::move(to), out_) {}

  Result<void> Take(const json::YamlDocument& document) {
    Section root(job_, document);
    WEIR_CHECK(root.MustBeMap(kBundleExample));
    WEIR_TRY(const std::optional<std::string> name, root.TakeText("name"));
    if (name) out_.Field("name", AgentName(*name), root.Origin("name"));
    WEIR_CHECK(TakeModel(root));
    WEIR_CHECK(TakePrompts(root));
    WEIR_CHECK(TakePolicy(root));
    WEIR_CHECK(tools_.Take(root));
    TellRest(root);
    return {};
  }

  const AgentText& out() const { return out_; }
  bool runs_scripts() const { return tools_.runs_scripts(); }

 private:
  // Adapters are asked for by their name; a model may also be a file, or the name of a plugin.
  Result<void> TakeModel(Section& root) {
    for (const std::string_view key : {"model_id", "adapter"}) {
      WEIR_TRY(const std::optional<std::string> adapter, root.TakeText(key));
      if (adapter && !adapter->empty()) out_.Field("adapter", *adapter, root.Origin(key));
    }
    const json::View model = root.Take("model");
    if (model.IsObject()) {
      Section inner = root.Inside("model");
      for (const std::string_view key : {"id", "name"}) {
        WEIR_TRY(const std::optional<std::string> id, inner.TakeText(key));
        if (id) out_.Field("model", *id, inner.Origin(key));
      }
      WEIR_TRY(const std::optional<std::string> adapter, inner.TakeText("adapter"));
      if (adapter) out_.Field("adapter", *adapter, inner.Origin("adapter"));
      inner.Leave("plugin", "how tools reach a model is said by its card (docs/tool-calling.md)");
      WEIR_CHECK(TakeGrammar(inner));
      inner.LeaveRest();
      return {};
    }
    if (!model.exists()) return {};
    if (!model.IsString()) return root.Wrong("model", "must be the name of a model");
    const std::string_view text = model.StringOr("");
    if (text.ends_with(".gguf") || text.ends_with(".safetensors")) {
      root.Leave("model", "models are files of a server here; name its `engine`");
    } else if (text.contains('/') || text.contains(':')) {
      out_.Field("model", text, root.Origin("model"));
    } else {
      root.Leave("model", StrCat("'", Truncate(text, 60), "' is no model of a server; name an ",
                                 "`engine`, or its `model`"));
    }
    return {};
  }

  Result<void> TakeGrammar(Section& around) {
    Section grammar = around.Inside("grammar");
    constexpr std::string_view kWhy = "the model card says how tools reach the model";
    if (!grammar.value().IsObject()) {
      around.Leave("grammar", kWhy);
      return {};
    }
    WEIR_TRY(const std::optional<bool> parallel, grammar.TakeBool("allow_parallel_calls"));
    if (!parallel.value_or(true)) {
      out_.Field("parallel_tools", Value::Of(1), grammar.Origin("allow_parallel_calls"));
    }
    for (const std::string_view key : {"strategy", "mode", "args_format", "send_tools_to_api"}) {
      grammar.Leave(key, kWhy);
    }
    grammar.LeaveRest();
    return {};
  }

  Result<void> TakePrompts(Section& root) {
    WEIR_TRY(const std::optional<std::string> system, root.TakeText("system_prompt"));
    if (system) Prompt("system", *system, root.Origin("system_prompt"));
    Section both = root.Inside("initial_context");
    if (!both.value().exists() || both.value().IsNull()) return {};
    WEIR_CHECK(both.MustBeMap(kBundleExample));
    WEIR_TRY(const std::optional<std::string> also, both.TakeText("system_prompt"));
    if (also && system) {
      both.Leave("system_prompt", "it is said twice");
    } else if (also) {
      Prompt("system", *also, both.Origin("system_prompt"));
    }
    std::string_view first;
    for (const std::string_view key : {"node_context", "user_template", "user_prompt"}) {
      WEIR_TRY(const std::optional<std::string> user, both.TakeText(key));
      if (!user) continue;
      if (!first.empty()) return both.Wrong(key, StrCat("means the same as ", first));
      first = key;
      Prompt("user", *user, both.Origin(key));
    }
    both.LeaveRest();
    return {};
  }

  void Prompt(std::string_view key, std::string_view text, const ImportOrigin& origin) {
    std::vector<std::string_view> used;
    out_.Field(key, WithOurVariables(text, used), origin);
    const bool units = std::ranges::any_of(
        used, [](std::string_view name) { return name == "name" || name == "kind"; });
    if (!units) return;
    job_.Note(origin.mark, StrCat(origin.name, " reads the name or the kind of a part of a file: ",
                                  "rows have them with files: {glob: ..., unit: function}"));
  }

  Result<void> TakePolicy(Section& root) {
    WEIR_CHECK(TakeGrammar(root));
    TakeLimits(root);
    Section limits = root.Inside("limits");
    if (limits.value().IsObject()) {
      TakeLimits(limits);
      limits.LeaveRest();
    } else if (limits.value().IsString()) {
      root.Note("limits", "names limits of that system; those of weir hold where none are said");
    }
    WEIR_TRY(const std::optional<std::string> choice, root.TakeText("tool_choice"));
    if (choice) out_.Field("tool_choice", *choice, root.Origin("tool_choice"));
    return {};
  }

  void TakeLimits(Section& section) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kLimits = {
        {{"max_turns", "max_turns"},
         {"max_tokens", "max_tokens"},
         {"temperature", "temperature"},
         {"max_tool_calls", "max_tool_calls"},
         {"max_total_tokens", "max_total_tokens"},
         {"timeout", "run_timeout"}}};
    for (const auto& [theirs, ours] : kLimits) {
      const json::View value = section.Take(theirs);
      if (!value.exists()) continue;
      if (std::ranges::find(limits_, ours) != limits_.end()) {
        section.Leave(theirs, "it is said twice");
        continue;
      }
      limits_.push_back(ours);
      out_.Field(ours, value, section.Origin(theirs));
    }
  }

  void TellRest(Section& root) {
    root.Leave("description", "a definition has none");
    root.Leave("version", "a definition has none");
    root.Leave("node_types", "rows are said by the flow: files: {glob: ..., unit: function}");
    root.Leave("priority", "rows are worked on in their order");
    root.Leave("requires_context", "what an agent reads stands in its `user` prompt");
    root.LeaveRest();
  }

  ImportJob& job_;
  AgentText out_;
  AgentTools tools_;
  std::vector<std::string_view> limits_;  // that are written
};

bool Describes(json::View root) {
  constexpr std::array<std::string_view, 5> kSigns = {"tools", "initial_context", "system_prompt",
                                                      "termination", "termination_tool"};
  return std::ranges::any_of(kSigns, [&](std::string_view key) { return root.Find(key).exists(); });
}

}  // namespace

bool IsAgentBundle(std::string_view text) {
  const auto document = json::ReadYaml(text, "bundle");
  if (!document) return false;
  const json::View root = document->value;
  // Of the same system: its configuration.
  const bool sections = root.Find("server").exists() || root.Find("operations").exists() ||
                        root.Find("runner").exists();
  return Describes(root) && !sections;
}

Result<std::string> BundleFile(const std::string& path) {
  std::error_code failed;
  if (!fs::is_directory(path, failed)) return path;
  const fs::path usual = fs::path(path) / "bundle.yaml";
  if (fs::is_regular_file(usual, failed)) return usual.string();
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(path, failed)) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".yaml" && extension != ".yml") continue;
    const auto text = store::ReadFile(entry.path().string(), limits::kConfigFileBytes);
    if (text && *text && IsAgentBundle(**text)) found.push_back(entry.path().string());
  }
  if (found.size() == 1) return found.front();
  std::ranges::sort(found);
  return Fail(
      Code::kConfigError,
      found.empty()
          ? StrCat("the folder ", path, " holds no bundle: no bundle.yaml, and no ",
                   "YAML file with `tools` or `initial_context`")
          : StrCat("the folder ", path, " holds several bundles; name one of ", Join(found, ", ")));
}

Result<ImportedAgent> ImportAgent(std::string_view text, const std::string& file,
                                  const std::string& folder, const AgentCheck& check) {
  ImportJob job{.file = file, .draft = {}, .notes = {}};
  WEIR_TRY(const json::YamlDocument document, ReadSource(text, file));
  Bundle bundle(job, fs::path(file).parent_path().string(), folder);
  WEIR_CHECK(bundle.Take(document));
  AgentText whole;
  whole.Comments(HeadOf(job));
  Draft::Text out = whole.text();
  out.yaml += bundle.out().text().yaml;
  std::ranges::copy(bundle.out().text().lines, std::back_inserter(out.lines));
  constexpr std::string_view kCheckedAs = "agent.yaml";
  const Result<void> good = check(out.yaml, StrCat(folder.empty() ? "" : folder + "/", kCheckedAs));
  if (!good) {
    Error error = good.error();
    const std::size_t at = error.message.find(kCheckedAs);
    if (at != std::string::npos) error.message.erase(0, at);
    return Fail(ToldOfSource(std::move(error), out, kCheckedAs, job));
  }
  return ImportedAgent{.yaml = std::move(out.yaml),
                       .notes = std::move(job.notes),
                       .runs_scripts = bundle.runs_scripts()};
}

}  // namespace weir::config
