#include "weir/cli/jobs_metrics.h"

#include "weir/async/off_loop.h"
#include "weir/base/text.h"

namespace weir::cli {
namespace {

using async::Task;
using jobs::Ended;

// What the store said is shown for so long; where it takes its time to say it, for longer, so that
// looking costs it little.
constexpr Duration kFresh = std::chrono::seconds(10);
constexpr Duration kOld = std::chrono::minutes(1);
constexpr int kLookingPart = 100;

constexpr std::pair<Ended::How, std::string_view> kHows[] = {{Ended::How::kDone, "done"},
                                                             {Ended::How::kFailed, "failed"},
                                                             {Ended::How::kAgain, "again"},
                                                             {Ended::How::kBack, "back"}};

}  // namespace

void JobsMetrics::Raise(std::string_view name, std::string_view help, const events::Labels& labels,
                        std::uint64_t value) {
  events::Counter& counter = registry_.CounterOf(name, help, labels);
  if (value > counter.value()) counter.Add(value - counter.value());
}

Task<void> JobsMetrics::ReadStore(async::Context ctx) {
  if (reading_ || ctx.Now() < fresh_until_) co_return;
  reading_ = true;
  const TimePoint began = ctx.Now();
  const auto look = [this] { return store_.Queues(); };
  const Result<std::vector<jobs::QueueInfo>> queues = co_await async::OffLoop(ctx, look);
  const auto count = [this] { return store_.Workers(); };
  const Result<std::vector<jobs::WorkerInfo>> workers = co_await async::OffLoop(ctx, count);
  reading_ = false;
  const Duration slow = std::min<Duration>((ctx.Now() - began) * kLookingPart, kOld);
  fresh_until_ = ctx.Now() + (queues && workers ? std::max(kFresh, slow) : kFresh);
  if (workers) {
    registry_.GaugeOf("weir_workers", "Workers of the store, this one included.")
        .Set(static_cast<double>(workers->size()));
  }
  if (!queues) co_return;
  for (const jobs::QueueInfo& queue : *queues) {
    for (int i = 0; i < jobs::kJobStates; ++i) {
      const std::string state(jobs::StateName(static_cast<jobs::JobState>(i)));
      registry_
          .GaugeOf("weir_jobs", "Jobs of the store by their state.",
                   {{"queue", queue.spec.name}, {"state", state}})
          .Set(static_cast<double>(queue.counts[i]));
    }
    registry_
        .GaugeOf("weir_jobs_oldest_seconds", "How long the first queued job has waited.",
                 {{"queue", queue.spec.name}})
        .Set(static_cast<double>(queue.oldest_ms.value_or(0)) / 1000);
  }
}

void JobsMetrics::TakeFigures() {
  const jobs::WorkerFigures& figures = worker_.figures();
  for (const jobs::WorkerFigures::Queue& queue : figures.queues) {
    const events::Labels of{{"queue", queue.name}};
    Raise("weir_jobs_claimed_total", "Jobs that this worker claimed.", of, queue.claimed);
    for (const auto& [how, name] : kHows) {
      Raise("weir_jobs_ended_total", "Claims of this worker by how they ended.",
            {{"queue", queue.name}, {"how", std::string(name)}},
            queue.ended[static_cast<int>(how)]);
    }
    Raise("weir_jobs_ended_total", "Claims of this worker by how they ended.",
          {{"queue", queue.name}, {"how", "lost"}}, queue.lost);
  }
  const auto raise = [this](std::string_view name, std::string_view help, std::uint64_t value) {
    Raise(name, help, {}, value);
  };
  raise("weir_leases_lost_total", "Leases that this worker lost.", figures.leases_lost);
  raise("weir_repeated_calls_total", "Calls that a crash had in flight, asked again.",
        figures.repeated_calls);
  raise("weir_answers_found_total", "Answers of before a crash that were found again.",
        figures.answers_found);
  raise("weir_provider_switches_total", "Changes of provider, model or variant.", figures.switches);
  raise("weir_store_errors_total", "Requests to the store that failed.", figures.store_errors);
  raise("weir_jobs_quarantined_total", "Jobs under which too many workers died.",
        figures.quarantined);
  const auto show = [this](std::string_view name, std::string_view help, double value) {
    registry_.GaugeOf(name, help).Set(value);
  };
  show("weir_worker_in_flight", "Jobs under way in this worker.", figures.running);
  show("weir_worker_resting", "Jobs that wait in this worker to be tried again.", figures.resting);
  show("weir_worker_limit", "How many may be under way now.", figures.limit);
  show("weir_worker_paused", "1: no engine answers, and nothing is claimed.",
       figures.paused ? 1 : 0);
  show("weir_worker_draining", "1: no job is begun any more.", figures.draining ? 1 : 0);
}

void JobsMetrics::ShowStandIns() {
  constexpr std::string_view kName = "weir_worker_stands_in";
  constexpr std::string_view kHelp = "1: jobs go to an engine since another did not answer.";
  std::set<std::pair<std::string, std::string>> now;
  for (const jobs::WorkerFigures::Queue& queue : worker_.figures().queues) {
    if (!queue.stands_in_for.empty()) now.emplace(queue.stands_in_for, queue.engine);
  }
  stand_ins_.insert(now.begin(), now.end());
  for (const auto& pair : stand_ins_) {
    registry_.GaugeOf(kName, kHelp, {{"from", pair.first}, {"to", pair.second}})
        .Set(now.contains(pair) ? 1 : 0);
  }
}

Task<void> JobsMetrics::Handle(http::Exchange& exchange) {
  const std::string_view target = exchange.head().target;
  const std::string_view path = target.substr(0, target.find('?'));
  const jobs::WorkerFigures& figures = worker_.figures();
  int status = 200;
  std::string body = "ok\n";
  http::Headers headers;
  headers.Add("content-type", "text/plain; charset=utf-8");
  if (path == "/metrics") {
    co_await ReadStore(exchange.context());
    TakeFigures();
    ShowStandIns();
    body.clear();
    registry_.AppendText(body);
    headers.Set("content-type", "text/plain; version=0.0.4; charset=utf-8");
  } else if (path == "/readyz") {
    const char* why = figures.draining     ? "draining: no job is begun any more\n"
                      : figures.paused     ? "paused: no engine answers\n"
                      : figures.store_away ? "the store does not answer\n"
                                           : nullptr;
    if (why != nullptr) {
      status = 503;
      body = why;
    }
  } else if (path != "/healthz") {
    status = 404;
    body = "there are /metrics, /healthz and /readyz\n";
  }
  // The client may have gone; then nobody is left to tell.
  (void)co_await exchange.Respond(status, headers, body);
}

}  // namespace weir::cli
