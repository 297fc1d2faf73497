#include "weir/flow/media.h"

#include <filesystem>
#include <optional>
#include <string>

#include "weir/agent/tools/root.h"
#include "weir/base/text.h"
#include "weir/text/media.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;

// The whole path without links; nothing where links lead round and round.
std::optional<fs::path> WithoutLinks(const fs::path& path) {
  std::error_code failed;
  fs::path whole = fs::weakly_canonical(fs::absolute(path, failed), failed);
  if (failed) return std::nullopt;
  return whole;
}

// The way from `folder` down to `file`; nothing where it does not lie beneath.
std::optional<std::string> WayDown(const fs::path& folder, const fs::path& file) {
  const std::optional<fs::path> top = WithoutLinks(folder.empty() ? "." : folder);
  if (!top) return std::nullopt;
  std::string way = file.lexically_relative(*top).string();
  if (way.empty() || way == ".." || way.starts_with("../")) return std::nullopt;
  return way;
}

}  // namespace

Result<model::Part> MediaOf(const Flow& flow, std::string_view source) {
  if (text::IsMediaAddress(source)) return text::MediaAtAddress(std::string(source));
  const fs::path folder = flow.folder;
  const fs::path named = folder / source;
  const std::optional<fs::path> file = WithoutLinks(named);
  std::error_code ignored;
  std::vector<fs::path> allowed = {folder};
  for (const std::string& other : flow.media_folders) allowed.push_back(folder / other);
  for (const fs::path& top : allowed) {
    const std::optional<std::string> way = file ? WayDown(top, *file) : std::nullopt;
    if (!way) continue;
    // What is changed meanwhile does not lead out either.
    WEIR_TRY(const agent::Root root, agent::Root::Open(top.empty() ? "." : top.string()));
    const Result<std::string> bytes = root.Read(*way, text::kMediaBytes);
    if (bytes) return text::MediaPartOf(*bytes, named.string());
    if (fs::exists(*file, ignored)) return std::unexpected<Error>(bytes.error());
    return Fail(Code::kConfigError, StrCat("there is no file ", named.string()));
  }
  return Fail(Code::kConfigError,
              StrCat("media '", Truncate(source, 200), "' does not lie beneath the flow's folder, ",
                     folder.empty() ? "." : folder.string(),
                     "; put the file there, or name its folder in the flow's `media_folders`"));
}

}  // namespace weir::flow
