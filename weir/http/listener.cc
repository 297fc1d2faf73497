#include "weir/http/listener.h"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "weir/base/text.h"

namespace weir::http {
namespace {

constexpr std::uint64_t kMaxPort = 65535;

std::unexpected<Error> ListenFailure(const std::string& address, std::string_view advice) {
  return Fail(Code::kIoError, StrCat("cannot listen on ", address, advice), std::strerror(errno));
}

Result<void> BindUnix(BoundListener& listener, const std::string& path, int backlog) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return Fail(Code::kConfigError, StrCat("the socket path '", path, "' is empty or too long"));
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);

  // A file that still answers belongs to a living server; one that refuses is a leftover.
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const bool refused = ::connect(probe, generic, sizeof(address)) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  struct stat status{};
  if (refused && ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
    ::unlink(path.c_str());
  }
  listener.descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  listener.is_unix = true;
  if (::bind(listener.descriptor, generic, sizeof(address)) != 0) {
    return ListenFailure(path, errno == EADDRINUSE ? ": another server uses this socket" : "");
  }
  listener.unix_path = path;
  listener.address = StrCat("unix:", path);
  if (::listen(listener.descriptor, backlog) != 0) return ListenFailure(path, "");
  return {};
}

Result<void> BindTcp(BoundListener& listener, const ListenOptions& options) {
  const std::string_view text = options.address;
  const std::size_t colon = text.rfind(':');
  const std::string port(colon == text.npos ? "" : text.substr(colon + 1));
  const std::optional<std::uint64_t> number = ParseUint(port);
  if (!number || *number > kMaxPort) {
    return Fail(Code::kConfigError,
                StrCat("cannot listen on '", text, "'; write HOST:PORT, :PORT or unix:PATH"));
  }
  std::string host(text.substr(0, colon));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) host = "127.0.0.1";
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return Fail(Code::kConfigError, StrCat("cannot listen on '", text, "': no such host"),
                ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  listener.descriptor = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener.descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(listener.descriptor, found->ai_addr, found->ai_addrlen) != 0) {
    return ListenFailure(options.address, errno == EADDRINUSE
                                              ? ": the port is taken; choose another or port 0"
                                              : "");
  }
  if (::listen(listener.descriptor, options.backlog) != 0) {
    return ListenFailure(options.address, "");
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  ::getsockname(listener.descriptor, reinterpret_cast<sockaddr*>(&bound), &size);
  const bool v6 = bound.ss_family == AF_INET6;
  const std::uint16_t real_port =
      ntohs(v6 ? reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_port
               : reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);
  const bool bracket = host.find(':') != host.npos;
  listener.address = StrCat(listener.tls != nullptr ? "https://" : "http://", bracket ? "[" : "",
                            host, bracket ? "]" : "", ":", real_port);
  return {};
}

}  // namespace

BoundListener::~BoundListener() {
  if (descriptor >= 0) ::close(descriptor);
  if (!unix_path.empty()) ::unlink(unix_path.c_str());
}

Result<std::unique_ptr<Listener>> Listen(const ListenOptions& options) {
  auto listener = std::make_unique<BoundListener>();
  if (!options.tls.cert_file.empty()) {
    WEIR_TRY(listener->tls, NewTlsServer(options.tls));
  }
  if (options.address.starts_with("unix:")) {
    if (listener->tls != nullptr) {
      return Fail(Code::kConfigError, "TLS on a Unix socket is not supported; use HOST:PORT");
    }
    WEIR_CHECK(BindUnix(*listener, options.address.substr(5), options.backlog));
  } else {
    WEIR_CHECK(BindTcp(*listener, options));
  }
  return std::unique_ptr<Listener>(std::move(listener));
}

}  // namespace weir::http
