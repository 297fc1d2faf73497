#pragma once

// Transport: how messages reach a server and come back. It knows JSON-RPC's ids, and nothing of
// what the messages mean.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/agent/mcp/message.h"
#include "weir/async/context.h"
#include "weir/async/task.h"

namespace weir::agent::mcp {

// Gets what a server says without having been asked.
class Listener {
 public:
  virtual ~Listener() = default;

  // A request or a notification; to a request, the answer that is to be sent.
  virtual std::optional<std::string> Receive(const Message& message) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Sends the request that has this number, and waits for its answer: a result or an error of the
  // server. Fails with kConnectionError when it will not come, kProtocolError, kHttpStatus, and
  // with the error of the context.
  virtual async::Task<Result<Message>> Ask(async::Context ctx, std::int64_t id,
                                           std::string text) = 0;
  // Sends what has no answer.
  virtual async::Task<Result<void>> Tell(async::Context ctx, std::string text) = 0;

  // The revision of the protocol that both speak.
  virtual void Agree(std::string_view version) = 0;

  // Whether a new one is needed.
  virtual bool ended() const = 0;
  // ... because the server has forgotten the session: what it refused for that, it has not begun.
  virtual bool forgotten() const = 0;

  // What the server has complained about to nobody in particular, for messages: "; the end of its
  // standard error: ...". Holds no secrets of the definition.
  virtual std::string Complaints() = 0;

  // Ends it; a process gets twice `patience` to end by itself.
  virtual async::Task<void> Close(async::Context ctx, Duration patience) = 0;
};

}  // namespace weir::agent::mcp
