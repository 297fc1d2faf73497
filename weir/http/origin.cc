#include "weir/http/origin.h"

#include "weir/base/text.h"

namespace weir::http {

std::string DisplayName(const Url& url) {
  if (!url.unix_path.empty()) return StrCat("unix:", url.unix_path);
  const bool v6 = url.host.find(':') != url.host.npos;
  return StrCat(url.tls ? "https://" : "http://", v6 ? "[" : "", url.host, v6 ? "]" : "", ":",
                url.port);
}

Origin MakeOrigin(Url url) {
  std::string authority = Authority(url);
  std::string key = DisplayName(url);
  return Origin{.url = std::move(url), .authority = std::move(authority), .key = std::move(key)};
}

}  // namespace weir::http
