#include "weir/sim/forward.h"

#include <algorithm>
#include <array>
#include <utility>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/json/writer.h"

namespace weir::sim {
namespace {

using async::Task;
using http::Headers;

constexpr int kBadGateway = 502;
constexpr int kNotFound = 404;

// What concerns one connection, not the message (RFC 9110, 7.6.1).
constexpr std::array<std::string_view, 9> kHopByHop = {"Connection",
                                                       "Keep-Alive",
                                                       "Proxy-Connection",
                                                       "Proxy-Authenticate",
                                                       "Proxy-Authorization",
                                                       "TE",
                                                       "Trailer",
                                                       "Transfer-Encoding",
                                                       "Upgrade"};
// What our client and our server write themselves, or have dealt with.
constexpr std::array<std::string_view, 4> kOfRequests = {"Host", "Content-Length",
                                                         "Accept-Encoding", "Expect"};
constexpr std::array<std::string_view, 2> kOfReplies = {"Content-Length", "Date"};

Headers PassedOn(const Headers& headers, std::span<const std::string_view> ours) {
  Headers passed;
  for (const http::Header field : headers) {
    const auto is_it = [&](std::string_view name) { return EqualsIgnoreCase(name, field.name); };
    if (std::ranges::any_of(kHopByHop, is_it) || std::ranges::any_of(ours, is_it)) continue;
    if (headers.HasToken("Connection", field.name)) continue;
    passed.Add(field.name, field.value);
  }
  return passed;
}

// The body's length, when the upstream named it and it is that of the bytes that we see.
std::optional<std::size_t> LengthOf(const Headers& headers) {
  const std::optional<std::string_view> length = headers.Find("Content-Length");
  if (!length || headers.Find("Content-Encoding")) return std::nullopt;
  const std::optional<std::uint64_t> bytes = ParseUint(*length);
  return bytes ? std::optional<std::size_t>(*bytes) : std::nullopt;
}

class ForwardHandler final : public http::Handler {
 public:
  ForwardHandler(http::Url upstream, std::unique_ptr<http::Dialer> dialer, ForwardOptions options)
      : origin_(http::MakeOrigin(std::move(upstream))),
        options_(options),
        client_({.accept_gzip = false}, std::move(dialer)) {}

  Task<void> Handle(http::Exchange& exchange) override {
    const http::RequestHead& head = exchange.head();
    Headers headers = PassedOn(head.headers, kOfRequests);
    headers.Add("Accept-Encoding", "identity");
    const std::vector<http::Header> fields(headers.begin(), headers.end());
    const http::Request request{.method = head.method,
                                .target = head.target,
                                .headers = fields,
                                .body = exchange.body(),
                                .timeouts = options_.timeouts};
    const async::Context ctx = exchange.context();
    Result<std::unique_ptr<http::Response>> response = co_await client_.Send(ctx, origin_, request);
    if (response) {
      co_await PassBack(exchange, **response);
    } else {
      co_await RespondProblem(exchange, response.error());
    }
  }

 private:
  static Task<void> PassBack(http::Exchange& exchange, http::Response& response) {
    const async::Context ctx = exchange.context();
    const std::optional<std::size_t> length = LengthOf(response.headers());
    Headers headers = PassedOn(response.headers(), kOfReplies);
    headers.Remove("Content-Encoding");  // the client has undone it
    Result<void> sent;
    if (length) {
      sent = co_await exchange.BeginSized(response.status(), headers, *length);
    } else {
      sent = co_await exchange.Begin(response.status(), headers);
    }
    while (sent) {
      const Result<std::string_view> piece = co_await response.Read(ctx);
      if (!piece) co_return co_await exchange.Break(http::BreakOff::kReset);
      if (piece->empty()) break;
      sent = co_await exchange.Write(*piece);
    }
    // A write that failed has found nobody: then nothing is left to be said.
    if (sent) sent = co_await exchange.End();
  }

  Task<void> RespondProblem(http::Exchange& exchange, const Error& error) const {
    const bool missed = options_.replays && error.code == Code::kConnectionError;
    const int status = missed ? kNotFound : kBadGateway;
    std::string text = error.message;
    if (!error.cause.empty()) text = missed ? error.cause : StrCat(text, " [", error.cause, "]");
    std::string body;
    json::Writer out(body);
    out.BeginObject();
    out.Key("error");
    out.BeginObject();
    out.Key("message");
    out.String(Redact(text));
    out.Key("type");
    out.String(missed ? "NotRecorded" : "UpstreamError");
    out.Key("param");
    out.Null();
    out.Key("code");
    out.Int(status);
    out.EndObject();
    out.EndObject();
    const Headers headers = {{"content-type", "application/json"}};
    // A client that has gone needs no answer.
    (void)co_await exchange.Respond(status, headers, body);
  }

  const http::Origin origin_;
  const ForwardOptions options_;
  http::Client client_;
};

}  // namespace

std::unique_ptr<http::Handler> NewForwardHandler(http::Url upstream,
                                                 std::unique_ptr<http::Dialer> dialer,
                                                 ForwardOptions options) {
  return std::make_unique<ForwardHandler>(std::move(upstream), std::move(dialer), options);
}

}  // namespace weir::sim
