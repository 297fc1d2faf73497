#include "weir/sim/engine/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

wire::Dialect Version(int minor, int patch = 0) {
  wire::Dialect dialect;
  dialect.version = {0, minor, patch};
  return dialect;
}

// Without help, and without the buckets of histograms.
std::string Outline(std::string_view text) {
  std::string outline;
  for (const std::string_view line : Split(text, '\n')) {
    if (line.empty() || line.starts_with("# HELP") || line.contains("_bucket{")) continue;
    StrAppend(outline, line, "\n");
  }
  return outline;
}

std::string Played() {
  Metrics metrics({.model_name = "m\"1", .max_model_len = 10, .max_loras = 2});
  metrics.OnScheduled(64, 48);
  metrics.OnFirstToken(64, 48, 250ms);
  metrics.OnNextTokens(20ms, 2);
  metrics.OnGenerated(3);
  metrics.OnSteps(17, 1);
  metrics.OnSteps(1, 2);
  metrics.OnPreempted();
  metrics.OnEnded({.how = Ended::kLength,
                   .prompt_tokens = 64,
                   .computed_tokens = 16,
                   .written = 3,
                   .longest = 3,
                   .max_tokens = 3,
                   .started = true,
                   .total = 500ms,
                   .queued = 125ms,
                   .prefill = 125ms,
                   .decode = 250ms});
  return metrics.Text({.running = 2,
                       .waiting = 3,
                       .deferred = 1,
                       .cache_usage = 0.25,
                       .running_adapters = "a,b",
                       .waiting_adapters = "c",
                       .sleep_level = 1,
                       .wall_nanos = 1'700'000'000'000'000'000});
}

TEST(SimMetricsTest, TheTextIsThatOfAServer) {
  EXPECT_EQ(Outline(Played()),
            R"(# TYPE vllm:lora_requests_info gauge
vllm:lora_requests_info{max_lora="2",running_lora_adapters="a,b",waiting_lora_adapters="c"} 1.7e+09
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m\"1"} 2.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="m\"1"} 3.0
# TYPE vllm:num_requests_waiting_by_reason gauge
vllm:num_requests_waiting_by_reason{engine="0",model_name="m\"1",reason="capacity"} 2.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="m\"1",reason="deferred"} 1.0
# TYPE vllm:engine_sleep_state gauge
vllm:engine_sleep_state{engine="0",model_name="m\"1",sleep_state="awake"} 0.0
vllm:engine_sleep_state{engine="0",model_name="m\"1",sleep_state="weights_offloaded"} 1.0
vllm:engine_sleep_state{engine="0",model_name="m\"1",sleep_state="discard_all"} 0.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="m\"1"} 0.25
# TYPE vllm:prefix_cache_queries_total counter
vllm:prefix_cache_queries_total{engine="0",model_name="m\"1"} 64.0
# TYPE vllm:prefix_cache_hits_total counter
vllm:prefix_cache_hits_total{engine="0",model_name="m\"1"} 48.0
# TYPE vllm:num_preemptions_total counter
vllm:num_preemptions_total{engine="0",model_name="m\"1"} 1.0
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{engine="0",model_name="m\"1"} 64.0
# TYPE vllm:prompt_tokens_by_source_total counter
vllm:prompt_tokens_by_source_total{engine="0",model_name="m\"1",source="local_compute"} 16.0
vllm:prompt_tokens_by_source_total{engine="0",model_name="m\"1",source="local_cache_hit"} 48.0
vllm:prompt_tokens_by_source_total{engine="0",model_name="m\"1",source="external_kv_transfer"} 0.0
# TYPE vllm:prompt_tokens_cached_total counter
vllm:prompt_tokens_cached_total{engine="0",model_name="m\"1"} 48.0
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0",model_name="m\"1"} 3.0
# TYPE vllm:request_success_total counter
vllm:request_success_total{engine="0",finished_reason="stop",model_name="m\"1"} 0.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="m\"1"} 1.0
vllm:request_success_total{engine="0",finished_reason="abort",model_name="m\"1"} 0.0
vllm:request_success_total{engine="0",finished_reason="error",model_name="m\"1"} 0.0
vllm:request_success_total{engine="0",finished_reason="repetition",model_name="m\"1"} 0.0
# TYPE vllm:request_prompt_tokens histogram
vllm:request_prompt_tokens_count{engine="0",model_name="m\"1"} 1.0
vllm:request_prompt_tokens_sum{engine="0",model_name="m\"1"} 64.0
# TYPE vllm:request_generation_tokens histogram
vllm:request_generation_tokens_count{engine="0",model_name="m\"1"} 1.0
vllm:request_generation_tokens_sum{engine="0",model_name="m\"1"} 3.0
# TYPE vllm:iteration_tokens_total histogram
vllm:iteration_tokens_total_count{engine="0",model_name="m\"1"} 3.0
vllm:iteration_tokens_total_sum{engine="0",model_name="m\"1"} 19.0
# TYPE vllm:request_max_num_generation_tokens histogram
vllm:request_max_num_generation_tokens_count{engine="0",model_name="m\"1"} 1.0
vllm:request_max_num_generation_tokens_sum{engine="0",model_name="m\"1"} 3.0
# TYPE vllm:request_params_n histogram
vllm:request_params_n_count{engine="0",model_name="m\"1"} 1.0
vllm:request_params_n_sum{engine="0",model_name="m\"1"} 1.0
# TYPE vllm:request_params_max_tokens histogram
vllm:request_params_max_tokens_count{engine="0",model_name="m\"1"} 1.0
vllm:request_params_max_tokens_sum{engine="0",model_name="m\"1"} 3.0
# TYPE vllm:request_prefill_kv_computed_tokens histogram
vllm:request_prefill_kv_computed_tokens_count{engine="0",model_name="m\"1"} 1.0
vllm:request_prefill_kv_computed_tokens_sum{engine="0",model_name="m\"1"} 16.0
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_count{engine="0",model_name="m\"1"} 1.0
vllm:time_to_first_token_seconds_sum{engine="0",model_name="m\"1"} 0.25
# TYPE vllm:inter_token_latency_seconds histogram
vllm:inter_token_latency_seconds_count{engine="0",model_name="m\"1"} 2.0
vllm:inter_token_latency_seconds_sum{engine="0",model_name="m\"1"} 0.04
# TYPE vllm:request_time_per_output_token_seconds histogram
vllm:request_time_per_output_token_seconds_count{engine="0",model_name="m\"1"} 1.0
vllm:request_time_per_output_token_seconds_sum{engine="0",model_name="m\"1"} 0.125
# TYPE vllm:e2e_request_latency_seconds histogram
vllm:e2e_request_latency_seconds_count{engine="0",model_name="m\"1"} 1.0
vllm:e2e_request_latency_seconds_sum{engine="0",model_name="m\"1"} 0.5
# TYPE vllm:request_queue_time_seconds histogram
vllm:request_queue_time_seconds_count{engine="0",model_name="m\"1"} 1.0
vllm:request_queue_time_seconds_sum{engine="0",model_name="m\"1"} 0.125
# TYPE vllm:request_inference_time_seconds histogram
vllm:request_inference_time_seconds_count{engine="0",model_name="m\"1"} 1.0
vllm:request_inference_time_seconds_sum{engine="0",model_name="m\"1"} 0.375
# TYPE vllm:request_prefill_time_seconds histogram
vllm:request_prefill_time_seconds_count{engine="0",model_name="m\"1"} 1.0
vllm:request_prefill_time_seconds_sum{engine="0",model_name="m\"1"} 0.125
# TYPE vllm:request_decode_time_seconds histogram
vllm:request_decode_time_seconds_count{engine="0",model_name="m\"1"} 1.0
vllm:request_decode_time_seconds_sum{engine="0",model_name="m\"1"} 0.25
# TYPE vllm:cache_config_info gauge
vllm:cache_config_info{block_size="16",cache_dtype="auto",enable_prefix_caching="True",engine="0",gpu_memory_utilization="0.92",num_cpu_blocks="None",num_gpu_blocks="8192",num_gpu_blocks_override="None",prefix_caching_hash_algo="sha256",sliding_window="None"} 1.0
)");
}

TEST(SimMetricsTest, BucketsAreTheServersOwn) {
  const std::string text = Played();

  EXPECT_THAT(text, HasSubstr(R"(
vllm:request_prompt_tokens_bucket{engine="0",le="1.0",model_name="m\"1"} 0.0
vllm:request_prompt_tokens_bucket{engine="0",le="2.0",model_name="m\"1"} 0.0
vllm:request_prompt_tokens_bucket{engine="0",le="5.0",model_name="m\"1"} 0.0
vllm:request_prompt_tokens_bucket{engine="0",le="10.0",model_name="m\"1"} 0.0
vllm:request_prompt_tokens_bucket{engine="0",le="+Inf",model_name="m\"1"} 1.0
vllm:request_prompt_tokens_count)"));
  EXPECT_THAT(text, HasSubstr(R"(
vllm:inter_token_latency_seconds_bucket{engine="0",le="0.01",model_name="m\"1"} 0.0
vllm:inter_token_latency_seconds_bucket{engine="0",le="0.025",model_name="m\"1"} 2.0)"));
  for (const std::string_view bound : {"0.001", "640.0", "2560.0"}) {
    EXPECT_THAT(text, HasSubstr(StrCat("vllm:time_to_first_token_seconds_bucket{engine=\"0\",le=\"",
                                       bound, "\"")));
  }
  EXPECT_THAT(text, HasSubstr("vllm:iteration_tokens_total_bucket{engine=\"0\",le=\"16384.0\""));
  EXPECT_THAT(text,
              HasSubstr("vllm:e2e_request_latency_seconds_bucket{engine=\"0\",le=\"7680.0\""));
}

TEST(SimMetricsTest, NamesFollowTheVersion) {
  struct Case {
    std::string_view name;
    wire::Version first;
    wire::Version gone;
  };
  const Case kCases[] = {
      {"vllm:gpu_cache_usage_perc{", {0, 6}, {0, 12}},
      {"vllm:kv_cache_usage_perc{", {0, 6}, {9, 0}},
      {"vllm:gpu_prefix_cache_hits_total{", {0, 6}, {0, 12}},
      {"vllm:time_per_output_token_seconds_count{", {0, 6}, {0, 15}},
      {"vllm:inter_token_latency_seconds_count{", {0, 10, 2}, {9, 0}},
      {"vllm:request_time_per_output_token_seconds_count{", {0, 11}, {9, 0}},
      {"vllm:engine_sleep_state{", {0, 11, 1}, {9, 0}},
      {"vllm:num_requests_waiting_by_reason{", {0, 20}, {9, 0}},
  };
  for (const wire::Dialect& dialect : {Version(9), Version(10, 2), Version(11, 1), Version(12),
                                       Version(15), Version(20), Version(28)}) {
    Metrics metrics({.dialect = dialect});
    metrics.OnEnded({.how = Ended::kError});
    const std::string text = metrics.Text({});
    for (const auto& [name, first, gone] : kCases) {
      const bool expected = dialect.version >= first && dialect.version < gone;
      EXPECT_EQ(text.contains(name), expected) << name << " in 0." << dialect.version.minor;
    }
  }
}

TEST(SimMetricsTest, CreatedSeriesAndAdaptersAreShownWhenAskedFor) {
  Metrics plain({});
  Metrics full({.max_loras = 1, .created_wall_nanos = 1'700'000'000'000'000'000});

  EXPECT_THAT(plain.Text({}), Not(HasSubstr("_created")));
  EXPECT_THAT(plain.Text({}), Not(HasSubstr("lora_requests_info")));
  EXPECT_THAT(full.Text({}), HasSubstr("vllm:prompt_tokens_created{"));
  EXPECT_THAT(full.Text({}), HasSubstr("lora_requests_info"));
}

TEST(SimMetricsTest, HttpRequestsAreCountedByHandlerMethodAndClassOfStatus) {
  Metrics metrics({});

  metrics.OnHttp("/v1/models", "GET", 200, 50ms);
  metrics.OnHttp("/v1/models", "GET", 204, 50ms);
  metrics.OnHttp("none", "BREW", 418, 2s);

  const std::string text = metrics.Text({});
  EXPECT_THAT(
      text,
      HasSubstr("http_requests_total{handler=\"/v1/models\",method=\"GET\",status=\"2xx\"} 2.0\n"));
  EXPECT_THAT(
      text,
      HasSubstr("http_requests_total{handler=\"none\",method=\"OTHER\",status=\"4xx\"} 1.0\n"));
  EXPECT_THAT(text, HasSubstr("http_request_duration_seconds_bucket{handler=\"/v1/models\",le="
                              "\"0.1\",method=\"GET\"} 2.0\n"));
}

TEST(SimMetricsTest, TheProcessTellsOfItself) {
  const Metrics::Process process = ProcessNow();

  EXPECT_GT(process.resident_bytes, 1e6);
  EXPECT_GE(process.virtual_bytes, process.resident_bytes);
  EXPECT_GE(process.open_fds, 3);
  EXPECT_GT(process.start_seconds, 1.6e9);

  Metrics metrics({});
  EXPECT_THAT(metrics.Text({.process = Metrics::Process{.cpu_seconds = 1.5}}),
              HasSubstr("\nprocess_cpu_seconds_total 1.5\n"));
}

}  // namespace
}  // namespace weir::sim
