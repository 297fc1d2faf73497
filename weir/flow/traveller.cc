#include "weir/flow/traveller.h"

#include <algorithm>
#include <optional>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

// "answer.confidence", "rows[].name", "row[\"first name\"]": what stands before.
std::string_view RootOf(std::string_view path) { return path.substr(0, path.find_first_of(".[")); }

void AddPaths(const std::vector<text::VariableRead>& reads, std::vector<std::string>& paths) {
  for (const text::VariableRead& read : reads) paths.push_back(read.path);
}

bool MeansRow(std::string_view name) {
  return name == "row" || name == "input" || name == "chain_input";
}

}  // namespace

void Traveller::Name(std::string_view name, json::Value value) {
  for (auto& [known, its_value] : names) {
    if (known == name) {
      its_value = std::move(value);
      return;
    }
  }
  names.emplace_back(name, std::move(value));
}

Traveller Traveller::Child(std::size_t k) const {
  Traveller child = *this;
  child.child = this->child.empty() ? StrCat(k) : StrCat(this->child, ".", k);
  StrAppend(child.id, ".", k);
  return child;
}

std::string WorkKey(const Traveller& traveller) {
  const std::string& child = traveller.child;
  std::string key = traveller.id;
  if (!child.empty()) key.resize(key.size() - std::min(key.size(), child.size() + 1));
  const std::size_t digits = key.find_last_not_of("0123456789");
  const bool looks_like_child = digits != key.npos && digits + 1 < key.size() && key[digits] == '.';
  if (looks_like_child || key.ends_with('.')) key += '.';
  return child.empty() ? key : StrCat(key, ".", child);
}

bool IsBelow(std::string_view key, std::string_view row_key) {
  if (!key.starts_with(row_key)) return false;
  key.remove_prefix(row_key.size());
  return key.size() > 1 && key[0] == '.' && key[1] >= '0' && key[1] <= '9';
}

std::vector<std::string> PathsOf(const GraphNode& node) {
  std::vector<std::string> paths;
  if (node.system) AddPaths(node.system->reads(), paths);
  if (node.user) AddPaths(node.user->reads(), paths);
  for (const text::Expression& media : node.media) AddPaths(media.reads(), paths);
  if (node.expression) AddPaths(node.expression->reads(), paths);
  for (const auto& [name, field] : node.fields) AddPaths(field.reads(), paths);
  return paths;
}

std::vector<std::string> RootsOf(const GraphNode& node) {
  std::vector<std::string> roots;
  if (node.step() != nullptr && node.step()->batch) roots.emplace_back("row");
  for (const std::string& path : PathsOf(node)) {
    const std::string_view root = RootOf(path);
    if (std::ranges::find(roots, root) == roots.end()) roots.emplace_back(root);
  }
  return roots;
}

json::Value VariablesOf(const Traveller& traveller, const std::vector<std::string>& roots,
                        json::View vars) {
  json::Builder object;
  object.BeginObject();
  const auto add = [&](std::string_view name, json::View value) {
    if (!value.exists()) return;
    object.Key(name);
    object.Copy(value);
  };
  for (const std::string& root : roots) {
    const auto named =
        std::ranges::find(traveller.names, root, &std::pair<std::string, json::Value>::first);
    if (MeansRow(root)) {
      add(root, traveller.row);
    } else if (root == "row_id") {
      add(root, json::Value::Of(traveller.id));
    } else if (root == "vars") {
      add(root, vars);
    } else {
      add(root,
          named != traveller.names.end() ? json::View(named->second) : traveller.row.Find(root));
    }
  }
  object.EndObject();
  return std::move(object).Finish();
}

std::string Pack(const Traveller& traveller) {
  std::string line;
  json::Writer out(line);
  out.BeginObject();
  out.Field("child", std::string_view(traveller.child));
  out.Field("id", std::string_view(traveller.id));
  out.PlainKey("origin");
  out.Uint(traveller.origin);
  out.Field("row", json::View(traveller.row));
  out.PlainKey("names");
  out.BeginObject();
  for (const auto& [name, value] : traveller.names) out.Field(name, json::View(value));
  out.EndObject();
  out.Field("last", json::View(traveller.last));
  out.PlainKey("flat");
  out.BeginArray();
  for (const auto& [node, value] : traveller.flat) {
    out.BeginArray();
    out.Uint(node);
    out.Value(value);
    out.EndArray();
  }
  out.EndArray();
  out.EndObject();
  return line;
}

Result<Traveller> Unpack(json::View packed) {
  Traveller traveller;
  traveller.child = packed.Find("child").StringOr("");
  traveller.id = packed.Find("id").StringOr("");
  traveller.origin = packed.Find("origin").AsUint64().value_or(0);
  if (!packed.Find("row").IsObject() || !packed.Find("names").IsObject()) {
    return Fail(Code::kIoError,
                "the rows between two passes cannot be read again: the run folder was changed; "
                "start a new run");
  }
  traveller.row = json::Value::CopyOf(packed.Find("row"));
  for (const auto& [name, value] : packed.Find("names").members()) {
    traveller.names.emplace_back(name, json::Value::CopyOf(value));
  }
  traveller.last = json::Value::CopyOf(packed.Find("last"));
  for (const json::View pair : packed.Find("flat").items()) {
    traveller.flat.emplace_back(pair[0].AsUint64().value_or(0), json::Value::CopyOf(pair[1]));
  }
  return traveller;
}

}  // namespace weir::flow
