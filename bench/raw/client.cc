// The limit: what the same traffic costs with epoll, recv and a parser written by hand, and nothing
// decoded. Modes: requests, latency (requests on one connection), streams.

#include <cerrno>
#include <chrono>
#include <memory>
#include <vector>

#include "bench/measure.h"
#include "bench/raw/reader.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using weir::bench::Die;
using Clock = std::chrono::steady_clock;

struct Plan {
  bool streams = false;
  std::uint16_t port = 0;
  std::size_t connections = 1;
  std::size_t count = 0;   // requests in all
  std::size_t events = 0;  // content events expected of each stream; 0: any number
  std::string request;
  Clock::time_point end;
};

struct Connection {
  int fd = -1;
  weir::bench::ResponseReader reader;
  weir::bench::EventLines lines;
  Clock::time_point sent;
  bool opened = false;  // its first event has come
};

std::string RequestText(const std::string& model, bool stream) {
  std::string body =
      "{\"model\":\"" + model + "\",\"messages\":[{\"role\":\"user\",\"content\":\"" +
      std::string(weir::bench::kPrompt) + "\"}],\"max_tokens\":200,\"temperature\":0.7";
  if (stream) body += ",\"stream\":true,\"stream_options\":{\"include_usage\":true}";
  body += "}";
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
         "application/json\r\nAccept: */*\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

class Load {
 public:
  explicit Load(Plan plan) : plan_(std::move(plan)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  weir::bench::Outcome Run();

 private:
  void Connect();
  void Ask(Connection& connection);
  void OnReadable(Connection& connection);
  void OnAnswered(Connection& connection);
  void NoteOpened(Connection& connection);

  const Plan plan_;
  const int epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::size_t asked_ = 0;
  std::size_t answered_ = 0;
  std::size_t opened_ = 0;
  std::size_t rss_before_ = 0;
  std::vector<char> scratch_ = std::vector<char>(65536);
  weir::bench::Outcome outcome_;
};

weir::bench::Outcome Load::Run() {
  outcome_.latencies_us.reserve(plan_.count);
  rss_before_ = weir::bench::RssKibNow();
  const weir::bench::CpuTime before = weir::bench::CpuNow();
  const Clock::time_point start = Clock::now();
  for (std::size_t i = 0; i < plan_.connections; ++i) Connect();
  std::vector<epoll_event> events(512);
  while (answered_ < plan_.count) {
    const int ready = epoll_wait(epoll_, events.data(), 512, 1000);
    for (int i = 0; i < ready; ++i) {
      OnReadable(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
    }
    if (Clock::now() > plan_.end) Die("the time is up before every answer has come");
  }
  const weir::bench::CpuTime after = weir::bench::CpuNow();
  outcome_.wall = Clock::now() - start;
  outcome_.cpu = {.user_us = after.user_us - before.user_us,
                  .system_us = after.system_us - before.system_us};
  outcome_.connections = plan_.connections;
  outcome_.requests = plan_.count;
  return std::move(outcome_);
}

void Load::Connect() {
  auto connection = std::make_unique<Connection>();
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address{.sin_family = AF_INET,
                            .sin_port = htons(plan_.port),
                            .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
                            .sin_zero = {}};
  if (connect(connection->fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    Die("cannot connect");
  }
  const int yes = 1;
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = connection.get()}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->fd, &event);
  Ask(*connection);
  connections_.push_back(std::move(connection));
}

void Load::Ask(Connection& connection) {
  if (asked_ == plan_.count) return;
  ++asked_;
  connection.sent = Clock::now();
  const ssize_t size =
      send(connection.fd, plan_.request.data(), plan_.request.size(), MSG_NOSIGNAL);
  if (size != static_cast<ssize_t>(plan_.request.size())) Die("cannot send a whole request");
}

void Load::OnReadable(Connection& connection) {
  const ssize_t size = recv(connection.fd, scratch_.data(), scratch_.size(), MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) Die("the server hung up");
  ++outcome_.reads;
  const bool good =
      connection.reader.Feed(std::string_view(scratch_.data(), static_cast<std::size_t>(size)),
                             [&](std::string_view piece) {
                               if (plan_.streams) connection.lines.Feed(piece);
                             });
  if (!good) Die("not the answer that was expected");
  if (plan_.streams && !connection.opened && connection.lines.events() > 0) NoteOpened(connection);
  if (connection.reader.done()) OnAnswered(connection);
}

void Load::NoteOpened(Connection& connection) {
  connection.opened = true;
  if (++opened_ < plan_.connections) return;
  outcome_.rss_kib = weir::bench::RssKibNow() - rss_before_;
}

void Load::OnAnswered(Connection& connection) {
  ++answered_;
  const std::chrono::duration<float, std::micro> took = Clock::now() - connection.sent;
  outcome_.latencies_us.push_back(took.count());
  if (!plan_.streams) {
    connection.reader.Reset();
    return Ask(connection);
  }
  if (!connection.lines.done()) Die("a stream ended without [DONE]");
  const std::size_t expected = plan_.events + weir::bench::kFramingEvents;
  if (plan_.events > 0 && connection.lines.events() != expected) Die("events are missing");
  outcome_.events += connection.lines.events();
  epoll_ctl(epoll_, EPOLL_CTL_DEL, connection.fd, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  weir::bench::Flags flags(argc, argv);
  Plan plan;
  plan.streams = flags.mode() == "streams";
  if (!plan.streams && flags.mode() != "requests" && flags.mode() != "latency") {
    Die("give a mode: requests, latency or streams");
  }
  plan.port = static_cast<std::uint16_t>(flags.Number("port", 0));
  plan.connections = flags.Number("connections", flags.mode() == "latency" ? 1 : 64);
  plan.count = flags.Number("count", plan.streams ? plan.connections : 20000);
  plan.events = flags.Number("events", 0);
  plan.request = RequestText(flags.Text("model", std::string(weir::bench::kModel)), plan.streams);
  plan.end = Clock::now() + std::chrono::seconds(flags.Number("seconds", 120));
  flags.RefuseOthers();
  if (plan.connections == 0 || plan.count < plan.connections)
    Die("fewer requests than connections");
  if (plan.streams && plan.count != plan.connections) Die("a connection carries one stream");
  weir::bench::RaiseFileLimit();
  weir::bench::Outcome outcome = Load(std::move(plan)).Run();
  outcome.mode = flags.mode();
  weir::bench::Print(std::move(outcome));
}
