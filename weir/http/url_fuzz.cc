// Properties of addresses and proxy rules, whatever is written there: an address that is read is
// read again from its own name, and which proxy it gets does not depend on blanks or capitals in
// NO_PROXY.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "weir/base/text.h"
#include "weir/http/dialer.h"

namespace {

using weir::Result;
using weir::http::ChooseProxy;
using weir::http::Proxy;
using weir::http::ProxyOptions;

bool Same(const Result<std::optional<Proxy>>& a, const Result<std::optional<Proxy>>& b) {
  if (!a || !b) return !a && !b;
  if (!*a || !*b) return !*a && !*b;
  return (*a)->host == (*b)->host && (*a)->port == (*b)->port;
}

std::string NameOf(const weir::http::Url& url) {
  if (url.unix_path.empty()) return weir::http::MakeOrigin(url).key + url.target_prefix;
  return weir::StrCat(url.unix_path.starts_with('/') ? "unix://" : "unix:", url.unix_path,
                      url.target_prefix.empty() ? "" : ":", url.target_prefix);
}

}  // namespace

// The lines of the input: an address, a proxy, NO_PROXY.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t first = std::min(input.find('\n'), size);
  const std::size_t second = std::min(input.find('\n', first + 1), size);
  const Result<weir::http::Url> url = weir::http::ParseUrl(input.substr(0, first));
  if (!url) return 0;
  if (url->port == 0 && url->unix_path.empty()) std::abort();
  if (url->target_prefix.ends_with('/')) std::abort();
  const Result<weir::http::Url> again = weir::http::ParseUrl(NameOf(*url));
  if (!again || *again != *url) std::abort();

  ProxyOptions options;
  options.all = first < size ? input.substr(first + 1, second - first - 1) : "";
  options.no_proxy = second < size ? input.substr(second + 1) : "";
  const Result<std::optional<Proxy>> proxy = ChooseProxy(options, *url);
  if (!url->unix_path.empty() && proxy && *proxy) std::abort();
  if (options.no_proxy == "*" && proxy && *proxy) std::abort();
  ProxyOptions loud = options;
  loud.no_proxy = weir::StrCat(" ,", options.no_proxy, ", ");
  for (char& c : loud.no_proxy) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  if (!Same(proxy, ChooseProxy(loud, *url))) std::abort();
  return 0;
}
