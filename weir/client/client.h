#pragma once

// The public face: an engine opened, a call made, a reply in hand. No coroutines and no Asio in
// sight.

#include <functional>
#include <memory>
#include <string>

#include "weir/base/env.h"
#include "weir/base/result.h"
#include "weir/model/call.h"
#include "weir/model/reply.h"

namespace weir {

struct ClientOptions {
  std::string engine;  // an engine of the configuration, "sim", or an address; empty: the default
  std::string config;  // path of a weir.yaml; empty: the usual places
  Env env;             // the variables that may be read; empty: none
};

// Owns its engine and its loop. One thread at a time; make one client per thread for more.
class Client {
 public:
  static Result<Client> Open(ClientOptions options);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // Asks and waits for the whole reply.
  Result<model::Reply> Call(const model::Call& call);

  // Asks, hands each piece to `on_delta` as it comes, and returns the whole reply at the end. When
  // `on_delta` returns false the call is cancelled.
  Result<model::Reply> Stream(const model::Call& call,
                              const std::function<bool(const model::Delta&)>& on_delta);

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace weir
