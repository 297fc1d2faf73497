#pragma once

// ByteStreams over the operating system's sockets.

#include <memory>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "weir/async/completion.h"
#include "weir/http/byte_stream.h"

namespace weir::http {

using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, async::Executor>;
using UnixSocket =
    boost::asio::basic_stream_socket<boost::asio::local::stream_protocol, async::Executor>;

// Both switch the socket to non-blocking and take it out of Asio's hands, so it may have no
// operation under way. TCP also gets TCP_NODELAY, so that a token is never held back for a fuller
// packet.
std::unique_ptr<ByteStream> NewTcpStream(async::Loop& loop, TcpSocket socket);
std::unique_ptr<ByteStream> NewUnixStream(async::Loop& loop, UnixSocket socket);

// Makes the end of this socket a reset, whatever closes it.
void ResetOnClose(int descriptor) noexcept;

// ByteStream::PeekPeer() of a socket. The end is seen behind bytes that nobody has read, too: TLS
// says farewell with some, and a client may have sent its next request before it left.
ByteStream::Peek PeekSocket(int descriptor) noexcept;

}  // namespace weir::http
