#pragma once

// One look at each layer between here and a server, for whoever explains why it cannot be reached.
// Calls go the short way, through the dialer.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/async/context.h"
#include "weir/async/task.h"
#include "weir/http/dialer.h"

namespace weir::http {

// What a server showed of itself while hands were shaken.
struct TlsReport {
  std::string version;  // "TLSv1.3"; empty: the handshake failed
  std::string subject;  // of its certificate: "CN=localhost"; empty: none was shown
  std::string issuer;
  std::optional<std::int64_t> expires;  // seconds since 1970, UTC
};

// The addresses of a host in the order in which they are tried.
async::Task<Result<std::vector<std::string>>> LookUp(async::Context ctx, std::string host);

// Connects to one address, which LookUp() gave, and hangs up.
async::Task<Result<void>> Knock(async::Context ctx, std::string address, std::uint16_t port);

// Connects to one address, shakes hands with `host` as the options say and hangs up. `report` is
// filled also when the certificate is refused; it must outlive the task.
async::Task<Result<void>> ExamineTls(async::Context ctx, TlsOptions options, std::string address,
                                     std::uint16_t port, std::string host, TlsReport& report);

}  // namespace weir::http
