#include "weir/cli/config_hosts.h"

#include <map>

#include <arpa/inet.h>

#include "weir/async/loop.h"
#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/http/dialer.h"
#include "weir/http/examine.h"
#include "weir/http/url.h"

namespace weir::cli {
namespace {

constexpr std::size_t kMostHosts = 64;

bool IsAddress(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), &address) == 1;
}

// The host of a URL that this machine has to look up; empty when there is none.
std::string HostOf(const std::string& base_url, const http::ProxyOptions& proxies) {
  const Result<http::Url> url = http::ParseUrl(base_url);
  if (!url || !url->unix_path.empty() || IsAddress(url->host)) return "";
  if (url->host == "localhost" || url->host.ends_with(".localhost")) return "";
  const Result<std::optional<http::Proxy>> proxy = http::ChooseProxy(proxies, *url);
  return proxy && !*proxy ? url->host : "";
}

async::Task<void> LookUp(async::Context ctx, const std::string& host, bool& known) {
  const Result<std::vector<std::string>> addresses = co_await http::LookUp(ctx, host);
  known = addresses.has_value();
}

async::Task<void> LookUpAll(async::Context ctx, std::map<std::string, bool>& known) {
  async::TaskScope scope(ctx);
  for (auto& [host, is_known] : known) scope.Spawn(LookUp(scope.context(), host, is_known));
  co_await scope.Join();
}

}  // namespace

std::vector<std::string> UnknownHosts(const config::Config& config, const Env& env, Duration most) {
  const http::ProxyOptions proxies = http::ProxyFromEnv(env);
  std::map<std::string, std::string> engines;  // by host, the first one that has it
  for (const config::EngineConfig& engine : config.engines) {
    if (engine.kind == config::Kind::kSim || engine.unusable) continue;
    std::vector<std::string> urls = engine.replicas;
    urls.insert(urls.begin(), engine.http.upstream.base_url);
    for (const std::string& url : urls) {
      const std::string host = HostOf(url, proxies);
      if (!host.empty() && engines.size() < kMostHosts) engines.emplace(host, engine.name);
    }
  }
  std::map<std::string, bool> known;
  for (const auto& [host, engine] : engines) known.emplace(host, false);
  async::Loop loop;
  loop.Run(LookUpAll(async::Context(loop).WithTimeout(most), known));
  std::vector<std::string> sentences;
  for (const auto& [host, engine] : engines) {
    if (known[host]) continue;
    sentences.push_back(StrCat("engine ", engine, ": the host '", host,
                               "' cannot be found from here; check the spelling of its address and "
                               "the DNS of this machine, or do not look with --offline"));
  }
  return sentences;
}

}  // namespace weir::cli
