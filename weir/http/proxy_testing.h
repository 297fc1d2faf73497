#pragma once

// A proxy of tests, over loopback sockets: CONNECT and SOCKS5, with or without a password.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace weir::http {

// Serves one connection after the other on a thread of its own. Whatever host it is asked for, it
// connects to one port on loopback: names that exist nowhere can be tested through it.
class FakeProxy {
 public:
  // With a user, whoever does not give it and the password is refused.
  explicit FakeProxy(std::string user = {}, std::string password = {});
  // The connections of its clients must have ended.
  ~FakeProxy();
  FakeProxy(const FakeProxy&) = delete;
  FakeProxy& operator=(const FakeProxy&) = delete;

  void LeadTo(std::uint16_t port) { target_port_ = port; }

  enum class Break : std::uint8_t { kNever, kClose, kReset };
  // Breaks tunnels off from the next one on, when so many bytes went through one of them, counted
  // in both directions; one that ends meanwhile may be reset, too.
  void BreakAfter(std::size_t bytes, Break how) {
    break_after_ = bytes;
    break_ = how;
  }
  std::size_t relayed() const { return relayed_; }  // through the last tunnel

  std::string address() const;                 // "127.0.0.1:PORT"
  std::vector<std::string> requested() const;  // "host:port" of each tunnel that was opened

 private:
  void Run();
  bool OpenHttp(int client);
  bool OpenSocks(int client);
  bool CheckSocksUser(int client);
  void Relay(int client);
  bool Forward(int from, int to);

  const std::string user_;
  const std::string password_;
  std::atomic<std::uint16_t> target_port_ = 0;
  std::atomic<std::size_t> break_after_ = 0;
  std::atomic<Break> break_ = Break::kNever;
  std::atomic<std::size_t> relayed_ = 0;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  mutable std::mutex mutex_;  // guards requested_
  std::vector<std::string> requested_;
  std::jthread thread_;
};

}  // namespace weir::http
