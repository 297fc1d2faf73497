#include "weir/http/head_grammar.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "weir/base/text.h"

namespace weir::http {
namespace {

namespace beast = boost::beast;
using BeastError = beast::http::error;

constexpr std::string_view kLengthAndEncoding =
    "both Content-Length and Transfer-Encoding, so that nobody can tell where the body ends";

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

// Collects one head. It never sees a byte of a body.
template <bool kIsRequest>
class Grammar final : public beast::http::basic_parser<kIsRequest> {
 public:
  Grammar(Headers& headers, std::size_t max_fields) : headers_(headers), max_fields_(max_fields) {
    this->header_limit(std::numeric_limits<std::uint32_t>::max());
    this->body_limit(boost::none);
  }

  // Fails with what was wrong, in words that follow "the server sent ".
  std::optional<std::string> Run(std::string_view bytes) {
    beast::error_code error;
    const std::size_t used = this->put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    if (!error && this->is_header_done() && used == bytes.size()) return std::nullopt;
    return Explain(error);
  }

  // What stands before the fields: method and target, or the reason; and the status.
  std::string_view first, second;
  int status = 0;
  int version = 0;
  bool too_many_fields = false;
  bool bad_version = false;

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
                     beast::error_code& error) override {
    if (headers_.size() == max_fields_) {
      too_many_fields = true;
      error = BeastError::header_limit;
      return;
    }
    headers_.Add(View(name), View(value));
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

  std::string Explain(const beast::error_code& error) {
    if (too_many_fields) {
      return StrCat("a head of more than ", max_fields_, " fields (limit header_fields)");
    }
    if (error == BeastError::bad_version) {
      bad_version = true;
      return "an HTTP version that is neither 1.0 nor 1.1, or a malformed first line";
    }
    if (error == BeastError::bad_method) return "a malformed method";
    if (error == BeastError::bad_target) return "a malformed request target";
    if (error == BeastError::bad_status) {
      return "a malformed status line (after the version: a space, three digits, a space)";
    }
    if (error == BeastError::bad_reason) return "a malformed reason phrase";
    if (error == BeastError::bad_field) return "a malformed header name";
    if (error == BeastError::bad_value) return "a malformed header value";
    if (error == BeastError::header_limit) return "a folded header of more than 4096 bytes";
    if (error == BeastError::multiple_content_length) return "two different Content-Lengths";
    if (error == BeastError::bad_content_length) {
      return std::string(headers_.Find("transfer-encoding") ? kLengthAndEncoding
                                                            : "a malformed Content-Length");
    }
    if (error == BeastError::bad_transfer_encoding) {
      return std::string(headers_.Find("content-length") ? kLengthAndEncoding
                                                         : "Transfer-Encoding twice");
    }
    return "a malformed head";
  }

  Headers& headers_;
  const std::size_t max_fields_;
};

// Anything but exactly "chunked" cannot be delimited safely: two readers that disagree about the
// end of a body are how requests are smuggled.
std::optional<std::string> CheckTransferEncoding(const Headers& headers) {
  const std::string* encoding = headers.Find("transfer-encoding");
  if (encoding == nullptr) return std::nullopt;
  if (headers.Find("content-length") != nullptr) return std::string(kLengthAndEncoding);
  if (headers.Count("transfer-encoding") > 1) return "Transfer-Encoding twice";
  if (EqualsIgnoreCase(*encoding, "chunked")) return std::nullopt;
  return StrCat("Transfer-Encoding \"", Truncate(*encoding, 40), "\"; only \"chunked\" is known");
}

template <bool kIsRequest>
Framing FramingOf(const Grammar<kIsRequest>& grammar) {
  Framing framing;
  framing.keep_alive = grammar.keep_alive();
  if (grammar.chunked()) {
    framing.kind = BodyReader::Framing::kChunked;
  } else if (const auto length = grammar.content_length()) {
    framing.kind = BodyReader::Framing::kLength;
    framing.length = *length;
  } else if (!kIsRequest) {
    framing.kind = BodyReader::Framing::kUntilEof;
  }
  return framing;
}

bool HasNoBody(int status) { return status / 100 == 1 || status == 204 || status == 304; }

std::unexpected<Error> ServerSent(std::string_view what) {
  return Fail(Code::kProtocolError, StrCat("the server sent ", what));
}

std::unexpected<Error> ClientSent(std::string_view what) {
  return Fail(Code::kProtocolError, StrCat("the client sent ", what));
}

// Whether the first line is a request line of some other version of HTTP.
bool NamesOtherVersion(std::string_view bytes) {
  const std::string_view line = bytes.substr(0, bytes.find('\r'));
  const std::size_t space = line.rfind(' ');
  return std::ranges::count(line, ' ') == 2 && line.substr(space + 1).starts_with("HTTP/");
}

}  // namespace

Result<Framing> ParseResponseHead(std::string_view bytes, std::size_t max_fields,
                                  ResponseHead& head) {
  head.headers.Clear();
  Grammar<false> grammar(head.headers, max_fields);
  if (const auto wrong = grammar.Run(bytes)) return ServerSent(*wrong);
  if (grammar.status < 100) return ServerSent(StrCat("the status ", grammar.status));
  if (const auto wrong = CheckTransferEncoding(head.headers)) return ServerSent(*wrong);
  head.status = grammar.status;
  head.reason = grammar.first;
  head.minor_version = grammar.version - 10;

  Framing framing = FramingOf(grammar);
  if (HasNoBody(head.status)) framing.kind = BodyReader::Framing::kNone;
  // RFC 9112 6.1: chunked coding in an HTTP/1.0 message is faulty framing.
  if (head.minor_version == 0 && framing.kind == BodyReader::Framing::kChunked) {
    framing.keep_alive = false;
  }
  return framing;
}

Result<Framing> ParseRequestHead(std::string_view bytes, std::size_t max_fields, RequestHead& head,
                                 int& status) {
  head.headers.Clear();
  status = 400;
  Grammar<true> grammar(head.headers, max_fields);
  if (const auto wrong = grammar.Run(bytes)) {
    if (grammar.too_many_fields) status = 431;
    if (grammar.bad_version && NamesOtherVersion(bytes)) status = 505;
    return ClientSent(*wrong);
  }
  if (const auto wrong = CheckTransferEncoding(head.headers)) {
    const bool unknown_coding =
        !head.headers.Find("content-length") && head.headers.Count("transfer-encoding") == 1;
    if (unknown_coding) status = 501;
    return ClientSent(*wrong);
  }
  head.method = grammar.first;
  head.target = grammar.second;
  head.minor_version = grammar.version - 10;
  if (head.minor_version == 0 && grammar.chunked()) {
    return ClientSent("Transfer-Encoding in an HTTP/1.0 request");
  }
  const std::size_t hosts = head.headers.Count("host");
  if (hosts > 1) return ClientSent("more than one Host header");
  if (hosts == 0 && head.minor_version == 1) return ClientSent("an HTTP/1.1 request without Host");
  status = 0;
  return FramingOf(grammar);
}

}  // namespace weir::http
