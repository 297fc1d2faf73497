#pragma once

// Origin: where requests go, worked out once: the address, the pool key, the Host header.

#include <string>

#include "weir/http/url.h"

namespace weir::http {

struct Origin {
  Url url;
  std::string authority;  // value of the Host header
  std::string key;        // equal keys may share connections
};

Origin MakeOrigin(Url url);

// For messages: "http://h:8000", "unix:/run/s.sock"; never holds a secret.
std::string DisplayName(const Url& url);

}  // namespace weir::http
