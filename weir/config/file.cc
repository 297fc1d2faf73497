#include "weir/config/file.h"

#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "weir/base/fd.h"
#include "weir/base/limits.h"
#include "weir/base/text.h"

namespace weir::config {

Result<std::optional<std::string>> ReadFile(const std::string& path) {
  const auto failed = [&path](int error) {
    return Fail(Code::kConfigError, StrCat("cannot read the configuration ", path),
                std::strerror(error));
  };
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open() && errno == ENOENT) return std::optional<std::string>();
  if (!fd.open()) return failed(errno);
  std::string text;
  char buffer[8192];
  ssize_t got = 0;
  while ((got = ::read(fd.get(), buffer, sizeof(buffer))) > 0 &&
         text.size() <= limits::kConfigFileBytes) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  if (got < 0) return failed(errno);
  return std::optional<std::string>(std::move(text));
}

Result<std::optional<FoundFile>> FindFile(const std::string& named, const Env& env) {
  const std::string demanded = named.empty() ? env.Get("WEIR_CONFIG").value_or("") : named;
  if (!demanded.empty()) {
    WEIR_TRY(std::optional<std::string> text, ReadFile(demanded));
    if (!text) {
      return Fail(Code::kConfigError,
                  StrCat("there is no configuration ", demanded,
                         named.empty() ? "; check $WEIR_CONFIG"
                                       : "; check its name, or write one: weir config init FILE"));
    }
    return std::optional<FoundFile>(FoundFile{.path = demanded, .text = *std::move(text)});
  }
  std::vector<std::string> places = {"weir.yaml"};
  if (const auto home = env.Get("HOME")) places.push_back(*home + "/.config/weir/weir.yaml");
  for (const std::string& place : places) {
    WEIR_TRY(std::optional<std::string> text, ReadFile(place));
    if (text) return std::optional<FoundFile>(FoundFile{.path = place, .text = *std::move(text)});
  }
  return std::optional<FoundFile>();
}

}  // namespace weir::config
