#include "weir/client/session.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "weir/agent/conversation.h"
#include "weir/client/answer_text.h"
#include "weir/client/core.h"
#include "weir/client/feed.h"
#include "weir/client/tool_loop.h"

namespace weir {

struct Session::State {
  std::shared_ptr<client::Core> core;
  SessionOptions options;
  model::Usage usage;
  bool closed = false;

  Result<void> Open() const {
    if (!closed) return {};
    return Fail(Code::kInvalidRequest,
                "the session is closed; open another one with Client::OpenSession()");
  }

  // The prompt, behind what was said before.
  Prompt Continue(Prompt prompt) const {
    std::vector<model::Message>& messages = prompt.call.messages;
    messages.insert(messages.begin(), options.messages.begin(), options.messages.end());
    return prompt;
  }

  // Appends, because the conversation may have grown while the answer came.
  void Remember(std::vector<model::Message> said, const model::Usage& used) {
    std::ranges::move(said, std::back_inserter(options.messages));
    model::AddUsage(usage, used);
  }

  const CallOptions& Choose(const std::optional<CallOptions>& call) const {
    return call ? *call : options.run.call;
  }
};

Session::Session(std::shared_ptr<client::Core> core, SessionOptions options)
    : state_(std::make_shared<State>(std::move(core), std::move(options))) {}

Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<std::string> Session::Ask(Prompt prompt, const std::optional<CallOptions>& options) {
  return client::TextOf(Say(std::move(prompt), options, client::CheckText));
}

Result<model::Reply> Session::Execute(Prompt prompt, const std::optional<CallOptions>& options) {
  return Say(std::move(prompt), options, [](const model::Reply&) { return Result<void>(); });
}

Result<model::Reply> Session::Say(Prompt prompt, const std::optional<CallOptions>& options,
                                  const std::function<Result<void>(const model::Reply&)>& check) {
  WEIR_CHECK(state_->Open());
  if (!state_->options.tools.empty()) {
    const auto known = static_cast<std::ptrdiff_t>(state_->options.messages.size());
    RunOptions run = state_->options.run;
    run.call = state_->Choose(options);
    WEIR_TRY(ToolRun done, client::RunTools(*state_->core, state_->Continue(std::move(prompt)),
                                            state_->options.tools, run));
    done.messages.erase(done.messages.begin(), done.messages.begin() + known);
    WEIR_CHECK(check(done.reply));
    state_->Remember(std::move(done.messages), done.usage);
    return std::move(done.reply);
  }
  std::vector<model::Message> said = prompt.call.messages;
  WEIR_TRY(model::Reply reply, state_->core->Wait(state_->Continue(std::move(prompt)),
                                                  state_->Choose(options), client::CallWhole));
  WEIR_CHECK(check(reply));
  said.push_back(agent::MessageOf(reply));
  state_->Remember(std::move(said), reply.usage);
  return reply;
}

Result<Stream> Session::Stream(Prompt prompt, const std::optional<CallOptions>& options) {
  WEIR_CHECK(state_->Open());
  if (!state_->options.tools.empty()) {
    return Fail(Code::kInvalidRequest,
                "a session with tools cannot stream: between two answers it runs them; use Ask()");
  }
  std::vector<model::Message> said = prompt.call.messages;
  WEIR_TRY(std::shared_ptr<client::Feed> feed,
           client::OpenFeed(*state_->core, state_->Continue(std::move(prompt)),
                            state_->Choose(options)));
  weir::Stream stream(state_->core, std::move(feed));
  stream.on_reply_ = [state = state_, said = std::move(said)](const model::Reply& reply) mutable {
    said.push_back(agent::MessageOf(reply));
    state->Remember(std::move(said), reply.usage);
  };
  return stream;
}

const std::vector<model::Message>& Session::messages() const { return state_->options.messages; }
const model::Usage& Session::usage() const { return state_->usage; }
void Session::Close() { state_->closed = true; }
bool Session::closed() const { return state_->closed; }

}  // namespace weir
