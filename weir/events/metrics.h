#pragma once

// A registry of metrics and its Prometheus text: what /metrics of our servers is made of. Counting
// is one or two relaxed atomic additions; looking a series up takes a lock, so keep the reference.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::events {

// Name and value pairs. They are shown sorted by name, and values may hold any bytes.
using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void Add(std::uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

class Gauge {
 public:
  void Set(double value) { value_.store(value, std::memory_order_relaxed); }
  void Add(double change) { value_.fetch_add(change, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

class Histogram {
 public:
  // `bounds` are the upper ends of the buckets, rising; the one without end comes by itself.
  explicit Histogram(std::span<const double> bounds);

  void Observe(double value, std::uint64_t times = 1);

  std::uint64_t count() const;
  double sum() const { return sum_.load(std::memory_order_relaxed); }
  std::span<const double> bounds() const { return bounds_; }
  // How many fell into bucket `index` alone; bounds().size() is the one without end.
  std::uint64_t bucket(std::size_t index) const {
    return buckets_[index].load(std::memory_order_relaxed);
  }

 private:
  const std::vector<double> bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> buckets_;
  std::atomic<double> sum_ = 0;
};

class MetricsRegistry {
 public:
  // With `created` (seconds since 1970) every counter and histogram is followed by a gauge named
  // `..._created` that says so, as Python's client library does. Zero leaves them out.
  explicit MetricsRegistry(double created = 0);
  ~MetricsRegistry();

  // The series of this name and these labels, made when it is new: an unknown name starts a family,
  // and the help, kind and bounds of its first series are the family's. References stay good as
  // long as the registry. One name has one kind. A counter's name is given as it is shown, with its
  // `_total`. Labels must come from a small set: nothing is ever forgotten.
  Counter& CounterOf(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& GaugeOf(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& HistogramOf(std::string_view name, std::string_view help,
                         std::span<const double> bounds, const Labels& labels = {});

  // Appends everything in the order in which it was made, in text format 0.0.4.
  void AppendText(std::string& out) const;

 private:
  struct Series;
  struct Family;

  Series& Find(std::string_view name, std::string_view help, int kind, const Labels& labels);

  const double created_;
  mutable std::mutex mutex_;  // guards the two lists, not the values
  std::vector<std::unique_ptr<Family>> families_;
};

// A number as Prometheus clients write it: "12.0", "0.005", "1.7e+09", "+Inf".
void AppendMetricNumber(std::string& out, double value);

}  // namespace weir::events
