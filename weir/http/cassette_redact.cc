#include "weir/http/cassette_redact.h"

#include <algorithm>
#include <optional>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/http/bytes.h"
#include "weir/http/inflate.h"
#include "weir/http/parser.h"

namespace weir::http {
namespace {

using Pieces = std::vector<RecordedExchange::Piece>;

// A field with a secret name loses all of its value, whatever that looks like.
std::string RedactLine(std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == line.npos ||
      !std::ranges::all_of(name, [](char c) { return IsIn(c, ByteClass::kToken); }) ||
      !IsSecretName(name)) {
    return Redact(line);
  }
  return StrCat(name, ": ", RedactValue(TrimBlanks(line.substr(colon + 1))));
}

// `redact` applied to each line; the line breaks stay.
template <class RedactOne>
std::string RedactLines(std::string_view text, RedactOne redact) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t next = std::min(end + 1, text.size());
    out += redact(line);
    out += text.substr(line.size(), next - line.size());
    text.remove_prefix(next);
  }
  return out;
}

std::string RedactHead(std::string_view head) { return RedactLines(head, RedactLine); }

// The pieces of `before`, cut again out of `after`: the places outside of what was changed stay,
// those inside of it fall together, and what has become empty goes.
Pieces CutAgain(const Pieces& pieces, std::string_view before, std::string_view after) {
  const std::size_t most = std::min(before.size(), after.size());
  const std::size_t same =
      std::ranges::mismatch(before.substr(0, most), after.substr(0, most)).in1 - before.begin();
  std::size_t tail = 0;
  while (tail < most - same && before[before.size() - 1 - tail] == after[after.size() - 1 - tail]) {
    ++tail;
  }
  Pieces cut;
  std::size_t begin = 0;
  for (const RecordedExchange::Piece& piece : pieces) {
    std::size_t end = std::min(piece.end, same);
    if (piece.end >= before.size() - tail) end = after.size() - (before.size() - piece.end);
    if (end > begin) cut.push_back({.at = piece.at, .end = end});
    begin = std::max(begin, end);
  }
  return cut;
}

// A reply, read as its client reads it.
struct Decoded {
  ResponseParser parser;
  std::size_t head_bytes = 0;  // of all heads, once the parser has the last
  Duration head_at{};
  std::string body;
  Pieces pieces;  // of the body
};

Decoded Decode(const RecordedExchange& exchange) {
  Decoded decoded;
  ResponseParser& parser = decoded.parser;
  if (exchange.head.starts_with("HEAD ")) parser.ExpectNoBody();
  std::optional<Inflater> inflater;
  std::string unparsed;
  const auto feed = [&](std::string_view bytes) {
    unparsed += bytes;
    const Result<std::size_t> used = parser.Feed(unparsed);
    if (!inflater) {
      decoded.body += parser.body();
    } else if (!inflater->Feed(parser.body(), decoded.body)) {
      return false;
    }
    unparsed.erase(0, used ? *used : 0);
    return used.has_value();
  };
  for (std::size_t i = 0; i < exchange.pieces.size() && !parser.done(); ++i) {
    std::string_view piece = exchange.PieceAt(i);
    bool good = true;
    // Byte by byte, because only the parser knows where a head ends.
    while (good && !piece.empty() && !parser.head_done()) {
      good = feed(piece.substr(0, 1));
      piece.remove_prefix(1);
      ++decoded.head_bytes;
      if (!parser.head_done()) continue;
      decoded.head_at = exchange.pieces[i].at;
      const auto coding = parser.head().headers.Find("Content-Encoding");
      if (coding && EqualsIgnoreCase(*coding, "gzip")) inflater.emplace(Inflater::Coding::kGzip);
      if (coding && EqualsIgnoreCase(*coding, "deflate")) {
        inflater.emplace(Inflater::Coding::kDeflate);
      }
    }
    if (good && !piece.empty()) good = feed(piece);
    decoded.pieces.push_back({.at = exchange.pieces[i].at, .end = decoded.body.size()});
    if (!good) return decoded;
  }
  if (exchange.end == RecordedExchange::End::kClosed && parser.head_done()) {
    const Result<void> whole = parser.FeedEof();
    if (!whole) return decoded;  // cut off, which Frame() keeps
  }
  return decoded;
}

// Replaces the reply by one with this body.
void Frame(const Decoded& decoded, std::string_view body, RecordedExchange& exchange) {
  const ResponseHead& head = decoded.parser.head();
  const bool framed = head.headers.Find("Content-Length") || head.headers.Find("Transfer-Encoding");
  const Pieces pieces = CutAgain(decoded.pieces, decoded.body, body);
  const Duration last_at = exchange.pieces.back().at;

  std::string& reply = exchange.reply;
  reply = StrCat("HTTP/1.1 ", head.status, " ", head.reason, "\r\n");
  for (const auto& [name, value] : head.headers) {
    const bool gone =
        EqualsIgnoreCase(name, "Content-Length") || EqualsIgnoreCase(name, "Transfer-Encoding") ||
        EqualsIgnoreCase(name, "Content-Encoding") || EqualsIgnoreCase(name, "Trailer");
    if (!gone) StrAppend(reply, name, ": ", value, "\r\n");
  }
  reply = StrCat(RedactHead(reply), framed ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");

  exchange.pieces = {{.at = decoded.head_at, .end = reply.size()}};
  const auto put = [&exchange](Duration at) {
    if (at != exchange.pieces.back().at) exchange.pieces.push_back({.at = at});
    exchange.pieces.back().end = exchange.reply.size();
  };
  std::size_t begin = 0;
  for (const RecordedExchange::Piece& piece : pieces) {
    const std::string_view bytes = body.substr(begin, piece.end - begin);
    begin = piece.end;
    if (framed) {
      AppendChunk(reply, bytes);
    } else {
      reply += bytes;
    }
    put(piece.at);
  }
  if (framed && decoded.parser.done()) {
    AppendLastChunk(reply);
    put(last_at);
  }
}

}  // namespace

void RedactExchange(RecordedExchange& exchange) {
  const Decoded decoded = Decode(exchange);
  exchange.head = RedactHead(exchange.head);
  exchange.body = Redact(exchange.body);

  // What has no whole head is treated as one.
  const bool has_head = decoded.parser.head_done();
  const std::size_t head_bytes = has_head ? decoded.head_bytes : exchange.reply.size();
  const std::string_view rest = std::string_view(exchange.reply).substr(head_bytes);
  const auto type = decoded.parser.head().headers.Find("Content-Type");
  // The events of a stream are lines: a quote that one of them leaves open ends with it.
  const bool events = type && type->starts_with("text/event-stream");
  const auto clean = [events](std::string_view text) {
    return events ? RedactLines(text, Redact) : Redact(text);
  };
  const std::string body = clean(decoded.body);
  if (has_head && (body != decoded.body || clean(rest) != rest)) {
    Frame(decoded, body, exchange);
    return;
  }
  std::string reply =
      StrCat(RedactHead(std::string_view(exchange.reply).substr(0, head_bytes)), rest);
  exchange.pieces = CutAgain(exchange.pieces, exchange.reply, reply);
  exchange.reply = std::move(reply);
}

std::string RequestKey(std::string_view method, std::string_view target) {
  const std::size_t scheme = target.find("://");
  if (!target.starts_with('/') && scheme != target.npos) {
    target.remove_prefix(std::min(target.find('/', scheme + 3), target.size()));
  }
  return StrCat(method, " ", Redact(target));
}

}  // namespace weir::http
