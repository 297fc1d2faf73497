// What a job costs its store, in batches of 100. On PostgreSQL when WEIR_POSTGRES is the URL of a
// database whose jobs do not matter; `server_cpu` is then what all its processes used, per job.

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/jobs/queue.h"

namespace weir::jobs {
namespace {

namespace fs = std::filesystem;

constexpr int kBatch = 100;

std::string PostgresUrl() {
  constexpr std::string_view kName = "WEIR_POSTGRES=";
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    if (variable.starts_with(kName)) return std::string(variable.substr(kName.size()));
  }
  return "";
}

// Seconds that the processes of PostgreSQL have used, with those that have ended.
double ServerCpu() {
  double ticks = 0;
  std::error_code error;
  for (const auto& process : fs::directory_iterator("/proc", error)) {
    if (std::isdigit(process.path().filename().string()[0]) == 0) continue;
    std::ifstream file(process.path() / "stat");
    const std::string stat{std::istreambuf_iterator<char>(file), {}};
    if (stat.find("(postgres)") == std::string::npos) continue;
    const auto words = Split(std::string_view(stat).substr(stat.rfind(')') + 2), ' ');
    for (std::size_t at = 11; at < 15 && at < words.size(); ++at) {
      ticks += static_cast<double>(ParseInt(words[at]).value_or(0));
    }
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

void OnEachStore(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgName("postgres")->Arg(0);
  if (!PostgresUrl().empty()) benchmark->Arg(1);
}

class Bench : public benchmark::Fixture {
 public:
  void SetUp(benchmark::State& state) override {
    if (state.thread_index() != 0) return;
    std::string url = PostgresUrl();
    if (state.range(0) == 0) {
      fs::remove_all(folder_);
      fs::create_directories(folder_);
      url = "sqlite:" + (folder_ / "jobs.db").string();
    }
    auto store = OpenStore(url, {});
    if (!store) return state.SkipWithError(store.error().message.c_str());
    store_ = *std::move(store);
    const auto queue = store_->Declare({.name = HexId(random_, 16), .flow = "f", .digest = "d"});
    queue_ = queue.value_or(0);
    workers_.clear();
    for (int i = 0; i < state.threads(); ++i) {
      const auto worker = store_->Enlist({.name = "w", .lease = std::chrono::hours(1)});
      if (!worker) return state.SkipWithError("Enlist failed");
      workers_.push_back(*worker);
    }
    if (!prefill_) return;
    const auto batches = static_cast<int>(state.max_iterations) * state.threads();
    for (int i = 0; i < batches; i += 10) {
      if (!store_->Submit(queue_, Jobs(10 * kBatch))) return state.SkipWithError("Submit failed");
    }
    server_cpu_ = ServerCpu();
  }
  void TearDown(benchmark::State& state) override {
    if (state.thread_index() != 0) return;
    if (state.range(0) == 1) {
      const auto jobs = static_cast<double>(state.iterations()) * kBatch * state.threads();
      state.counters["server_cpu_us"] = (ServerCpu() - server_cpu_) / jobs * 1e6;
    }
    store_.reset();
    fs::remove_all(folder_);
  }

 protected:
  std::vector<NewJob> Jobs(int count) {
    std::vector<NewJob> jobs;
    for (int i = 0; i < count; ++i) {
      jobs.push_back(
          {.key = HexId(random_, 32),
           .row_id = StrCat("row-", ++number_),
           .row = StrCat(R"({"id":)", number_, R"(,"text":")", std::string(200, 'x'), "\"}")});
    }
    return jobs;
  }

  fs::path folder_ = fs::temp_directory_path() / StrCat("weir-store-bench-", ::getpid());
  Random random_ = Random(::getpid());
  int number_ = 0;
  std::unique_ptr<JobStore> store_;
  QueueId queue_ = 0;
  std::vector<WorkerId> workers_;
  bool prefill_ = false;  // all the jobs that will be claimed are there before
  double server_cpu_ = 0;
};

BENCHMARK_DEFINE_F(Bench, Submit)(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    const auto jobs = Jobs(kBatch);
    state.ResumeTiming();
    if (!store_->Submit(queue_, jobs)) return state.SkipWithError("Submit failed");
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK_REGISTER_F(Bench, Submit)->Apply(OnEachStore)->MeasureProcessCPUTime();

class FullBench : public Bench {
 public:
  FullBench() { prefill_ = true; }
};

BENCHMARK_DEFINE_F(FullBench, ClaimAndComplete)(benchmark::State& state) {
  for (auto _ : state) {
    const WorkerId worker = workers_[static_cast<std::size_t>(state.thread_index())];
    const ClaimFrom from[] = {{queue_, kBatch}};
    const auto claims = store_->Claim(worker, from);
    if (!claims || claims->jobs.size() != kBatch) return state.SkipWithError("Claim failed");
    std::vector<Ended> ended;
    for (const Claimed& job : claims->jobs) {
      ended.push_back({.id = job.id,
                       .fence = job.fence,
                       .how = Ended::How::kDone,
                       .result = job.row,
                       .metadata = R"({"engine":"e","provider":"p","model":"m"})",
                       .attempts = R"([{"attempt":1,"status":"ok","duration_ms":1234}])"});
    }
    const auto counted = store_->Complete(worker, ended);
    if (!counted || counted->size() != kBatch) return state.SkipWithError("Complete failed");
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK_REGISTER_F(FullBench, ClaimAndComplete)
    ->Apply(OnEachStore)
    ->Iterations(300)
    ->UseRealTime()
    ->MeasureProcessCPUTime();
BENCHMARK_REGISTER_F(FullBench, ClaimAndComplete)
    ->Apply(OnEachStore)
    ->Iterations(100)
    ->Threads(4)
    ->UseRealTime()
    ->MeasureProcessCPUTime();

}  // namespace
}  // namespace weir::jobs
