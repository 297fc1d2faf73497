// Property: our grammar of heads and Beast's agree. What we accept, Beast accepts, with the same
// first line, fields and framing; what only Beast accepts, we refuse for a reason in kStricter. One
// more difference: a connection that is both to close and to stay (HTTP/1.0) closes here.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>

#include "weir/base/fuzz_testing.h"
#include "weir/http/head_grammar.h"

namespace {

namespace beast = boost::beast;
using weir::Require;
using weir::Result;
using weir::http::BodyReader;
using weir::http::Framing;
using weir::http::Headers;
using weir::http::RequestHead;
using weir::http::ResponseHead;

constexpr std::string_view kStricter[] = {
    "only \"chunked\" is known",               // any other coding
    "Transfer-Encoding twice",                 // of which the first was another coding
    "both Content-Length and",                 // beside another coding
    "Transfer-Encoding in an HTTP/1.0",        // RFC 9112 6.1
    "the status ",                             // below 100
    "without Host",                            // RFC 9112 3.2
    "more than one Host",                      // RFC 9112 3.2
    "a header that is folded over two lines",  // in a request: RFC 9112 5.2
    "a folded header of more than 4096",       // when its first line is empty
};

constexpr std::size_t kMaxFields = std::numeric_limits<std::size_t>::max();

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

// Collects one head. It never sees a byte of a body.
template <bool kIsRequest>
class Referee final : public beast::http::basic_parser<kIsRequest> {
 public:
  Referee() {
    this->header_limit(std::numeric_limits<std::uint32_t>::max());
    this->body_limit(boost::none);
  }

  // The bytes of the head, or 0 when it is wrong or not complete.
  std::size_t Run(std::string_view bytes) {
    beast::error_code error;
    const std::size_t used = this->put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    return error || !this->is_header_done() ? 0 : used;
  }

  std::string first, second;
  int status = 0;
  int version = 0;
  Headers headers;

 private:
  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target,
                       int http_version, beast::error_code&) override {
    first = View(method);
    second = View(target);
    version = http_version;
  }
  void on_response_impl(int code, beast::string_view reason, int http_version,
                        beast::error_code&) override {
    first = View(reason);
    status = code;
    version = http_version;
  }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     beast::error_code&) override {
    headers.Add(View(name), View(value));
  }
  void on_header_impl(beast::error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code&) override {}
  std::size_t on_body_impl(beast::string_view body, beast::error_code&) override {
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body,
                                 beast::error_code&) override {
    return body.size();
  }
  void on_finish_impl(beast::error_code&) override {}
};

bool BothCloseAndStay(const Headers& headers) {
  const auto has = [&](std::string_view token) {
    return headers.HasToken("connection", token) || headers.HasToken("proxy-connection", token);
  };
  return has("close") && has("keep-alive");
}

template <bool kIsRequest>
void CheckFraming(const Framing& ours, const Referee<kIsRequest>& referee, bool no_body) {
  using Kind = BodyReader::Framing;
  if (!no_body) {
    const auto length = referee.content_length();
    const Kind otherwise = kIsRequest ? Kind::kNone : Kind::kUntilEof;
    const Kind kind = referee.chunked() ? Kind::kChunked : length ? Kind::kLength : otherwise;
    Require(ours.kind == kind);
    if (kind == Kind::kLength) Require(ours.length == *length);
  } else {
    Require(ours.kind == Kind::kNone);
  }
  const bool faulty = referee.version == 10 && ours.kind == Kind::kChunked;
  const bool stays = referee.keep_alive() && !faulty && !BothCloseAndStay(referee.headers);
  Require(ours.keep_alive == stays);
}

// Whether there is anything to compare.
bool Agree(const Result<Framing>& ours, std::size_t referee_bytes) {
  if (ours) {
    Require(ours->head_bytes == referee_bytes);
    return true;
  }
  Require(referee_bytes == 0 || std::ranges::any_of(kStricter, [&](std::string_view reason) {
            return ours.error().message.find(reason) != std::string::npos;
          }));
  return false;
}

void CheckRequest(std::string_view bytes) {
  Referee<true> referee;
  RequestHead head;
  int status = 0;
  const Result<Framing> ours = ParseRequestHead(bytes, kMaxFields, head, status);
  Require(ours.has_value() == (status == 0));
  if (!Agree(ours, referee.Run(bytes))) return;
  Require(head.method == referee.first && head.target == referee.second);
  Require(head.minor_version == referee.version - 10 && head.headers == referee.headers);
  CheckFraming(*ours, referee, false);
}

void CheckResponse(std::string_view bytes) {
  Referee<false> referee;
  ResponseHead head;
  const Result<Framing> ours = ParseResponseHead(bytes, kMaxFields, head);
  if (!Agree(ours, referee.Run(bytes))) return;
  Require(head.reason == referee.first && head.status == referee.status);
  Require(head.minor_version == referee.version - 10 && head.headers == referee.headers);
  CheckFraming(*ours, referee, head.status < 200 || head.status == 204 || head.status == 304);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = weir::FuzzText(data, size);
  CheckRequest(bytes);
  CheckResponse(bytes);
  return 0;
}
