#pragma once

// What one exchange was on the wire, as events: the body that was sent and the one that came,
// before anything is read out of it. A body that was compressed is told as it was before that.
// Who writes events down masks secrets in them, but one whose characters lie in several events of a
// stream looks like none: a stream whose texts, put together, have one is told without its body.

#include <cstddef>
#include <string>
#include <string_view>

#include "weir/async/context.h"

namespace weir::engine {

// Whose exchange it is, for the events.
struct WireLogFor {
  std::string engine;
  std::string provider;
  std::string model;  // empty: not known
  std::string request_id;
};

// Emits "llm:request:raw" at once, and "llm:response:raw" when it is destroyed, unless no response
// came: an answer that broke off, or was given up, is told as far as it came. The context's sink
// must outlive it.
class WireLog {
 public:
  WireLog(const async::Context& ctx, WireLogFor whose, std::size_t max_bytes = kMostBytes)
      : trace_(*ctx.trace), whose_(std::move(whose)), max_bytes_(max_bytes) {}
  ~WireLog();
  WireLog(const WireLog&) = delete;
  WireLog& operator=(const WireLog&) = delete;

  void Sent(std::string_view path, std::string_view body);
  void Answered(int status) { status_ = status; }
  void Came(std::string_view bytes);  // the next bytes of the body

  // Bytes of a response that are kept; of what is beyond them only the number is told.
  static constexpr std::size_t kMostBytes = 16 << 20;

 private:
  void Tell(std::string_view event, const TraceField& what, std::string_view body) const;

  TraceSink& trace_;
  const WireLogFor whose_;
  const std::size_t max_bytes_;
  int status_ = 0;  // 0: nothing came
  std::string body_;
  std::size_t left_out_ = 0;
};

}  // namespace weir::engine
