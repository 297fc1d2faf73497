#pragma once

// Streams in memory and a dialer that hands them out: the network of tests, which works on virtual
// time and can be told to break.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weir/async/scope.h"
#include "weir/http/dialer.h"

namespace weir::http {

// How one end of a stream behaves. Shared by its owner and the test, which may change it while the
// stream is in use.
struct StreamScript {
  std::size_t read_piece = 0;       // one read gives at most so many bytes; 0: all there are
  std::size_t capacity = 64 << 10;  // bytes that wait unread before a write has to wait
  // The operation with this number (from 1) is reset; 0: none. As with a socket, bytes that came
  // before a write that failed can still be read; a read that failed ends both directions.
  std::size_t fail_at = 0;
  bool fail_from_then_on = false;                // and so are all later ones
  std::size_t operations = 0;                    // counted here
  std::optional<ByteStream::Delivery> delivery;  // what Delivered() says

  // Counts one operation; whether it fails.
  bool Fails();
};

struct StreamPair {
  std::unique_ptr<ByteStream> client;
  std::unique_ptr<ByteStream> server;
};

// What is written at one end is read at the other. The loop must outlive the streams. A stream may
// be destroyed while an operation on it is outstanding: that ends as one of a socket does.
StreamPair NewMemoryStreams(async::Loop& loop, std::shared_ptr<StreamScript> client,
                            std::shared_ptr<StreamScript> server);

// Connects to a coroutine instead of a server.
class MemoryDialer final : public Dialer {
 public:
  // Serves one connection; `number` counts them from 1.
  using Peer = std::function<async::Task<void>(std::unique_ptr<ByteStream> stream, int number)>;

  // Peers run in `scope`. Their connections end when the client lets go of them.
  MemoryDialer(async::TaskScope& scope, Peer peer) : scope_(scope), peer_(std::move(peer)) {}

  async::Task<Result<Connection>> Dial(async::Context ctx, const Origin& origin,
                                       Duration connect_timeout) override;

  int dials() const { return dials_; }

  // Of every connection; a dial counts as an operation of the client.
  const std::shared_ptr<StreamScript> client_script = std::make_shared<StreamScript>();
  const std::shared_ptr<StreamScript> server_script = std::make_shared<StreamScript>();
  Duration delay{};  // before a connection is there

 private:
  async::TaskScope& scope_;
  Peer peer_;
  int dials_ = 0;
};

// Reads up to the end of a head, or of the connection.
async::Task<std::string> ReadHead(ByteStream& stream);

// Reads a head and as much of a body as its Content-Length says. Empty when the connection ends
// before that.
async::Task<std::string> ReadRequest(ByteStream& stream);

// The rest of what the other end sends, up to its end of file.
async::Task<std::string> ReadToEnd(ByteStream& stream);

// A peer: notes each whole request and answers with the next of `replies`, then closes.
async::Task<void> Answer(std::unique_ptr<ByteStream> stream, std::vector<std::string> replies,
                         std::vector<std::string>& requests);

}  // namespace weir::http
