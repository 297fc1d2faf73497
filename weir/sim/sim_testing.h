#pragma once

// A simulator that listens: for tests that need a model server on the other side of a socket.

#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "weir/async/context.h"
#include "weir/http/server.h"
#include "weir/sim/sim.h"

namespace weir::sim {

// A whole HTTP answer, chunks joined. `cut` when the connection ended before the answer did.
struct HttpAnswer {
  int status = 0;
  std::string head;
  std::string body;
  bool cut = false;
};

// Serves on a loopback port from its construction to its destruction, on a thread of its own.
class SimServer {
 public:
  explicit SimServer(SimOptions options);
  ~SimServer();
  SimServer(const SimServer&) = delete;
  SimServer& operator=(const SimServer&) = delete;

  const std::string& url() const { return listener_->url(); }
  SimCore& core() { return *core_; }

  // One request on a connection of its own, on the calling thread.
  HttpAnswer Send(std::string_view method, std::string_view path, std::string_view body = {},
                  std::string_view headers = "content-type: application/json\r\n");
  HttpAnswer Post(std::string_view path, std::string_view body) { return Send("POST", path, body); }
  HttpAnswer Get(std::string_view path) { return Send("GET", path); }

  // A connection on which nothing was said yet; the caller closes it.
  int Connect() const;

 private:
  std::shared_ptr<SimCore> core_;
  std::unique_ptr<http::Handler> handler_;
  std::unique_ptr<http::Listener> listener_;
  async::Loop loop_;
  async::Cancellation stop_;
  std::thread thread_;
};

}  // namespace weir::sim
