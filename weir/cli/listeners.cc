#include "weir/cli/listeners.h"

#include <filesystem>

#include "weir/base/text.h"
#include "weir/store/files.h"

namespace weir::cli {

namespace {

// Where it cannot be made, opening the file says why.
void MakeFolderOf(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code ignored;
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
}

}  // namespace

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
    MakeFolderOf(options.path);
    WEIR_TRY(listeners.file_, events::OpenJsonl(loop, std::move(options)));
  }
  if (!config.otlp.empty()) {
    WEIR_TRY(listeners.collector_, client::Collector::Open(loop, config, session.env));
  }
  if (!config.metrics_file.empty()) {
    WEIR_CHECK(CheckNoFolder(config.metrics_file));
    MakeFolderOf(config.metrics_file);
    listeners.metrics_file_ = config.metrics_file;
    listeners.metrics_ = std::make_unique<events::MetricsRegistry>();
    listeners.figures_ = std::make_unique<events::CallFigures>(*listeners.metrics_);
  }
  return listeners;
}

std::vector<TraceSink*> Listeners::sinks() const {
  std::vector<TraceSink*> sinks;
  if (file_ != nullptr) sinks.push_back(file_.get());
  if (collector_ != nullptr) sinks.push_back(&collector_->sink());
  if (figures_ != nullptr) sinks.push_back(figures_.get());
  return sinks;
}

void Listeners::Finish(const Terminal& terminal) {
  if (metrics_ != nullptr) {
    std::string page;
    metrics_->AppendText(page);
    const Result<void> written = store::ReplaceFile(metrics_file_, page, {.durable = false});
    if (!written) terminal.Warn(written.error().message);
  }
  if (collector_ == nullptr) return;
  const Result<void> sent = collector_->Export();
  if (!sent) terminal.Warn(StrCat("no telemetry was sent: ", sent.error().message));
}

}  // namespace weir::cli
