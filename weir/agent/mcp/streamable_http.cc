#include "weir/agent/mcp/streamable_http.h"

#include <utility>

#include "weir/agent/mcp/secrets.h"
#include "weir/base/text.h"
#include "weir/base/version.h"
#include "weir/http/sse.h"
#include "weir/json/reader.h"

namespace weir::agent::mcp {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kSessionHeader = "Mcp-Session-Id";
constexpr std::string_view kVersionHeader = "MCP-Protocol-Version";
constexpr std::size_t kSessionBytes = 1024;
constexpr std::size_t kShownErrorBytes = 300;  // of an answer that is an error
constexpr Duration kConnect = 10s;
constexpr Duration kDeleteTime = 2s;  // for the DELETE at the end

bool HasType(const http::Response& response, std::string_view type) {
  const std::string_view value = response.headers().Find("Content-Type").value_or("");
  return EqualsIgnoreCase(Trim(value.substr(0, value.find(';'))), type);
}

// The words of an error in JSON-RPC, or the body as it is.
std::string WordsOf(std::string_view body) {
  const Result<json::Value> document = json::Read(body);
  const std::string_view words =
      document ? document->Find("error").Find("message").StringOr("") : std::string_view();
  return Truncate(words.empty() ? Trim(body) : words, kShownErrorBytes);
}

class StreamableHttp final : public Transport {
 public:
  StreamableHttp(StreamableHttpOptions options, http::Origin origin, http::FieldBlock fields,
                 http::Client& client, Listener& listener)
      : options_(std::move(options)),
        origin_(std::move(origin)),
        target_(options_.url.ends_with('/') || origin_.url.target_prefix.empty() ? "/" : ""),
        fields_(std::move(fields)),
        client_(client),
        listener_(listener) {}

  async::Task<Result<Message>> Ask(async::Context ctx, std::int64_t id, std::string text) override {
    WEIR_CO_TRY(const std::unique_ptr<http::Response> response,
                co_await Send(ctx, "POST", std::move(text)));
    WEIR_CO_CHECK(NoteSession(*response));
    if (HasType(*response, "text/event-stream")) co_return co_await FromStream(ctx, *response, id);
    if (response->status() != 200 || !HasType(*response, "application/json")) {
      co_return Fail(
          Code::kProtocolError,
          StrCat(Who(), " answered a request with the status ", response->status(),
                 " and neither JSON nor a stream of events; is this the address of its MCP "
                 "endpoint?"));
    }
    WEIR_CO_TRY(const std::string body,
                co_await response->ReadAll(ctx, options_.max_message_bytes));
    WEIR_CO_TRY(Message message, Read(body));
    if (!message.Answers(id)) {
      co_return Fail(Code::kProtocolError,
                     StrCat(Who(), " answered another request than it was sent"));
    }
    co_return message;
  }

  async::Task<Result<void>> Tell(async::Context ctx, std::string text) override {
    const Result<std::unique_ptr<http::Response>> response =
        co_await Send(ctx, "POST", std::move(text));
    if (!response) co_return Fail(response.error());
    (void)(*response)->Poll();  // there is no body; its end frees the connection
    co_return Result<void>();
  }

  void Agree(std::string_view version) override { version_ = version; }
  bool ended() const override { return forgotten_; }
  bool forgotten() const override { return forgotten_; }
  std::string Complaints() override { return {}; }

  async::Task<void> Close(async::Context ctx, Duration patience) override {
    if (session_.empty() || forgotten_ || patience == Duration::zero()) co_return;
    async::Context own(*ctx.loop);
    own.trace = ctx.trace;
    own = own.WithTimeout(kDeleteTime);
    // A server may refuse it, or be gone: the session is over either way.
    (void)co_await Send(own, "DELETE", {});
  }

 private:
  std::string Who() const { return StrCat("MCP server '", options_.name, "'"); }

  // Sends, and makes an error of a status that is one.
  async::Task<Result<std::unique_ptr<http::Response>>> Send(async::Context ctx,
                                                            std::string_view method,
                                                            std::string body) {
    std::vector<http::Header> headers;
    headers.reserve(2);
    const std::string session = session_;
    const std::string version = version_;
    if (!session.empty()) headers.push_back({kSessionHeader, session});
    if (!version.empty()) headers.push_back({kVersionHeader, version});
    // Only the context's deadline counts: a tool may be silent for as long as its call may take.
    const http::Request request{
        .method = method,
        .target = target_,
        .fixed = &fields_,
        .headers = headers,
        .body = std::move(body),
        .timeouts = {.connect = kConnect, .first_token = Duration(0), .idle = Duration(0)}};
    Result<std::unique_ptr<http::Response>> response = co_await client_.Send(ctx, origin_, request);
    if (!response) {
      response.error().message = StrCat(Who(), ": ", response.error().message);
      co_return response;
    }
    if ((*response)->status() / 100 == 2) co_return response;
    Error error = co_await ErrorOf(ctx, **response, session);
    co_return Fail(std::move(error));
  }

  async::Task<Error> ErrorOf(async::Context ctx, http::Response& response, std::string session) {
    const int status = response.status();
    const Result<std::string> body = co_await response.ReadAll(ctx, limits::kErrorBodyBytes);
    const std::string words = HideSecrets(body ? WordsOf(*body) : "", options_.secrets);
    // 404 says that the session is over; many servers say 400 and mean it.
    if (!session.empty() && session == session_) {
      forgotten_ =
          forgotten_ || status == 404 || (status == 400 && ToLower(words).contains("session"));
    }
    std::string message =
        StrCat(Who(), " answered HTTP ", status, " (", http::ReasonPhrase(status), ")");
    if (!words.empty()) StrAppend(message, ": ", words);
    StrAppend(message, Advice(status, response));
    co_return Error{
        .code = Code::kHttpStatus, .message = std::move(message), .http_status = status};
  }

  std::string Advice(int status, const http::Response& response) const {
    if (status == 401 || status == 403) return "; look at the `headers` of this server";
    if (status / 100 == 3) {
      return StrCat(
          "; redirects are not followed: write the address that it names as `url`: ",
          HideSecrets(response.headers().Find("Location").value_or("(none)"), options_.secrets));
    }
    if (!session_.empty() || (status != 404 && status != 405)) return "";
    return StrCat("; asked was ", http::DisplayName(origin_.url), origin_.url.target_prefix,
                  ": is this its MCP endpoint, for streamable HTTP and not for the older "
                  "HTTP+SSE?");
  }

  Result<void> NoteSession(const http::Response& response) {
    const std::string_view session = response.headers().Find(kSessionHeader).value_or("");
    if (!session_.empty() || session.empty()) return {};
    if (session.size() > kSessionBytes || !http::CheckHeader(kSessionHeader, session)) {
      return Fail(Code::kProtocolError, StrCat(Who(), " named a session that cannot be sent back"));
    }
    session_ = session;
    return {};
  }

  Result<Message> Read(std::string_view text) const {
    Result<Message> message = ParseMessage(text, options_.max_message_bytes);
    if (!message) {
      message.error().message =
          StrCat(Who(), " sent ", HideSecrets(message.error().message, options_.secrets));
    }
    return message;
  }

  // What stands in the events beside the answer is for the listener.
  async::Task<Result<Message>> FromStream(async::Context ctx, http::Response& response,
                                          std::int64_t id) {
    http::SseReader reader(options_.max_message_bytes);
    std::optional<Message> answer;
    while (!answer) {
      const Result<std::string_view> piece = co_await response.Read(ctx);
      if (!piece) co_return Fail(Broken(piece.error()));
      if (piece->empty()) {
        co_return Fail(Code::kConnectionError,
                       StrCat(Who(), " ended the stream before the answer; look at its log"));
      }
      WEIR_CO_CHECK(reader.Feed(*piece));
      std::vector<std::string> replies;
      for (http::SseEvent event; reader.Next(event);) {
        if (event.data.empty()) continue;  // some servers begin with one
        WEIR_CO_TRY(Message message, Read(event.data));
        std::optional<std::string> reply = Take(std::move(message), id, answer);
        if (reply) replies.push_back(*std::move(reply));
      }
      WEIR_CO_CHECK(reader.Finish());
      for (std::string& reply : replies) {
        // A server that does not take it will say so, or fall silent, in the stream.
        (void)co_await Tell(ctx, std::move(reply));
      }
    }
    // The end of the stream, if it is here, frees the connection for the next request.
    (void)response.Poll();
    co_return *std::move(answer);
  }

  // The reply that a message of a stream asks for.
  std::optional<std::string> Take(Message message, std::int64_t id,
                                  std::optional<Message>& answer) {
    using Kind = Message::Kind;
    if (message.kind == Kind::kRequest || message.kind == Kind::kNotification) {
      return listener_.Receive(message);
    }
    if (message.Answers(id)) answer = std::move(message);
    return std::nullopt;
  }

  Error Broken(const Error& error) const {
    Error broken = error;
    if (broken.code == Code::kStreamTruncated) broken.code = Code::kConnectionError;
    broken.message = StrCat(Who(), ": ", broken.message);
    return broken;
  }

  const StreamableHttpOptions options_;
  const http::Origin origin_;
  const std::string_view target_;  // to some servers a slash at the end is another address
  const http::FieldBlock fields_;
  http::Client& client_;
  Listener& listener_;
  std::string session_;
  std::string version_;
  bool forgotten_ = false;
};

}  // namespace

Result<std::unique_ptr<Transport>> NewStreamableHttpTransport(StreamableHttpOptions options,
                                                              http::Client& client,
                                                              Listener& listener) {
  const auto failed = [&](const Error& error) {
    return Fail(Code::kConfigError, StrCat("MCP server '", options.name, "': ", error.message));
  };
  Result<http::Url> url = http::ParseUrl(options.url);
  if (!url) return failed(url.error());
  http::Headers headers{{"User-Agent", StrCat("weir/", kVersion)},
                        {"Accept", "application/json, text/event-stream"},
                        {"Content-Type", "application/json"}};
  for (const auto& [name, value] : options.headers) {
    const Result<void> right = http::CheckHeader(name, value);
    if (!right) return failed(right.error());
    headers.Set(name, value);
  }
  Result<http::FieldBlock> fields = http::FixedFields(headers);
  if (!fields) return failed(fields.error());
  return std::make_unique<StreamableHttp>(std::move(options), http::MakeOrigin(*std::move(url)),
                                          *std::move(fields), client, listener);
}

}  // namespace weir::agent::mcp
