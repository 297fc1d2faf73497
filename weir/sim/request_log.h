#pragma once

// RequestLog: the requests that came last, byte for byte, for tests that want to see what a client
// really sent. Thread-safe; a request costs two allocations and a copy.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "weir/http/parser.h"
#include "weir/json/writer.h"

namespace weir::sim {

struct RequestLogOptions {
  std::size_t entries = 1000;    // 0: nothing is kept
  std::size_t bytes = 64 << 20;  // of all entries together; a request above it is counted, not kept
};

class RequestLog {
 public:
  explicit RequestLog(RequestLogOptions options) : options_(options) {}

  void Add(const http::RequestHead& head, std::string_view body, std::int64_t wall_nanos);

  // The last `last` requests, oldest first:
  //   [{"number":1,"time":"2026-01-31T23:59:59.123Z","method":"POST","target":"/v1/completions",
  //     "headers":[["Host","a"],...],"body":"..."}]
  // A body that is not UTF-8 stands in "body_base64" instead. A header whose bytes are not UTF-8 is
  // read as Latin-1, one character for each byte.
  //
  // Everything is what was received, except for secrets: in header values and in the target they
  // are replaced as Redact() does it. Then "redacted" names those headers, and "target" if it is
  // concerned. Bodies are never changed.
  std::string Json(std::size_t last = static_cast<std::size_t>(-1)) const;

  // Forgets the entries. Numbers go on.
  void Clear();

  std::size_t size() const;        // entries
  std::uint64_t received() const;  // requests that came, kept or not

 private:
  // One block of text: method, target, lines of headers, body.
  struct Entry {
    std::uint64_t number = 0;
    std::int64_t wall_nanos = 0;
    std::size_t method = 0;   // bytes
    std::size_t target = 0;   // bytes
    std::size_t headers = 0;  // bytes
    std::string text;
  };
  using Shared = std::shared_ptr<const Entry>;  // printed without the lock

  static void Write(const Entry& entry, json::Writer& out);

  const RequestLogOptions options_;
  mutable std::mutex mutex_;  // guards what follows
  std::deque<Shared> entries_;
  std::size_t bytes_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace weir::sim
