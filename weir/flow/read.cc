#include "weir/flow/read.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include "weir/base/text.h"
#include "weir/flow/read_nodes.h"
#include "weir/json/pointer.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;

struct Target {
  std::string file;
  std::string name;
};

bool Exists(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// FILE#NAME, unless there is a file of that whole name.
Target TargetOf(std::string_view target) {
  Target out = {.file = std::string(target), .name = {}};
  const std::size_t hash = target.rfind('#');
  if (hash != std::string_view::npos && !Exists(out.file)) {
    out = {.file = std::string(target.substr(0, hash)),
           .name = std::string(target.substr(hash + 1))};
  }
  std::error_code error;
  if (fs::is_directory(out.file, error)) out.file = (fs::path(out.file) / "flow.yaml").string();
  return out;
}

// What a flow is called that does not say: its file, or its folder for a flow.yaml.
std::string DefaultName(const std::string& file) {
  const fs::path path = fs::path(file).lexically_normal();
  std::string stem = path.stem().string();
  std::string folder = path.parent_path().filename().string();
  if (stem != "flow" || folder.empty() || folder == "." || folder == "..") return stem;
  return folder;
}

std::optional<FileRows> ReadFiles(Keys& keys) {
  const json::View value = keys.Find("files");
  if (!value.exists()) return std::nullopt;
  FileRows files;
  if (value.IsString()) {
    files.glob = value.StringOr("");
    return files;
  }
  Keys inner(keys.reading(), keys.file(), value, keys.PointerOf("files"), "`files`");
  files.glob = inner.Text("glob");
  if (files.glob.empty() && value.IsObject()) {
    inner.reading().Wrong(inner.place(), "`files` needs `glob`, such as src/**/*.py");
  }
  const std::string unit = inner.Text("unit");
  if (!unit.empty()) files.unit = unit;
  constexpr std::array<std::string_view, 4> kUnits = {"file", "line", "function", "class"};
  if (std::ranges::find(kUnits, files.unit) == kUnits.end()) {
    inner.Wrong("unit", "must be file, line, function or class");
  }
  constexpr double kMost = 1 << 30;
  if (const auto most = inner.Whole("max_bytes", {.least = 1, .most = kMost})) {
    files.max_bytes = static_cast<std::size_t>(*most);
  }
  inner.Finish();
  return files;
}

void ReadHead(Keys& keys, Flow& flow) {
  constexpr double kMostCalls = 100'000;
  const std::string name = keys.Text("name");
  if (!name.empty()) flow.name = name;
  flow.description = keys.Text("description");
  flow.engine = keys.Text("engine");
  flow.profile = keys.Text("profile");
  flow.input = ReadShape(keys, "input");
  flow.id = keys.Text("id");
  if (const auto seed = keys.Whole("seed", {.least = 0})) {
    flow.seed = static_cast<std::uint64_t>(*seed);
  }
  if (const auto calls = keys.Whole("concurrency", {.least = 1, .most = kMostCalls})) {
    flow.concurrency = static_cast<int>(*calls);
  }
  flow.warmup = keys.Flag("warmup").value_or(true);
  flow.files = ReadFiles(keys);
  if (auto folders = keys.Texts("media_folders")) flow.media_folders = *std::move(folders);
  const json::View vars = keys.Find("vars");
  if (vars.exists() && !vars.IsObject()) keys.WrongKind("vars", "a map of values", vars);
  if (vars.IsObject()) flow.vars = json::Value::CopyOf(vars);
}

struct Chosen {
  std::string pointer;
  std::string name;
};

// Which flow of the file is meant.
Result<Chosen> Choose(const json::YamlDocument& document, std::string_view name) {
  const json::View root = document.value;
  if (!root.IsObject()) {
    return Fail(Code::kConfigError,
                StrCat(document.Where(""), ": a flow is a map of keys with `nodes`, found ",
                       json::KindName(root.kind()), "; docs/flows.md has an example"));
  }
  const json::View flows = root.Find("flows");
  if (!flows.exists()) {
    const std::string own(root.Find("name").StringOr(""));
    if (!name.empty() && name != own) {
      return Fail(Code::kConfigError,
                  StrCat(document.file_name, " holds one flow alone; leave #", name, " away"));
    }
    return Chosen{.pointer = {}, .name = {}};
  }
  if (!flows.IsObject() || flows.empty()) {
    return Fail(Code::kConfigError, StrCat(document.Where("/flows"),
                                           ": `flows` must be a map of flows by their names"));
  }
  std::vector<std::string> names;
  for (const auto& [key, unused] : flows.members()) names.emplace_back(key);
  if (name.empty() && names.size() > 1) {
    return Fail(Code::kConfigError,
                StrCat(document.file_name, " holds several flows: say which, as ",
                       document.file_name, "#", names[0], "; there are: ", Join(names, ", ")));
  }
  const std::string chosen = name.empty() ? names[0] : std::string(name);
  if (std::ranges::find(names, chosen) == names.end()) {
    const auto nearest = Nearest(chosen, names);
    return Fail(Code::kConfigError,
                StrCat(document.file_name, " has no flow ", Truncate(chosen, 60), "; ",
                       nearest ? StrCat("did you mean ", *nearest, "?")
                               : StrCat("there are: ", Join(names, ", "))));
  }
  std::string pointer = "/flows";
  json::AppendToken(pointer, chosen);
  return Chosen{.pointer = std::move(pointer), .name = chosen};
}

bool IsRows(std::string_view file) {
  constexpr std::string_view kEndings[] = {".jsonl", ".ndjson", ".csv", ".tsv", ".gz"};
  return std::ranges::any_of(kEndings, [&](auto ending) { return file.ends_with(ending); });
}

}  // namespace

Result<Flow> ReadFlowText(std::string_view text, const std::string& file_name,
                          std::string_view name) {
  ReadProblems found;
  WEIR_TRY(Flow flow, ReadFlowText(text, file_name, name, found));
  if (!found.problems.empty()) return Fail(Code::kConfigError, Describe(found.problems));
  return flow;
}

Result<Flow> ReadFlowText(std::string_view text, const std::string& file_name,
                          std::string_view name, ReadProblems& found) {
  WEIR_TRY(const json::YamlDocument document, json::ReadYaml(text, file_name));
  WEIR_TRY(Chosen chosen, Choose(document, name));
  Flow flow;
  flow.name = chosen.name.empty() ? DefaultName(file_name) : std::move(chosen.name);
  flow.file = file_name;
  flow.folder = fs::path(file_name).parent_path().string();
  FlowReading reading;
  reading.folder = flow.folder;
  reading.parts.push_back(file_name);
  std::error_code error;
  reading.open.push_back(fs::weakly_canonical(file_name, error).string());
  const FlowFileText file = {.yaml = document, .folder = flow.folder};
  WEIR_TRY(const json::View value, json::Resolve(document.value, chosen.pointer));
  Keys keys(reading, file, value, chosen.pointer, "flow");
  ReadHead(keys, flow);
  const json::View nodes = keys.Find("nodes");
  if (value.IsObject() && !nodes.exists()) {
    reading.Wrong(keys.place(), "the flow has no `nodes`; docs/flows.md has an example");
  }
  flow.nodes = ReadNodes(reading, file, nodes, keys.PointerOf("nodes"), "the flow", 0);
  keys.Finish();
  found.problems = std::move(reading.problems);
  found.nodes_missing = reading.nodes_missing;
  flow.parts = std::move(reading.parts);
  return flow;
}

Result<Flow> ReadFlow(std::string_view target) {
  ReadProblems found;
  WEIR_TRY(Flow flow, ReadFlow(target, found));
  if (!found.problems.empty()) return Fail(Code::kConfigError, Describe(found.problems));
  return flow;
}

Result<Flow> ReadFlow(std::string_view target, ReadProblems& found_problems) {
  const Target found = TargetOf(target);
  if (IsRows(found.file)) {
    return Fail(Code::kConfigError,
                StrCat(found.file, " is a file of rows and no flow: weir run FLOW -i ", found.file,
                       ", or weir jobs submit FLOW -i ", found.file));
  }
  auto text = ReadPart(found.file);
  if (!text) {
    std::string message = text.error().message;
    if (!Exists(found.file)) {
      StrAppend(message, "; name a file, FILE#NAME, or a folder with a flow.yaml in it");
    }
    return Fail(Code::kConfigError, std::move(message), text.error().cause);
  }
  return ReadFlowText(*text, found.file, found.name, found_problems);
}

std::string FlowFile(std::string_view target) { return TargetOf(target).file; }

bool IsConfigFile(std::string_view text) {
  const auto document = json::ReadYaml(text, "flow");
  return document && document->value.Find("flows").exists();
}

}  // namespace weir::flow
