#pragma once

// The public face: a client opened, a question asked, an answer in hand. No coroutines and no Asio
// in sight. docs/library.md is the tour.

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/client/agent.h"
#include "weir/client/options.h"
#include "weir/client/prompt.h"
#include "weir/client/session.h"
#include "weir/client/stream.h"
#include "weir/client/tool.h"
#include "weir/model/call.h"
#include "weir/model/reply.h"

namespace weir {

// What Extract<T>() found, and the reply that it was found in.
template <class T>
struct Extracted {
  T value;
  model::Reply reply;
};

// Owns its engines, their connections and the threads that serve them. Every function may be called
// from many threads at once; those that return a Result wait for it.
//
// Destroying a client ends what still runs with kCancelled. Its sessions and streams may outlive
// it, and then say the same.
class Client {
 public:
  // Reads the configuration; nothing is sent.
  static Result<Client> Open(ClientOptions options);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // The text of the answer.
  Result<std::string> Ask(Prompt prompt, const CallOptions& options = {});

  // The whole reply, with usage, tool calls, tokens, attempts.
  Result<model::Reply> Call(Prompt prompt, const CallOptions& options = {});

  // The answer as it comes. Returns once the server has accepted the question.
  Result<weir::Stream> Stream(Prompt prompt, const CallOptions& options = {});

  // Has the server read what many questions begin with, the system message and the tools, before
  // the first of them: one request, of one token of answer. Says what it cost. Fails with
  // kInvalidRequest when there is neither of them, and as Call() does.
  Result<model::Usage> WarmUp(Prompt prompt, const ToolBox& tools = {},
                              const CallOptions& options = {});

  // A conversation; see session.h.
  Session OpenSession(SessionOptions options = {});

  // One of `labels`, which must be different from each other.
  Result<std::string> Classify(Prompt prompt, const std::vector<std::string>& labels,
                               const CallOptions& options = {});
  // One of the enumerators of a described enum. Defined in weir/client/typed.h, as are the next.
  template <class Enum>
  Result<Enum> Classify(Prompt prompt, const CallOptions& options = {});

  // A T that was filled from the answer: the server is told the schema of T, and the answer is
  // checked and mended all the same.
  template <class T>
  Result<T> Extract(Prompt prompt, const CallOptions& options = {});
  template <class T>
  Result<Extracted<T>> ExtractWithReply(Prompt prompt, const CallOptions& options = {});

  // Asks, runs the tools that the model calls (on the calling thread), tells it what they said, and
  // asks again, until there is an answer without calls. A call that is wrong, or a tool that fails,
  // is told to the model and is no error here. Fails with kBudgetExceeded when a limit of `options`
  // is reached first.
  Result<ToolRun> Run(Prompt prompt, const ToolBox& tools, const RunOptions& options = {});

  // Lets an agent work on a task with its tools until it hands in a result that obeys its schema.
  // What goes wrong with a tool is told to the model. Fails with kNoSubmit, kTurnLimit,
  // kBudgetExceeded, kTimeout (Agent::timeout), kConfigError (a tool that there is not), or as
  // Call() does. docs/agents.md says what comes of every kind of answer.
  Result<WorkDone> Work(const Agent& agent, Prompt task, const WorkOptions& options = {});

  // The same as those above, without waiting. The futures do not wait in their destructors.
  std::future<Result<std::string>> AskAsync(Prompt prompt, const CallOptions& options = {});
  std::future<Result<model::Reply>> CallAsync(Prompt prompt, const CallOptions& options = {});
  template <class T>
  std::future<Result<T>> ExtractAsync(Prompt prompt, const CallOptions& options = {});

 private:
  explicit Client(std::shared_ptr<client::Core> core);

  std::shared_ptr<client::Core> core_;  // shared with sessions and streams, which may outlive it
};

}  // namespace weir
