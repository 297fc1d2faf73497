#include "weir/events/otlp.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "weir/base/redact.h"
#include "weir/base/text.h"

namespace weir::events {
namespace {

// The bounds that the conventions advise.
constexpr double kAdvisedSeconds[] = {0.01, 0.02, 0.04, 0.08,  0.16,  0.32,  0.64,
                                      1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92};
constexpr double kAdvisedTokens[] = {1,     4,     16,     64,      256,     1024,     4096,
                                     16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864};

// The spans that are made here have ids that no span of the work has: those are counted from 1.
constexpr std::uint64_t kOwnIds = std::uint64_t{1} << 63;

std::string_view OperationOf(std::string_view api) {
  return api == "completions" ? "text_completion" : "chat";
}

}  // namespace

// What an "llm:response" says.
struct OtlpSink::Response {
  explicit Response(std::span<const TraceField> fields) {
    for (const TraceField& field : fields) {
      if (const auto* text = std::get_if<std::string_view>(&field.value)) texts[field.key] = *text;
      if (const auto* whole = std::get_if<std::int64_t>(&field.value)) numbers[field.key] = *whole;
      if (const auto* number = std::get_if<double>(&field.value);
          number && field.key == "duration_ms") {
        millis = *number;
      }
    }
  }

  std::string Text(std::string_view key) const {
    const auto found = texts.find(key);
    return found == texts.end() ? std::string() : Redact(found->second);
  }
  std::optional<std::int64_t> Number(std::string_view key) const {
    const auto found = numbers.find(key);
    return found == numbers.end() ? std::nullopt : std::optional(found->second);
  }

  std::map<std::string_view, std::string_view> texts;
  std::map<std::string_view, std::int64_t> numbers;
  double millis = 0;
};

OtlpSink::OtlpSink(const Clock& clock, OtlpOptions options)
    : clock_(clock), options_(std::move(options)), started_(clock.WallNanos()) {}

std::int64_t OtlpSink::WallOf(TimePoint time) const {
  return clock_.WallNanos() - (clock_.Now() - time).count();
}

std::uint64_t OtlpSink::dropped() const {
  const std::scoped_lock lock(mutex_);
  return dropped_;
}

void OtlpSink::OnSpanStart(const SpanRecord& span) {
  const std::scoped_lock lock(mutex_);
  if (traces_.size() >= options_.max_open) return;
  const auto parent = traces_.find(span.parent);
  traces_[span.id] = parent == traces_.end() ? span.id : parent->second;
}

void OtlpSink::OnSpanEnd(const SpanRecord& span) {
  OtlpSpan made{.id = span.id,
                .parent = span.parent,
                .name = std::string(span.name),
                .start_nanos = WallOf(span.start),
                .end_nanos = WallOf(span.end)};
  if (!span.detail.empty()) made.attributes.push_back({"weir.detail", Redact(span.detail)});
  if (span.error != nullptr) {
    made.attributes.push_back({"error.type", Name(*span.error)});
    made.error = Redact(span.error->message);
  }
  const std::scoped_lock lock(mutex_);
  const auto trace = traces_.find(span.id);
  made.trace = trace == traces_.end() ? span.id : trace->second;
  if (trace != traces_.end()) traces_.erase(trace);
  Queue(std::move(made));
}

void OtlpSink::OnEvent(std::string_view name, std::span<const TraceField> fields) {
  if (name == "llm:response") AddResponse(Response(fields));
}

void OtlpSink::AddResponse(const Response& response) {
  const std::string operation(OperationOf(response.Text("api")));
  const std::string model = response.Text("model");
  std::vector<OtlpAttribute> common = {{"gen_ai.operation.name", operation},
                                       {"gen_ai.provider.name", response.Text("provider")},
                                       {"gen_ai.system", response.Text("provider")},
                                       {"gen_ai.request.model", model}};
  const auto add_text = [&](std::string_view key, const std::string& text) {
    if (!text.empty()) common.push_back({std::string(key), text});
  };
  add_text("gen_ai.response.model", response.Text("response_model"));
  add_text("error.type", response.Text("error"));

  const std::int64_t now = clock_.WallNanos();
  OtlpSpan span{.id = kOwnIds | NewSpanId(),
                .name = StrCat(operation, model.empty() ? "" : " ", model),
                .client = true,
                .start_nanos = now - static_cast<std::int64_t>(response.millis * 1e6),
                .end_nanos = now,
                .attributes = common};
  if (const std::string id = response.Text("response_id"); !id.empty()) {
    span.attributes.push_back({"gen_ai.response.id", id});
  }
  if (const std::string finish = response.Text("finish_reason"); !finish.empty()) {
    span.attributes.push_back({"gen_ai.response.finish_reasons", std::vector{finish}});
  }
  if (response.Text("status") != "ok") span.error = response.Text("message");

  const std::scoped_lock lock(mutex_);
  span.parent = OnlyOpenRoot();
  span.trace = span.parent != 0 ? span.parent : span.id;
  Observe(durations_, kAdvisedSeconds, common, response.millis / 1000);
  for (const auto& [field, kind] :
       {std::pair("prompt_tokens", "input"), {"completion_tokens", "output"}}) {
    const std::optional<std::int64_t> count = response.Number(field);
    if (!count) continue;
    span.attributes.push_back({StrCat("gen_ai.usage.", kind, "_tokens"), *count});
    std::vector<OtlpAttribute> attributes = common;
    attributes.push_back({"gen_ai.token.type", kind});
    Observe(tokens_, kAdvisedTokens, std::move(attributes), static_cast<double>(*count));
  }
  Queue(std::move(span));
}

std::uint64_t OtlpSink::OnlyOpenRoot() const {
  if (traces_.empty()) return 0;
  const std::uint64_t root = traces_.begin()->second;
  const bool alone =
      std::ranges::all_of(traces_, [root](const auto& open) { return open.second == root; });
  return alone ? root : 0;
}

void OtlpSink::Observe(Series& series, std::span<const double> bounds,
                       std::vector<OtlpAttribute> attributes, double value) {
  auto found = series.find(attributes);
  if (found == series.end()) {
    if (series.size() >= options_.max_series) return;
    OtlpSeries made{.attributes = attributes,
                    .buckets = std::vector<std::uint64_t>(bounds.size() + 1)};
    found = series.emplace(std::move(attributes), std::move(made)).first;
  }
  const auto bucket = std::ranges::lower_bound(bounds, value) - bounds.begin();
  ++found->second.buckets[static_cast<std::size_t>(bucket)];
  found->second.sum += value;
  has_news_ = true;
}

void OtlpSink::Queue(OtlpSpan span) {
  if (queue_.size() < options_.max_queue) {
    queue_.push_back(std::move(span));
  } else {
    ++dropped_;
  }
}

std::vector<OtlpSpan> OtlpSink::TakeBatch() {
  const std::scoped_lock lock(mutex_);
  const auto count = static_cast<std::ptrdiff_t>(std::min(queue_.size(), options_.max_batch));
  std::vector<OtlpSpan> batch(std::move_iterator(queue_.begin()),
                              std::move_iterator(queue_.begin() + count));
  queue_.erase(queue_.begin(), queue_.begin() + count);
  return batch;
}

// The body with all histograms, or an empty text when they are what they were.
std::string OtlpSink::Metrics() {
  const std::scoped_lock lock(mutex_);
  if (!std::exchange(has_news_, false)) return {};
  std::vector<OtlpHistogram> histograms;
  const auto add = [&](const char* name, const char* unit, std::span<const double> bounds,
                       const Series& series) {
    if (series.empty()) return;
    OtlpHistogram& made = histograms.emplace_back(OtlpHistogram{name, unit, bounds, {}});
    for (const auto& [attributes, its] : series) made.series.push_back(its);
  };
  add("gen_ai.client.operation.duration", "s", kAdvisedSeconds, durations_);
  add("gen_ai.client.token.usage", "{token}", kAdvisedTokens, tokens_);
  return EncodeOtlpMetrics(options_.origin, histograms, started_, clock_.WallNanos());
}

void OtlpSink::Export(const Post& post) {
  for (std::vector<OtlpSpan> batch = TakeBatch(); !batch.empty(); batch = TakeBatch()) {
    if (post("/v1/traces", EncodeOtlpTraces(options_.origin, batch))) continue;
    const std::scoped_lock lock(mutex_);
    dropped_ += batch.size();
    break;  // the others wait for the next time
  }
  std::string metrics = Metrics();
  if (metrics.empty() || post("/v1/metrics", std::move(metrics))) return;
  const std::scoped_lock lock(mutex_);
  has_news_ = true;
}

}  // namespace weir::events
