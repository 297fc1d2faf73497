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
  HttpAnswer answer;
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

}  // namespace weir::sim
