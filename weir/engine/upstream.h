#pragma once

// Upstream: one server and how to talk to it: address, key, dialect, clocks. It makes one HTTP
// exchange out of a path and a body; policies and decoding are the business of others.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/engine/wire_log.h"
#include "weir/http/client.h"
#include "weir/model/sampling.h"
#include "weir/wire/codec.h"

namespace weir::engine {

// Statuses that say that a server does not have what was asked for.
inline constexpr int kNotFound = 404;
inline constexpr int kMethodNotAllowed = 405;

struct UpstreamOptions {
  std::string base_url = "http://localhost:8000";  // with or without /v1; unix:PATH for a socket
  std::string api_key = "EMPTY";                   // EMPTY: the server wants none
  wire::AuthMode auth = wire::AuthMode::kAuto;
  std::optional<wire::Dialect> dialect;  // unset: asked of the server when a call depends on it
  model::Timeouts timeouts;
  http::Headers headers;          // further headers of every request
  std::string_view when_refused;  // what to do when nothing listens there, as WhenRefused() has it
};

// A sentence about what such a server may lack, behind the error's own; empty: there is none.
std::string_view WhenRefused(wire::ServerKind kind);

// Texts that must reach nobody, in whatever words a server repeats them.
using Secrets = std::vector<std::string>;
void HideSecrets(const Secrets& secrets, Error& error);

// What would be sent, for people to look at. The key is redacted.
struct RequestPreview {
  std::string method;
  std::string url;
  http::Headers headers;
  std::string body;
  std::vector<std::string> notes;  // sentences: what was assumed, what was left out
};

// http::Response::ReadInto(), of which `log` hears; null: nobody does.
async::Task<Result<void>> ReadBody(async::Context ctx, http::Response& response,
                                   std::size_t max_bytes, WireLog* log, std::string& body);

class Upstream {
 public:
  // `client` must outlive the upstream. Fails when the address cannot be used.
  static Result<std::unique_ptr<Upstream>> Make(UpstreamOptions options, http::Client& client);

  // Sends a JSON body (or none, with GET) to `path` and returns the response once its head is
  // there. A status other than 2xx becomes the error it stands for. The strings must outlive the
  // task, and `log`, which hears of all but the body of a good response; null: nobody does.
  async::Task<Result<std::unique_ptr<http::Response>>> Exchange(
      async::Context ctx, std::string_view method, std::string_view path, std::string body,
      model::Timeouts timeouts, WireLog* log = nullptr);

  struct Answer {
    int status = 0;
    std::string body;
  };
  // A small question whose answer is wanted whole, whatever its status.
  async::Task<Result<Answer>> Inquire(async::Context ctx, std::string_view method,
                                      std::string_view path, std::string body);

  RequestPreview Preview(std::string_view method, std::string_view path, std::string body) const;

  const UpstreamOptions& options() const { return options_; }
  // The keys that its requests carry, for HideSecrets().
  const std::shared_ptr<const Secrets>& secrets() const { return secrets_; }
  // For messages: the address, without any secret.
  const std::string& name() const { return origin_.key; }

 private:
  async::Task<Result<std::unique_ptr<http::Response>>> Send(async::Context ctx,
                                                            std::string_view method,
                                                            std::string_view path, std::string body,
                                                            model::Timeouts timeouts);
  Upstream(UpstreamOptions options, http::Client& client, http::Origin origin,
           http::FieldBlock get_fields, http::FieldBlock post_fields);

  const UpstreamOptions options_;
  http::Client& client_;
  const http::Origin origin_;
  const http::FieldBlock get_fields_;
  const http::FieldBlock post_fields_;
  const std::shared_ptr<const Secrets> secrets_;
};

}  // namespace weir::engine
