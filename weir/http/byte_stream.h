#pragma once

// ByteStream: a connected two-way stream of bytes, whatever carries it (TCP, TLS, Unix socket,
// memory). Virtual, not a template parameter: sessions over it compile once.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>

#include <boost/system/error_code.hpp>

#include "weir/async/context.h"
#include "weir/async/task.h"

namespace weir::http {

// (error, bytes moved). At the end of the peer's bytes the error is boost::asio::error::eof.
using IoResult = std::tuple<boost::system::error_code, std::size_t>;

class ByteStream {
 public:
  virtual ~ByteStream() = default;  // closes

  // Reads at least one byte. One read may be outstanding. The buffer must outlive it.
  virtual async::Task<IoResult> ReadSome(std::span<char> into) = 0;

  // Writes what can be written without waiting; (no error, 0) when that is nothing.
  virtual IoResult TryWrite(std::string_view bytes) = 0;

  // Writes all of it, waiting for the peer. One write may be outstanding.
  virtual async::Task<IoResult> Write(std::string_view bytes) = 0;

  // Whether what comes may be read two milliseconds late, which costs a process with many
  // streams much less than a wake for each piece. A hint.
  virtual void MayLag(bool /*may*/) {}

  // Closes at once; outstanding operations end with boost::asio::error::operation_aborted.
  virtual void Close() noexcept = 0;

  // Closes so that the peer's reads and writes fail with "connection reset", as after a crash,
  // where the transport can say so; elsewhere this is Close(). Bytes that have not left are lost.
  virtual void Reset() noexcept { Close(); }

  // Tells the peer that no more bytes will come, without waiting for anything.
  virtual void ShutdownSend() noexcept = 0;

  enum class Peek : std::uint8_t { kQuiet, kBytes, kClosed };
  // Looks, without taking, whether the peer has sent something or has gone; gone counts more.
  virtual Peek PeekPeer() noexcept = 0;

  struct Delivery {
    std::uint64_t acknowledged = 0;  // our bytes that reached the peer's machine, since connecting
    bool reset = false;  // the peer's machine refused what came after them: none will be
  };
  // Where the transport can tell. A request of which no byte was acknowledged before the reset
  // cannot have been read by anybody.
  virtual std::optional<Delivery> Delivered() noexcept = 0;
};

}  // namespace weir::http
