#pragma once

// Finds the end of a message head while it arrives. What can never become a head is refused at the
// first wrong byte (another protocol, a lone LF or CR, a control character), so that nobody waits
// for an end that cannot come. The outcome depends on the bytes, never on how they were cut.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "weir/base/result.h"

namespace weir::http {

class HeadScanner {
 public:
  enum class Sender : std::uint8_t { kServer, kClient };

  explicit HeadScanner(Sender sender) : sender_(sender) {}

  // `bytes` begins where the head begins and repeats what earlier calls saw. Returns the length of
  // the head with its empty line, 0 while more bytes are needed. Above `max_bytes` it fails.
  Result<std::size_t> Scan(std::string_view bytes, std::size_t max_bytes);

  bool started() const { return scanned_ != 0; }  // some bytes of this head were looked at
  bool too_large() const { return too_large_; }   // the last error was `max_bytes`

  // The next head begins with the next byte.
  void Reset() { *this = HeadScanner(sender_); }

 private:
  Result<void> EndLine(std::string_view bytes, std::size_t end);
  std::unexpected<Error> Malformed(std::string_view what) const;
  std::unexpected<Error> NotHttp(std::string_view bytes) const;

  Sender sender_;
  bool too_large_ = false;
  bool after_cr_ = false;
  bool first_line_ = true;
  std::size_t scanned_ = 0;
  std::size_t line_start_ = 0;
};

// "the server", "the client": how messages about a malformed message begin.
std::string_view SenderName(HeadScanner::Sender sender);

}  // namespace weir::http
