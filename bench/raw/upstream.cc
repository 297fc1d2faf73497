// The server that all clients are measured against: one thread, epoll, no more HTTP than they need.
// A POST is answered with a chat completion, or with vLLM's event stream when its body says
// "stream":true. Every event is a send of its own. Prints its port, ends when its standard input is
// closed or its time is up.

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "bench/measure.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using weir::bench::Die;
using Clock = std::chrono::steady_clock;
using Nanos = std::chrono::nanoseconds;

constexpr std::size_t kMaxRequestBytes = 1 << 20;
constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    "transfer-encoding: chunked\r\n\r\n";

std::string Chunk(const std::string& data) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return size + data + "\r\n";
}

std::string Event(const std::string& choices, const std::string& usage) {
  return Chunk(
      "data: {\"id\":\"chatcmpl-0f1e2d3c4b5a69788796a5b4c3d2e1f0\",\"object\":"
      "\"chat.completion.chunk\",\"created\":1763700000,\"model\":\"bench-model\","
      "\"choices\":[" +
      choices + "]" + usage + "}\n\n");
}

// Every frame of a stream in its order; the last two leave together.
std::vector<std::string> StreamFrames(std::size_t events) {
  constexpr const char* kWords[] = {" the", " water", " runs",      " down",  ",",   " over",
                                    " the", " low",   " dam",       ".",      "\\n", " \\\"mill",
                                    "\\\"", " and",   " caf\u00e9", " steers"};
  std::vector<std::string> frames;
  frames.push_back(Event(R"({"index":0,"delta":{"role":"assistant","content":""},)"
                         R"("logprobs":null,"finish_reason":null})",
                         ""));
  for (std::size_t i = 0; i < events; ++i) {
    frames.push_back(Event(std::string(R"({"index":0,"delta":{"content":")") +
                               kWords[i % std::size(kWords)] +
                               R"("},"logprobs":null,"finish_reason":null})",
                           ""));
  }
  frames.push_back(Event(R"({"index":0,"delta":{"content":""},"logprobs":null,)"
                         R"("finish_reason":"stop","stop_reason":null})",
                         ""));
  frames.push_back(Event("", R"(,"usage":{"prompt_tokens":42,"total_tokens":242,)"
                             R"("completion_tokens":200})"));
  frames.push_back(Chunk("data: [DONE]\n\n"));
  frames.emplace_back("0\r\n\r\n");
  return frames;
}

std::string WholeReply() {
  const std::string body =
      R"({"id":"chatcmpl-0f1e2d3c4b5a69788796a5b4c3d2e1f0","object":"chat.completion",)"
      R"("created":1763700000,"model":"bench-model","choices":[{"index":0,"message":)"
      R"({"role":"assistant","content":"A low dam lifts the river to the mill race, so that the )"
      R"(wheel has its water in summer.\nIn a flood the miller opens the \"sluice\" before the )"
      R"(dam does it.","tool_calls":[]},"logprobs":null,"finish_reason":"stop",)"
      R"("stop_reason":null}],"usage":{"prompt_tokens":42,"total_tokens":83,)"
      R"("completion_tokens":41,"prompt_tokens_details":null},"prompt_logprobs":null})";
  return "HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-type: application/json\r\n"
         "content-length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

struct Connection {
  std::uint64_t serial = 0;  // tells the users of one descriptor apart
  std::string in;
  std::string out;       // what the socket did not take
  std::size_t step = 0;  // next frame
  bool streaming = false;
  Nanos due{};
};

struct Turn {
  Nanos due;
  int fd;
  std::uint64_t serial;
  bool operator>(const Turn& other) const { return due > other.due; }
};

class Server {
 public:
  Server(std::size_t events, Nanos interval, Nanos lifetime)
      : frames_(StreamFrames(events)),
        reply_(WholeReply()),
        interval_(interval),
        end_(Now() + lifetime) {}

  void Open();
  void Run();

 private:
  static Nanos Now() { return Clock::now().time_since_epoch(); }

  void Watch(int operation, int fd, std::uint32_t what) const {
    epoll_event event{.events = what, .data = {.fd = fd}};
    epoll_ctl(epoll_, operation, fd, &event);
  }
  Nanos Patience() const;
  void Accept();
  void OnReadable(int fd);
  void OnWritable(int fd);
  void Answer(int fd, bool stream);
  void TakeTurns();
  void TakeTurn(int fd);
  void Schedule(int fd);
  bool Send(int fd, std::string_view bytes);
  void Close(int fd);

  const std::vector<std::string> frames_;
  const std::string reply_;
  const Nanos interval_;
  const Nanos end_;
  int epoll_ = -1;
  int listener_ = -1;
  std::uint64_t serials_ = 0;
  std::uint64_t streams_ = 0;
  std::vector<Connection> connections_;  // by descriptor
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> paced_;
  std::vector<Turn> saturated_;
};

void Server::Open() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{.sin_family = AF_INET,
                      .sin_port = 0,
                      .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
                      .sin_zero = {}};
  socklen_t size = sizeof address;
  if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 4096) != 0) {
    Die("cannot listen on the loopback address");
  }
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  Watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  Watch(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
}

Nanos Server::Patience() const {
  if (!saturated_.empty()) return Nanos(0);
  const Nanos until = paced_.empty() ? end_ : std::min(end_, paced_.top().due);
  return std::max(until - Now(), Nanos(0));
}

void Server::Run() {
  std::vector<epoll_event> events(512);
  while (Now() < end_) {
    const Nanos wait = Patience();
    const timespec patience{.tv_sec = wait.count() / 1'000'000'000,
                            .tv_nsec = wait.count() % 1'000'000'000};
    const int ready = epoll_pwait2(epoll_, events.data(), 512, &patience, nullptr);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      const std::uint32_t what = events[static_cast<std::size_t>(i)].events;
      if (fd == STDIN_FILENO) return;
      if (fd == listener_) {
        Accept();
      } else if ((what & EPOLLOUT) != 0) {
        OnWritable(fd);
      } else {
        OnReadable(fd);
      }
    }
    TakeTurns();
  }
}

void Server::Accept() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connections_.size() <= static_cast<std::size_t>(fd)) {
      connections_.resize(static_cast<std::size_t>(fd) + 1);
    }
    connections_[static_cast<std::size_t>(fd)] = Connection{.serial = ++serials_};
    Watch(EPOLL_CTL_ADD, fd, EPOLLIN);
  }
}

// The body length that a request head announces; 0 when it announces none.
std::size_t BodyLength(std::string_view head) {
  constexpr std::string_view kName = "\r\ncontent-length:";
  for (std::size_t at = 0; at + kName.size() < head.size(); ++at) {
    if (strncasecmp(head.data() + at, kName.data(), kName.size()) != 0) continue;
    std::string_view value = head.substr(at + kName.size());
    while (value.starts_with(' ')) value.remove_prefix(1);
    std::size_t length = 0;
    std::from_chars(value.data(), value.data() + value.size(), length);
    return length;
  }
  return 0;
}

void Server::OnReadable(int fd) {
  char bytes[16384];
  const ssize_t size = recv(fd, bytes, sizeof bytes, 0);
  if (size < 0 && errno == EAGAIN) return;
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  if (size <= 0 || connection.in.size() > kMaxRequestBytes) return Close(fd);
  connection.in.append(bytes, static_cast<std::size_t>(size));
  const std::size_t head = connection.in.find("\r\n\r\n");
  if (head == std::string::npos) return;
  const std::size_t length = BodyLength(std::string_view(connection.in).substr(0, head + 2));
  if (connection.in.size() < head + 4 + length) return;
  const std::string_view body = std::string_view(connection.in).substr(head + 4, length);
  const bool stream = body.find("\"stream\":true") != std::string_view::npos;
  connection.in.erase(0, head + 4 + length);
  Answer(fd, stream);
}

void Server::Answer(int fd, bool stream) {
  if (!stream) {
    Send(fd, reply_);
    return;
  }
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  connection.streaming = true;
  connection.step = 1;
  // Turns lie on a grid of the interval, each stream's shifted by a golden part of it: evenly
  // spread for any number of streams.
  const double phase = std::fmod(static_cast<double>(++streams_) * 0.6180339887498949, 1.0);
  if (interval_ > Nanos(0)) {
    const Nanos shift(static_cast<std::int64_t>(phase * static_cast<double>(interval_.count())));
    connection.due = ((Now() - shift) / interval_ + 1) * interval_ + shift;
  }
  if (Send(fd, kStreamHead) && Send(fd, frames_[0])) Schedule(fd);
}

void Server::Schedule(int fd) {
  const Connection& connection = connections_[static_cast<std::size_t>(fd)];
  const Turn turn{.due = connection.due, .fd = fd, .serial = connection.serial};
  if (interval_ > Nanos(0)) {
    paced_.push(turn);
  } else {
    saturated_.push_back(turn);
  }
}

void Server::TakeTurns() {
  std::vector<Turn> round;
  round.swap(saturated_);
  for (const Turn& turn : round) {
    if (connections_[static_cast<std::size_t>(turn.fd)].serial == turn.serial) TakeTurn(turn.fd);
  }
  const Nanos now = paced_.empty() ? Nanos(0) : Now();
  while (!paced_.empty() && paced_.top().due <= now) {
    const Turn turn = paced_.top();
    paced_.pop();
    if (connections_[static_cast<std::size_t>(turn.fd)].serial == turn.serial) TakeTurn(turn.fd);
  }
}

void Server::TakeTurn(int fd) {
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  connection.due += interval_;
  if (!Send(fd, frames_[connection.step++])) return;
  if (connection.step + 1 == frames_.size()) {
    connection.streaming = false;
    Send(fd, frames_.back());
    return;
  }
  Schedule(fd);
}

// False when the socket did not take everything; OnWritable() then goes on.
bool Server::Send(int fd, std::string_view bytes) {
  const ssize_t size = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (size == static_cast<ssize_t>(bytes.size())) return true;
  if (size < 0 && errno != EAGAIN) {
    Close(fd);
    return false;
  }
  connections_[static_cast<std::size_t>(fd)].out.append(
      bytes.substr(static_cast<std::size_t>(std::max<ssize_t>(size, 0))));
  Watch(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT);
  return false;
}

void Server::OnWritable(int fd) {
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  const std::string rest = std::exchange(connection.out, {});
  Watch(EPOLL_CTL_MOD, fd, EPOLLIN);
  if (!Send(fd, rest) || !connection.streaming) return;
  if (connection.step + 1 < frames_.size()) return Schedule(fd);
  connection.streaming = false;
  Send(fd, frames_.back());
}

void Server::Close(int fd) {
  connections_[static_cast<std::size_t>(fd)] = Connection{};
  close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  weir::bench::Flags flags(argc, argv);
  const std::size_t events = flags.Number("events", 200);
  const std::chrono::milliseconds interval(flags.Number("interval-ms", 20));
  const std::chrono::seconds lifetime(flags.Number("seconds", 300));
  flags.RefuseOthers();
  weir::bench::RaiseFileLimit();
  prctl(PR_SET_TIMERSLACK, 1);
  Server server(events, interval, lifetime);
  server.Open();
  server.Run();
}
