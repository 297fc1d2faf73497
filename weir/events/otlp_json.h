#pragma once

// OTLP/HTTP in its JSON form, by the names of OpenTelemetry's conventions for generative AI.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace weir::events {

struct OtlpAttribute {
  std::string key;
  std::variant<std::string, std::int64_t, double, std::vector<std::string>> value;

  friend auto operator<=>(const OtlpAttribute&, const OtlpAttribute&) = default;
};

struct OtlpSpan {
  std::uint64_t trace = 0;  // becomes the lower half of the trace id
  std::uint64_t id = 0;
  std::uint64_t parent = 0;  // 0: none
  std::string name;
  bool client = false;           // a request to another program, not a step inside of this one
  std::int64_t start_nanos = 0;  // since 1970
  std::int64_t end_nanos = 0;
  std::vector<OtlpAttribute> attributes;
  std::optional<std::string> error;  // what went wrong; unset: nothing
};

// One series of a histogram, counted since `start_nanos`.
struct OtlpSeries {
  std::vector<OtlpAttribute> attributes;
  std::vector<std::uint64_t> buckets;  // one more than there are bounds
  double sum = 0;
};

struct OtlpHistogram {
  std::string name;
  std::string unit;
  std::span<const double> bounds;
  std::vector<OtlpSeries> series;
};

// Who sends: the service's name, and a number that makes ids differ between its runs.
struct OtlpOrigin {
  std::string service = "weir";
  std::string version;
  std::uint64_t run = 0;
};

// The bodies of POST /v1/traces and POST /v1/metrics.
std::string EncodeOtlpTraces(const OtlpOrigin& origin, std::span<const OtlpSpan> spans);
std::string EncodeOtlpMetrics(const OtlpOrigin& origin, std::span<const OtlpHistogram> histograms,
                              std::int64_t start_nanos, std::int64_t now_nanos);

}  // namespace weir::events
