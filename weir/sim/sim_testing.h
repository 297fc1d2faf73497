#pragma once

// Simulators for tests: one that listens on a socket, one in process on a virtual clock.

#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "weir/async/context.h"
#include "weir/http/server.h"
#include "weir/sim/core.h"
#include "weir/sim/sim.h"

namespace weir::sim {

inline constexpr std::string_view kChatPath = "/v1/chat/completions";

// A simulator that takes no time and answers by this script, with an adapter "sql" and a window of
// 2048 tokens.
SimOptions InstantSim(std::string_view script = "");

// A chat of one message.
model::Call Ask(std::string_view question);

// Where two replies say something different, in words; empty when they say the same. Ids and times
// do not count.
std::string FirstDifference(const model::Reply& a, const model::Reply& b);

// A whole HTTP answer, chunks joined. `cut` when the connection ended before the answer did.
struct HttpAnswer {
  int status = 0;
  std::string wire;  // every byte that came
  std::string head;  // in lower case
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

// The in-process door on a loop whose time is virtual.
class SimInside {
 public:
  explicit SimInside(SimOptions options = InstantSim());

  Result<model::Reply> Whole(const model::Call& call);
  Result<model::Reply> Streamed(const model::Call& call);
  // The text of the first choice, or what went wrong.
  std::string Text(const model::Call& call);

  async::Loop loop{async::Loop::Time::kVirtual};
  async::Context ctx{loop};
  std::shared_ptr<SimCore> core;
  std::unique_ptr<model::Engine> engine;
};

}  // namespace weir::sim
