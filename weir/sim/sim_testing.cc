#include "weir/sim/sim_testing.h"

#include <cstdlib>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/text.h"

namespace weir::sim {
namespace {

template <class T>
T OrDie(Result<T> result) {
  if (!result) std::abort();
  return *std::move(result);
}

async::Task<Result<model::Reply>> Drain(async::Context ctx, model::Engine& engine,
                                        const model::Call& call) {
  auto stream = co_await engine.Stream(ctx, call);
  if (!stream) co_return Fail(stream.error());
  co_return co_await model::Collect(ctx, **stream);
}

std::string DifferenceOf(const model::Choice& a, const model::Choice& b) {
  if (a.text != b.text) return StrCat("text: ", a.text, " | ", b.text);
  if (a.reasoning != b.reasoning) return StrCat("reasoning: ", a.reasoning, " | ", b.reasoning);
  if (a.finish != b.finish || a.finish_text != b.finish_text) {
    return StrCat("finish: ", a.finish_text, " | ", b.finish_text);
  }
  if (!(a.stop_reason == b.stop_reason)) return "stop reason";
  if (a.tool_calls != b.tool_calls) return "tool calls";
  if (a.token_ids != b.token_ids) return "token ids";
  if (a.tokens.size() != b.tokens.size()) return "count of tokens";
  for (std::size_t i = 0; i < a.tokens.size(); ++i) {
    if (a.tokens[i].text != b.tokens[i].text) return "token text";
    if (a.tokens[i].logprob != b.tokens[i].logprob) return "logprob";
    if (a.tokens[i].text_offset != b.tokens[i].text_offset) return "offset";
  }
  return "";
}

http::ServerOptions QuickDrain() {
  http::ServerOptions options;
  options.drain = std::chrono::milliseconds(50);
  return options;
}

std::string ReadToEnd(int socket) {
  std::string all;
  char buffer[16384];
  for (;;) {
    const ssize_t got = ::recv(socket, buffer, sizeof buffer, 0);
    if (got <= 0) return all;
    all.append(buffer, static_cast<std::size_t>(got));
  }
}

// Joins chunks; `cut` stays true unless the last one is there.
void Dechunk(std::string_view wire, HttpAnswer& answer) {
  answer.cut = true;
  for (;;) {
    const std::size_t line = wire.find("\r\n");
    if (line == wire.npos) return;
    const auto size = std::strtoul(std::string(wire.substr(0, line)).c_str(), nullptr, 16);
    wire.remove_prefix(line + 2);
    if (size == 0) {
      answer.cut = false;
      return;
    }
    answer.body += wire.substr(0, size);
    if (wire.size() < size + 2) return;
    wire.remove_prefix(size + 2);
  }
}

HttpAnswer Parse(std::string_view wire) {
  HttpAnswer answer{.wire = std::string(wire)};
  const std::size_t end = wire.find("\r\n\r\n");
  if (end == wire.npos) {
    answer.cut = true;
    return answer;
  }
  answer.head = ToLower(wire.substr(0, end + 2));
  answer.status = std::atoi(answer.head.c_str() + answer.head.find(' '));
  wire.remove_prefix(end + 4);
  if (answer.head.contains("transfer-encoding: chunked")) {
    Dechunk(wire, answer);
    return answer;
  }
  const std::size_t length = answer.head.find("content-length: ");
  const std::size_t size = length == std::string::npos
                               ? 0
                               : std::strtoul(answer.head.c_str() + length + 16, nullptr, 10);
  answer.body = wire;
  answer.cut = wire.size() < size;
  return answer;
}

}  // namespace

SimOptions InstantSim(std::string_view script) {
  SimOptions options;
  options.engine.latency.pace = Latency::Pace::kInstant;
  options.models[0].adapters = {{.name = "sql", .path = "/adapters/sql"}};
  options.models[0].max_model_len = 2048;
  if (!script.empty()) options.script = OrDie(LoadScript(script, "script.yaml"));
  return options;
}

model::Call Ask(std::string_view question) {
  model::Call call;
  call.messages.push_back(model::Message::Text(model::Role::kUser, std::string(question)));
  return call;
}

std::string FirstDifference(const model::Reply& a, const model::Reply& b) {
  if (a.choices.size() != b.choices.size()) return "count of choices";
  for (std::size_t i = 0; i < a.choices.size(); ++i) {
    const std::string difference = DifferenceOf(a.choices[i], b.choices[i]);
    if (!difference.empty()) return StrCat("choice ", i, ": ", difference);
  }
  if (a.usage.completion_tokens != b.usage.completion_tokens) return "completion tokens";
  return a.usage.prompt_tokens != b.usage.prompt_tokens ? "prompt tokens" : "";
}

SimServer::SimServer(SimOptions options)
    : core_(OrDie(NewSimCore(std::move(options)))),
      handler_(NewSimHandler(core_)),
      listener_(OrDie(http::Listen({}))) {
  thread_ = std::thread([this] {
    http::Server server(QuickDrain(), *handler_);
    async::Context ctx(loop_);
    ctx.cancellation = &stop_;
    (void)loop_.Run(server.Serve(ctx, *listener_));
  });
}

SimServer::~SimServer() {
  loop_.Post([this] { stop_.Cancel(); });
  thread_.join();
}

int SimServer::Connect() const {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::uint64_t port = ParseUint(Split(url(), ':').back()).value_or(0);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    std::abort();
  }
  return socket;
}

HttpAnswer SimServer::Send(std::string_view method, std::string_view path, std::string_view body,
                           std::string_view headers) {
  const std::string request =
      StrCat(method, " ", path, " HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n", headers,
             "content-length: ", body.size(), "\r\n\r\n", body);
  const int socket = Connect();
  (void)::send(socket, request.data(), request.size(), MSG_NOSIGNAL);
  HttpAnswer answer = Parse(ReadToEnd(socket));
  ::close(socket);
  return answer;
}

SimInside::SimInside(SimOptions options)
    : core(OrDie(NewSimCore(std::move(options)))), engine(NewSimEngine(core)) {}

Result<model::Reply> SimInside::Whole(const model::Call& call) {
  return loop.Run(engine->Call(ctx, call));
}

Result<model::Reply> SimInside::Streamed(const model::Call& call) {
  return loop.Run(Drain(ctx, *engine, call));
}

std::string SimInside::Text(const model::Call& call) {
  const Result<model::Reply> reply = Whole(call);
  return reply ? reply->text() : Describe(reply.error());
}

}  // namespace weir::sim
