#include "weir/flow/read_include.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/store/files.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;

// The same text for the same file, however it is spelled.
std::string Canonical(const std::string& path) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(path, error);
  return error ? path : whole.string();
}

void AddPart(FlowReading& reading, const std::string& path) {
  if (std::ranges::find(reading.parts, path) == reading.parts.end()) reading.parts.push_back(path);
}

// A schema file, or nullopt when it is none, which is noted.
std::optional<json::Value> SchemaFile(Keys& keys, std::string_view key, const std::string& path) {
  auto text = ReadPart(path);
  if (!text) {
    keys.Wrong(key, StrCat("is the path of a schema: ", Describe(text.error())));
    return std::nullopt;
  }
  AddPart(keys.reading(), path);
  auto document = json::ReadYaml(*text, path);
  if (!document) {
    keys.Wrong(key,
               StrCat("is the path of a schema that cannot be read: ", document.error().message));
    return std::nullopt;
  }
  return std::move(document->value);
}

// The path of `{$ref: schemas/text.json}`, which means that file; empty for every other schema.
std::string_view OnlyReference(json::View schema) {
  if (schema.size() != 1) return {};
  const std::string_view target = schema.Find("$ref").StringOr("");
  const bool plain = target.find_first_of("#:%?") == std::string_view::npos;
  return plain ? target : std::string_view();
}

}  // namespace

Result<std::string> ReadPart(const std::string& path) {
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_regular_file(path, error)) {
    return Fail(Code::kConfigError, StrCat(path, " is no file"));
  }
  WEIR_TRY(std::optional<std::string> text, store::ReadFile(path, limits::kConfigFileBytes));
  if (!text) return Fail(Code::kConfigError, StrCat("there is no file ", path));
  return *std::move(text);
}

Shape ReadShape(Keys& keys, std::string_view key) {
  Shape shape;
  const json::View value = keys.Find(key);
  if (!value.exists()) return shape;
  shape.place = keys.PlaceOf(key);
  std::string_view path = value.StringOr(OnlyReference(value));
  if (!path.empty()) {
    shape.file = PathFrom(keys.file().folder, path);
    shape.schema = SchemaFile(keys, key, shape.file);
    const bool schema = !shape.schema || shape.schema->IsObject() || shape.schema->IsBool();
    if (!schema) {
      keys.Wrong(key, StrCat("is the path of ", shape.file, ", which holds no schema but ",
                             json::KindName(shape.schema->kind())));
    }
  } else if (value.IsObject()) {
    shape.schema = json::Value::CopyOf(value);
    if (keys.file().included) shape.file = keys.file().yaml.file_name;
  } else {
    keys.WrongKind(key, "a JSON Schema or the path of one", value);
  }
  return shape;
}

void ReadIncluded(Keys& keys, std::size_t depth, Nodes& out) {
  FlowReading& reading = keys.reading();
  const std::string path = keys.Text("include");
  keys.Finish();
  // Until it is known better.
  const bool missing = std::exchange(reading.nodes_missing, true);
  if (path.empty()) return;
  const std::string file = PathFrom(keys.file().folder, path);
  std::string known = Canonical(file);
  if (std::ranges::find(reading.open, known) != reading.open.end()) {
    return keys.Wrong("include", StrCat("goes in a circle: ", file, " includes itself"));
  }
  if (reading.open.size() > kDeepestInclude || reading.includes >= kMostIncludes) {
    return keys.Wrong("include",
                      StrCat("is one too many: files include each other at most ", kDeepestInclude,
                             " deep, and a flow has at most ", kMostIncludes, " of them"));
  }
  ++reading.includes;
  const auto text = ReadPart(file);
  if (!text) return keys.Wrong("include", StrCat("is not there: ", Describe(text.error())));
  const auto document = json::ReadYaml(*text, file);
  if (!document) return reading.Wrong({}, document.error().message);
  AddPart(reading, file);
  reading.open.push_back(std::move(known));
  const FlowFileText inner = {
      .yaml = *document, .folder = fs::path(file).parent_path().string(), .included = true};
  const json::View whole = document->value;
  const bool flow = whole.IsObject();
  if (flow && !whole.Find("nodes").exists()) {
    keys.Wrong("include", StrCat(file, " has no nodes: it must be a list of nodes, or a flow"));
  } else {
    reading.nodes_missing = missing;
    Nodes nodes = ReadNodes(reading, inner, flow ? whole.Find("nodes") : whole,
                            flow ? "/nodes" : "", file, depth);
    std::ranges::move(nodes, std::back_inserter(out));
  }
  reading.open.pop_back();
}

}  // namespace weir::flow
