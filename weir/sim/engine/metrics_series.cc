#include "weir/sim/engine/metrics_series.h"

#include <vector>

#include "weir/base/text.h"

namespace weir::sim {
namespace {

constexpr double kTtftBounds[] = {.001, .005, .01, .02, .04, .06, .08, .1, .25, .5,  .75,
                                  1,    2.5,  5,   7.5, 10,  20,  40,  80, 160, 640, 2560};
constexpr double kTokenTimeBounds[] = {.01, .025, .05, .075, .1,  .15, .2, .3, .4, .5,
                                       .75, 1,    2.5, 5,    7.5, 10,  20, 40, 80};
constexpr double kRequestBounds[] = {.3, .5, .8, 1,  1.5, 2,   2.5, 5,   10,   15,  20,
                                     30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680};
constexpr double kStepBounds[] = {1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};
constexpr double kSequenceBounds[] = {1, 2, 5, 10, 20};
constexpr double kHttpBounds[] = {.1, .5, 1};

constexpr std::string_view kReasons[] = {"stop", "length", "abort", "error", "repetition"};

// 1, 2, 5, 10, 20, 50 ... up to `most`.
std::vector<double> TokenBounds(std::int64_t most) {
  std::vector<double> bounds;
  for (std::int64_t power = 1; power <= most; power *= 10) {
    for (const std::int64_t mantissa : {1, 2, 5}) {
      if (mantissa * power <= most) bounds.push_back(static_cast<double>(mantissa * power));
    }
  }
  return bounds;
}

std::string_view BoolName(bool value) { return value ? "True" : "False"; }

}  // namespace

Metrics::Series::Series(MetricsOptions its_options)
    : options(std::move(its_options)),
      registry(static_cast<double>(options.created_wall_nanos) / 1e9) {
  NewGauges();
  NewCounters();
  NewTokenHistograms();
  NewTimeHistograms();
  NewCacheInfo();
}

events::Labels Metrics::Series::With(const Labels& extra) const {
  Labels labels = {{"engine", options.engine}, {"model_name", options.model_name}};
  labels.insert(labels.end(), extra.begin(), extra.end());
  return labels;
}

events::Counter* Metrics::Series::NewCounter(std::string_view name, std::string_view help,
                                             Version since, const Labels& extra) {
  return Has(since) ? &registry.CounterOf(name, help, With(extra)) : nullptr;
}

events::Gauge* Metrics::Series::NewGauge(std::string_view name, std::string_view help,
                                         const Labels& extra) {
  return &registry.GaugeOf(name, help, With(extra));
}

events::Histogram* Metrics::Series::NewHistogram(std::string_view name, std::string_view help,
                                                 std::span<const double> bounds, Version since) {
  return Has(since) ? &registry.HistogramOf(name, help, bounds, With({})) : nullptr;
}

void Metrics::Series::NewGauges() {
  running = NewGauge("vllm:num_requests_running", "Number of requests in model execution batches.");
  waiting = NewGauge("vllm:num_requests_waiting", "Number of requests waiting to be processed.");
  if (Has({0, 20})) {
    const auto by_reason = [&](const char* reason) {
      return NewGauge("vllm:num_requests_waiting_by_reason",
                      "Number of waiting requests by reason.", {{"reason", reason}});
    };
    waiting_capacity = by_reason("capacity");
    waiting_deferred = by_reason("deferred");
  }
  if (Has({0, 11, 1})) {
    constexpr std::array kStates = {"awake", "weights_offloaded", "discard_all"};
    for (std::size_t i = 0; i < kStates.size(); ++i) {
      sleep_states[i] =
          NewGauge("vllm:engine_sleep_state", "Engine sleep state; one of three is 1.",
                   {{"sleep_state", kStates[i]}});
    }
  }
  if (!Has({0, 12})) {
    old_cache_usage =
        NewGauge("vllm:gpu_cache_usage_perc", "GPU KV-cache usage. 1 means 100 percent usage.");
  }
  cache_usage = NewGauge("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.");
}

void Metrics::Series::NewCounters() {
  constexpr std::string_view kQueries =
      "Prefix cache queries, in terms of number of queried tokens.";
  constexpr std::string_view kHits = "Prefix cache hits, in terms of number of cached tokens.";
  if (!Has({0, 12})) {
    old_prefix_queries = NewCounter("vllm:gpu_prefix_cache_queries_total", kQueries);
    old_prefix_hits = NewCounter("vllm:gpu_prefix_cache_hits_total", kHits);
  }
  prefix_queries = NewCounter("vllm:prefix_cache_queries_total", kQueries);
  prefix_hits = NewCounter("vllm:prefix_cache_hits_total", kHits);
  preemptions =
      NewCounter("vllm:num_preemptions_total", "Cumulative number of preemption from the engine.");
  prompt_tokens = NewCounter("vllm:prompt_tokens_total", "Number of prefill tokens processed.");
  constexpr Version kBySource = {0, 16};
  const auto by_source = [&](const char* source) {
    return NewCounter("vllm:prompt_tokens_by_source_total", "Number of prompt tokens by source.",
                      kBySource, {{"source", source}});
  };
  prompt_computed = by_source("local_compute");
  prompt_hit = by_source("local_cache_hit");
  by_source("external_kv_transfer");
  prompt_cached = NewCounter("vllm:prompt_tokens_cached_total",
                             "Number of cached prompt tokens (local + external).", kBySource);
  generation_tokens =
      NewCounter("vllm:generation_tokens_total", "Number of generation tokens processed.");
  for (std::size_t i = 0; i < ended.size(); ++i) {
    const bool late = i >= static_cast<std::size_t>(Ended::kError);
    ended[i] = NewCounter("vllm:request_success_total", "Count of successfully processed requests.",
                          late ? Version{0, 12} : Version{},
                          {{"finished_reason", std::string(kReasons[i])}});
  }
}

void Metrics::Series::NewTokenHistograms() {
  const std::vector<double> bounds = TokenBounds(options.max_model_len);
  request_prompt_tokens =
      NewHistogram("vllm:request_prompt_tokens", "Number of prefill tokens processed.", bounds);
  request_generation_tokens = NewHistogram("vllm:request_generation_tokens",
                                           "Number of generation tokens processed.", bounds);
  step_tokens = NewHistogram("vllm:iteration_tokens_total",
                             "Histogram of number of tokens per engine_step.", kStepBounds);
  longest_sequence =
      NewHistogram("vllm:request_max_num_generation_tokens",
                   "Histogram of maximum number of requested generation tokens.", bounds);
  params_n = NewHistogram("vllm:request_params_n", "Histogram of the n request parameter.",
                          kSequenceBounds);
  params_max_tokens = NewHistogram("vllm:request_params_max_tokens",
                                   "Histogram of the max_tokens request parameter.", bounds);
  prefill_computed =
      NewHistogram("vllm:request_prefill_kv_computed_tokens",
                   "Histogram of new KV tokens computed during prefill (excluding cached tokens).",
                   bounds, {0, 12});
}

void Metrics::Series::NewTimeHistograms() {
  ttft = NewHistogram("vllm:time_to_first_token_seconds",
                      "Histogram of time to first token in seconds.", kTtftBounds);
  if (!Has({0, 15})) {
    old_token_time =
        NewHistogram("vllm:time_per_output_token_seconds",
                     "Histogram of time per output token in seconds.", kTokenTimeBounds);
  }
  token_time =
      NewHistogram("vllm:inter_token_latency_seconds",
                   "Histogram of inter-token latency in seconds.", kTokenTimeBounds, {0, 10, 2});
  request_token_time = NewHistogram("vllm:request_time_per_output_token_seconds",
                                    "Histogram of time_per_output_token_seconds per request.",
                                    kTokenTimeBounds, {0, 11});
  e2e = NewHistogram("vllm:e2e_request_latency_seconds",
                     "Histogram of e2e request latency in seconds.", kRequestBounds);
  queue_time =
      NewHistogram("vllm:request_queue_time_seconds",
                   "Histogram of time spent in WAITING phase for request.", kRequestBounds);
  inference_time =
      NewHistogram("vllm:request_inference_time_seconds",
                   "Histogram of time spent in RUNNING phase for request.", kRequestBounds);
  prefill_time =
      NewHistogram("vllm:request_prefill_time_seconds",
                   "Histogram of time spent in PREFILL phase for request.", kRequestBounds);
  decode_time =
      NewHistogram("vllm:request_decode_time_seconds",
                   "Histogram of time spent in DECODE phase for request.", kRequestBounds);
}

void Metrics::Series::NewCacheInfo() {
  const KvCacheOptions& cache = options.cache;
  const Labels labels = {{"block_size", StrCat(cache.block_size)},
                         {"cache_dtype", "auto"},
                         {"enable_prefix_caching", std::string(BoolName(cache.prefix_caching))},
                         {"engine", options.engine},
                         {"gpu_memory_utilization", Has({0, 20}) ? "0.92" : "0.9"},
                         {"num_cpu_blocks", "None"},
                         {"num_gpu_blocks", StrCat(cache.blocks)},
                         {"num_gpu_blocks_override", "None"},
                         {"prefix_caching_hash_algo", Has({0, 11}) ? "sha256" : "builtin"},
                         {"sliding_window", "None"}};
  registry.GaugeOf("vllm:cache_config_info", "Information of the LLMEngine CacheConfig", labels)
      .Set(1);
}

Metrics::Series::Http Metrics::Series::HttpOf(std::string_view handler, std::string_view method,
                                              int hundreds) {
  const std::scoped_lock lock(http_mutex);
  for (const NamedHttp& known : http) {
    if (known.handler == handler && known.method == method && known.hundreds == hundreds) {
      return known.series;
    }
  }
  NamedHttp& added = http.emplace_back(NamedHttp{
      .handler = std::string(handler), .method = std::string(method), .hundreds = hundreds});
  added.series.requests = &registry.CounterOf(
      "http_requests_total", "Total number of requests by method, status and handler.",
      {{"handler", added.handler}, {"method", added.method}, {"status", StrCat(hundreds, "xx")}});
  added.series.time = &registry.HistogramOf(
      "http_request_duration_seconds",
      "Latency with only few buckets by handler. Made to be only used if aggregation by handler "
      "is important. ",
      kHttpBounds, {{"handler", added.handler}, {"method", added.method}});
  return added.series;
}

}  // namespace weir::sim
