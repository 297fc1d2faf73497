#pragma once

// A conversation that is opened, carried on and closed.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/client/options.h"
#include "weir/client/prompt.h"
#include "weir/client/stream.h"
#include "weir/client/tool.h"
#include "weir/model/message.h"
#include "weir/model/reply.h"

namespace weir {

struct SessionOptions {
  std::vector<model::Message> messages = {};  // to go on from; empty: a new conversation
  RunOptions run = {};                        // `run.call` is of every call, unless one has its own
  ToolBox tools = {};                         // that the model may call; see Client::Run()
};

// Remembers what was said. A question whose call fails is forgotten, so that it can be asked again.
// Not thread-safe: one thread at a time. After Close() everything fails with kInvalidRequest.
class Session {
 public:
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  // The text of the answer. Options that are given stand instead of the session's.
  Result<std::string> Ask(Prompt prompt, const std::optional<CallOptions>& options = {});

  // The whole reply. The messages of the prompt are appended to the conversation; what else a call
  // holds is of this call only.
  Result<model::Reply> Execute(Prompt prompt, const std::optional<CallOptions>& options = {});

  // The answer as it comes. Once it was read to its end, question and answer are appended to the
  // conversation, behind what was asked and answered meanwhile. Without tools only.
  Result<weir::Stream> Stream(Prompt prompt, const std::optional<CallOptions>& options = {});

  // The conversation so far; a system message of the options is not part of it.
  const std::vector<model::Message>& messages() const;
  // Of all calls that succeeded.
  const model::Usage& usage() const;

  // Ends the conversation. What was said can still be read.
  void Close();
  bool closed() const;

 private:
  // An answer that `check` finds wanting is not remembered, nor is the question.
  Result<model::Reply> Say(Prompt prompt, const std::optional<CallOptions>& options,
                           const std::function<Result<void>(const model::Reply&)>& check);

  friend class Client;
  struct State;
  Session(std::shared_ptr<client::Core> core, SessionOptions options);

  std::shared_ptr<State> state_;  // streams that are read to their end add to it
};

}  // namespace weir
