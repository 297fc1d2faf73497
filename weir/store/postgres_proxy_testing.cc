#include "weir/store/postgres_proxy_testing.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "weir/base/text.h"

namespace weir::store {
namespace {

namespace fs = std::filesystem;

constexpr char kSocket[] = "/.s.PGSQL.5432";

sockaddr_un Address(const std::string& folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder + kSocket;
  std::memcpy(address.sun_path, path.c_str(), std::min(path.size() + 1, sizeof(address.sun_path)));
  return address;
}

std::string NewFolder() {
  std::string folder = (fs::temp_directory_path() / "weir-px-XXXXXX").string();
  return ::mkdtemp(folder.data()) == nullptr ? "" : folder;
}

// One connection: what comes in here goes out there.
struct Pair {
  int client = -1;
  int server = -1;
};

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// What there is to read; nothing at the end.
std::string ReadSome(int fd) {
  char bytes[65536];
  const ssize_t got = ::recv(fd, bytes, sizeof(bytes), 0);
  return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : "";
}

}  // namespace

TestPostgresProxy::TestPostgresProxy(std::string folder)
    : server_(std::move(folder)), folder_(NewFolder()) {
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  const sockaddr_un address = Address(folder_);
  (void)::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  (void)::listen(listener_, 64);
  thread_ = std::thread([this] { Run(); });
}

TestPostgresProxy::~TestPostgresProxy() {
  (void)::eventfd_write(stop_, 1);
  thread_.join();
  ::close(listener_);
  ::close(stop_);
  std::error_code error;
  fs::remove_all(folder_, error);
}

std::string TestPostgresProxy::Through(const std::string& url) const {
  std::string through = url;
  return through.replace(through.find(server_), server_.size(), folder_);
}

void TestPostgresProxy::Run() {
  std::vector<Pair> pairs;
  for (;;) {
    std::vector<pollfd> waiting = {{.fd = stop_, .events = POLLIN, .revents = 0},
                                   {.fd = listener_, .events = POLLIN, .revents = 0}};
    for (const Pair& pair : pairs) {
      waiting.push_back({.fd = pair.client, .events = POLLIN, .revents = 0});
      waiting.push_back({.fd = pair.server, .events = POLLIN, .revents = 0});
    }
    if (::poll(waiting.data(), waiting.size(), -1) <= 0) continue;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      Pair& pair = pairs[i];
      bool open = true;
      if (waiting[2 + 2 * i].revents != 0) {
        const std::string bytes = ReadSome(pair.client);
        open = !bytes.empty() && SendAll(pair.server, bytes);
      }
      if (open && waiting[3 + 2 * i].revents != 0) {
        const std::string bytes = ReadSome(pair.server);
        constexpr std::string_view kCommitted("COMMIT\0", 7);
        const bool loses = bytes.find(kCommitted) != std::string::npos && lose_.exchange(false);
        if (loses) ++lost_;
        open = !loses && !bytes.empty() && SendAll(pair.client, bytes);
      }
      if (open) continue;
      ::close(pair.client);
      ::close(pair.server);
      pair = {};
    }
    if (waiting[1].revents != 0) {
      Pair pair{::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC),
                ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
      const sockaddr_un address = Address(server_);
      const auto* to = reinterpret_cast<const sockaddr*>(&address);
      if (::connect(pair.server, to, sizeof(address)) == 0) {
        pairs.push_back(pair);
      } else {
        ::close(pair.client);
        ::close(pair.server);
      }
    }
    std::erase_if(pairs, [](const Pair& pair) { return pair.client < 0; });
    if (waiting[0].revents == 0) continue;
    for (const Pair& pair : pairs) {
      ::close(pair.client);
      ::close(pair.server);
    }
    return;
  }
}

}  // namespace weir::store
