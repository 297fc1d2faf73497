#include "weir/events/otlp_json.h"

#include <cmath>
#include <concepts>
#include <numeric>

#include "weir/base/text.h"
#include "weir/json/writer.h"

namespace weir::events {
namespace {

using json::Writer;

constexpr int kInternal = 1;     // SPAN_KIND_INTERNAL
constexpr int kClient = 3;       // SPAN_KIND_CLIENT
constexpr int kErrorStatus = 2;  // STATUS_CODE_ERROR
constexpr int kCumulative = 2;   // AGGREGATION_TEMPORALITY_CUMULATIVE

// 64-bit integers are strings in the JSON form of protocol buffers.
void WriteInt64(Writer& out, std::string_view key, std::integral auto number) {
  out.Field(key, StrCat(number));
}

void WriteNumber(Writer& out, double number) {
  std::isfinite(number) ? out.Double(number) : out.Double(0);
}

void WriteAttribute(Writer& out, const OtlpAttribute& attribute) {
  out.BeginObject();
  out.Field("key", attribute.key);
  out.Key("value");
  out.BeginObject();
  if (const auto* text = std::get_if<std::string>(&attribute.value)) {
    out.Field("stringValue", *text);
  } else if (const auto* whole = std::get_if<std::int64_t>(&attribute.value)) {
    WriteInt64(out, "intValue", *whole);
  } else if (const auto* number = std::get_if<double>(&attribute.value)) {
    out.Key("doubleValue");
    WriteNumber(out, *number);
  } else {
    out.Key("arrayValue");
    out.BeginObject();
    out.Key("values");
    out.BeginArray();
    for (const std::string& text : std::get<std::vector<std::string>>(attribute.value)) {
      out.BeginObject();
      out.Field("stringValue", text);
      out.EndObject();
    }
    out.EndArray();
    out.EndObject();
  }
  out.EndObject();
  out.EndObject();
}

void WriteAttributes(Writer& out, std::span<const OtlpAttribute> attributes) {
  out.Key("attributes");
  out.BeginArray();
  for (const OtlpAttribute& attribute : attributes) WriteAttribute(out, attribute);
  out.EndArray();
}

// {"resource...":[{"resource":...,"scope...":[{"scope":...,ITEMS}]}]}
std::string Envelope(const OtlpOrigin& origin, std::string_view resources, std::string_view scopes,
                     std::invocable<Writer&> auto write_items) {
  const OtlpAttribute about[] = {{"service.name", origin.service},
                                 {"service.version", origin.version}};
  std::string text;
  Writer out(text);
  out.BeginObject();
  out.Key(resources);
  out.BeginArray();
  out.BeginObject();
  out.Key("resource");
  out.BeginObject();
  WriteAttributes(out, std::span(about).first(origin.version.empty() ? 1 : 2));
  out.EndObject();
  out.Key(scopes);
  out.BeginArray();
  out.BeginObject();
  out.Key("scope");
  out.BeginObject();
  out.Field("name", "weir");
  out.EndObject();
  write_items(out);
  out.EndObject();
  out.EndArray();
  out.EndObject();
  out.EndArray();
  out.EndObject();
  return text;
}

void WriteSpan(Writer& out, const OtlpOrigin& origin, const OtlpSpan& span) {
  out.BeginObject();
  out.Field("traceId", StrCat(HexText(origin.run), HexText(span.trace)));
  out.Field("spanId", HexText(span.id));
  if (span.parent != 0) out.Field("parentSpanId", HexText(span.parent));
  out.Field("name", span.name);
  out.Key("kind");
  out.Int(span.client ? kClient : kInternal);
  WriteInt64(out, "startTimeUnixNano", span.start_nanos);
  WriteInt64(out, "endTimeUnixNano", span.end_nanos);
  WriteAttributes(out, span.attributes);
  out.Key("status");
  out.BeginObject();
  if (span.error) {
    out.Key("code");
    out.Int(kErrorStatus);
    out.Field("message", *span.error);
  }
  out.EndObject();
  out.EndObject();
}

void WriteSeries(Writer& out, const OtlpHistogram& histogram, const OtlpSeries& series,
                 std::int64_t start_nanos, std::int64_t now_nanos) {
  out.BeginObject();
  WriteAttributes(out, series.attributes);
  WriteInt64(out, "startTimeUnixNano", start_nanos);
  WriteInt64(out, "timeUnixNano", now_nanos);
  WriteInt64(out, "count",
             std::accumulate(series.buckets.begin(), series.buckets.end(), std::uint64_t{0}));
  out.Key("sum");
  WriteNumber(out, series.sum);
  out.Key("bucketCounts");
  out.BeginArray();
  for (const std::uint64_t count : series.buckets) out.String(StrCat(count));
  out.EndArray();
  out.Key("explicitBounds");
  out.BeginArray();
  for (const double bound : histogram.bounds) WriteNumber(out, bound);
  out.EndArray();
  out.EndObject();
}

}  // namespace

std::string EncodeOtlpTraces(const OtlpOrigin& origin, std::span<const OtlpSpan> spans) {
  return Envelope(origin, "resourceSpans", "scopeSpans", [&](Writer& out) {
    out.Key("spans");
    out.BeginArray();
    for (const OtlpSpan& span : spans) WriteSpan(out, origin, span);
    out.EndArray();
  });
}

std::string EncodeOtlpMetrics(const OtlpOrigin& origin, std::span<const OtlpHistogram> histograms,
                              std::int64_t start_nanos, std::int64_t now_nanos) {
  return Envelope(origin, "resourceMetrics", "scopeMetrics", [&](Writer& out) {
    out.Key("metrics");
    out.BeginArray();
    for (const OtlpHistogram& histogram : histograms) {
      out.BeginObject();
      out.Field("name", histogram.name);
      out.Field("unit", histogram.unit);
      out.Key("histogram");
      out.BeginObject();
      out.Key("aggregationTemporality");
      out.Int(kCumulative);
      out.Key("dataPoints");
      out.BeginArray();
      for (const OtlpSeries& series : histogram.series) {
        WriteSeries(out, histogram, series, start_nanos, now_nanos);
      }
      out.EndArray();
      out.EndObject();
      out.EndObject();
    }
    out.EndArray();
  });
}

}  // namespace weir::events
