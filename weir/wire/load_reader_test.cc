#include "weir/wire/load_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::wire {
namespace {

struct LoadCase {
  const char* name;
  std::string_view text;
  ServerLoad load;
};

constexpr std::string_view kPage =
    "# TYPE vllm:num_requests_running gauge\n"
    "vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 12.0\n"
    "vllm:num_requests_waiting{engine=\"0\",model_name=\"m\"} 34.0\n"
    "vllm:kv_cache_usage_perc{engine=\"0\",model_name=\"m\"} 0.25\n"
    "vllm:prefix_cache_queries_total{engine=\"0\",model_name=\"m\"} 64.0\n"
    "vllm:prefix_cache_hits_total{engine=\"0\",model_name=\"m\"} 48.0\n";

const LoadCase kLoadCases[] = {
    {"today", kPage, {12, 34, 0.25, PrefixStats{64, 48}}},
    {"older_name_of_the_cache", "vllm:gpu_cache_usage_perc{m=\"a\"} 0.5\n", {.kv_use = 0.5}},
    {"the_newer_name_wins",
     "vllm:kv_cache_usage_perc 0.25\nvllm:gpu_cache_usage_perc 0.5\n",
     {.kv_use = 0.25}},
    {"engines_are_added_up_and_the_fullest_cache_counts",
     "vllm:num_requests_running{engine=\"0\"} 1\nvllm:num_requests_running{engine=\"1\"} 2\n"
     "vllm:kv_cache_usage_perc{engine=\"0\"} 0.5\nvllm:kv_cache_usage_perc{engine=\"1\"} 0.1\n",
     {.running = 3, .kv_use = 0.5}},
    {"labels_times_and_ends_of_lines_of_any_kind",
     "# HELP vllm:num_requests_waiting Number of requests waiting.\n"
     "vllm:num_requests_waiting{engine=\"0\",model_name=\"a } b\"} 3.0\n"
     "vllm:num_requests_waiting{engine=\"1\",model_name=\"m\"} 2.0\n"
     "vllm:num_requests_running{engine=\"0\"} 7.0 1700000000000\n"
     "vllm:kv_cache_usage_perc{engine=\"0\"} 0.25\n"
     "vllm:kv_cache_usage_perc{engine=\"1\"} 0.5\r\n"
     "vllm:prompt_tokens_total 1e5\n",
     {.running = 7, .waiting = 5, .kv_use = 0.5}},
    {"other_series_do_not_count",
     "vllm:num_requests_waiting_by_reason{reason=\"capacity\"} 5\nvllm:num_requests_swapped 1\n",
     {}},
    {"numbers_that_are_none",
     "vllm:num_requests_running NaN\nvllm:num_requests_waiting -1\nvllm:kv_cache_usage_perc x\n",
     {}},
    {"a_part_is_at_most_all", "vllm:kv_cache_usage_perc 25\n", {.kv_use = 1}},
    {"a_sum_that_is_no_number_any_more",
     "vllm:num_requests_running 1e308\nvllm:num_requests_running 1e308\n",
     {}},
    {"another_server", "llamacpp:requests_processing 5\n", {}},
    {"nothing", "", {}},
};

class ServerLoadTest : public testing::TestWithParam<LoadCase> {};

TEST_P(ServerLoadTest, IsRead) { EXPECT_EQ(ReadServerLoad(GetParam().text), GetParam().load); }

INSTANTIATE_TEST_SUITE_P(Metrics, ServerLoadTest, testing::ValuesIn(kLoadCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ServerLoad, ATextThatIsCutGivesAllOfANumberOrItsBeginningAndNeverMore) {
  for (std::size_t cut = 0; cut < kPage.size(); ++cut) {
    const ServerLoad load = ReadServerLoad(kPage.substr(0, cut));
    EXPECT_THAT(load.running.value_or(12), testing::AnyOf(1, 12));
    EXPECT_THAT(load.waiting.value_or(34), testing::AnyOf(3, 34));
    EXPECT_THAT(load.kv_use.value_or(0), testing::AnyOf(0, 0.2, 0.25));
  }
}

}  // namespace
}  // namespace weir::wire
