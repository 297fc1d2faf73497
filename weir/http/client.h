#pragma once

// The HTTP/1.1 client: requests out, responses back as they come. An error status is a successful
// exchange; turning it into an error is the business of the layer above.

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/limits.h"
#include "weir/http/dialer.h"
#include "weir/http/headers.h"
#include "weir/http/parser.h"
#include "weir/http/pool.h"

namespace weir::http {

// Three of the four clocks; the fourth, `total`, is the context's deadline. Zero: off.
struct ClientTimeouts {
  Duration connect = std::chrono::seconds(10);
  Duration first_token = std::chrono::seconds(300);  // request sent until the body's first byte
  Duration idle = std::chrono::seconds(60);          // between two reads of the body
};

struct ClientOptions {
  PoolOptions pool;
  std::size_t header_bytes = limits::kHeaderBytes;  // largest response head accepted
  bool accept_gzip = true;  // offer gzip; a compressed body is inflated while it is read
};

struct Request {
  std::string_view method = "POST";
  std::string_view target;            // path and query below the server's root
  const FieldBlock* fixed = nullptr;  // fields that many requests share, from FixedFields()
  // Further fields; Host, framing, Accept-Encoding and the proxy's are added.
  std::span<const Header> headers;
  std::string body;
  ClientTimeouts timeouts;
};

// Checks once the fields that every request of somebody has. Fails with kInvalidRequest for what
// cannot be written, and for the fields that the client writes itself.
Result<FieldBlock> FixedFields(const Headers& headers);

// One response in flight. Destroying it before its end closes the connection at once.
class Response {
 public:
  ~Response();
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;

  int status() const;
  const Headers& headers() const;

  // The next piece of the body, valid until the next call; empty once the body is complete. A body
  // that ends too early is kStreamTruncated; silence is kTimeout or kStreamIdleTimeout.
  async::Task<Result<std::string_view>> Read(async::Context ctx);

  // Read() in its three steps, for the one place where a coroutine per token would be felt:
  //   while (!(piece = response.Poll())) response.Take(co_await response.Wait(ctx));
  // Poll: a piece, the end or an error if it is already here, nullopt if bytes must come first.
  std::optional<Result<std::string_view>> Poll();
  // `useful`: what came since the last wait was a part of the answer; else the clock that runs goes
  // on, for a comment that keeps the connection open is no answer.
  async::Task<IoResult> Wait(const async::Context& ctx, bool useful = true);
  void Take(const IoResult& read);

  // Appends the rest of the body, until there are `max_bytes` of it. Fails where the body breaks
  // off or is longer, and `body` is what came until then.
  async::Task<Result<void>> ReadInto(async::Context ctx, std::size_t max_bytes, std::string& body);
  async::Task<Result<std::string>> ReadAll(async::Context ctx, std::size_t max_bytes);

  // Whether the body ended only because the connection did: for a stream that is never a clean end.
  bool ended_by_close() const;

 private:
  friend class Client;
  class Session;
  explicit Response(std::unique_ptr<Session> session);

  std::unique_ptr<Session> session_;
};

// Thread-safe: every loop that sends gets a pool of its own. Must be destroyed before the loops it
// was used on, and after the responses it gave.
class Client {
 public:
  Client(ClientOptions options, std::unique_ptr<Dialer> dialer);
  ~Client();

  // Sends, and returns when the head of the response is there. A request is sent a second time, on
  // a new connection, only when a kept-alive connection turns out to have died before the server
  // could have read any of it. `origin` and `request` must outlive the task, the cancellation of
  // `ctx` must outlive the response or its first Read() with another one.
  async::Task<Result<std::unique_ptr<Response>>> Send(async::Context ctx, const Origin& origin,
                                                      const Request& request);

  const ClientOptions& options() const { return options_; }

  // Open connections of all loops; for tests and status pages.
  std::size_t open_connections() const;

 private:
  Pool& PoolOf(async::Loop& loop);

  const ClientOptions options_;
  const std::unique_ptr<Dialer> dialer_;
  mutable std::mutex mutex_;  // guards the list, not the pools
  std::vector<std::pair<async::Loop*, std::unique_ptr<Pool>>> pools_;
};

}  // namespace weir::http
