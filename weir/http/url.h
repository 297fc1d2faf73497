#pragma once

// Addresses of servers: one text, as a person writes it, to the parts that a connection needs.

#include <cstdint>
#include <string>
#include <string_view>

#include "weir/base/result.h"

namespace weir::http {

// Where a server is. Nothing is decoded: percent escapes stay as they were written.
struct Url {
  bool tls = false;
  std::string host;           // lower case, without the brackets of IPv6; empty for a Unix socket
  std::uint16_t port = 0;     // never 0 unless `unix_path` is set
  std::string unix_path;      // path of the socket file, empty for TCP
  std::string target_prefix;  // starts with '/' and does not end with one, or is empty

  friend bool operator==(const Url&, const Url&) = default;
};

// Reads `http://host[:port][/prefix]`, `https://...` and `unix:/path/of.sock[:/prefix]` (also
// `unix:///path/of.sock`). User info, query, fragment, spaces and control characters are refused
// with Code::kInvalidRequest and a sentence that shows what a right address looks like.
Result<Url> ParseUrl(std::string_view text);

// The value of the Host header: the port stands there only when it is not the default one, and a
// Unix socket is "localhost".
std::string Authority(const Url& url);

}  // namespace weir::http
