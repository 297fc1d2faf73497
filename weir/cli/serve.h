#pragma once

// Runs servers on some threads until Ctrl-C, SIGTERM or SIGHUP (not under nohup).

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weir/cli/command.h"
#include "weir/http/server.h"

namespace weir::cli {

struct ServeOptions {
  std::string name;  // "weir sim", for the ready lines
  // Of the first door; the others take the ports behind it, or any free ones if it is 0.
  http::ListenOptions listen;
  http::ServerOptions server;
  int threads = 0;           // loops, one per thread; 0: as many as there are processors
  Duration startup_delay{};  // before anything listens

  bool ignore_sigterm = false;
  bool second_signal_ends = true;  // at once, while the first one drains
  // Instead of the ready lines: every door is open. Not called when a signal came before.
  std::function<void(const std::vector<std::string>& urls)> on_ready;
  std::function<void()> on_stop;  // the first signal came; before the draining
};

// Serves one door per handler, each on all threads. Prints "NAME: listening on URL" for each on
// stdout, in order, once connections are accepted, and nothing else there. A first signal drains
// all. The handlers are destroyed before their loops. Returns the exit code.
int Serve(Session& session, const ServeOptions& options,
          std::vector<std::unique_ptr<http::Handler>> doors);

// "CERT.pem,KEY.pem" of --tls.
Result<http::TlsServerOptions> TlsFlag(const std::string& text);

}  // namespace weir::cli
