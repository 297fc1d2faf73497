// Servers over streamable HTTP: a real listener and a fake behind it, on the loop of the test.

#include "weir/agent/mcp/streamable_http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/agent/mcp/message.h"
#include "weir/agent/mcp/server_testing.h"
#include "weir/async/scope.h"
#include "weir/http/server.h"
#include "weir/http/sse.h"
#include "weir/json/writer.h"

namespace weir::agent::mcp {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string ContentOf(std::string_view text) {
  return StrCat(R"({"content":[{"type":"text","text":)", json::Write(json::Value::Of(text)), "}]}");
}

json::Value Value(std::string_view text) { return json::Read(text).value(); }

// Answers what a server of MCP is asked; tools have the names of what they do.
class FakeHttpServer final : public http::Handler {
 public:
  async::Task<void> Handle(http::Exchange& exchange) override {
    const http::RequestHead& head = exchange.head();
    Note(head);
    const std::string_view session = head.headers.Find("Mcp-Session-Id").value_or("");
    const Result<Message> message = ParseMessage(exchange.body(), 1 << 20);
    if (head.method == "DELETE") {
      ++deleted;
      co_return co_await Answer(exchange, 200, "text/plain", "");
    }
    if (status != 0) co_return co_await Answer(exchange, status, "text/plain", words);
    if (!message) co_return co_await Answer(exchange, 400, "text/plain", "what?");
    if (message->method == "initialize") co_return co_await Initialize(exchange, *message);
    if (session != StrCat("session-", sessions)) {
      const std::string error = WriteError(message->id, -32001, "Session not found");
      co_return co_await Answer(exchange, forgetful_status, "application/json", error);
    }
    if (message->kind != Message::Kind::kRequest) {
      heard.push_back(exchange.body());
      co_return co_await Answer(exchange, 202, "", "");
    }
    if (message->method == "tools/list") {
      const std::string list = WriteResult(message->id, Value(R"({"tools":[{"name":"echo"}]})"));
      co_return co_await Answer(exchange, 200, "application/json; charset=utf-8", list);
    }
    co_await Call(exchange, *message);
  }

  int sessions = 0;
  int deleted = 0;
  int calls = 0;
  int status = 0;  // of every answer; 0: the right one
  std::string words;
  std::string location;
  int forgetful_status = 404;
  std::vector<std::string> heard;    // notifications and answers
  std::vector<std::string> headers;  // of each request: those that matter

 private:
  void Note(const http::RequestHead& head) {
    std::string line(head.method);
    StrAppend(line, " ", head.target);
    for (const std::string_view name :
         {"Accept", "Mcp-Session-Id", "MCP-Protocol-Version", "Authorization"}) {
      StrAppend(line, " | ", head.headers.Find(name).value_or("-"));
    }
    headers.push_back(std::move(line));
  }

  async::Task<void> Answer(http::Exchange& exchange, int its_status, std::string_view type,
                           std::string_view body) {
    http::Headers fields;
    if (!type.empty()) fields.Add("Content-Type", type);
    if (!location.empty()) fields.Add("Location", location);
    (void)co_await exchange.Respond(its_status, fields, body);  // the client may have gone
  }

  async::Task<void> Initialize(http::Exchange& exchange, const Message& message) {
    ++sessions;
    http::Headers fields{{"Content-Type", "application/json"}};
    fields.Add("Mcp-Session-Id", StrCat("session-", sessions));
    const std::string result = WriteResult(
        message.id, Value(R"({"protocolVersion":"2025-06-18","capabilities":{"tools":{}}})"));
    (void)co_await exchange.Respond(200, fields, result);
  }

  async::Task<void> Call(http::Exchange& exchange, const Message& message) {
    ++calls;
    const std::string_view tool = message.body.Find("name").StringOr("");
    const std::string_view text = message.body.Find("arguments").Find("text").StringOr("");
    const std::string answer = WriteResult(message.id, Value(ContentOf(text)));
    if (tool == "echo") co_return co_await Answer(exchange, 200, "application/json", answer);
    if (tool == "batch") {
      co_return co_await Answer(exchange, 200, "application/json", StrCat("[", answer, "]"));
    }
    if (tool == "page") co_return co_await Answer(exchange, 200, "text/html", "<html>");
    if (tool == "other") {
      const std::string other = WriteResult(Value("99999"), Value("{}"));
      co_return co_await Answer(exchange, 200, "application/json", other);
    }
    if (tool == "hold") {
      (void)co_await async::WaitForever(exchange.context());
      co_return;
    }
    co_await Stream(exchange, message, tool == "stream" ? answer : "");
  }

  // Events in pieces that do not respect their ends.
  async::Task<void> Stream(http::Exchange& exchange, const Message& message, std::string answer) {
    std::string events = ":comment\n\ndata:\n\n";
    const json::View token = message.body.Find("_meta").Find("progressToken");
    if (token.exists()) {
      const std::string progress =
          StrCat(R"({"progress":1,"total":4,"progressToken":)", json::Write(token), "}");
      http::AppendSseData(events, WriteNotification("notifications/progress", Value(progress)));
    }
    http::AppendSseData(events, WriteRequest(7, "ping", json::View()));
    http::AppendSseData(events, WriteRequest(8, "sampling/createMessage", Value("{}")));
    if (!answer.empty()) http::AppendSseData(events, answer);
    const http::Headers fields{{"Content-Type", "text/event-stream"}};
    (void)co_await exchange.Begin(200, fields);
    for (std::size_t at = 0; at < events.size(); at += 7) {
      (void)co_await exchange.Write(std::string_view(events).substr(at, 7));
    }
    if (message.body.Find("name").StringOr("") == "drip") {
      (void)co_await async::WaitForever(exchange.context());
      co_return;
    }
    (void)co_await exchange.End();
  }
};

async::Task<void> ServeIn(async::Context ctx, http::Server& server,
                          const http::Listener& listener) {
  const Result<void> served = co_await server.Serve(ctx, listener);
  EXPECT_TRUE(served.has_value());
}

async::Task<void> Hold(async::Context ctx, Server& server, int& failed) {
  const Result<CallResult> result = co_await server.Call(ctx, "hold", json::Value(), nullptr);
  if (!result && result.error().code == Code::kCancelled) ++failed;
}

class McpHttpTest : public ServerTest {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<http::Listener>> listener = http::Listen({});
    ASSERT_TRUE(listener.has_value());
    listener_ = *std::move(listener);
    scope_.Spawn(ServeIn(scope_.context(), http_, *listener_));
    definition_ = {.name = "web",
                   .url = StrCat(listener_->url(), "/mcp"),
                   .headers = {{"Authorization", "Bearer very-secret-key"}}};
  }
  void TearDown() override {
    Close();
    scope_.Cancel();
    loop_.Run(scope_.Join());
  }

  ServerOptions Options() override {
    return {.env = {.variables = {{"MCP_TEST_KEY", "very-secret-key"}}}};
  }
  std::string Failure() {
    const Result<void> opened = Open();
    return opened ? "(opened)" : Describe(opened.error());
  }
  std::string Call(std::string tool, std::string_view text = "",
                   Server::OnProgress on_progress = nullptr) {
    return CallIn(ctx_, std::move(tool), text, std::move(on_progress));
  }
  std::string CallIn(const async::Context& ctx, std::string tool, std::string_view text,
                     Server::OnProgress on_progress = nullptr) {
    const std::string arguments = StrCat(R"({"text":)", json::Write(json::Value::Of(text)), "}");
    return CallWith(ctx, std::move(tool), arguments, std::move(on_progress));
  }

  async::TaskScope scope_{ctx_};
  FakeHttpServer fake_;
  http::Server http_{{}, fake_};
  std::unique_ptr<http::Listener> listener_;
};

TEST_F(McpHttpTest, HandshakeListCallAndFarewell) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());
  EXPECT_EQ(server_->tools().size(), 1U);
  EXPECT_EQ(Call("echo", "hallo"), "hallo");
  Close();

  const std::string accept = "application/json, text/event-stream";
  const std::string rest = " | session-1 | 2025-06-18 | Bearer very-secret-key";
  EXPECT_THAT(
      fake_.headers,
      ElementsAre(StrCat("POST /mcp | ", accept, " | - | - | Bearer very-secret-key"),
                  StrCat("POST /mcp | ", accept, rest), StrCat("POST /mcp | ", accept, rest),
                  StrCat("POST /mcp | ", accept, rest), StrCat("DELETE /mcp | ", accept, rest)));
  EXPECT_THAT(fake_.heard, ElementsAre(HasSubstr("notifications/initialized")));
  EXPECT_EQ(fake_.deleted, 1);
}

TEST_F(McpHttpTest, AnAnswerMayBeAStream) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());
  fake_.heard.clear();
  std::vector<double> heard;
  const auto listen = [&](double progress, double total, std::string_view) {
    heard.push_back(progress / total);
  };

  EXPECT_EQ(Call("stream", "streamed ä", listen), "streamed ä");

  EXPECT_THAT(heard, ElementsAre(0.25));
  EXPECT_THAT(fake_.heard, ElementsAre(R"({"jsonrpc":"2.0","id":7,"result":{}})",
                                       HasSubstr(R"("id":8,"error":{"code":-32601)")));
}

TEST_F(McpHttpTest, AStreamThatEndsBeforeTheAnswerIsAnError) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  EXPECT_EQ(Call("broken"),
            "(connection_error) MCP server 'web' ended the stream before the answer; look at its "
            "log");
}

TEST_F(McpHttpTest, AnswersThatAreNoneAreRefused) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  EXPECT_THAT(Call("batch"), HasSubstr("several messages in one array"));
  EXPECT_THAT(Call("page"), HasSubstr("neither JSON nor a stream of events"));
  EXPECT_THAT(Call("other"), HasSubstr("answered another request"));
}

TEST_F(McpHttpTest, ASessionThatIsLostIsOpenedAgain) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  ++fake_.sessions;  // the server has started anew
  EXPECT_EQ(Call("echo", "again"), "again");
  EXPECT_EQ(fake_.sessions, 3);
  fake_.forgetful_status = 400;  // as several servers say it
  ++fake_.sessions;
  EXPECT_EQ(Call("echo", "and again"), "and again");

  EXPECT_EQ(fake_.sessions, 5);
  EXPECT_EQ(fake_.calls, 2);
}

TEST_F(McpHttpTest, TheServerLearnsOfACancellation) {
  definition_.timeout = 200ms;
  ASSERT_NO_FATAL_FAILURE(MustOpen());
  fake_.heard.clear();

  EXPECT_THAT(Call("hold"), StartsWith("(timeout) the tool 'hold' of MCP server 'web'"));

  ASSERT_EQ(fake_.heard.size(), 1U);
  EXPECT_THAT(fake_.heard[0], AllOf(HasSubstr("notifications/cancelled"), HasSubstr("requestId")));
  EXPECT_EQ(Call("echo", "x"), "x");
}

TEST_F(McpHttpTest, ACallMayBeCancelledByWhoHearsItsProgress) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());
  async::Cancellation cancellation;
  async::Context ctx = ctx_;
  ctx.cancellation = &cancellation;

  const std::string told =
      CallIn(ctx, "drip", "", [&](double, double, std::string_view) { cancellation.Cancel(); });

  EXPECT_THAT(told, StartsWith("(cancelled)"));
  EXPECT_THAT(fake_.heard.back(), HasSubstr("the caller has gone away"));
  EXPECT_EQ(Call("echo", "x"), "x");
}

TEST_F(McpHttpTest, CallsUnderWayAreBounded) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());
  async::Cancellation cancellation;
  async::Context ctx = ctx_;
  ctx.cancellation = &cancellation;
  int failed = 0;
  async::TaskScope calls(ctx_);

  for (int i = 0; i < 1024; ++i) calls.Spawn(Hold(ctx, *server_, failed));
  EXPECT_THAT(Call("echo", "x"), StartsWith("(budget_exceeded) MCP server 'web' has 1024 calls"));
  cancellation.Cancel();
  loop_.Run(calls.Join());

  EXPECT_EQ(failed, 1024);
  EXPECT_EQ(Call("echo", "x"), "x");
}

TEST_F(McpHttpTest, AStatusIsToldWithAdviceAndWithoutSecrets) {
  fake_.words = R"({"error":{"message":"bad key very-secret-key"}})";
  fake_.status = 401;
  EXPECT_THAT(Failure(), AllOf(StartsWith("http_401: MCP server 'web' answered HTTP 401"),
                               HasSubstr("bad key ***"), HasSubstr("`headers`"),
                               Not(HasSubstr("very-secret"))));
  fake_.status = 405;
  EXPECT_THAT(Failure(), HasSubstr("and not for the older HTTP+SSE?"));
  fake_.status = 307;
  fake_.location = "http://elsewhere/mcp";
  EXPECT_THAT(Failure(), HasSubstr("redirects are not followed: write the address that it names as "
                                   "`url`: http://elsewhere/mcp"));
}

TEST_F(McpHttpTest, HeadersMayNameVariables) {
  definition_.headers = {{"Authorization", "Bearer ${MCP_TEST_KEY}"}};
  fake_.words = R"({"error":{"message":"bad key very-secret-key"}})";
  fake_.status = 401;
  EXPECT_THAT(Failure(), HasSubstr("bad key ***"));
  fake_.status = 0;
  ASSERT_NO_FATAL_FAILURE(MustOpen());
  EXPECT_THAT(fake_.headers.back(), HasSubstr("Bearer very-secret-key"));
}

TEST_F(McpHttpTest, ASlashAtTheEndIsKept) {
  definition_.url += '/';
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  EXPECT_THAT(fake_.headers[0], StartsWith("POST /mcp/ |"));
}

TEST_F(McpHttpTest, ADefinitionThatCannotBeUsedIsRefused) {
  definition_.headers = {{"Bad Name", "x"}};
  EXPECT_THAT(Failure(), StartsWith("config_error: MCP server 'web': "));
  definition_.headers = {};
  definition_.url = "ftp://host/mcp";
  EXPECT_THAT(Failure(), StartsWith("config_error: MCP server 'web': "));
}

TEST_F(McpHttpTest, NobodyThereIsAConnectionError) {
  definition_.url = "http://127.0.0.1:1/mcp";

  EXPECT_THAT(Failure(), StartsWith("connection_error: MCP server 'web': "));
}

}  // namespace
}  // namespace weir::agent::mcp
