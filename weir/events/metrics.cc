#include "weir/events/metrics.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>

#include "weir/base/text.h"

namespace weir::events {
namespace {

enum Kind : int { kCounter, kGauge, kHistogram };
constexpr std::string_view kKindNames[] = {"counter", "gauge", "histogram"};

void AppendEscaped(std::string& out, std::string_view text, bool quotes_too) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' || (c == '"' && quotes_too)) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
}

// `a="1",b="2"`, sorted.
std::string LabelText(Labels labels) {
  std::ranges::sort(labels);
  std::string text;
  for (const auto& [name, value] : labels) {
    if (!text.empty()) text += ',';
    StrAppend(text, name, "=\"");
    AppendEscaped(text, value, true);
    text += '"';
  }
  return text;
}

void AppendHead(std::string& out, std::string_view name, std::string_view help,
                std::string_view kind) {
  StrAppend(out, "# HELP ", name, " ");
  AppendEscaped(out, help, false);
  StrAppend(out, "\n# TYPE ", name, " ", kind, "\n");
}

void AppendSample(std::string& out, std::string_view name, std::string_view suffix,
                  std::string_view labels, double value) {
  StrAppend(out, name, suffix);
  if (!labels.empty()) StrAppend(out, "{", labels, "}");
  out += ' ';
  AppendMetricNumber(out, value);
  out += '\n';
}

}  // namespace

struct MetricsRegistry::Series {
  std::string labels;  // as they are shown
  Labels raw;
  Counter counter;
  Gauge gauge;
  std::unique_ptr<Histogram> histogram;
};

struct MetricsRegistry::Family {
  std::string name;
  std::string help;
  int kind;
  std::vector<std::unique_ptr<Series>> series;
};

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds.begin(), bounds.end()),
      buckets_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds.size() + 1)) {
  assert(std::ranges::is_sorted(bounds_));
}

void Histogram::Observe(double value, std::uint64_t times) {
  const auto bound = std::ranges::lower_bound(bounds_, value);
  buckets_[static_cast<std::size_t>(bound - bounds_.begin())].fetch_add(times,
                                                                        std::memory_order_relaxed);
  sum_.fetch_add(value * static_cast<double>(times), std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) count += bucket(i);
  return count;
}

MetricsRegistry::MetricsRegistry(double created) : created_(created) {}
MetricsRegistry::~MetricsRegistry() = default;

MetricsRegistry::Series& MetricsRegistry::Find(std::string_view name, std::string_view help,
                                               int kind, const Labels& labels) {
  auto family = std::ranges::find(families_, name, [](const auto& its) { return its->name; });
  if (family == families_.end()) {
    families_.push_back(std::make_unique<Family>(
        Family{.name = std::string(name), .help = std::string(help), .kind = kind, .series = {}}));
    family = families_.end() - 1;
  }
  assert((*family)->kind == kind);
  for (const auto& series : (*family)->series) {
    if (series->raw == labels) return *series;
  }
  (*family)->series.push_back(std::make_unique<Series>());
  Series& made = *(*family)->series.back();
  made.labels = LabelText(labels);
  made.raw = labels;
  return made;
}

Counter& MetricsRegistry::CounterOf(std::string_view name, std::string_view help,
                                    const Labels& labels) {
  const std::scoped_lock lock(mutex_);
  return Find(name, help, kCounter, labels).counter;
}

Gauge& MetricsRegistry::GaugeOf(std::string_view name, std::string_view help,
                                const Labels& labels) {
  const std::scoped_lock lock(mutex_);
  return Find(name, help, kGauge, labels).gauge;
}

Histogram& MetricsRegistry::HistogramOf(std::string_view name, std::string_view help,
                                        std::span<const double> bounds, const Labels& labels) {
  const std::scoped_lock lock(mutex_);
  Series& series = Find(name, help, kHistogram, labels);
  if (series.histogram == nullptr) series.histogram = std::make_unique<Histogram>(bounds);
  return *series.histogram;
}

void MetricsRegistry::AppendText(std::string& out) const {
  // The count is the sum of the buckets of this moment, so that the last bucket and it agree while
  // others go on counting.
  const auto append_histogram = [&out](const Family& family, const Series& series) {
    Labels with_bound = series.raw;
    with_bound.emplace_back("le", "");
    const Histogram& histogram = *series.histogram;
    std::uint64_t count = 0;
    for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
      count += histogram.bucket(i);
      std::string& bound = with_bound.back().second;
      bound.clear();
      AppendMetricNumber(bound, i < histogram.bounds().size() ? histogram.bounds()[i] : INFINITY);
      AppendSample(out, family.name, "_bucket", LabelText(with_bound), static_cast<double>(count));
    }
    AppendSample(out, family.name, "_count", series.labels, static_cast<double>(count));
    AppendSample(out, family.name, "_sum", series.labels, histogram.sum());
  };

  const std::scoped_lock lock(mutex_);
  for (const auto& family : families_) {
    AppendHead(out, family->name, family->help, kKindNames[family->kind]);
    for (const auto& series : family->series) {
      if (family->kind == kHistogram) {
        append_histogram(*family, *series);
      } else {
        const double value = family->kind == kGauge ? series->gauge.value()
                                                    : static_cast<double>(series->counter.value());
        AppendSample(out, family->name, "", series->labels, value);
      }
    }
    if (family->kind == kGauge || created_ == 0) continue;
    std::string_view stem = family->name;
    if (family->kind == kCounter && stem.ends_with("_total")) stem.remove_suffix(6);
    const std::string name = StrCat(stem, "_created");
    AppendHead(out, name, family->help, "gauge");
    for (const auto& series : family->series) {
      AppendSample(out, name, "", series->labels, created_);
    }
  }
}

void AppendMetricNumber(std::string& out, double value) {
  if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
    return;
  }
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  char buffer[32];
  const bool large = std::fabs(value) >= 1e6;
  const auto format = large ? std::chars_format::scientific : std::chars_format::general;
  const char* end = std::to_chars(buffer, buffer + sizeof buffer, value, format).ptr;
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

}  // namespace weir::events
