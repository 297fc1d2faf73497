#include "weir/cli/serve.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

#include "weir/async/scope.h"
#include "weir/async/signals.h"
#include "weir/base/text.h"

namespace weir::cli {
namespace {

constexpr rlim_t kFewFiles = 4096;
constexpr std::uint64_t kMostPort = 65535;

using Doors = std::vector<std::unique_ptr<http::Handler>>;
using HttpListeners = std::vector<std::unique_ptr<http::Listener>>;

// One thread's share of the servers.
struct Worker {
  async::Loop loop;
  async::Cancellation cancellation;
  std::vector<std::unique_ptr<http::Server>> servers;
  Result<void> result;

  async::Context context() {
    async::Context ctx(loop);
    ctx.cancellation = &cancellation;
    return ctx;
  }

  static async::Task<void> ServeDoor(async::Context ctx, http::Server& server,
                                     const http::Listener& listener, Result<void>& result) {
    Result<void> served = co_await server.Serve(ctx, listener);
    if (!served) result = std::move(served);
  }

  static async::Task<void> ServeAll(async::Context ctx, Worker& worker,
                                    const HttpListeners& listeners) {
    async::TaskScope scope(ctx);
    for (std::size_t i = 0; i < listeners.size(); ++i) {
      scope.Spawn(ServeDoor(scope.context(), *worker.servers[i], *listeners[i], worker.result));
    }
    co_await scope.Join();
  }

  void Run(const HttpListeners& listeners) { loop.Run(ServeAll(context(), *this, listeners)); }
};

void WarnOfFewFiles(const Terminal& terminal) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < kFewFiles) {
    terminal.Warn(StrCat("at most ", limit.rlim_cur,
                         " files may be open here, and each connection is one; raise it with "
                         "ulimit -n"));
  }
}

// Where the door of this number listens.
Result<http::ListenOptions> DoorAddress(const http::ListenOptions& first, std::size_t number) {
  if (number == 0) return first;
  http::ListenOptions options = first;
  const std::size_t colon = first.address.rfind(':');
  const auto port =
      colon == first.address.npos ? std::nullopt : ParseUint(first.address.substr(colon + 1));
  if (first.address.starts_with("unix:") || !port) {
    return Fail(Code::kConfigError, StrCat("several servers need several ports, and '",
                                           first.address, "' has one place; write HOST:PORT"));
  }
  if (*port == 0) return options;
  if (*port + number > kMostPort) {
    return Fail(Code::kConfigError, StrCat("there are not enough ports behind ", *port,
                                           "; choose a lower one, or 0 for any free ones"));
  }
  options.address = StrCat(first.address.substr(0, colon + 1), *port + number);
  return options;
}

Result<HttpListeners> ListenAtAll(const ServeOptions& options, std::size_t doors) {
  HttpListeners listeners;
  for (std::size_t i = 0; i < doors; ++i) {
    WEIR_TRY(const http::ListenOptions address, DoorAddress(options.listen, i));
    Result<std::unique_ptr<http::Listener>> listener = http::Listen(address);
    if (!listener) {
      Error error = std::move(listener).error();
      if (!error.cause.contains("in use")) {
        error.message +=
            "; give --listen an address of this machine with a free port (127.0.0.1:0 takes any), "
            "or unix:PATH in a folder that is there";
      }
      return std::unexpected<Error>(std::move(error));
    }
    listeners.push_back(*std::move(listener));
  }
  return listeners;
}

std::vector<std::unique_ptr<Worker>> NewWorkers(const ServeOptions& options, const Doors& doors) {
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const int threads = options.threads > 0 ? options.threads : cores;
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < threads; ++i) {
    auto& worker = workers.emplace_back(std::make_unique<Worker>());
    for (const auto& door : doors) {
      worker->servers.push_back(std::make_unique<http::Server>(options.server, *door));
    }
  }
  return workers;
}

void SayReady(Session& session, const ServeOptions& options, const HttpListeners& listeners) {
  std::vector<std::string> urls;
  for (const auto& listener : listeners) urls.push_back(listener->url());
  if (options.on_ready) return options.on_ready(urls);
  for (const std::string& url : urls) {
    session.terminal.Out(StrCat(options.name, ": listening on ", url, "\n"));
  }
}

void RunAll(std::vector<std::unique_ptr<Worker>>& workers, const HttpListeners& listeners) {
  std::vector<std::jthread> pool;
  for (std::size_t i = 1; i < workers.size(); ++i) {
    pool.emplace_back([&, its = workers[i].get()] { its->Run(listeners); });
  }
  workers.front()->Run(listeners);
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
  for (const std::string& file : {tls.cert_file, tls.key_file}) {
    if (::access(file.c_str(), R_OK) == 0) continue;
    return Fail(
        Code::kConfigError,
        StrCat("--tls: cannot read ", file, "; give the paths of a certificate and its key"),
        std::strerror(errno));
  }
  return tls;
}

int Serve(Session& session, const ServeOptions& options, Doors doors) {
  std::vector<std::unique_ptr<Worker>> workers = NewWorkers(options, doors);
  const auto refuse = [&](const Error& error) {
    session.terminal.Problem(error);
    doors.clear();
    return ExitCode(error);
  };

  bool stopping = false;
  const auto stop = [&](int) {
    // Asked twice: what is still running is given up.
    if (stopping && options.second_signal_ends) ::_exit(kExitCancelled);
    if (std::exchange(stopping, true)) return;
    if (options.on_stop) options.on_stop();
    for (const auto& worker : workers) {
      worker->loop.Post([its = worker.get()] { its->cancellation.Cancel(); });
    }
  };
  const async::SignalWatch interrupts(workers[0]->loop, {SIGINT, SIGHUP}, stop);
  std::optional<async::SignalWatch> terminations;
  if (options.ignore_sigterm) {
    std::signal(SIGTERM, SIG_IGN);
  } else {
    terminations.emplace(workers[0]->loop, std::initializer_list<int>{SIGTERM}, stop);
  }

  if (options.startup_delay > Duration::zero()) {
    const Result<void> waited =
        workers[0]->loop.Run(async::Sleep(workers[0]->context(), options.startup_delay));
    if (!waited) return kExitOk;
  }
  const Result<HttpListeners> listeners = ListenAtAll(options, doors.size());
  if (!listeners) return refuse(listeners.error());
  WarnOfFewFiles(session.terminal);
  SayReady(session, options, *listeners);
  RunAll(workers, *listeners);
  for (const auto& worker : workers) {
    if (!worker->result) return refuse(worker->result.error());
  }
  doors.clear();  // they may keep connections on the loops
  return kExitOk;
}

}  // namespace weir::cli
