#pragma once

// The events of a streamed body, however the server frames them.

#include <variant>

#include "weir/engine/adapter.h"
#include "weir/http/line_reader.h"
#include "weir/http/sse.h"

namespace weir::engine {

class EventReader {
 public:
  explicit EventReader(Framing framing) {
    if (framing == Framing::kLines) reader_.emplace<http::LineReader>();
  }

  // As SseReader and LineReader say.
  Result<void> Feed(std::string_view bytes) {
    return std::visit([&](auto& reader) { return reader.Feed(bytes); }, reader_);
  }
  bool Next(std::string_view& data) {
    if (auto* lines = std::get_if<http::LineReader>(&reader_)) return lines->Next(data);
    http::SseEvent event;
    const bool more = std::get<http::SseReader>(reader_).Next(event);
    data = event.data;
    return more;
  }
  Result<void> Finish() {
    return std::visit([](auto& reader) -> Result<void> { return reader.Finish(); }, reader_);
  }

 private:
  std::variant<http::SseReader, http::LineReader> reader_;
};

}  // namespace weir::engine
