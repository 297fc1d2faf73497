#pragma once

// The HTTP/1.1 server: accepts, reads whole requests, hands each to a Handler as an Exchange, and
// drains gracefully. One Server per loop; several may accept on one Listener.

#include <memory>
#include <string>
#include <string_view>

#include "weir/base/limits.h"
#include "weir/http/byte_stream.h"
#include "weir/http/headers.h"
#include "weir/http/parser.h"
#include "weir/http/tls.h"

namespace weir::http {

// Where to listen: "HOST:PORT" (port 0: any free one), ":PORT" (loopback) or "unix:PATH". A socket
// file that nobody serves any more is replaced.
class Listener {
 public:
  virtual ~Listener() = default;

  // "http://127.0.0.1:8000", "https://...", "unix:/run/weir.sock": what a client is given.
  virtual const std::string& url() const = 0;
};

struct ListenOptions {
  std::string address = "127.0.0.1:0";
  TlsServerOptions tls;  // no certificate: plain
  int backlog = 4096;    // connections that wait to be accepted
};

Result<std::unique_ptr<Listener>> Listen(const ListenOptions& options);

struct ServerOptions {
  Duration header_time =
      std::chrono::seconds(10);                   // first byte of a request to the end of its head
  Duration body_idle = std::chrono::seconds(30);  // between two reads of a request's body
  Duration write_stall = std::chrono::seconds(60);  // a client that takes nothing is dropped
  Duration keep_alive = std::chrono::seconds(5);    // an idle connection is closed
  Duration drain = std::chrono::seconds(5);         // given to running exchanges at the end
  std::size_t header_bytes = limits::kHeaderBytes;
  std::size_t body_bytes = limits::kRequestBodyBytes;
  std::size_t max_connections = 16384;  // of this loop; one more gets a 503
};

// How an answer can be broken off on purpose, as networks and crashes do it.
enum class BreakOff : std::uint8_t {
  kReset,           // the client's connection is reset; where that does not exist, closed
  kClose,           // the connection ends in good order, the answer does not
  kTruncatedChunk,  // ... and it ends behind the size of a chunk of which nothing comes
};

// One request, and the way back. Responses are either whole (Respond) or streamed (Begin, Write,
// End). Every call fails once the client has gone; context() is cancelled at that moment.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const RequestHead& head() const = 0;
  virtual const std::string& body() const = 0;
  virtual const async::Context& context() const = 0;

  // Content-Length, Date, Connection and framing are added. The views must outlive the task.
  virtual async::Task<Result<void>> Respond(int status, const Headers& headers,
                                            std::string_view body) = 0;
  virtual async::Task<Result<void>> Begin(int status, const Headers& headers) = 0;
  // Like Begin, for a body of `length` bytes, known before they are written. Writing more of them
  // fails; so does an End that comes too early, and cuts the connection.
  virtual async::Task<Result<void>> BeginSized(int status, const Headers& headers,
                                               std::size_t length) = 0;
  // Goes out at once as one chunk, with one system call when the socket takes it.
  virtual async::Task<Result<void>> Write(std::string_view piece) = 0;
  virtual async::Task<Result<void>> End() = 0;
  // Breaks the connection off without an end, as a crash would.
  virtual void Abort() = 0;
  // Breaks the connection off behind what was written, before the answer, within it or after it.
  // Without chunks, kTruncatedChunk is kClose. A client that keeps a closed connection open is
  // waited for, for a second.
  virtual async::Task<void> Break(BreakOff how) = 0;
};

class Handler {
 public:
  virtual ~Handler() = default;

  // Must answer. An exchange that is left without an answer gets a 500, one that is left in the
  // middle of a stream is cut. `exchange` must outlive the task.
  virtual async::Task<void> Handle(Exchange& exchange) = 0;
};

class Server {
 public:
  Server(ServerOptions options, Handler& handler);
  ~Server();

  // Accepts until `ctx` is cancelled, then drains: idle connections close at once, running
  // exchanges get the time `drain`, the rest is cut. `listener` must outlive the task.
  async::Task<Result<void>> Serve(async::Context ctx, const Listener& listener);

  std::size_t connections() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::http
