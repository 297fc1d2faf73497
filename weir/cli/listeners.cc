#include "weir/cli/listeners.h"

#include <filesystem>

#include "weir/base/text.h"
#include "weir/events/truncate.h"
#include "weir/json/reader.h"
#include "weir/store/files.h"

namespace weir::cli {

namespace {

// Where it cannot be made, opening the file says why.
void MakeFolderOf(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code ignored;
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
}

// Hands everything on but the payloads that the configuration does not want: `payloads: false`
// takes them out of debug events and raw ones; `max_payload_chars` cuts each text of the former.
class PayloadFilter final : public TraceSink {
 public:
  PayloadFilter(TraceSink& next, const config::EventsConfig& config)
      : TraceSink(next.wants_spans()),
        next_(next),
        payloads_(config.payloads),
        max_chars_(static_cast<std::size_t>(config.max_payload_chars)) {}

  void OnEvent(std::string_view name, std::span<const TraceField> fields) override {
    if (!name.ends_with(":debug") && (payloads_ || !name.ends_with(":raw"))) {
      return next_.OnEvent(name, fields);
    }
    std::string cut;
    std::vector<TraceField> kept;
    kept.reserve(fields.size());
    for (const TraceField& field : fields) {
      if (field.key != "request" && field.key != "response" && field.key != "body") {
        kept.push_back(field);
      } else if (payloads_) {
        kept.push_back(Cut(field, cut));
      }
    }
    next_.OnEvent(name, kept);
  }
  void OnSpanStart(const SpanRecord& span) override { next_.OnSpanStart(span); }
  void OnSpanEnd(const SpanRecord& span) override { next_.OnSpanEnd(span); }

 private:
  // The field, whose value may lie in `cut`.
  TraceField Cut(const TraceField& field, std::string& cut) const {
    const auto* document = std::get_if<JsonText>(&field.value);
    if (document == nullptr || document->text.size() <= max_chars_) return field;
    const Result<json::Value> value = json::Read(document->text);
    if (!value) return field;
    json::Writer out(cut);
    events::WriteTruncated(out, *value, max_chars_);
    return {field.key, JsonText{cut}};
  }

  TraceSink& next_;
  const bool payloads_;
  const std::size_t max_chars_;
};

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
    listeners.to_file_ = std::make_unique<PayloadFilter>(*listeners.file_, config);
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
  if (to_file_ != nullptr) sinks.push_back(to_file_.get());
  if (collector_ != nullptr) sinks.push_back(&collector_->sink());
  if (figures_ != nullptr) sinks.push_back(figures_.get());
  return sinks;
}

void Listeners::Finish(const Terminal& terminal) {
  if (file_ != nullptr && file_->lost() > 0) {
    terminal.Warn(StrCat("events are missing in their file: ", file_->lost(),
                         " came faster than they could be written"));
  }
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
