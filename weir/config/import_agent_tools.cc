#include "weir/config/import_agent_tools.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "weir/base/text.h"
#include "weir/config/run_script.h"
#include "weir/store/files.h"

namespace weir::config {
namespace {

namespace fs = std::filesystem;
using json::Value;

constexpr std::string_view kUsualEnd = "submit_result";
constexpr std::size_t kMostTools = 1000;
constexpr std::size_t kLongestScript = 1 << 20;
// Inputs that the runner fills in where the model says nothing of them.
constexpr std::array<std::string_view, 3> kStandard = {"node_text", "target_file", "workspace_id"};

void WriteInput(json::Builder& out, std::string_view name, const ScriptInput& input,
                json::View change) {
  out.Key(name);
  out.BeginObject();
  const json::View type = change.Find("type");
  const Value named = SchemaOfType(type.StringOr(""));
  const json::View schema = type.exists() ? json::View(named) : json::View(input.schema);
  for (const auto& [key, value] : schema.members()) {
    out.Key(key);
    out.Copy(value);
  }
  if (const auto about = change.Find("description").AsString()) {
    out.Key("description");
    out.String(*about);
  }
  const json::View given = change.Find("default");
  const bool declared = input.value && !input.value->IsNull();
  if ((given.exists() && !given.IsNull()) || declared) {
    out.Key("default");
    out.Copy(given.exists() ? given : json::View(*input.value));
  }
  out.EndObject();
}

}  // namespace

AgentTools::AgentTools(std::string folder, std::string to, AgentText& out)
    : folder_(std::move(folder)), to_(std::move(to)), out_(out), end_(kUsualEnd) {}

Result<void> AgentTools::Take(Section& root) {
  WEIR_CHECK(TakeEnd(root));
  WEIR_CHECK(TakeFolder(root));
  WEIR_CHECK(TakeTools(root));
  return WriteSubmit(root);
}

// Which tool hands in.
Result<void> AgentTools::TakeEnd(Section& root) {
  for (const std::string_view key : {"termination", "termination_tool"}) {
    WEIR_TRY(const std::optional<std::string> name, root.TakeText(key));
    if (name) end_ = *name;
  }
  return {};
}

// A folder of scripts is named by the bundle itself, or by its registry of tools.
Result<void> AgentTools::TakeFolder(Section& root) {
  WEIR_TRY(const std::optional<std::string> folder, root.TakeText("agents_dir"));
  if (folder) scripts_ = *folder;
  Section list = root.Inside("registries");
  for (std::size_t i = 0; i < list.value().size(); ++i) {
    Section config = list.Item(i).Inside("config");
    WEIR_TRY(const std::optional<std::string> dir, config.TakeText("agents_dir"));
    if (dir) scripts_ = *dir;
  }
  return {};
}

Result<void> AgentTools::TakeTools(Section& root) {
  std::vector<Tool> tools;
  Section list = root.Inside("tools");
  if (list.value().exists() && !list.value().IsArray()) {
    return root.Wrong("tools", StrCat("must be a list of tools, such as\n\n", kBundleExample));
  }
  if (list.value().size() > kMostTools) return root.Wrong("tools", "are too many");
  for (std::size_t i = 0; i < list.value().size(); ++i) {
    WEIR_TRY(Tool tool, ReadTool(list.Item(i)));
    tools.push_back(std::move(tool));
  }
  if (!list.value().exists()) tools = ToolsOfFolder(root);
  const auto ends = [&](const Tool& tool) { return tool.name == end_; };
  if (std::ranges::count_if(tools, ends) > 1) {
    return root.Wrong("tools", StrCat("has two tools named ", Truncate(end_, 60)));
  }
  bool open = false;
  for (Tool& tool : tools) {
    if (ends(tool)) {
      submit_ = std::move(tool);
      continue;
    }
    if (!open) out_.Open("tools", root.Origin("tools"));
    open = true;
    WEIR_CHECK(WriteTool(tool));
  }
  if (open) out_.Close();
  return {};
}

// A path of a script, or {name, pym, ...}.
Result<AgentTools::Tool> AgentTools::ReadTool(Section item) {
  if (const auto path = item.value().AsString()) {
    Tool tool{.section = item, .name = fs::path(*path).stem().string(), .pym = std::string(*path)};
    ReadScriptOf(tool);
    return tool;
  }
  WEIR_CHECK(item.MustBeMap(kBundleExample));
  WEIR_TRY(const std::optional<std::string> name, item.TakeText("name"));
  WEIR_TRY(const std::optional<std::string> also, item.TakeText("tool_name"));
  WEIR_TRY(const std::optional<std::string> pym, item.TakeText("pym"));
  WEIR_TRY(const std::optional<std::string> about, item.TakeText("description"));
  WEIR_TRY(const std::optional<std::string> tells, item.TakeText("tool_description"));
  item.Take("registry");
  Tool tool{.section = item,
            .name = also.value_or(name.value_or("")),
            .description = tells.value_or(about.value_or("")),
            .pym = pym.value_or("")};
  if (tool.name.empty()) tool.name = fs::path(tool.pym).stem().string();
  if (tool.name.empty()) return item.Wrong("", "has no name; give it `tool_name`");
  if (tool.pym.empty()) tool.pym = StrCat(scripts_, "/", tool.name, ".pym");
  ReadScriptOf(tool);
  return tool;
}

// Where no tools are listed, all scripts of the folder are.
std::vector<AgentTools::Tool> AgentTools::ToolsOfFolder(const Section& root) {
  std::vector<std::string> names;
  std::error_code failed;
  const fs::path folder = fs::path(folder_.empty() ? "." : folder_) / scripts_;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    if (entry.path().extension() == ".pym") names.push_back(entry.path().filename().string());
    if (names.size() == kMostTools) break;
  }
  std::ranges::sort(names);
  std::vector<Tool> tools;
  for (const std::string& name : names) {
    Tool tool{
        .section = root, .name = fs::path(name).stem().string(), .pym = scripts_ + "/" + name};
    ReadScriptOf(tool);
    tools.push_back(std::move(tool));
  }
  return tools;
}

void AgentTools::ReadScriptOf(Tool& tool) {
  const FoundScript found = FindScript(folder_, tool.pym);
  const std::string said = Truncate(tool.pym, 80);
  tool.pym = found.path;
  if (!found.found) {
    if (tool.name == end_) return;  // its script has no place here
    tool.section.Note("",
                      StrCat(Truncate(tool.name, 60), ": there is no script ", said,
                             " beside the bundle or above it; the tool fails until it is there"));
    return;
  }
  const auto text = store::ReadFile(found.path, kLongestScript);
  Result<Script> script =
      text && *text ? ReadScript(**text, found.path) : Fail(Code::kConfigError, "it is too long");
  if (!script) {
    tool.section.Note("", StrCat(Truncate(tool.name, 60), ": its script ", said,
                                 " cannot be read: ", script.error().message));
    return;
  }
  tool.script = *std::move(script);
  tool.has_script = true;
}

std::string AgentTools::FromOutput(const std::string& path) const {
  std::error_code failed;
  const fs::path to = fs::absolute(to_.empty() ? "." : to_, failed).lexically_normal();
  return fs::path(path).lexically_proximate(to).generic_string();
}

Value AgentTools::Program(const std::string& script) {
  runs_scripts_ = true;
  json::Builder out;
  out.BeginArray();
  out.String(StrCat("./", kScriptRunnerName));
  out.String(FromOutput(script));
  out.EndArray();
  return std::move(out).Finish();
}

Result<void> AgentTools::WriteTool(Tool& tool) {
  Section& section = tool.section;
  const ImportOrigin origin = section.Origin();
  out_.OpenItem();
  out_.Field("name", tool.name, origin);
  if (!tool.description.empty()) out_.Field("description", tool.description, origin);
  out_.Field("exec", Program(tool.pym), origin);
  WEIR_TRY(const Value arguments, ArgumentsOf(tool));
  out_.Field("args", arguments, origin);
  if (tool.script.only_looks) out_.Field("mutates", Value::Of(false), origin);
  WEIR_CHECK(WriteContext(section));
  out_.Field("timeout", Value::Of(300), origin);  // as it is there
  out_.Close();
  if (section.label().empty()) return {};  // found in a folder: the section is the whole bundle
  if (section.value().IsObject()) section.LeaveRest();
  return {};
}

Result<void> AgentTools::WriteContext(Section& section) {
  const json::View providers = section.Take("context_providers");
  if (providers.exists() && !providers.IsArray()) {
    return section.Wrong("context_providers", "must be a list of scripts");
  }
  if (providers.empty()) return {};
  json::Builder list;
  list.BeginArray();
  for (const json::View provider : providers.items()) {
    if (!provider.IsString()) return section.Wrong("context_providers", "must be paths");
    const FoundScript found = FindScript(folder_, std::string(provider.StringOr("")));
    if (!found.found) {
      section.Note("context_providers",
                   StrCat("names ", Truncate(provider.StringOr(""), 80), ", which is not there"));
    }
    list.Copy(Program(found.path));
  }
  list.EndArray();
  out_.Field("context", std::move(list).Finish(), section.Origin("context_providers"));
  return {};
}

// Said by the bundle, or by what the script declares, with what the bundle says of each.
Result<Value> AgentTools::ArgumentsOf(Tool& tool) {
  Section& section = tool.section;
  const bool whole = section.label().empty();
  const json::View said = whole ? json::View() : section.Take("parameters");
  const json::View changes = whole ? json::View() : section.Take("inputs_override");
  if (said.exists() && !said.IsObject()) return section.Wrong("parameters", "must be a schema");
  if (changes.exists() && !changes.IsObject()) {
    return section.Wrong("inputs_override", "must be a map of inputs");
  }
  if (said.exists()) return Value::CopyOf(said);
  json::Builder out;
  std::vector<std::string> required;
  out.BeginObject();
  out.Key("type");
  out.String("object");
  out.Key("properties");
  out.BeginObject();
  for (const ScriptInput& input : tool.script.inputs) {
    if (std::ranges::find(kStandard, input.name) != kStandard.end()) continue;
    const json::View change = changes.Find(input.name);
    WriteInput(out, input.name, input, change);
    if (change.Find("required").BoolOr(!input.value && !change.Find("default").exists())) {
      required.push_back(input.name);
    }
  }
  for (const auto& [name, change] : changes.members()) {
    if (std::ranges::find(tool.script.inputs, name, &ScriptInput::name) !=
        tool.script.inputs.end()) {
      continue;
    }
    WriteInput(out, name, {}, change);
    if (change.Find("required").BoolOr(!change.Find("default").exists())) {
      required.emplace_back(name);
    }
  }
  out.EndObject();
  if (!required.empty()) {
    out.Key("required");
    out.BeginArray();
    for (const std::string& name : required) out.String(name);
    out.EndArray();
  }
  // A script that declares nothing may read whatever it likes.
  const bool known = tool.script.declares || changes.exists();
  out.Key("additionalProperties");
  out.Bool(!known);
  out.EndObject();
  if (!known && tool.has_script) {
    section.Note("", StrCat(Truncate(tool.name, 60), ": its script declares no inputs; write what ",
                            "it takes as `args` of the tool"));
  }
  return std::move(out).Finish();
}

bool IsAnyText(json::View schema) {
  return schema.Find("type").StringOr("") == "string" && !schema.Find("enum").exists() &&
         !schema.Find("const").exists();
}

constexpr std::string_view kStatuses[] = {"success", "failed", "skipped"};

bool IsStatus(json::View value) {
  return std::ranges::find(kStatuses, value.StringOr("")) != std::end(kStatuses);
}

// The schema of a result whose status is one of those that weir's own have.
Value WithStatuses(json::View schema) {
  json::Builder out;
  out.BeginObject();
  for (const auto& [name, value] : schema.members()) {
    out.Key(name);
    if (name != "properties") {
      out.Copy(value);
      continue;
    }
    out.BeginObject();
    for (const auto& [property, its_schema] : value.members()) {
      out.Key(property);
      if (property != "status") {
        out.Copy(its_schema);
        continue;
      }
      out.BeginObject();
      for (const auto& [key, member] : its_schema.members()) {
        if (key == "default" && !IsStatus(member)) continue;
        out.Key(key);
        out.Copy(member);
      }
      out.Key("enum");
      out.BeginArray();
      for (const std::string_view status : kStatuses) out.String(status);
      out.EndArray();
      out.EndObject();
    }
    out.EndObject();
  }
  out.EndObject();
  return std::move(out).Finish();
}

// What is handed in obeys the schema of the tool that ended the work; its script has no place.
Result<void> AgentTools::WriteSubmit(const Section& root) {
  if (!submit_) {
    root.Note("", StrCat("has no tool ", Truncate(end_, 60), ", so that agents hand in the usual ",
                         "result: status, summary, changed_files, details, error"));
    return {};
  }
  Section& section = submit_->section;
  const bool has_schema = section.value().Find("parameters").exists() ||
                          !submit_->script.inputs.empty() ||
                          section.value().Find("inputs_override").exists();
  const bool whole = section.label().empty();
  WEIR_TRY(Value schema, ArgumentsOf(*submit_));
  if (IsAnyText(schema.Find("properties").Find("status"))) {
    schema = WithStatuses(schema);
    section.Note("",
                 StrCat(Truncate(submit_->name, 60), ": its status was any text; it is success, ",
                        "failed or skipped now, so that no other word passes for one"));
  }
  const ImportOrigin origin = section.Origin();
  if (has_schema || submit_->name != kUsualEnd || !submit_->description.empty()) {
    out_.Open("submit", origin);
    if (submit_->name != kUsualEnd) out_.Field("name", submit_->name, origin);
    if (!submit_->description.empty()) out_.Field("description", submit_->description, origin);
    if (has_schema) out_.Field("schema", schema, origin);
    out_.Close();
  }
  if (submit_->has_script) {
    section.Note("", StrCat(Truncate(submit_->name, 60), ": its script is not run: what the model ",
                            "hands in is the result, once it obeys the schema"));
  }
  if (whole || !section.value().IsObject()) return {};
  section.Leave("context_providers", "nothing runs before the result is handed in");
  section.LeaveRest();
  return {};
}

}  // namespace weir::config
