#include "weir/config/addresses.h"

#include <algorithm>
#include <filesystem>

#include "weir/base/text.h"
#include "weir/http/url.h"
#include "weir/wire/codec.h"

namespace weir::config {
namespace {

constexpr std::string_view kUnix = "unix:";

// What people copy when they want a base URL: the whole path of an endpoint.
constexpr std::string_view kEndpoints[] = {"/chat/completions", "/completions", "/models",
                                           "/responses", "/embeddings"};

}  // namespace

bool LooksLikeAddress(std::string_view name) {
  if (name.find("://") != name.npos || name.starts_with(kUnix)) return true;
  const std::string_view host = name.substr(0, name.find('/'));
  const std::size_t colon = host.rfind(':');
  return colon != host.npos && colon > 0 && ParseUint(host.substr(colon + 1)).has_value();
}

std::string PlainAddress(std::string_view text) {
  text = Trim(text);
  while (text.ends_with('/')) text.remove_suffix(1);
  for (const std::string_view endpoint : kEndpoints) {
    const std::string_view rest =
        text.substr(0, text.size() - std::min(text.size(), endpoint.size()));
    if (!text.ends_with(endpoint) || !rest.ends_with("/v1") || rest.ends_with("//v1")) continue;
    text = rest;
    break;
  }
  const std::string_view path = text.starts_with(kUnix) ? text.substr(kUnix.size()) : "";
  std::error_code unknown;  // then the address is refused as it was written
  const std::filesystem::path here = std::filesystem::current_path(unknown);
  if (path.empty() || path.starts_with('/') || unknown) return std::string(text);
  return StrCat(kUnix, here.string(), "/", path);
}

std::string WithScheme(std::string_view text) {
  text = Trim(text);
  const bool whole = text.find("://") != text.npos || text.starts_with(kUnix);
  const bool bare = !whole && LooksLikeAddress(text);
  return bare ? StrCat("http://", text) : std::string(text);
}

Result<void> CheckAddress(std::string_view text) {
  const std::string address = WithScheme(text);
  const bool scheme_alone = address.ends_with("://");
  const std::string whole = scheme_alone ? address : wire::NormalizeBaseUrl(PlainAddress(address));
  WEIR_CHECK(http::ParseUrl(whole));
  return {};
}

Kind KindOfAddress(std::string_view address) {
  if (address.starts_with(kUnix)) return Kind::kVllm;
  const std::size_t scheme = address.find("://");
  if (scheme != address.npos) address.remove_prefix(scheme + 3);
  address = address.substr(0, address.find_first_of("/?#"));
  const std::size_t user = address.rfind('@');
  if (user != address.npos) address.remove_prefix(user + 1);
  const std::size_t colon = address.rfind(':');
  const std::string host = ToLower(address.substr(0, colon));
  const std::string_view port = colon == address.npos ? "" : address.substr(colon + 1);
  if (host == "api.openai.com") return Kind::kOpenAi;
  return port == "11434" ? Kind::kOllama : Kind::kVllm;
}

}  // namespace weir::config
