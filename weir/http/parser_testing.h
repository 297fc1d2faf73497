#pragma once

// Plays bytes into a message parser the way a connection does, and tells all that came out.

#include <optional>
#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/http/cut_testing.h"
#include "weir/http/parser.h"

namespace weir::http {

struct Outcome {
  bool head_done = false;
  bool done = false;
  bool closed_by_eof = false;
  bool keep_alive = false;
  Headers headers;
  std::string body;
  std::string tail;  // bytes behind the end of the message; empty after an error
  std::optional<Code> code;
  std::string message;  // without the excerpt of what is not HTTP: that shows what has come so far

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

inline void NoteError(const Error& error, Outcome& out) {
  out.code = error.code;
  out.message = error.message.substr(0, error.message.find("it began with"));
}

// Feeds the pieces, then the end of file unless the message was done before.
template <class Parser>
Outcome Play(Parser& parser, const Pieces& pieces) {
  Outcome out;
  std::string buffer;
  for (const std::string_view piece : pieces) {
    buffer += piece;
    if (parser.done() || out.code) continue;
    const Result<std::size_t> used = parser.Feed(buffer);
    out.body += parser.body();
    if (!used) {
      NoteError(used.error(), out);
      continue;
    }
    buffer.erase(0, *used);
  }
  if (!out.code) {
    const Result<void> ended = parser.done() ? Result<void>() : parser.FeedEof();
    if (!ended) NoteError(ended.error(), out);
  }
  out.head_done = parser.head_done();
  out.done = parser.done() && !out.code;
  out.closed_by_eof = parser.closed_by_eof();
  out.keep_alive = parser.keep_alive();
  if (out.head_done) out.headers = parser.head().headers;
  if (!out.code) out.tail = buffer;
  return out;
}

}  // namespace weir::http
