#include "weir/cli/listeners.h"

#include "weir/base/text.h"

namespace weir::cli {

Result<Listeners> Listeners::Open(async::Loop& loop, const config::EventsConfig& config,
                                  const std::string& file, Session& session) {
  Listeners listeners;
  events::JsonlOptions options{
      .path = file.empty() ? config.file : file,
      .max_bytes = config.max_bytes,
      .keep = config.keep,
      .control_file = config.control_file,
      .spans = !file.empty(),
      .hold = std::chrono::milliseconds(5),
      .on_failure = [&session](const Error& error) { session.terminal.Warn(error.message); }};
  if (!options.path.empty() && session.env.Get("WEIR_EVENTS") != "off") {
    WEIR_CHECK(CheckNoFolder(options.path));
    WEIR_TRY(listeners.file_, events::OpenJsonl(loop, std::move(options)));
  }
  if (!config.otlp.empty()) {
    WEIR_TRY(listeners.collector_, client::Collector::Open(loop, config, session.env));
  }
  return listeners;
}

std::vector<TraceSink*> Listeners::sinks() const {
  std::vector<TraceSink*> sinks;
  if (file_ != nullptr) sinks.push_back(file_.get());
  if (collector_ != nullptr) sinks.push_back(&collector_->sink());
  return sinks;
}

void Listeners::Finish(const Terminal& terminal) {
  if (collector_ == nullptr) return;
  const Result<void> sent = collector_->Export();
  if (!sent) terminal.Warn(StrCat("no telemetry was sent: ", sent.error().message));
}

}  // namespace weir::cli
