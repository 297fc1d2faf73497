#include "weir/sim/face/batch_desk.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/sim/face/batch_exchange.h"
#include "weir/sim/face/let_others_run.h"
#include "weir/sim/face/visit.h"
#include "weir/wire/batch_check.h"

namespace weir::sim {
namespace {

using async::Context;
using async::Task;

constexpr int kResultDigits = 32;

const Route* RouteOf(std::string_view endpoint) {
  for (const std::span<const Route> room :
       {GenerateRoutes(), ResponsesRoutes(), EmbeddingRoutes()}) {
    for (const Route& route : room) {
      if (route.method == "POST" && route.path == endpoint) return &route;
    }
  }
  return nullptr;
}

std::int64_t SecondsIn(Duration time) {
  return std::chrono::ceil<std::chrono::seconds>(time).count();
}

wire::BatchError StorageError() {
  wire::BatchError error;
  error.code = "storage_limit_exceeded";
  error.message = "There is no room for the results of this batch; delete files.";
  return error;
}

}  // namespace

struct BatchDesk::Job {
  wire::BatchObject about;
  async::Cancellation* cancellation = nullptr;  // of the loop; null when it does not run
};

// A job while it runs.
struct BatchDesk::Work {
  struct Row {
    std::string custom_id;
    std::string_view line;  // of `input`
    std::string result;     // empty: none yet
    bool good = false;
  };

  std::shared_ptr<Job> job;
  const Route* route = nullptr;
  std::shared_ptr<const std::string> input;
  std::vector<Row> rows;
  std::size_t next = 0;
  std::size_t result_bytes = 0;
  bool full = false;  // no room for more results
};

BatchDesk::BatchDesk(SimCore& core)
    : core_(core),
      options_(core.options().batches),
      files_(options_.files),
      places_({.permits = options_.in_flight}),
      ids_(core.options().deterministic ? Random(core.options().seed) : Random::FromSystem()) {}

BatchDesk::~BatchDesk() {
  if (loop_ == nullptr) return;
  loop_->Post([this] { stop_->Cancel(); });
  thread_.join();
}

std::string BatchDesk::NewId(std::string_view prefix, int digits) {
  const std::lock_guard lock(mutex_);
  return StrCat(prefix, HexId(ids_, digits));
}

std::optional<wire::BatchObject> BatchDesk::Open(const wire::BatchOrder& order, std::int64_t now) {
  constexpr int kDigits = 32;
  auto job = std::make_shared<Job>();
  job->about.id = NewId("batch_", kDigits);
  job->about.endpoint = order.endpoint;
  job->about.input_file_id = order.input_file_id;
  job->about.completion_window = order.completion_window;
  job->about.metadata = order.metadata;
  job->about.created_at = now;
  job->about.times.emplace("expires_at", now + SecondsIn(options_.window));
  const std::lock_guard lock(mutex_);
  Forget();
  if (jobs_.size() >= options_.kept) return std::nullopt;
  jobs_.push_back(job);
  StartThread();
  const wire::BatchObject opened = job->about;
  loop_->Post([this, job = std::move(job)] { scope_->Spawn(RunJob(scope_->context(), job)); });
  return opened;
}

// Makes room for one more: the oldest that has ended goes.
void BatchDesk::Forget() {
  if (jobs_.size() < options_.kept) return;
  const auto ended =
      std::ranges::find_if(jobs_, [](const auto& job) { return job->about.ended(); });
  if (ended != jobs_.end()) jobs_.erase(ended);
}

void BatchDesk::StartThread() {
  if (loop_ != nullptr) return;
  loop_ = std::make_unique<async::Loop>();
  stop_ = std::make_unique<async::Cancellation>();
  thread_ = std::thread([this, loop = loop_.get(), stop = stop_.get()] {
    Context ctx(*loop);
    ctx.cancellation = stop;
    loop->Run(Attend(ctx));
  });
}

std::shared_ptr<BatchDesk::Job> BatchDesk::Find(std::string_view id) const {
  const auto found =
      std::ranges::find_if(jobs_, [id](const auto& job) { return job->about.id == id; });
  return found == jobs_.end() ? nullptr : *found;
}

std::optional<wire::BatchObject> BatchDesk::Get(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<Job> job = Find(id);
  return job == nullptr ? std::nullopt : std::optional(job->about);
}

std::vector<wire::BatchObject> BatchDesk::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<wire::BatchObject> batches;
  batches.reserve(jobs_.size());
  for (auto job = jobs_.rbegin(); job != jobs_.rend(); ++job) batches.push_back((*job)->about);
  return batches;
}

std::optional<wire::BatchObject> BatchDesk::Cancel(std::string_view id, std::int64_t now) {
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<Job> job = Find(id);
  if (job == nullptr) return std::nullopt;
  wire::BatchObject& about = job->about;
  if (about.ended() || about.status == "finalizing" || about.status == "cancelling") return about;
  about.status = "cancelling";
  about.times.emplace("cancelling_at", now);
  loop_->Post([job] {
    if (job->cancellation != nullptr) job->cancellation->Cancel();
  });
  return about;
}

Task<void> BatchDesk::Attend(Context ctx) {
  async::TaskScope scope(ctx);
  scope_ = &scope;
  (void)co_await async::WaitForever(ctx);
  co_await scope.Join();
}

Task<void> BatchDesk::RunJob(Context ctx, std::shared_ptr<Job> job) {
  async::Cancellation cancellation(ctx.cancellation);
  Context inside = ctx;
  inside.cancellation = &cancellation;
  inside.deadline = After(ctx.Now(), options_.window);
  job->cancellation = &cancellation;
  Work work{.job = job, .route = RouteOf(job->about.endpoint)};
  if (ReadInput(work)) {
    Move(*job, "in_progress");
    async::TaskScope scope(inside);
    for (std::size_t i = 0; i < std::min(options_.in_flight, work.rows.size()); ++i) {
      scope.Spawn(Pull(scope.context(), work));
    }
    co_await scope.Join();
    if (!ctx.cancelled()) Finalize(work, ctx.Now() < inside.deadline);
  }
  job->cancellation = nullptr;
}

Task<void> BatchDesk::Pull(Context ctx, Work& work) {
  while (work.next < work.rows.size() && !work.full) {
    // Whoever wants to cancel has a turn, however fast the answers are.
    LetOthersRun others{*ctx.loop};
    co_await others;
    const Result<async::Semaphore::Permit> place = co_await places_.Acquire(ctx);
    if (!place || ctx.ended()) co_return;
    if (work.next < work.rows.size()) co_await ServeRow(ctx, work, work.next++);
  }
}

Task<void> BatchDesk::ServeRow(Context ctx, Work& work, std::size_t index) {
  const Work::Row& row = work.rows[index];
  std::string body;
  if (const Result<json::Value> request = json::Read(row.line)) {
    body = json::Write(request->Find("body"));
  }
  BatchExchange exchange(ctx, work.route->path, std::move(body));
  Visit visit{.exchange = exchange, .core = core_, .desk = *this};
  core_.log().Add(exchange.head(), exchange.body(), visit.WallNanos());
  co_await Serve(visit, *work.route);
  if (!exchange.whole() && ctx.ended()) co_return;
  wire::BatchResult result{.id = NewId("batch_req_", kResultDigits),
                           .custom_id = row.custom_id,
                           .status = exchange.status(),
                           .request_id = NewId("", kResultDigits),
                           .body = exchange.answer(),
                           .error = {}};
  if (!exchange.whole() || !json::Read(exchange.answer())) {
    wire::BatchError& error = result.error.emplace();
    error.code = "server_error";
    error.message = exchange.whole() ? "The server answered with something that is no JSON."
                                     : "The request was broken off before its answer was whole.";
  }
  KeepLine(work, index, std::move(result));
}

void BatchDesk::KeepLine(Work& work, std::size_t index, wire::BatchResult result) {
  Work::Row& row = work.rows[index];
  row.good = !result.error && result.status / 100 == 2;
  row.result = wire::EncodeBatchResult(result);
  work.result_bytes += row.result.size();
  work.full = work.result_bytes + files_.bytes() > options_.files.bytes;
  const std::lock_guard lock(mutex_);
  wire::BatchCounts& counts = work.job->about.counts;
  ++(row.good ? counts.completed : counts.failed);
}

// Whether the batch may begin; if not, it has failed.
bool BatchDesk::ReadInput(Work& work) {
  wire::BatchError error;
  const std::optional<FileStore::Kept> file = files_.Get(work.job->about.input_file_id);
  if (!file || file->about.purpose != "batch") {
    error.code = file ? "invalid_purpose" : "file_not_found";
    error.message = file ? StrCat("The file '", file->about.id,
                                  "' was not uploaded for batches: "
                                  "its purpose is '",
                                  file->about.purpose, "'.")
                         : StrCat("No such File object: ", work.job->about.input_file_id);
    FailJob(*work.job, {error});
    return false;
  }
  work.input = file->text;
  wire::BatchChecker checker(
      {.endpoint = work.job->about.endpoint, .max_requests = options_.max_requests});
  for (const std::string_view line : Split(*work.input, '\n')) {
    std::optional<std::string> custom_id = checker.Add(line);
    if (custom_id) work.rows.push_back({.custom_id = *std::move(custom_id), .line = line});
  }
  checker.Finish();
  std::vector<wire::BatchError> errors = checker.errors();
  if (checker.mixed_models()) {
    error.code = "model_mismatch";
    error.message =
        StrCat("The model of this request does not match the rest of the batch, which is '",
               checker.model(), "'. Each batch must contain requests to one model.");
    error.param = "body.model";
    error.line = checker.mixed_models();
    errors.push_back(error);
  }
  if (!errors.empty()) {
    FailJob(*work.job, std::move(errors));
    return false;
  }
  const std::lock_guard lock(mutex_);
  work.job->about.counts.total = static_cast<std::int64_t>(work.rows.size());
  return true;
}

void BatchDesk::Finalize(Work& work, bool in_time) {
  const bool whole =
      std::ranges::none_of(work.rows, [](const Work::Row& row) { return row.result.empty(); });
  bool cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    cancelled = work.job->about.status == "cancelling";
  }
  if (work.full && !whole) return FailJob(*work.job, {StorageError()});
  const bool expired = !cancelled && !whole && !in_time;
  if (!cancelled) Move(*work.job, "finalizing");
  if (!KeepResults(work, expired)) return FailJob(*work.job, {StorageError()});
  Move(*work.job, cancelled ? "cancelled" : expired ? "expired" : "completed");
}

// The results in an order that is neither that of the input nor that of the clock.
bool BatchDesk::KeepResults(Work& work, bool expired) {
  std::vector<std::size_t> order(work.rows.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::size_t index) {
    const std::string& id = work.rows[index].custom_id;
    return StableHash(id.data(), id.size(), 1);
  });
  std::string good;
  std::string bad;
  for (const std::size_t index : order) {
    Work::Row& row = work.rows[index];
    if (row.result.empty() && expired) {
      wire::BatchResult late{.id = NewId("batch_req_", kResultDigits), .custom_id = row.custom_id};
      late.error.emplace().code = "batch_expired";
      late.error->message =
          "This request could not be executed before the completion window expired.";
      row.result = wire::EncodeBatchResult(late);
    }
    (row.good ? good : bad) += std::exchange(row.result, {});
  }
  wire::BatchObject about;
  {
    const std::lock_guard lock(mutex_);
    about = work.job->about;
  }
  const auto keep = [&](std::string text, std::string_view kind,
                        std::string wire::BatchObject::* id) {
    if (text.empty()) return true;
    constexpr int kDigits = 24;
    wire::FileObject file{.id = NewId("file-", kDigits),
                          .filename = StrCat(about.id, "_", kind, ".jsonl"),
                          .purpose = "batch_output",
                          .created_at = core_.SecondsOf(loop_->WallNanos()),
                          .expires_at = {}};
    about.*id = file.id;
    return files_.Put(std::move(file), std::move(text));
  };
  if (!keep(std::move(good), "output", &wire::BatchObject::output_file_id)) return false;
  if (!keep(std::move(bad), "error", &wire::BatchObject::error_file_id)) return false;
  const std::lock_guard lock(mutex_);
  work.job->about.output_file_id = about.output_file_id;
  work.job->about.error_file_id = about.error_file_id;
  return true;
}

void BatchDesk::Move(Job& job, std::string_view status) {
  const std::int64_t now = core_.SecondsOf(loop_->WallNanos());
  const std::lock_guard lock(mutex_);
  job.about.times.emplace(StrCat(status, "_at"), now);
  // A client may have cancelled meanwhile: that is not taken back.
  const bool ends =
      status == "completed" || status == "expired" || status == "cancelled" || status == "failed";
  if (job.about.status != "cancelling" || ends) job.about.status = status;
}

void BatchDesk::FailJob(Job& job, std::vector<wire::BatchError> errors) {
  {
    const std::lock_guard lock(mutex_);
    job.about.errors = std::move(errors);
  }
  Move(job, "failed");
}

}  // namespace weir::sim
