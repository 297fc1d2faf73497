#include "weir/wire/metrics_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"

namespace weir::wire {
namespace {

struct MetricsCase {
  const char* name;
  std::string_view text;
  std::optional<PrefixStats> stats;
};

constexpr std::string_view kNew =
    "# HELP vllm:prefix_cache_queries_total Prefix cache queries.\n"
    "# TYPE vllm:prefix_cache_queries_total counter\n"
    "vllm:prefix_cache_queries_total{engine=\"0\",model_name=\"m\"} 64.0\n"
    "vllm:prefix_cache_queries_created{engine=\"0\",model_name=\"m\"} 1.7e+09\n"
    "# TYPE vllm:prefix_cache_hits_total counter\n"
    "vllm:prefix_cache_hits_total{engine=\"0\",model_name=\"m\"} 48.0\n";

const MetricsCase kMetricsCases[] = {
    {"today", kNew, PrefixStats{64, 48}},
    {"older_names",
     "vllm:gpu_prefix_cache_queries_total{m=\"a\"} 10\nvllm:gpu_prefix_cache_hits_total{m=\"a\"} 4",
     PrefixStats{10, 4}},
    {"the_newer_win",
     "vllm:gpu_prefix_cache_queries_total 9\nvllm:gpu_prefix_cache_hits_total 9\n"
     "vllm:prefix_cache_queries_total 10\nvllm:prefix_cache_hits_total 4\n",
     PrefixStats{10, 4}},
    {"engines_are_added_up",
     "vllm:prefix_cache_queries_total{engine=\"0\"} 10\n"
     "vllm:prefix_cache_queries_total{engine=\"1\"} 5\n"
     "vllm:prefix_cache_hits_total{engine=\"0\"} 1\nvllm:prefix_cache_hits_total{engine=\"1\"} 2\n",
     PrefixStats{15, 3}},
    {"without_the_suffix", "vllm:prefix_cache_queries{e=\"0\"} 2\nvllm:prefix_cache_hits 1\n",
     PrefixStats{2, 1}},
    {"labels_hold_anything",
     "vllm:prefix_cache_queries_total{model_name=\"a\\\"} 9 {\"} 2 1700000000000\n"
     "vllm:prefix_cache_hits_total{model_name=\"}\"} 1e0\r\n",
     PrefixStats{2, 1}},
    {"one_alone_is_nothing", "vllm:prefix_cache_queries_total 10\n", std::nullopt},
    {"other_caches_do_not_count",
     "vllm:external_prefix_cache_queries_total 5\nvllm:external_prefix_cache_hits_total 1\n"
     "vllm:mm_cache_queries_total 5\nvllm:gpu_prefix_cache_hit_rate 0.5\n",
     std::nullopt},
    {"numbers_that_are_none",
     "vllm:prefix_cache_queries_total NaN\nvllm:prefix_cache_hits_total -1\n", std::nullopt},
    {"another_server", "llamacpp:prompt_tokens_total 5\n", std::nullopt},
    {"nothing", "", std::nullopt},
};

class PrefixStatsTest : public testing::TestWithParam<MetricsCase> {};

TEST_P(PrefixStatsTest, IsRead) { EXPECT_EQ(ReadPrefixStats(GetParam().text), GetParam().stats); }

INSTANTIATE_TEST_SUITE_P(Metrics, PrefixStatsTest, testing::ValuesIn(kMetricsCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(PrefixStats, ATextThatIsCutGivesAllOfANumberOrItsBeginningAndNeverMore) {
  for (std::size_t cut = 0; cut < kNew.size(); ++cut) {
    const std::optional<PrefixStats> stats = ReadPrefixStats(kNew.substr(0, cut));
    if (!stats) continue;
    EXPECT_EQ(stats->queries, 64);
    EXPECT_THAT(stats->hits, testing::AnyOf(4, 48));
  }
}

TEST(PrefixStats, WhatHappenedBetweenTwoReadingsSurvivesARestart) {
  EXPECT_EQ(Since({10, 4}, {30, 14}), (PrefixStats{20, 10}));
  EXPECT_EQ(Since({10, 4}, {6, 2}), (PrefixStats{6, 2}));
  EXPECT_EQ(Since({}, {}).hit_rate(), std::nullopt);
  EXPECT_EQ((PrefixStats{20, 10}).hit_rate(), 0.5);
}

}  // namespace
}  // namespace weir::wire
