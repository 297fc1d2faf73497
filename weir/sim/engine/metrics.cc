#include "weir/sim/engine/metrics.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/sim/engine/metrics_series.h"

namespace weir::sim {
namespace {

using events::Counter;
using events::Histogram;

double Seconds(Duration time) { return std::max(0.0, std::chrono::duration<double>(time).count()); }

void Observe(Histogram* histogram, double value) {
  if (histogram != nullptr) histogram->Observe(value);
}

void Add(Counter* counter, std::int64_t count) {
  if (counter != nullptr && count > 0) counter->Add(static_cast<std::uint64_t>(count));
}

// Methods come from outside: only known ones become a series.
std::string_view KnownMethod(std::string_view method) {
  for (const std::string_view known :
       {"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"}) {
    if (method == known) return known;
  }
  return "OTHER";
}

}  // namespace

Metrics::Metrics(MetricsOptions options) : series_(std::make_unique<Series>(std::move(options))) {}
Metrics::~Metrics() = default;

void Metrics::OnScheduled(std::int64_t looked_up, std::int64_t found) {
  Add(series_->prefix_queries, looked_up);
  Add(series_->prefix_hits, found);
  Add(series_->old_prefix_queries, looked_up);
  Add(series_->old_prefix_hits, found);
}

void Metrics::OnFirstToken(std::int64_t prompt_tokens, std::int64_t cached_tokens, Duration ttft) {
  Add(series_->prompt_tokens, prompt_tokens);
  Add(series_->prompt_computed, prompt_tokens - cached_tokens);
  Add(series_->prompt_hit, cached_tokens);
  Add(series_->prompt_cached, cached_tokens);
  series_->ttft->Observe(Seconds(ttft));
}

void Metrics::OnNextTokens(Duration itl, std::int64_t tokens) {
  if (tokens <= 0) return;
  for (Histogram* histogram : {series_->token_time, series_->old_token_time}) {
    if (histogram != nullptr) histogram->Observe(Seconds(itl), static_cast<std::uint64_t>(tokens));
  }
}

void Metrics::OnGenerated(std::int64_t tokens) { Add(series_->generation_tokens, tokens); }

void Metrics::OnSteps(std::int64_t tokens, std::int64_t steps) {
  if (steps <= 0) return;
  series_->step_tokens->Observe(static_cast<double>(tokens), static_cast<std::uint64_t>(steps));
}

void Metrics::OnPreempted() { series_->preemptions->Add(); }

void Metrics::OnEnded(const Ending& ending) {
  const Series& s = *series_;
  // Each sequence is a request of its own to the engine.
  const auto count = [&](Ended how, std::int64_t sequences) {
    Counter* ended = s.ended[static_cast<std::size_t>(how)];
    // Versions that do not have the reason call it the nearest thing.
    if (ended == nullptr) {
      const Ended nearest = how == Ended::kError ? Ended::kAbort : Ended::kStop;
      ended = s.ended[static_cast<std::size_t>(nearest)];
    }
    ended->Add(sequences);
  };
  for (const Ended how : ending.each) count(how, 1);
  if (ending.each.empty()) count(ending.how, ending.sequences);
  s.request_prompt_tokens->Observe(static_cast<double>(ending.prompt_tokens));
  s.request_generation_tokens->Observe(static_cast<double>(ending.written));
  s.longest_sequence->Observe(static_cast<double>(ending.longest));
  s.params_n->Observe(static_cast<double>(ending.sequences));
  if (ending.max_tokens > 0) {
    s.params_max_tokens->Observe(static_cast<double>(ending.max_tokens));
  }
  s.e2e->Observe(Seconds(ending.total));
  if (!ending.started) return;
  Observe(s.prefill_computed, static_cast<double>(ending.computed_tokens));
  s.queue_time->Observe(Seconds(ending.queued));
  s.inference_time->Observe(Seconds(ending.prefill + ending.decode));
  s.prefill_time->Observe(Seconds(ending.prefill));
  s.decode_time->Observe(Seconds(ending.decode));
  if (ending.longest > 1) {
    Observe(s.request_token_time, Seconds(ending.decode) / static_cast<double>(ending.longest - 1));
  }
}

void Metrics::OnHttp(std::string_view handler, std::string_view method, int status, Duration time) {
  const Series::Http http = series_->HttpOf(handler, KnownMethod(method), status / 100);
  http.requests->Add();
  http.time->Observe(Seconds(time));
}

std::string Metrics::Text(const Gauges& gauges) const {
  const Series& s = *series_;
  s.running->Set(static_cast<double>(gauges.running));
  s.waiting->Set(static_cast<double>(gauges.waiting));
  if (s.waiting_capacity != nullptr) {
    s.waiting_capacity->Set(static_cast<double>(gauges.waiting - gauges.deferred));
    s.waiting_deferred->Set(static_cast<double>(gauges.deferred));
  }
  for (std::size_t i = 0; i < s.sleep_states.size(); ++i) {
    if (s.sleep_states[i] == nullptr) continue;
    s.sleep_states[i]->Set(static_cast<std::size_t>(gauges.sleep_level) == i ? 1 : 0);
  }
  s.cache_usage->Set(gauges.cache_usage);
  if (s.old_cache_usage != nullptr) s.old_cache_usage->Set(gauges.cache_usage);

  // What is shown only now and then, and series whose labels are of this moment.
  events::MetricsRegistry moment;
  if (s.options.max_loras > 0) {
    moment
        .GaugeOf("vllm:lora_requests_info", "Running stats on lora requests.",
                 {{"max_lora", StrCat(s.options.max_loras)},
                  {"running_lora_adapters", gauges.running_adapters},
                  {"waiting_lora_adapters", gauges.waiting_adapters}})
        .Set(static_cast<double>(gauges.wall_nanos) / 1e9);
  }
  if (const auto& process = gauges.process) {
    const auto show = [&](std::string_view name, std::string_view help, double value) {
      moment.GaugeOf(name, help).Set(value);
    };
    show("process_virtual_memory_bytes", "Virtual memory size in bytes.", process->virtual_bytes);
    show("process_resident_memory_bytes", "Resident memory size in bytes.",
         process->resident_bytes);
    show("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
         process->start_seconds);
    show("process_open_fds", "Number of open file descriptors.", process->open_fds);
    show("process_max_fds", "Maximum number of open file descriptors.", process->max_fds);
  }
  std::string text;
  text.reserve(64 * 1024);
  moment.AppendText(text);
  if (gauges.process) {
    // A counter, but not of whole things.
    text +=
        "# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.\n"
        "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total ";
    events::AppendMetricNumber(text, gauges.process->cpu_seconds);
    text += '\n';
  }
  s.registry.AppendText(text);
  return text;
}

}  // namespace weir::sim
