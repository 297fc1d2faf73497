#include "weir/cli/serve.h"

#include <algorithm>
#include <csignal>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

#include "weir/async/signals.h"
#include "weir/base/text.h"

namespace weir::cli {
namespace {

constexpr rlim_t kFewFiles = 4096;

// One thread's share of the server.
struct Worker {
  Worker(const ServeOptions& options, http::Handler& handler) : server(options.server, handler) {}

  async::Loop loop;
  async::Cancellation cancellation;
  http::Server server;
  Result<void> result;

  void Run(const http::Listener& listener) {
    async::Context ctx(loop);
    ctx.cancellation = &cancellation;
    result = loop.Run(server.Serve(ctx, listener));
  }
};

void WarnOfFewFiles(const Terminal& terminal) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < kFewFiles) {
    terminal.Warn(StrCat("at most ", limit.rlim_cur,
                         " files may be open here, and each connection is one; raise it with "
                         "ulimit -n"));
  }
}

}  // namespace

Result<http::TlsServerOptions> TlsFlag(const std::string& text) {
  http::TlsServerOptions tls;
  if (text.empty()) return tls;
  const std::size_t comma = text.find(',');
  if (comma == text.npos) {
    return Fail(Code::kConfigError, "--tls wants CERT.pem,KEY.pem: the certificate and its key");
  }
  tls.cert_file = text.substr(0, comma);
  tls.key_file = text.substr(comma + 1);
  return tls;
}

int Serve(Session& session, const ServeOptions& options, http::Handler& handler) {
  const Result<std::unique_ptr<http::Listener>> listener = http::Listen(options.listen);
  if (!listener) {
    session.terminal.Problem(listener.error());
    return ExitCode(listener.error());
  }
  WarnOfFewFiles(session.terminal);

  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const int threads = options.threads > 0 ? options.threads : cores;
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < threads; ++i) workers.push_back(std::make_unique<Worker>(options, handler));

  bool stopping = false;
  const async::SignalWatch signals(workers[0]->loop, {SIGINT, SIGTERM}, [&](int) {
    if (stopping) ::_exit(kExitCancelled);  // asked twice: what is still running is given up
    stopping = true;
    for (const auto& worker : workers) {
      worker->loop.Post([its = worker.get()] { its->cancellation.Cancel(); });
    }
  });
  session.terminal.Out(StrCat(options.name, ": listening on ", (*listener)->url(), "\n"));
  {
    std::vector<std::jthread> pool;
    for (int i = 1; i < threads; ++i) {
      pool.emplace_back(
          [&, its = workers[static_cast<std::size_t>(i)].get()] { its->Run(**listener); });
    }
    workers[0]->Run(**listener);
  }
  for (const auto& worker : workers) {
    if (worker->result) continue;
    session.terminal.Problem(worker->result.error());
    return ExitCode(worker->result.error());
  }
  return kExitOk;
}

}  // namespace weir::cli
