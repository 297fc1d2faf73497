#include "weir/engine/replicas.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/engine/control.h"
#include "weir/http/resolve.h"

namespace weir::engine {
namespace {

class FixedHosts final : public HostFinder {
 public:
  explicit FixedHosts(AdapterHosts hosts) : hosts_(std::move(hosts)) {}

  async::Task<Result<AdapterHosts>> Find(async::Context /*ctx*/) override { co_return hosts_; }

 private:
  const AdapterHosts hosts_;
};

class ResolvedHosts final : public HostFinder {
 public:
  ResolvedHosts(HttpEngineOptions options, std::vector<http::Url> urls,
                std::vector<std::string> texts, http::Client& client)
      : options_(std::move(options)),
        urls_(std::move(urls)),
        texts_(std::move(texts)),
        client_(client) {}

  async::Task<Result<AdapterHosts>> Find(async::Context ctx) override {
    AdapterHosts hosts;
    std::optional<Error> failure;
    for (std::size_t i = 0; i < urls_.size(); ++i) {
      const Result<std::vector<std::string>> each = co_await Each(ctx, i);
      if (!each && (ctx.cancelled() || urls_.size() == 1)) co_return Fail(each.error());
      if (!each) {
        failure = each.error();
        continue;
      }
      for (const std::string& url : *each) {
        HttpEngineOptions options = options_;
        options.upstream.base_url = url;
        WEIR_CO_TRY(std::shared_ptr<AdapterHost> host, Control::Make(std::move(options), client_));
        hosts.push_back(std::move(host));
      }
    }
    if (hosts.empty()) co_return Fail(*failure);
    co_return hosts;
  }

 private:
  async::Task<Result<std::vector<std::string>>> Each(async::Context ctx, std::size_t index) {
    const http::Url& url = urls_[index];
    if (url.tls || !url.unix_path.empty()) co_return std::vector<std::string>{texts_[index]};
    WEIR_CO_TRY(const http::Endpoints endpoints, co_await http::Resolve(ctx, url.host, url.port));
    std::vector<std::string> urls = UrlsOfEach(url, endpoints);
    // With the name, connections of the engine are used again, and a proxy sees what it expects.
    if (urls.size() == 1) urls = {texts_[index]};
    co_return urls;
  }

  const HttpEngineOptions options_;
  const std::vector<http::Url> urls_;
  const std::vector<std::string> texts_;
  http::Client& client_;
};

}  // namespace

std::unique_ptr<HostFinder> NewFixedHosts(AdapterHosts hosts) {
  return std::make_unique<FixedHosts>(std::move(hosts));
}

Result<std::unique_ptr<HostFinder>> NewResolvedHosts(const HttpEngineOptions& options,
                                                     std::vector<std::string> more_urls,
                                                     http::Client& client) {
  std::vector<std::string> texts = {options.upstream.base_url};
  for (std::string& url : more_urls) texts.push_back(std::move(url));
  std::vector<http::Url> urls;
  for (const std::string& text : texts) {
    WEIR_TRY(http::Url url, http::ParseUrl(wire::NormalizeBaseUrl(text)));
    urls.push_back(std::move(url));
  }
  return std::make_unique<ResolvedHosts>(options, std::move(urls), std::move(texts), client);
}

std::vector<std::string> UrlsOfEach(const http::Url& url, const http::Endpoints& endpoints) {
  const auto is_v6 = [](const auto& endpoint) { return endpoint.address().is_v6(); };
  const auto v6 = static_cast<std::size_t>(std::ranges::count_if(endpoints, is_v6));
  const std::size_t v4 = endpoints.size() - v6;
  const bool wants_v6 = v6 == v4 ? !endpoints.empty() && is_v6(endpoints.front()) : v6 > v4;
  std::vector<std::string> urls;
  for (const auto& endpoint : endpoints) {
    if (is_v6(endpoint) != wants_v6) continue;
    http::Url one = url;
    one.host = endpoint.address().to_string();
    std::string text = StrCat("http://", http::Authority(one), url.target_prefix);
    if (std::ranges::find(urls, text) == urls.end()) urls.push_back(std::move(text));
  }
  return urls;
}

}  // namespace weir::engine
