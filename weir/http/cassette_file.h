#pragma once

// One recorded exchange, as a value, as a text and as a file.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/result.h"
#include "weir/http/cassette.h"

namespace weir::http {

struct RecordedExchange {
  // How the reply ended.
  enum class End : std::uint8_t {
    kComplete,  // it was whole; the connection may have carried another
    kClosed,    // the server closed, whether or not the reply was whole
    kBroken,    // reading failed: the connection was reset
    kLeft,      // the client went away first: what would have followed is not known
  };
  // What one read gave. It begins where the one before ends, and is never empty.
  struct Piece {
    Duration at{};        // since the last byte of the request was sent; never decreases
    std::size_t end = 0;  // in `reply`

    friend bool operator==(const Piece&, const Piece&) = default;
  };

  std::string head;   // of the request, with the empty line that ends it
  std::string body;   // of the request, without its framing
  std::string reply;  // all bytes of the answer, interim heads and framing too
  std::vector<Piece> pieces;
  End end = End::kComplete;
  Duration ended_at{};

  std::string_view PieceAt(std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : pieces[index - 1].end;
    return std::string_view(reply).substr(begin, pieces[index].end - begin);
  }

  friend bool operator==(const RecordedExchange&, const RecordedExchange&) = default;
};

// The text of a file. Times are kept to the microsecond. Every exchange has exactly one text, and
// no text is the beginning of another.
std::string WriteExchange(const RecordedExchange& exchange);

// The exchange in a text. `name` is how errors call it; they are kIoError and give the byte at
// which the text stops making sense.
Result<RecordedExchange> ReadExchange(std::string_view text, std::string_view name,
                                      const CassetteLimits& limits);

// "folder/0007.exchange"; numbers count from 1.
std::string ExchangePath(const std::string& folder, std::size_t number);

// Writes beside the path and renames: under its name a file is whole from its first moment. It is
// not forced to the disk: should the machine die, the reader finds what is missing.
Result<void> WriteExchangeFile(const std::string& path, const RecordedExchange& exchange);

Result<RecordedExchange> ReadExchangeFile(const std::string& path, const CassetteLimits& limits);

// The paths of all exchanges in a folder, in the order of their numbers. Other files are passed
// over. Fails with kIoError, also above `limits.exchanges`.
Result<std::vector<std::string>> ListExchanges(const std::string& folder,
                                               const CassetteLimits& limits);

}  // namespace weir::http
