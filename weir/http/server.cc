#include "weir/http/server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "weir/async/completion.h"
#include "weir/http/conversation.h"
#include "weir/http/listener.h"

namespace weir::http {
namespace {

namespace asio = boost::asio;

// After accept() failed for want of descriptors or memory, before it is tried again.
constexpr Duration kAcceptPause = std::chrono::milliseconds(50);
constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

template <class Protocol>
using Acceptor = asio::basic_socket_acceptor<Protocol, async::Executor>;
using Tcp = asio::ip::tcp;
using Unix = asio::local::stream_protocol;

std::unique_ptr<ByteStream> PlainStream(async::Loop& loop, TcpSocket socket) {
  return NewTcpStream(loop, std::move(socket));
}
std::unique_ptr<ByteStream> PlainStream(async::Loop& loop, UnixSocket socket) {
  return NewUnixStream(loop, std::move(socket));
}

}  // namespace

struct Server::State : ServerState {
  using ServerState::ServerState;
};

namespace {

async::Task<void> Converse(async::Context ctx, ServerState& server,
                           std::unique_ptr<ByteStream> stream) {
  Conversation conversation(ctx, server, std::move(stream));
  co_await conversation.Run();
}

async::Task<void> ConverseTls(async::Context ctx, ServerState& server, TlsServer& tls,
                              TcpSocket socket) {
  Result<std::unique_ptr<ByteStream>> stream = co_await tls.Accept(ctx, std::move(socket));
  if (!stream) co_return;
  Conversation conversation(ctx, server, *std::move(stream));
  co_await conversation.Run();
}

template <class Protocol>
async::Task<Result<void>> AcceptLoop(async::Context ctx, ServerState& server,
                                     async::TaskScope& scope, const BoundListener& listener,
                                     Protocol protocol) {
  // Each loop accepts on a descriptor of its own that shares the one listening socket.
  const int copy = ::fcntl(listener.descriptor, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) co_return Fail(Code::kIoError, "cannot duplicate the listening socket");
  Acceptor<Protocol> acceptor(ctx.loop->io(), protocol, copy);
  const async::Cancellation::Watch stop(ctx.cancellation, [&] {
    boost::system::error_code ignored;  // the descriptor is gone either way
    acceptor.close(ignored);
  });
  while (!ctx.cancelled()) {
    auto [error, socket] = co_await acceptor.async_accept(async::kAwait);
    if (ctx.cancelled()) break;
    if (error) {
      const Result<void> paused = co_await async::Sleep(ctx, kAcceptPause);
      if (!paused) break;
      continue;
    }
    // Also those that still shake hands.
    if (scope.running() >= server.options.max_connections) {
      const std::unique_ptr<ByteStream> refused = PlainStream(*ctx.loop, std::move(socket));
      (void)refused->TryWrite(kTooMany);  // a client that does not read it sees the close
      continue;
    }
    if constexpr (std::is_same_v<Protocol, Tcp>) {
      if (listener.tls != nullptr) {
        scope.Spawn(ConverseTls(scope.context(), server, *listener.tls, std::move(socket)));
        continue;
      }
    }
    scope.Spawn(Converse(scope.context(), server, PlainStream(*ctx.loop, std::move(socket))));
  }
  co_return Result<void>();
}

}  // namespace

Server::Server(ServerOptions options, Handler& handler)
    : state_(std::make_unique<State>(options, handler)) {}
Server::~Server() = default;

std::size_t Server::connections() const { return state_->open.size(); }

async::Task<Result<void>> Server::Serve(async::Context ctx, const Listener& listener) {
  const auto& bound = static_cast<const BoundListener&>(listener);
  // Running exchanges outlive the cancellation of `ctx` by the time of the drain.
  async::Context unhurried = ctx;
  unhurried.cancellation = nullptr;
  async::TaskScope scope(unhurried);
  Result<void> accepted;
  if (bound.is_unix) {
    accepted = co_await AcceptLoop(ctx, *state_, scope, bound, Unix());
  } else {
    accepted = co_await AcceptLoop(ctx, *state_, scope, bound, Tcp::v4());
  }
  state_->draining = true;
  const std::vector<Conversation*> open(state_->open.begin(), state_->open.end());
  for (Conversation* conversation : open) conversation->Drain();
  async::Alarm cut(*ctx.loop, [&] { scope.Cancel(); });
  cut.Arm(After(ctx.Now(), state_->options.drain));
  co_await scope.Join();
  state_->draining = false;
  co_return accepted;
}

}  // namespace weir::http
