#pragma once

// What Listen() makes and Server accepts on.

#include "weir/http/server.h"

namespace weir::http {

struct BoundListener final : Listener {
  ~BoundListener() override;
  const std::string& url() const override { return address; }

  std::string address;
  std::string unix_path;  // removed at the end
  int descriptor = -1;
  bool is_unix = false;
  std::unique_ptr<TlsServer> tls;  // null: plain
};

}  // namespace weir::http
