#include "weir/schema/file_loader.h"

#include <algorithm>
#include <fstream>
#include <system_error>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/schema/uri.h"

namespace weir::schema {
namespace {

namespace fs = std::filesystem;

// The file behind the rest of a URI, inside the folder in fact and not only in name.
Result<fs::path> FileIn(const fs::path& folder, std::string_view rest) {
  const fs::path relative = PercentDecode(rest.substr(0, rest.find('?')));
  const bool climbs = std::ranges::find(relative, fs::path("..")) != relative.end();
  std::error_code error;
  const fs::path base = fs::canonical(folder, error);
  if (error) {
    return Fail(Code::kIoError, StrCat("the folder ", folder.string(), " cannot be opened"),
                error.message());
  }
  if (climbs || relative.is_absolute() || relative.native().find('\0') != std::string::npos) {
    return Fail(Code::kInvalidRequest,
                StrCat("\"", Truncate(rest, 200), "\" leads out of the folder ", base.string()));
  }
  const fs::path file = fs::canonical(base / relative, error);
  if (error) {
    return Fail(Code::kIoError, StrCat("there is no file ", (base / relative).string()),
                error.message());
  }
  const auto [end, unused] = std::mismatch(base.begin(), base.end(), file.begin(), file.end());
  if (end != base.end()) {
    return Fail(Code::kInvalidRequest,
                StrCat("\"", Truncate(rest, 200), "\" leads out of the folder ", base.string()));
  }
  return file;
}

Result<json::Value> ReadDocument(const fs::path& file, std::size_t max_bytes) {
  std::ifstream in(file, std::ios::binary);
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error || !in) return Fail(Code::kIoError, StrCat(file.string(), " cannot be read"));
  // One byte more than allowed tells a file that has grown meanwhile.
  std::string text(std::min<std::size_t>(size, max_bytes) + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > max_bytes) {
    return Fail(Code::kIoError,
                StrCat(file.string(), " is larger than ", max_bytes, " bytes (max_bytes)"));
  }
  auto value = json::Read(text);
  if (!value) value.error().message = StrCat(file.string(), ": ", value.error().message);
  return value;
}

}  // namespace

Loader FolderLoader(std::vector<UriFolder> folders, const FolderLoaderOptions& options) {
  return [folders = std::move(folders), options](std::string_view uri) -> Result<json::Value> {
    const UriFolder* best = nullptr;
    for (const UriFolder& folder : folders) {
      if (uri.starts_with(folder.prefix) &&
          (best == nullptr || folder.prefix.size() > best->prefix.size())) {
        best = &folder;
      }
    }
    if (best == nullptr) {
      return Fail(Code::kInvalidRequest,
                  StrCat("no folder is given for \"", Truncate(uri, 200), "\""));
    }
    WEIR_TRY(const fs::path file, FileIn(best->folder, uri.substr(best->prefix.size())));
    return ReadDocument(file, options.max_bytes);
  };
}

Result<UriFolder> ParseUriFolder(std::string_view text) {
  const std::size_t equals = text.rfind('=');
  if (equals == text.npos || equals == 0 || equals + 1 == text.size()) {
    return Fail(Code::kInvalidRequest,
                StrCat("expected URL=DIR, got \"", Truncate(text, 200), "\""));
  }
  return UriFolder{.prefix = std::string(text.substr(0, equals)),
                   .folder = text.substr(equals + 1)};
}

}  // namespace weir::schema
