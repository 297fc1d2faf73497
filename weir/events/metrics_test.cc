#include "weir/events/metrics.h"

#include <cmath>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::events {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string TextOf(const MetricsRegistry& registry) {
  std::string text;
  registry.AppendText(text);
  return text;
}

TEST(MetricsTest, TextHoldsEveryFamilyInTheOrderOfItsMaking) {
  MetricsRegistry registry;
  const double bounds[] = {0.1, 1};
  Gauge& running = registry.GaugeOf("running", "Requests that run.", {{"engine", "0"}});
  Counter& ok = registry.CounterOf("done_total", "Requests.", {{"reason", "ok"}, {"engine", "0"}});
  registry.CounterOf("done_total", "", {{"reason", "bad"}, {"engine", "0"}});
  Histogram& time = registry.HistogramOf("time_seconds", "Time.", bounds);

  running.Set(2.5);
  ok.Add(3);
  time.Observe(0.1);
  time.Observe(0.5, 2);
  time.Observe(7);

  EXPECT_EQ(TextOf(registry),
            "# HELP running Requests that run.\n"
            "# TYPE running gauge\n"
            "running{engine=\"0\"} 2.5\n"
            "# HELP done_total Requests.\n"
            "# TYPE done_total counter\n"
            "done_total{engine=\"0\",reason=\"ok\"} 3.0\n"
            "done_total{engine=\"0\",reason=\"bad\"} 0.0\n"
            "# HELP time_seconds Time.\n"
            "# TYPE time_seconds histogram\n"
            "time_seconds_bucket{le=\"0.1\"} 1.0\n"
            "time_seconds_bucket{le=\"1.0\"} 3.0\n"
            "time_seconds_bucket{le=\"+Inf\"} 4.0\n"
            "time_seconds_count 4.0\n"
            "time_seconds_sum 8.1\n");
}

TEST(MetricsTest, CreatedSeriesFollowCountersAndHistogramsOnly) {
  MetricsRegistry registry(1.7e9);
  const double bounds[] = {1};
  registry.CounterOf("tokens_total", "Tokens.");
  registry.GaugeOf("running", "Running.");
  registry.HistogramOf("time", "Time.", bounds);

  const std::string text = TextOf(registry);

  EXPECT_THAT(text, HasSubstr("# HELP tokens_created Tokens.\n"
                              "# TYPE tokens_created gauge\n"
                              "tokens_created 1.7e+09\n"));
  EXPECT_THAT(text, HasSubstr("time_created 1.7e+09\n"));
  EXPECT_THAT(text, Not(HasSubstr("running_created")));
}

TEST(MetricsTest, TheSameNameAndLabelsAreTheSameSeries) {
  MetricsRegistry registry;

  registry.CounterOf("a_total", "A.", {{"x", "1"}}).Add();
  registry.CounterOf("a_total", "A.", {{"x", "1"}}).Add();

  EXPECT_EQ(registry.CounterOf("a_total", "A.", {{"x", "1"}}).value(), 2U);
  EXPECT_EQ(registry.CounterOf("a_total", "A.", {{"x", "2"}}).value(), 0U);
}

TEST(MetricsTest, LabelsAndHelpAreEscaped) {
  MetricsRegistry registry;

  registry.GaugeOf("a", "one\\two\n\"three\"", {{"x", "q\" b\\ n\n"}});

  EXPECT_EQ(TextOf(registry),
            "# HELP a one\\\\two\\n\"three\"\n# TYPE a gauge\na{x=\"q\\\" b\\\\ n\\n\"} 0.0\n");
}

TEST(MetricsTest, NumbersAreWrittenAsPythonsClientDoes) {
  const std::pair<double, std::string_view> cases[] = {{0, "0.0"},
                                                       {1, "1.0"},
                                                       {-2, "-2.0"},
                                                       {0.005, "0.005"},
                                                       {131072, "131072.0"},
                                                       {1e6, "1e+06"},
                                                       {1234567, "1.234567e+06"},
                                                       {1e-05, "1e-05"},
                                                       {1.7e9, "1.7e+09"},
                                                       {INFINITY, "+Inf"},
                                                       {-INFINITY, "-Inf"},
                                                       {NAN, "NaN"}};
  for (const auto& [value, text] : cases) {
    std::string out;
    AppendMetricNumber(out, value);
    EXPECT_EQ(out, text);
  }
}

TEST(MetricsTest, ThreadsLoseNoCounts) {
  MetricsRegistry registry;
  const double bounds[] = {1, 2};
  const auto work = [&] {
    for (int i = 0; i < 1000; ++i) {
      registry.CounterOf("a_total", "A.").Add();
      registry.HistogramOf("h", "H.", bounds).Observe(i % 3);
      registry.GaugeOf("g", "G.").Add(1);
      if (i % 100 == 0) (void)TextOf(registry);
    }
  };

  std::thread first(work);
  std::thread second(work);
  first.join();
  second.join();

  EXPECT_EQ(registry.CounterOf("a_total", "A.").value(), 2000U);
  EXPECT_EQ(registry.HistogramOf("h", "H.", bounds).count(), 2000U);
  EXPECT_EQ(registry.GaugeOf("g", "G.").value(), 2000.0);
}

}  // namespace
}  // namespace weir::events
