#pragma once

// Charts as SVG, 360 pixels wide, coloured by classes of the page that they stand in (c0, c1, ...).
// Each has a title and a description for those who do not see it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::flow {

struct ChartLine {
  std::string name;
  std::string colour;  // a class
  std::vector<double> values;
};

// Lines over seconds. Each line has a value for each of `seconds`, which rise.
std::string LineChart(std::string_view title, const std::vector<double>& seconds,
                      const std::vector<ChartLine>& lines);

struct ChartBar {
  std::string name;
  std::string figure;          // "1,234"
  std::vector<double> values;  // one behind the other
};

// Bars that lie below each other, as long as what they count. `colours`: a class for each value.
std::string BarChart(std::string_view title, const std::vector<ChartBar>& bars,
                     const std::vector<std::string>& colours);

struct TimeCount {
  double millis = 0;
  double count = 0;
};

// How many calls took how long, on a logarithmic scale.
std::string Histogram(std::string_view title, const std::vector<TimeCount>& counts);

}  // namespace weir::flow
