#pragma once

// Server-sent events (WHATWG event streams), both ways.
//
//   WEIR_CHECK(reader.Feed(bytes));
//   for (SseEvent event; reader.Next(event);) { ... }
//
// The reader copies nothing when an event of one data line lies whole in the bytes of one Feed.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/base/limits.h"
#include "weir/base/result.h"

namespace weir::http {

// The views are valid until the next call of Feed() or Next().
struct SseEvent {
  std::string_view type;  // "message" unless the stream said otherwise
  std::string_view data;  // lines joined by '\n'
  std::string_view last_event_id;
};

class SseReader {
 public:
  explicit SseReader(std::size_t max_event_bytes = limits::kSseEventBytes)
      : max_event_bytes_(max_event_bytes) {}

  // Hands over the next bytes of the stream, cut anywhere. They must stay alive and unchanged until
  // Next() has returned false, and that must have happened before the next Feed(). Fails with
  // kProtocolError once an event was larger than the limit, here and in Next().
  Result<void> Feed(std::string_view bytes);

  // The next complete event. False: more bytes are needed, or the limit was hit.
  bool Next(SseEvent& out);

  // For the end of the stream: tells of a limit that the last Next() calls hit. An unfinished event
  // is dropped, as the standard demands.
  Result<void> Finish() const;

  // The reconnection time in milliseconds, if the stream named one.
  std::optional<std::uint64_t> retry() const { return retry_; }

 private:
  // A field of the event being collected: a view into the fed bytes while that can serve, then a
  // copy of our own.
  class Text {
   public:
    std::string_view view() const { return owned_ ? std::string_view(copy_) : view_; }
    void Borrow(std::string_view text) { view_ = text, owned_ = false; }
    void Copy(std::string_view text) { copy_ = text, owned_ = true; }
    std::string& Own();
    void Clear() { view_ = {}, owned_ = false; }

   private:
    std::string_view view_;
    std::string copy_;
    bool owned_ = false;
  };

  bool NextLine(std::string_view& line, bool& borrowed);
  std::size_t FindLineEnd();
  bool Fits(std::size_t line_bytes);
  void TakeField(std::string_view line, bool borrowed);
  void TakeData(std::string_view value, bool borrowed);
  void StartEvent();
  void SkipByteOrderMark();

  std::size_t max_event_bytes_;
  std::string_view input_;   // of the last Feed, not yet looked at
  std::size_t next_lf_ = 0;  // where the next LF stands in input_; its size if there is none
  bool lf_known_ = false;
  std::string carry_;            // an unfinished line of earlier Feeds
  bool carry_used_ = false;      // the line in carry_ was taken and may be dropped
  bool after_cr_ = false;        // an LF now belongs to the line before
  std::uint8_t mark_bytes_ = 0;  // of the byte order mark seen so far
  bool mark_done_ = false;
  Text type_;
  Text data_;
  bool has_data_ = false;
  bool delivered_ = false;       // the collected event was handed out
  std::size_t event_bytes_ = 0;  // field lines of the event so far
  std::string last_event_id_;
  std::optional<std::uint64_t> retry_;
  bool too_large_ = false;
};

// "data: ...", one line for each line of `data`, and the empty line: one event.
void AppendSseData(std::string& out, std::string_view data);
// The same with a type, which must be one line.
void AppendSseEvent(std::string& out, std::string_view type, std::string_view data);

}  // namespace weir::http
