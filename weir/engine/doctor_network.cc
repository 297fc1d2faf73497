// From the address to TLS: whether the server can be reached at all.

#include "weir/base/text.h"
#include "weir/engine/adapter.h"
#include "weir/engine/doctor_facts.h"
#include "weir/engine/doctor_steps.h"

namespace weir::engine {
namespace {

constexpr std::string_view kUnreached = "the server was not reached";

// Where connections go: to the server, or to the proxy in front of it.
struct Target {
  http::Url url;
  std::optional<http::Proxy> proxy;

  const std::string& host() const { return proxy ? proxy->host : url.host; }
  std::uint16_t port() const { return proxy ? proxy->port : url.port; }
};

bool ExamineAddress(Examination& found, Target& target) {
  const std::string& given = found.options.http.upstream.base_url;
  const std::string base_url = wire::NormalizeBaseUrl(given);
  Result<http::Url> url = http::ParseUrl(base_url);
  if (!url) {
    found.Fail("address", url.error());
    return false;
  }
  target.url = *std::move(url);
  std::string what = StrCat(base_url, ", kind ", NewAdapter(found.options.http.kind)->kind());
  if (base_url != Trim(given)) {
    StrAppend(what, "; ", given, " means the same, weir appends /v1 itself");
  }
  if (target.url.host == "0.0.0.0" || target.url.host == "::") {
    found.Warn("address", what,
               StrCat(target.url.host,
                      " is an address to listen at, not one to connect to; write 127.0.0.1 here, "
                      "or the name of the server's machine"));
  } else {
    found.Ok("address", what);
  }
  return true;
}

bool ExamineProxy(Examination& found, Target& target) {
  const http::ProxyOptions& options = found.options.dial.proxy;
  Result<std::optional<http::Proxy>> proxy = http::ChooseProxy(options, target.url);
  if (!proxy) {
    found.Fail("proxy", proxy.error());
    return false;
  }
  target.proxy = *std::move(proxy);
  found.through_proxy = target.proxy.has_value();
  const bool own = !(target.url.tls ? options.https : options.http).empty();
  const std::string_view variable =
      own ? (target.url.tls ? "HTTPS_PROXY" : "HTTP_PROXY") : "ALL_PROXY";
  if (target.proxy) {
    const bool socks = target.proxy->kind != http::Proxy::Kind::kHttp;
    found.Note("proxy",
               StrCat("through the ", socks ? "SOCKS5" : "HTTP", " proxy ", target.host(), ":",
                      target.port(), ", by ", variable),
               StrCat("put ", target.url.host, " into NO_PROXY to go without it"));
  } else if (own || !options.all.empty()) {
    found.Ok("proxy", StrCat("none: ", variable, " is set, but does not count for this address"),
             "loopback addresses and Unix sockets never go through one, nor what NO_PROXY names");
  } else {
    found.Ok("proxy", "none");
  }
  return true;
}

async::Task<std::vector<std::string>> ExamineName(async::Context ctx, Examination& found,
                                                  Target& target) {
  const TimePoint start = ctx.Now();
  Result<std::vector<std::string>> addresses = co_await http::LookUp(ctx, target.host());
  const Duration took = ctx.Now() - start;
  if (!addresses) {
    found.Fail("dns", addresses.error(),
               addresses.error().code == Code::kTimeout
                   ? "the DNS of this machine does not answer: see /etc/resolv.conf"
                   : "check the spelling of the address and the DNS of this machine "
                     "(getent hosts NAME)");
    co_return std::vector<std::string>();
  }
  if (addresses->front() == target.host()) {
    found.Ok("dns", "an address needs no name lookup");
  } else {
    found.Ok("dns", StrCat(target.host(), " is ", Join(*addresses, ", "), ", in ", Took(took)));
  }
  co_return *std::move(addresses);
}

std::string RefusedRemedy(const Target& target, wire::ServerKind kind) {
  if (target.proxy) return "check the proxy's address and whether it runs, or go without it";
  std::string_view answers = "/v1/models";
  std::string_view started = "to listen at 0.0.0.0";
  if (kind == wire::ServerKind::kVllm) {
    answers = "/health; a vLLM refuses connections while it loads its model";
    started = "with --host 0.0.0.0";
  } else if (kind == wire::ServerKind::kOllama) {
    answers = "/api/version; `ollama serve` starts it";
    started = "with OLLAMA_HOST=0.0.0.0";
  }
  return StrCat("three checks: does it answer on its own machine (curl http://127.0.0.1:",
                target.port(), answers, ")? does a firewall block port ", target.port(),
                "? was it started ", started, ", so that others may connect?");
}

// Each address by itself. Gives the first that answers, or none.
async::Task<std::string> ExamineConnect(async::Context ctx, Examination& found, Target& target,
                                        std::vector<std::string> addresses) {
  std::string first;
  std::vector<std::string> fine;
  std::vector<std::string> bad;
  std::optional<Error> error;
  for (const std::string& address : addresses) {
    const TimePoint start = ctx.Now();
    const async::Context within = ctx.WithTimeout(found.options.step_limit);
    const Result<void> knocked = co_await http::Knock(within, address, target.port());
    if (knocked) {
      if (first.empty()) first = address;
      fine.push_back(StrCat(address, " in ", Took(ctx.Now() - start)));
      continue;
    }
    const bool slow = knocked.error().code == Code::kTimeout;
    const std::string_view why = slow ? "no answer" : std::string_view(knocked.error().cause);
    bad.push_back(StrCat(address, ": ", why));
    if (!error) error = knocked.error();
    if (knocked.error().code == Code::kCancelled) break;
  }
  if (first.empty()) {
    error->message = StrCat("no connection to port ", target.port());
    error->cause = Join(bad, ", ");
    found.Fail("tcp", *error, RefusedRemedy(target, found.options.http.kind));
  } else if (!bad.empty()) {
    found.Note("tcp", StrCat("port ", target.port(), " answers at ", Join(fine, ", ")), {},
               StrCat("but not at ", Join(bad, ", ")));
  } else {
    found.Ok("tcp", StrCat("port ", target.port(), " answers at ", Join(fine, ", ")));
  }
  co_return first;
}

async::Task<bool> ExamineSocket(async::Context ctx, Examination& found, Target& target) {
  found.Skip("dns", "a Unix socket has no name to look up");
  const std::unique_ptr<http::Dialer> dialer = http::NewSystemDialer(found.options.dial);
  const http::Origin origin = http::MakeOrigin(target.url);
  const Result<http::Connection> connection =
      co_await dialer->Dial(ctx, origin, found.options.step_limit);
  if (!connection) {
    found.Fail("tcp", connection.error(),
               "check the path, that the server runs with --uds and that you may read and write "
               "the socket");
    co_return false;
  }
  found.Ok("tcp", StrCat("the socket ", target.url.unix_path, " takes connections"));
  found.Skip("tls", "a Unix socket needs none");
  co_return true;
}

async::Task<bool> ExamineHandshake(async::Context ctx, Examination& found, Target& target,
                                   std::string address) {
  if (!target.url.tls) {
    found.Skip("tls", "the address is plain http");
    co_return true;
  }
  if (target.proxy) {
    found.Skip("tls", "it goes through the proxy and is checked with the first request");
    co_return true;
  }
  http::TlsReport report;
  const Result<void> shaken = co_await http::ExamineTls(ctx, found.options.dial.tls, address,
                                                        target.url.port, target.url.host, report);
  if (shaken) {
    found.Add(JudgeCertificate(report, ctx.loop->WallNanos()));
    co_return true;
  }
  Finding failure = Failure("tls", shaken.error());
  if (!report.subject.empty()) {
    failure.detail = StrCat("the certificate is of ", report.subject, " by ", report.issuer);
  } else if (failure.remedy.empty()) {
    failure.remedy = "check that this port speaks https: try the address with http://";
  }
  found.Add(std::move(failure));
  co_return false;
}

async::Task<bool> Reach(async::Context ctx, Examination& found, Target& target) {
  if (!target.url.unix_path.empty()) co_return co_await ExamineSocket(ctx, found, target);
  const async::Context within = ctx.WithTimeout(found.options.step_limit);
  const std::vector<std::string> addresses = co_await ExamineName(within, found, target);
  if (addresses.empty()) co_return false;
  const std::string address = co_await ExamineConnect(ctx, found, target, addresses);
  if (address.empty()) co_return false;
  const async::Context handshake = ctx.WithTimeout(found.options.step_limit);
  co_return co_await ExamineHandshake(handshake, found, target, address);
}

}  // namespace

async::Task<bool> ExamineNetwork(async::Context ctx, Examination& found) {
  Target target;
  const bool known = ExamineAddress(found, target) && ExamineProxy(found, target);
  const bool reached = known && co_await Reach(ctx, found, target);
  if (!reached) {
    found.SkipRest(std::string(known ? kUnreached : "the address cannot be used"));
  }
  co_return reached;
}

}  // namespace weir::engine
