#pragma once

// TLS on both sides. OpenSSL stays inside tls.cc. The sockets get TCP_NODELAY, as plain ones do.

#include <memory>
#include <string>

#include "weir/http/dialer.h"
#include "weir/http/examine.h"
#include "weir/http/socket_stream.h"

namespace weir::http {

// What a TLS client needs, loaded once and shared by all connections.
class TlsClient {
 public:
  virtual ~TlsClient() = default;

  // Shakes hands with `host` (SNI and certificate check) over a connected socket. `ctx`'s deadline
  // counts; a certificate that is refused says why and what to do. `report` may be null; what the
  // peer showed stands in it even when it was refused. It must outlive the task.
  virtual async::Task<Result<std::unique_ptr<ByteStream>>> Handshake(async::Context ctx,
                                                                     TcpSocket socket,
                                                                     std::string host,
                                                                     TlsReport* report) = 0;
};

Result<std::unique_ptr<TlsClient>> NewTlsClient(const TlsOptions& options);

struct TlsServerOptions {
  std::string cert_file;  // PEM, the whole chain
  std::string key_file;   // PEM
};

class TlsServer {
 public:
  virtual ~TlsServer() = default;

  virtual async::Task<Result<std::unique_ptr<ByteStream>>> Accept(async::Context ctx,
                                                                  TcpSocket socket) = 0;
};

Result<std::unique_ptr<TlsServer>> NewTlsServer(const TlsServerOptions& options);

}  // namespace weir::http
