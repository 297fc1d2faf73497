#pragma once

// Runs a server on some threads until Ctrl-C or SIGTERM.

#include <string>

#include "weir/cli/command.h"
#include "weir/http/server.h"

namespace weir::cli {

struct ServeOptions {
  std::string name;  // "weir sim", for the ready line
  http::ListenOptions listen;
  http::ServerOptions server;
  int threads = 0;  // loops, one per thread; 0: as many as there are processors
};

// Prints "NAME: listening on URL" on stdout once connections are accepted, and nothing else there.
// A first signal drains, a second one ends at once. Returns the exit code.
int Serve(Session& session, const ServeOptions& options, http::Handler& handler);

// "CERT.pem,KEY.pem" of --tls.
Result<http::TlsServerOptions> TlsFlag(const std::string& text);

}  // namespace weir::cli
