#pragma once

// A conversation with a model: what was said, whom it is said to, and one turn after the other.

#include <optional>
#include <string>

#include "weir/cli/ask.h"
#include "weir/cli/chat_session.h"
#include "weir/cli/listeners.h"
#include "weir/cli/live_engine.h"

namespace weir::cli {

struct TalkOptions {
  CommonFlags flags;  // engine, timeout, extra, verbose, and sampling that no session keeps
  std::string
      provider;        // vllm, openai, ollama or sim: with its usual address; empty: by the engine
  bool plain = false;  // answers are not rendered on a terminal
  bool show_cost = true;  // a line behind each answer
};

class Talk {
 public:
  // `session` and `loop` must outlive it.
  Talk(Session& session, async::Loop& loop, TalkOptions options, ChatSession chat);

  // What is said from now on goes to this engine. On failure all stays as it was.
  Result<void> UseEngine(const std::string& name);
  // Takes a saved conversation's place, its engine included.
  Result<void> Resume(ChatSession chat);

  // Says what a person typed and prints the answer. A turn that fails leaves no trace in `chat`;
  // one that is stopped leaves the part that came, if there is any. Fails when there is no answer.
  Result<void> Say(model::Message question);
  // Asks the last question again, in the place of its answer, or of the failure.
  Result<void> Retry();
  // Has all that was said summed up, and goes on from that. Returns a sentence about it.
  Result<std::string> Compact();

  // The tool call that the next line is the result of.
  const model::ToolCall* OpenCall() const;

  // Within `limit`; unset: the engine's clock `total`.
  Result<model::EngineInfo> Describe(std::optional<Duration> limit = {});
  std::string Names() const;  // engines of the configuration
  const config::EngineConfig& engine_config() const { return chosen_.engine; }
  std::string engine_name() const { return chosen_.engine.name; }
  // What calls go to: the session's model, or the engine's.
  std::string model_name() const;
  std::vector<TraceSink*> sinks() const { return listeners_->sinks(); }  // once there is an engine
  // Stops the server that was started, and sends what collectors wait for.
  void Finish();

  ChatSession chat;

 private:
  CallRun NewRun() const;
  Result<ChosenEngine> Choose(const std::string& name) const;
  Outcome AskModel(const CallRun& run, ReplyPrinter& printer);
  void ForgetSignals();
  Result<void> AskForAnswer();
  Result<void> Record(const CallRun& run, const Outcome& outcome);
  void TellCost(const model::Reply& reply) const;

  Session& session_;
  async::Loop& loop_;
  TalkOptions options_;
  ChosenEngine chosen_;
  std::optional<LiveEngine> live_;
  std::optional<Listeners> listeners_;
  std::optional<ChatMessage> unanswered_;  // a question whose turn failed
};

}  // namespace weir::cli
