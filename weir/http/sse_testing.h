#pragma once

// Plays bytes into an SseReader and keeps copies of all that came out.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "weir/http/cut_testing.h"
#include "weir/http/sse.h"

namespace weir::http {

struct SseCopy {
  std::string type;
  std::string data;
  std::string last_event_id;

  friend bool operator==(const SseCopy&, const SseCopy&) = default;
};

struct SseOutcome {
  std::vector<SseCopy> events;
  std::optional<std::uint64_t> retry;
  bool failed = false;

  friend bool operator==(const SseOutcome&, const SseOutcome&) = default;
};

// Every piece is fed from memory of its own, which is gone before the next piece comes.
inline SseOutcome PlaySse(SseReader& reader, const Pieces& pieces) {
  SseOutcome out;
  for (const std::string_view piece : pieces) {
    const std::vector<char> bytes(piece.begin(), piece.end());
    if (!reader.Feed(std::string_view(bytes.data(), bytes.size()))) break;
    for (SseEvent event; reader.Next(event);) {
      out.events.push_back(
          {std::string(event.type), std::string(event.data), std::string(event.last_event_id)});
    }
  }
  out.retry = reader.retry();
  out.failed = !reader.Finish().has_value();
  return out;
}

}  // namespace weir::http
