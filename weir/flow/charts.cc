#include "weir/flow/charts.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>

#include "weir/flow/figures.h"
#include "weir/flow/html.h"

namespace weir::flow {
namespace {

constexpr double kWidth = 360;
constexpr double kLeft = 46;  // of the drawing's area, beside the figures of its axis
constexpr double kRight = 352;
constexpr double kTop = 10;
constexpr double kBottom = 150;
constexpr double kHeight = 176;

std::string Begin(std::string_view title, std::string_view description, double height) {
  return StrCat("<svg viewBox=\"0 0 ", Px(kWidth), " ", Px(height), "\" role=\"img\"><title>",
                Escaped(title), "</title><desc>", Escaped(description), "</desc>\n");
}

enum class Anchor : std::uint8_t { kStart, kMiddle, kEnd };

void Text(std::string& out, double x, double y, Anchor anchor, std::string_view text,
          std::string_view style = "t") {
  constexpr std::array<std::string_view, 3> kNames = {"start", "middle", "end"};
  StrAppend(out, "<text class=\"", style, "\" x=\"", Px(x), "\" y=\"", Px(y), "\" text-anchor=\"",
            kNames[static_cast<std::size_t>(anchor)], "\">", Escaped(text), "</text>\n");
}

void Rect(std::string& out, double x, double y, double width, double height,
          std::string_view colour) {
  StrAppend(out, "<rect class=\"", colour, "\" x=\"", Px(x), "\" y=\"", Px(y), "\" width=\"",
            Px(width), "\" height=\"", Px(height), "\"/>\n");
}

// 1, 2 or 5 times a power of ten, not below `number`.
double NiceAbove(double number) {
  if (!(number > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(number)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= number * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

// Horizontal lines at nothing, the half and the whole of `most`.
void ValueAxis(std::string& out, double most) {
  for (const double part : {0.0, 0.5, 1.0}) {
    const double y = kBottom - part * (kBottom - kTop);
    StrAppend(out, "<path class=\"grid\" d=\"M", Px(kLeft), " ", Px(y), "H", Px(kRight), "\"/>\n");
    Text(out, kLeft - 6, y + 4, Anchor::kEnd, Compact(part * most));
  }
}

Duration Millis(double millis) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(millis));
}

void TimeAxis(std::string& out, const std::array<std::string, 3>& times) {
  constexpr double kY = kBottom + 18;
  Text(out, kLeft, kY, Anchor::kStart, times[0]);
  Text(out, (kLeft + kRight) / 2, kY, Anchor::kMiddle, times[1]);
  Text(out, kRight, kY, Anchor::kEnd, times[2]);
}

}  // namespace

std::string LineChart(std::string_view title, const std::vector<double>& seconds,
                      const std::vector<ChartLine>& lines) {
  double most = 0;
  std::string description;
  for (const ChartLine& line : lines) {
    for (const double value : line.values) most = std::max(most, value);
    StrAppend(description, description.empty() ? "" : "; ", line.name,
              " at the end: ", line.values.empty() ? "0" : Rate(line.values.back()));
  }
  most = NiceAbove(most);
  const double first = seconds.empty() ? 0 : seconds.front();
  const double time = seconds.empty() ? 0 : std::max(seconds.back() - first, 1e-3);
  std::string out = Begin(title, description, kHeight);
  ValueAxis(out, most);
  for (const ChartLine& line : lines) {
    StrAppend(out, "<path class=\"line ", line.colour, "\" d=\"");
    for (std::size_t i = 0; i < std::min(seconds.size(), line.values.size()); ++i) {
      const double x = kLeft + (seconds[i] - first) / time * (kRight - kLeft);
      const double y = kBottom - line.values[i] / most * (kBottom - kTop);
      StrAppend(out, i == 0 ? "M" : "L", Px(x), " ", Px(y));
    }
    out += "\"/>\n";
  }
  const auto at = [&](double part) {
    const double when = first + part * time;
    return when > 0 ? Latency(Millis(when * 1000)) : "0 s";
  };
  TimeAxis(out, {at(0), at(0.5), at(1)});
  return out + "</svg>\n";
}

std::string BarChart(std::string_view title, const std::vector<ChartBar>& bars,
                     const std::vector<std::string>& colours) {
  constexpr double kRow = 38;
  double most = 0;
  std::string description;
  for (const ChartBar& bar : bars) {
    most = std::max(most, std::accumulate(bar.values.begin(), bar.values.end(), 0.0));
    StrAppend(description, description.empty() ? "" : "; ", bar.name, ": ", bar.figure);
  }
  std::string out = Begin(title, description, kRow * static_cast<double>(bars.size()) + 4);
  double y = 0;
  for (const ChartBar& bar : bars) {
    Text(out, 0, y + 14, Anchor::kStart, Truncate(bar.name, 32), "t name");
    Text(out, kWidth, y + 14, Anchor::kEnd, bar.figure);
    Rect(out, 0, y + 20, kWidth, 10, "track");
    double x = 0;
    for (std::size_t i = 0; i < std::min(bar.values.size(), colours.size()); ++i) {
      if (!(bar.values[i] > 0) || !(most > 0)) continue;
      const double width = bar.values[i] / most * kWidth;
      Rect(out, x, y + 20, width, 10, colours[i]);
      x += width;
    }
    y += kRow;
  }
  return out + "</svg>\n";
}

std::string Histogram(std::string_view title, const std::vector<TimeCount>& counts) {
  constexpr std::size_t kBins = 24;
  if (counts.empty()) return {};
  const auto by_time = [](const TimeCount& a, const TimeCount& b) { return a.millis < b.millis; };
  const auto [least, most] = std::ranges::minmax_element(counts, by_time);
  // At least a factor of two, with the times in the middle of it.
  const double low = std::log(std::max(least->millis, 1e-3)) - 0.05;
  const double span = std::max(std::log(std::max(most->millis, 1e-3)) + 0.05 - low, std::log(2.0));
  std::array<double, kBins> bins{};
  double all = 0;
  for (const TimeCount& item : counts) {
    const double place = (std::log(std::max(item.millis, 1e-3)) - low) / span * kBins;
    bins[std::min(static_cast<std::size_t>(std::max(place, 0.0)), kBins - 1)] += item.count;
    all += item.count;
  }
  const double highest = NiceAbove(*std::ranges::max_element(bins));
  const auto at = [&](double part) { return Latency(Millis(std::exp(low + part * span))); };
  std::string out = Begin(title,
                          StrCat(Rate(all), " calls between ", Latency(Millis(least->millis)),
                                 " and ", Latency(Millis(most->millis))),
                          kHeight);
  ValueAxis(out, highest);
  constexpr double kStep = (kRight - kLeft) / kBins;
  for (std::size_t i = 0; i < kBins; ++i) {
    if (!(bins[i] > 0)) continue;
    const double height = std::max(1.0, bins[i] / highest * (kBottom - kTop));
    Rect(out, kLeft + static_cast<double>(i) * kStep + 0.5, kBottom - height, kStep - 1, height,
         "c0");
  }
  TimeAxis(out, {at(0), at(0.5), at(1)});
  return out + "</svg>\n";
}

}  // namespace weir::flow
