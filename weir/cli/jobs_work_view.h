#pragma once

// What a person sees of a worker: a live line of figures on a terminal, and a sentence for each
// thing that is out of the ordinary.

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "weir/async/context.h"
#include "weir/async/task.h"
#include "weir/base/trace.h"
#include "weir/cli/progress_view.h"
#include "weir/cli/terminal.h"
#include "weir/jobs/worker.h"

namespace weir::cli {

// The sentence of an event "jobs.*", "provider.switch", "config.refresh"; empty: none. `store` is
// StoreChoice::flag, for commands to be copied.
std::string WorkNoteOf(std::string_view name, std::span<const TraceField> fields,
                       std::string_view store = {});

class WorkView final : public TraceSink {
 public:
  // All of them outlive it, and everything is called on the worker's loop.
  WorkView(const Terminal& terminal, const Env& env, const Clock& clock, const jobs::Worker& worker,
           bool quiet);

  void TellStart(const std::string& name, const std::string& store, const std::string& journal,
                 const std::string& metrics);
  // StoreChoice::flag, for commands to be copied.
  void NameStore(std::string flag) { store_ = std::move(flag); }
  // Said once, behind the reason of the first pause.
  void ExplainPause(std::string hint) { pause_hint_ = std::move(hint); }
  void TellDrain(Duration most);
  // After a SIGHUP.
  void TellReading();
  void TellEnd();

  // Shows how far it is until it is cancelled.
  async::Task<void> Show(async::Context ctx);

  void OnEvent(std::string_view name, std::span<const TraceField> fields) override;
  void OnSpanStart(const SpanRecord& /*span*/) override {}
  void OnSpanEnd(const SpanRecord& /*span*/) override {}

 private:
  void Note(const std::string& text, bool warns);
  std::string Line();

  const Terminal& terminal_;
  const jobs::Worker& worker_;
  const Clock& clock_;
  const bool quiet_;
  ProgressView progress_;
  std::map<std::string, std::uint64_t> failures_;  // by the name of the error
  std::string pause_hint_;
  std::string store_;
  TimePoint looked_at_{};
  std::uint64_t ended_then_ = 0;
  double per_second_ = 0;
};

}  // namespace weir::cli
