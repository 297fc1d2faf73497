#include "weir/sim/constraint/numbers.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "weir/schema/schema.h"
#include "weir/sim/constraint/edit.h"

namespace weir::sim {
namespace {

using json::Value;
using json::View;

constexpr std::size_t kMostValues = 250;
constexpr std::size_t kMostTried = 2000;
constexpr int kNear = 25;  // steps away from a bound

struct Range {
  std::optional<double> low;
  std::optional<double> high;
  std::optional<double> step;  // multipleOf
};

std::optional<double> Tighter(View a, View b, bool low) {
  const auto x = a.AsDouble();
  const auto y = b.AsDouble();
  if (!x || !y) return x ? x : y;
  return low ? std::max(*x, *y) : std::min(*x, *y);
}

Range RangeOf(View schema) {
  return {.low = Tighter(schema.Find("minimum"), schema.Find("exclusiveMinimum"), true),
          .high = Tighter(schema.Find("maximum"), schema.Find("exclusiveMaximum"), false),
          .step = schema.Find("multipleOf").AsDouble()};
}

// Sums of decimals, as a person would write them.
double Tidy(double value) {
  constexpr double kPlaces = 1e6;
  constexpr double kExact = 1e9;
  return std::abs(value) > kExact ? value : std::round(value * kPlaces) / kPlaces;
}

void Add(std::vector<Value>& out, double value) {
  if (!std::isfinite(value) || out.size() >= kMostTried) return;
  const double tidy = Tidy(value);
  constexpr double kExact = 1e15;
  const bool whole = std::trunc(tidy) == tidy && std::abs(tidy) < kExact;
  Value number = whole ? Value::Of(static_cast<std::int64_t>(tidy)) : Value::Of(tidy);
  if (std::ranges::none_of(out, [&](const Value& v) { return v == number; })) {
    out.push_back(std::move(number));
  }
}

Value OnlyNumeric(View schema) {
  return Edit(schema)
      .Keep({"type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
      .Build();
}

void Filter(std::vector<Value>& values, const Value& schema, bool wanted) {
  const auto compiled = schema::Schema::Compile(schema);
  if (!compiled) return values.clear();
  std::erase_if(values, [&](const Value& v) { return compiled->Accepts(v) != wanted; });
}

// The finest of the usual steps that does not give too many.
double StepFor(double span) {
  double best = span;
  for (double unit = 1e9; unit > 1e-6; unit /= 10) {
    for (const double part : {1.0, 0.5}) {
      if (span / (unit * part) < kMostValues) best = unit * part;
    }
  }
  return best;
}

std::vector<Value> Grid(const Range& range) {
  constexpr double kOpen = 50;  // far enough from the only bound
  constexpr double kOpenStep = 0.25;
  const bool both = range.low && range.high;
  double step = both ? StepFor(*range.high - *range.low) : kOpenStep;
  if (range.step) step = *range.step;
  double begin = range.low.value_or(range.high.value_or(0) - (range.high ? kOpen : 0));
  if (range.step && !range.low) begin = range.high ? *range.high - step * kNear * 4 : 0;
  begin = std::ceil(begin / step - 1e-9) * step;
  std::vector<Value> out;
  const double end = range.high.value_or(begin + step * (kMostValues - 1));
  for (std::size_t i = 0; i < kMostValues; ++i) {
    const double value = begin + static_cast<double>(i) * step;
    if (value > end + step / 2) break;
    Add(out, value);
  }
  if (range.low) Add(out, *range.low);
  if (range.high) Add(out, *range.high);
  return out;
}

}  // namespace

std::optional<Value> OnGrid(View schema) {
  const std::string_view type = schema.Find("type").StringOr("");
  const bool number = type == "number";
  if (!number && type != "integer") return std::nullopt;
  for (const std::string_view keyword : {"enum", "const", "anyOf", "oneOf", "allOf", "$ref"}) {
    if (schema.Find(keyword).exists()) return std::nullopt;
  }
  const Range range = RangeOf(schema);
  if (!range.step && (!number || (!range.low && !range.high))) return std::nullopt;
  if (range.step && *range.step <= 0) return std::nullopt;
  const Value numeric = OnlyNumeric(schema);
  std::vector<Value> values = Grid(range);
  Filter(values, numeric, true);
  if (values.empty()) return std::nullopt;
  Edit out(schema);
  out.Remove({"type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"});
  if (range.step) return out.Set("enum", ListOf(values)).Build();
  const std::array ways = {Edit(numeric).Set("type", std::string_view("integer")).Build(),
                           Edit(View()).Set("enum", ListOf(values)).Build()};
  return out.Set("anyOf", ListOf(ways)).Build();
}

std::vector<Value> NumbersBreaking(View schema, std::string_view keyword) {
  const View broken = schema.Find(keyword);
  if (!broken.IsNumber()) return {};
  const Range range = RangeOf(schema);
  std::vector<Value> out;
  std::vector<double> anchors = {broken.AsDouble().value_or(0)};
  if (keyword == "multipleOf") {
    anchors = {range.low.value_or(range.high.value_or(0))};
    if (range.high) anchors.push_back(*range.high);
  }
  std::vector<double> steps = {1};
  if (range.step && keyword != "multipleOf") steps = {*range.step};
  if (schema.Find("type").StringOr("") != "integer") {
    steps.insert(steps.end(), {0.5, 0.1, 0.01, 0.001});
    if (keyword == "multipleOf") steps.push_back(range.step.value_or(1) / 2);
  }
  for (const double step : steps) {
    for (double anchor : anchors) {
      // A multiple stays one when whole steps are added.
      if (range.step && keyword != "multipleOf") anchor = std::round(anchor / step) * step;
      for (int i = 0; i <= kNear; ++i) {
        Add(out, anchor - i * step);
        Add(out, anchor + i * step);
      }
    }
  }
  const Value numeric = OnlyNumeric(schema);
  Filter(out, numeric, false);
  Filter(out, Edit(numeric).Remove({keyword}).Build(), true);
  constexpr std::size_t kEnough = 40;
  if (out.size() > kEnough) out.resize(kEnough);
  return out;
}

}  // namespace weir::sim
