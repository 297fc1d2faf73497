#include "weir/flow/graph_schema.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "weir/base/text.h"
#include "weir/flow/graph_bundle.h"
#include "weir/json/reader.h"
#include "weir/schema/file_loader.h"
#include "weir/schema/uri.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kScheme = "file://";

std::string UriOf(const fs::path& path) {
  constexpr std::string_view kPlain = "-._~/";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string uri(kScheme);
  for (const char c : path.native()) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || kPlain.contains(c)) {
      uri += c;
    } else {
      uri += '%';
      uri += kHex[byte >> 4];
      uri += kHex[byte & 15];
    }
  }
  return uri;
}

fs::path Absolute(const fs::path& path) {
  std::error_code error;
  fs::path whole = fs::absolute(path.empty() ? fs::path(".") : path, error);
  return error ? path : whole.lexically_normal();
}

// The folder as a URI that ends in a slash.
std::string FolderUri(const fs::path& folder) {
  std::string uri = UriOf(folder);
  if (!uri.ends_with('/')) uri += '/';
  return uri;
}

struct Files {
  std::string base_uri;
  schema::Loader loader;
};

// `parts` outlives the loader.
Files FilesOf(const Shape& shape, const std::string& flow_folder, std::vector<std::string>& parts) {
  const fs::path folder = Absolute(flow_folder);
  std::vector<schema::UriFolder> folders = {{.prefix = FolderUri(folder), .folder = folder}};
  Files files = {.base_uri = folders.front().prefix, .loader = {}};
  if (!shape.file.empty()) {
    const fs::path file = Absolute(shape.file);
    files.base_uri = UriOf(file);
    folders.push_back({.prefix = FolderUri(file.parent_path()), .folder = file.parent_path()});
  }
  files.loader = [load = schema::FolderLoader(std::move(folders)),
                  &parts](std::string_view uri) -> Result<json::Value> {
    WEIR_TRY(json::Value document, load(uri));
    std::string path = schema::PercentDecode(uri.substr(std::min(uri.size(), kScheme.size())));
    if (std::ranges::find(parts, path) == parts.end()) parts.push_back(std::move(path));
    return document;
  };
  return files;
}

void BundleShape(Shape& shape, Flow& flow) {
  if (!shape.schema) return;
  const Files files = FilesOf(shape, flow.folder, flow.parts);
  if (auto whole = Bundle(*shape.schema, files.base_uri, files.loader)) {
    shape.schema = *std::move(whole);
  }
}

void BundleStep(Step& step, const std::string& id, Flow& flow) {
  if (step.agent) {
    if (step.agent->name.empty()) step.agent->name = id;
    json::Value& schema = step.agent->submit.schema;
    if (!step.output.schema && (schema.IsObject() || schema.IsBool())) step.output.schema = schema;
    if (!step.output.schema) step.output.schema = json::Read(agent::kResultSchema).value();
  }
  BundleShape(step.output, flow);
  if (step.agent) step.agent->submit.schema = *step.output.schema;
}

void BundleNodes(Nodes& nodes, Flow& flow) {
  for (Node& node : nodes) {
    if (auto* step = std::get_if<Step>(&node.what)) BundleStep(*step, node.id, flow);
    if (auto* apply = std::get_if<Apply>(&node.what)) BundleShape(apply->output, flow);
    if (auto* map = std::get_if<Map>(&node.what)) BundleNodes(map->nodes, flow);
    if (auto* parallel = std::get_if<Parallel>(&node.what)) {
      for (Branch& branch : parallel->branches) BundleNodes(branch.nodes, flow);
    }
    if (auto* choice = std::get_if<Switch>(&node.what)) {
      for (Case& one : choice->cases) BundleNodes(one.nodes, flow);
      if (choice->otherwise) BundleNodes(*choice->otherwise, flow);
    }
  }
}

}  // namespace

Result<schema::Schema> CompileShape(const Shape& shape, const std::string& flow_folder,
                                    std::vector<std::string>& parts) {
  Files files = FilesOf(shape, flow_folder, parts);
  schema::CompileOptions options;
  options.base_uri = std::move(files.base_uri);
  options.loader = std::move(files.loader);
  return schema::Schema::Compile(*shape.schema, options);
}

void BundleShapes(Flow& flow) {
  BundleShape(flow.input, flow);
  BundleNodes(flow.nodes, flow);
}

}  // namespace weir::flow
