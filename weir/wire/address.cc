#include "weir/base/text.h"
#include "weir/wire/codec.h"

namespace weir::wire {

std::string NormalizeBaseUrl(std::string_view base_url) {
  std::string_view url = Trim(base_url);
  const auto drop_slashes = [&url] {
    while (url.ends_with('/')) url.remove_suffix(1);
  };
  drop_slashes();
  // The two slashes keep a host of the name "v1" from being taken for a path.
  if (url.ends_with("/v1") && !url.ends_with("//v1")) url.remove_suffix(3);
  drop_slashes();
  return std::string(url);
}

std::optional<std::string> Authorization(AuthMode mode, std::string_view api_key) {
  if (mode == AuthMode::kNone) return std::nullopt;
  if (mode == AuthMode::kAuto && (api_key.empty() || EqualsIgnoreCase(api_key, "EMPTY"))) {
    return std::nullopt;
  }
  return StrCat("Bearer ", api_key);
}

}  // namespace weir::wire
