#pragma once

// Lines of a body (newline-delimited JSON), the way in only: a writer just ends its lines.
//
//   WEIR_CHECK(reader.Feed(bytes));
//   for (std::string_view line; reader.Next(line);) { ... }
//
// The reader copies nothing when a line lies whole in the bytes of one Feed.

#include <cstddef>
#include <string>
#include <string_view>

#include "weir/base/limits.h"
#include "weir/base/result.h"

namespace weir::http {

class LineReader {
 public:
  // The limit counts a line without its LF.
  explicit LineReader(std::size_t max_line_bytes = limits::kSseEventBytes)
      : max_line_bytes_(max_line_bytes) {}

  // Hands over the next bytes of the body, cut anywhere. They must stay alive and unchanged until
  // Next() has returned false, and that must have happened before the next Feed(). Fails with
  // kProtocolError once a line was longer than the limit.
  Result<void> Feed(std::string_view bytes);

  // The next line, without its LF or CRLF; empty lines are skipped. The view is valid until the
  // next call of Feed() or Next(). False: more bytes are needed, or the limit was hit.
  bool Next(std::string_view& line);

  // For the clean end of the body: what follows the last LF is a line too, which Next() gives.
  // Fails as Feed() does. Nothing may be fed afterwards.
  Result<void> Finish();

 private:
  bool Take(std::string_view& line);
  Result<void> Verdict() const;

  std::size_t max_line_bytes_;
  std::string_view input_;   // of the last Feed, not yet looked at
  std::string carry_;        // an unfinished line of earlier Feeds
  bool carry_used_ = false;  // the line in carry_ was taken and may be dropped
  bool finished_ = false;
  bool too_long_ = false;
};

}  // namespace weir::http
