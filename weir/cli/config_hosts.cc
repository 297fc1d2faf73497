#include "weir/cli/config_hosts.h"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include <arpa/inet.h>
#include <netdb.h>

#include "weir/base/text.h"
#include "weir/http/dialer.h"
#include "weir/http/url.h"

namespace weir::cli {
namespace {

constexpr std::size_t kMostHosts = 64;  // each is a thread

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

// A question to the system's resolver cannot be interrupted: what is late is left behind with its
// thread, which keeps this.
struct Lookups {
  std::mutex mutex;
  std::condition_variable ended;
  std::map<std::string, std::optional<bool>> known;  // by host
  std::size_t waiting = 0;
};

void LookUp(const std::shared_ptr<Lookups>& lookups, const std::string& host) {
  addrinfo* found = nullptr;
  const bool known = ::getaddrinfo(host.c_str(), nullptr, nullptr, &found) == 0;
  if (known) ::freeaddrinfo(found);
  const std::scoped_lock lock(lookups->mutex);
  lookups->known[host] = known;
  --lookups->waiting;
  lookups->ended.notify_all();
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
  const auto lookups = std::make_shared<Lookups>();
  lookups->waiting = engines.size();
  for (const auto& [host, engine] : engines) std::thread(LookUp, lookups, host).detach();
  std::unique_lock lock(lookups->mutex);
  (void)lookups->ended.wait_for(lock, most, [&] { return lookups->waiting == 0; });
  std::vector<std::string> sentences;
  for (const auto& [host, engine] : engines) {
    if (lookups->known[host].value_or(false)) continue;
    sentences.push_back(StrCat("engine ", engine, ": the host '", host,
                               "' cannot be found from here; check the spelling of its address and "
                               "the DNS of this machine, or do not look with --offline"));
  }
  return sentences;
}

}  // namespace weir::cli
