#include "weir/http/proxy_testing.h"

#include <algorithm>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/text.h"

namespace weir::http {
namespace {

sockaddr_in Loopback(std::uint16_t port) {
  return {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

// `size` bytes, or less when the client goes.
std::string Read(int client, std::size_t size) {
  std::string text(size, '\0');
  const ssize_t got = ::recv(client, text.data(), size, MSG_WAITALL);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::size_t ReadSize(int client) {
  const std::string byte = Read(client, 1);
  return byte.empty() ? 0 : static_cast<unsigned char>(byte[0]);
}

void Send(int client, std::string_view text) {
  (void)::send(client, text.data(), text.size(), MSG_NOSIGNAL);  // who has gone is noticed later
}

void ResetOnClose(int descriptor) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

}  // namespace

FakeProxy::FakeProxy(std::string user, std::string password)
    : user_(std::move(user)), password_(std::move(password)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool listens = listener_ >= 0 && ::bind(listener_, generic, size) == 0 &&
                       ::listen(listener_, 16) == 0 &&
                       ::getsockname(listener_, generic, &size) == 0;
  if (!listens) return;  // the port stays 0, and nobody can connect
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this] { Run(); });
}

FakeProxy::~FakeProxy() {
  ::shutdown(listener_, SHUT_RDWR);
  if (thread_.joinable()) thread_.join();
  ::close(listener_);
}

std::string FakeProxy::address() const { return StrCat("127.0.0.1:", port_); }

std::vector<std::string> FakeProxy::requested() const {
  const std::scoped_lock lock(mutex_);
  return requested_;
}

void FakeProxy::Run() {
  for (;;) {
    const int client = ::accept(listener_, nullptr, nullptr);
    if (client < 0) return;
    char first = 0;
    const bool came = ::recv(client, &first, 1, MSG_PEEK) == 1;
    if (came && (first == 5 ? OpenSocks(client) : OpenHttp(client))) Relay(client);
    ::close(client);
  }
}

bool FakeProxy::OpenHttp(int client) {
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    const std::string byte = Read(client, 1);
    if (byte.empty()) return false;
    head += byte;
  }
  const std::string credentials =
      StrCat("Proxy-Authorization: Basic ", Base64Encode(StrCat(user_, ":", password_)), "\r\n");
  if (!user_.empty() && head.find(credentials) == head.npos) {
    Send(client, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    return false;
  }
  constexpr std::string_view kConnect = "CONNECT ";
  if (!head.starts_with(kConnect)) return false;
  const std::string_view target = std::string_view(head).substr(kConnect.size());
  const std::scoped_lock lock(mutex_);
  requested_.emplace_back(target.substr(0, target.find(' ')));
  Send(client, "HTTP/1.1 200 Connection established\r\n\r\n");
  return true;
}

bool FakeProxy::CheckSocksUser(int client) {
  (void)Read(client, 1);  // the version of this step
  const std::string user = Read(client, ReadSize(client));
  const std::string password = Read(client, ReadSize(client));
  const bool right = user == user_ && password == password_;
  Send(client, right ? std::string_view("\1\0", 2) : std::string_view("\1\1", 2));
  return right;
}

bool FakeProxy::OpenSocks(int client) {
  (void)Read(client, 1);  // the version
  const std::string methods = Read(client, ReadSize(client));
  const char method = user_.empty() ? '\0' : '\2';
  const bool offered = methods.find(method) != methods.npos;
  const char choice[] = {5, offered ? method : '\xFF'};
  Send(client, std::string_view(choice, 2));
  if (!offered || (!user_.empty() && !CheckSocksUser(client))) return false;
  const std::string command = Read(client, 4);
  if (command.size() < 4) return false;
  std::string host;
  if (command[3] == 3) {
    host = Read(client, ReadSize(client));
  } else {
    const std::string bytes = Read(client, command[3] == 4 ? 16 : 4);
    char text[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(bytes.size() == 16 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof(text));
    host = text;
  }
  const std::size_t high = ReadSize(client);
  const std::size_t port = high << 8 | ReadSize(client);
  const std::scoped_lock lock(mutex_);
  requested_.push_back(StrCat(host, ":", port));
  Send(client, std::string_view("\5\0\0\1\0\0\0\0\0\0", 10));
  return true;
}

// Whether bytes came from one side and went to the other, and more may.
bool FakeProxy::Forward(int from, int to) {
  char buffer[16 * 1024];
  std::size_t most = sizeof(buffer);
  if (break_ != Break::kNever) {
    if (relayed_ >= break_after_) return false;
    most = std::min<std::size_t>(most, break_after_ - relayed_);
  }
  const ssize_t got = ::recv(from, buffer, most, 0);
  if (got <= 0) return false;
  const auto size = static_cast<std::size_t>(got);
  if (::send(to, buffer, size, MSG_NOSIGNAL) != got) return false;
  relayed_ += size;
  return break_ == Break::kNever || relayed_ < break_after_;
}

void FakeProxy::Relay(int client) {
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(target_port_);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  bool open = server >= 0 && ::connect(server, generic, sizeof(address)) == 0;
  relayed_ = 0;
  if (break_ != Break::kNever) open = open && break_after_ > 0;
  while (open) {
    pollfd both[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    if (::poll(both, 2, -1) < 0) break;
    if (both[0].revents != 0) open = Forward(client, server);
    if (open && both[1].revents != 0) open = Forward(server, client);
  }
  if (break_ == Break::kReset && relayed_ >= break_after_) {
    ResetOnClose(client);
    ResetOnClose(server);
  }
  ::close(server);
}

}  // namespace weir::http
