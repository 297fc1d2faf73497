#pragma once

// What changes around a conversation while a person types: the configuration, and whether the
// engine is there. Nothing runs meanwhile; both are looked at when the next line has come.

#include "weir/async/signals.h"
#include "weir/cli/talk.h"
#include "weir/config/reload.h"

namespace weir::cli {

class ChatWatch {
 public:
  // All of them outlive it. Without a configuration file there is none to follow.
  ChatWatch(Session& session, async::Loop& loop, Talk& talk);

  // Before a turn: takes over a configuration that has changed, or that a SIGHUP asks to be read
  // again, and asks the engine for its health when `health.interval` has passed since it was heard
  // of. Says what is new, once; the turn goes on in any case.
  void Look();
  // After a turn: the engine was just heard of.
  void Rest() { heard_ = loop_.Now(); }

 private:
  void FollowConfig();
  void CheckHealth();
  void TellHealth(const Result<void>& healthy);

  Session& session_;
  async::Loop& loop_;
  Talk& talk_;
  std::optional<config::ConfigWatcher> config_;
  bool hung_up_ = false;  // a SIGHUP came
  const async::SignalWatch hangup_;
  TimePoint heard_;
  std::string away_;  // the engine that was not there; empty: none
};

}  // namespace weir::cli
