#pragma once

// The servers behind one engine. Adapters are loaded into a process, so each of them needs its own
// request: an engine is the sum of its addresses.

#include <memory>
#include <string>
#include <vector>

#include "weir/engine/http_engine.h"
#include "weir/engine/ports.h"
#include "weir/http/race.h"

namespace weir::engine {

// Always the same ones, at least one.
std::unique_ptr<HostFinder> NewFixedHosts(AdapterHosts hosts);

// The servers at `options.upstream.base_url` and at `more_urls`. A host name of plain HTTP that
// has several addresses, as a headless service of Kubernetes has, stands for one server each; it is
// looked up every time. Not so with TLS, whose certificates are for names, and not behind a
// balancer, which shows one address for all: there is one server then, whichever answers.
// `client` must outlive it.
Result<std::unique_ptr<HostFinder>> NewResolvedHosts(const HttpEngineOptions& options,
                                                     std::vector<std::string> more_urls,
                                                     http::Client& client);

// The base URLs of the servers that a name was resolved to. A server listens on both families of
// addresses mostly: only the family with more of them counts, or the first one.
std::vector<std::string> UrlsOfEach(const http::Url& url, const http::Endpoints& endpoints);

}  // namespace weir::engine
