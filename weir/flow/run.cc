#include "weir/flow/run.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "weir/async/scope.h"
#include "weir/async/semaphore.h"
#include "weir/base/text.h"
#include "weir/flow/batch.h"
#include "weir/flow/call.h"
#include "weir/flow/figures.h"
#include "weir/flow/passes.h"
#include "weir/flow/prepare.h"
#include "weir/flow/row_queue.h"
#include "weir/flow/walk.h"
#include "weir/json/reader.h"

namespace weir::flow {
namespace {

using async::Context;
using async::Task;

constexpr std::size_t kWindowPerCall = 4;
constexpr std::size_t kUnbounded = SIZE_MAX / 2;
constexpr std::uint64_t kRowsBetweenTurns = 64;
constexpr Duration kLookEvery = std::chrono::milliseconds(20);  // into a pipe that is silent

// It is no row, or no request can be made of it. A file that cannot be read may be readable later.
bool IsOfTheRow(const RowError& error) {
  if (error.error.code == Code::kIoError) return false;
  return error.node == "input" || error.error.code == Code::kInvalidRequest;
}

class Runner {
 public:
  Runner(const Graph& graph, RowSource& rows, RunFolder& folder, EngineHost& engines,
         const RunOptions& options, RunStats& stats)
      : graph_(graph),
        rows_(rows),
        folder_(folder),
        engines_(engines),
        options_(options),
        stats_(stats),
        walker_(graph, engines, folder, options, stats),
        passes_(PlanPasses(graph, engines, options)),
        queue_(options.window > 0 ? 0 : RowQueue::kMostLight) {}

  Task<RunResult> Run(Context ctx);

 private:
  Task<Result<void>> Begin(Context ctx);
  Task<Result<void>> RunPasses(Context ctx);
  Task<Result<void>> Prepare(Context ctx, std::size_t pass);
  Task<Result<void>> StartEngine(Context ctx, std::string name);
  Task<void> StopEngine(Context ctx, std::string name);
  Task<void> StopAll(Context ctx);
  Task<Result<void>> RunPass(Context ctx, std::size_t pass, RowSource& source);
  Task<void> Carry(Context ctx, std::size_t pass, Row row, std::uint32_t checksum,
                   async::Semaphore::Permit place);
  Task<Result<void>> SkipWritten(Context ctx, RowSource& source);
  Task<Result<std::optional<Row>>> NextRow(Context ctx, RowSource& source);
  void CountSkipped(std::size_t pass, RowSource& source);
  Task<void> ReadPrefixes(Context ctx);
  Task<void> AddPrefixes(Context ctx);
  Result<Traveller> Enter(std::size_t pass, Row& row) const;
  RowRecord RecordOf(std::size_t pass, std::uint64_t row, std::uint32_t checksum, Walked walked);
  void WriteReady();
  Task<RunResult> End(Context ctx, Result<void> ran);

  const Graph& graph_;
  RowSource& rows_;
  RunFolder& folder_;
  EngineHost& engines_;
  const RunOptions& options_;
  RunStats& stats_;
  Walker walker_;
  const std::vector<PassPlan> passes_;
  std::set<std::string> running_;  // managed engines that this run has started
  // By engine, as the run began.
  std::map<std::string, ServerPrefixes> prefixes_;
  std::string carried_;  // the file of the rows for the next pass
  RowQueue queue_;
};

Task<RunResult> Runner::Run(Context ctx) {
  const Progress& progress = folder_.progress();
  stats_.passes = passes_.size();
  stats_.Restore(progress.totals);
  stats_.started = ctx.Now();
  stats_.rows_total = rows_.total();
  ctx.Emit("run.start", {{"flow", std::string_view(graph_.flow().name)},
                         {"folder", std::string_view(folder_.path())},
                         {"resumed", progress.rows + progress.pass > 0 || progress.rounds > 0}});
  Result<void> ran = Result<void>();
  if (!progress.finished) {
    ++stats_.sessions;
    ran = co_await Begin(ctx);
    if (ran) ran = co_await walker_.agents().Open(ctx);
    if (ran) co_await ReadPrefixes(ctx);
    if (ran) ran = co_await RunPasses(ctx);
  }
  RunResult result = co_await End(ctx, std::move(ran));
  co_return result;
}

// Engines that are there for the whole run.
Task<Result<void>> Runner::Begin(Context ctx) {
  for (std::size_t pass = folder_.progress().pass; pass < passes_.size(); ++pass) {
    for (const std::string& name : passes_[pass].engines) {
      if (engines_.LifecycleOf(name) != EngineHost::Lifecycle::kPersistent) continue;
      Result<void> started = co_await StartEngine(ctx, name);
      if (!started) co_return started;
    }
  }
  co_return Result<void>();
}

// Only of servers that are there from the beginning to the end.
Task<void> Runner::ReadPrefixes(Context ctx) {
  for (const PassPlan& plan : passes_) {
    for (const std::string& name : plan.engines) {
      const std::string engine = engines_.NameOf(name);
      if (engines_.LifecycleOf(name) == EngineHost::Lifecycle::kLazy) continue;
      if (prefixes_.contains(engine)) continue;
      const std::optional<ServerPrefixes> counted = co_await engines_.PrefixesOf(ctx, name);
      if (counted) prefixes_.emplace(engine, *counted);
    }
  }
}

// A server whose counters are lower than before has begun anew, and its figures say nothing.
Task<void> Runner::AddPrefixes(Context ctx) {
  for (const auto& [engine, before] : prefixes_) {
    const std::optional<ServerPrefixes> after = co_await engines_.PrefixesOf(ctx, engine);
    if (!after || after->looked_up < before.looked_up || after->found < before.found) continue;
    ServerPrefixes sum = stats_.server_prefixes.value_or(ServerPrefixes());
    sum.looked_up += after->looked_up - before.looked_up;
    sum.found += after->found - before.found;
    stats_.server_prefixes = sum;
  }
}

Task<Result<void>> Runner::RunPasses(Context ctx) {
  const std::size_t first = folder_.progress().pass;
  for (std::size_t pass = first; pass < passes_.size(); ++pass) {
    stats_.pass = pass;
    std::unique_ptr<RowSource> carried;
    bool any = true;  // of the rows before came so far
    if (pass > 0) {
      if (carried_.empty()) carried_ = folder_.progress().carried;
      std::error_code unknown;
      any = std::filesystem::file_size(carried_, unknown) != 0;
      WEIR_CO_TRY(carried,
                  OpenRows(carried_, {.max_row_bytes = kUnbounded, .max_depth = json::kDeepest}));
      if (pass > first || folder_.progress().rows == 0) {
        stats_.rows_total = stats_.rows_done;
        stats_.rows_read = stats_.rows_done = stats_.rows_ok = 0;
        stats_.rows_waiting = 0;
        stats_.rows_before = stats_.rows_replayed = 0;
      }
    }
    // No server is started for nobody.
    Result<void> prepared = Result<void>();
    if (any) prepared = co_await Prepare(ctx, pass);
    if (!prepared) co_return prepared;
    RowSource& source = pass > 0 ? *carried : rows_;
    queue_.StartAt(0);
    if (pass == first) {
      Result<void> skipped = co_await SkipWritten(ctx, source);
      if (!skipped) co_return skipped;
    }
    Result<void> ran = co_await RunPass(ctx, pass, source);
    if (!ran) co_return ran;
    for (const std::string& name : passes_[pass].lazy) {
      const bool stays = pass + 1 < passes_.size() && passes_[pass + 1].lazy.contains(name);
      if (!stays) co_await StopEngine(ctx, name);
    }
    if (pass + 1 < passes_.size()) {
      WEIR_CO_TRY(carried_, folder_.EndPass());
    }
  }
  co_return Result<void>();
}

Task<Result<void>> Runner::Prepare(Context ctx, std::size_t pass) {
  const PassPlan& plan = passes_[pass];
  for (const std::string& name : plan.lazy) {
    Result<void> started = co_await StartEngine(ctx, name);
    if (!started) co_return started;
  }
  const bool alone = stats_.rows_total && *stats_.rows_total <= 1;
  const bool warms = options_.warmup && graph_.flow().warmup && !alone;
  std::vector<Askers> asked = AskersOf(graph_, plan.from, plan.to, options_);
  for (const Askers& askers : asked) {
    stats_.phase =
        StrCat("asking ", askers.engine.empty() ? "the engine" : askers.engine, " what it has");
    Result<std::shared_ptr<model::Engine>> engine = engines_.Get(askers.engine);
    if (!engine) co_return std::unexpected<Error>(engine.error());
    Result<void> fine = co_await Preflight(ctx, **engine, askers, stats_);
    if (!fine) co_return fine;
    if (!warms) continue;
    stats_.phase = "warming up prefixes";
    co_await WarmPrefixes(ctx, **engine, graph_, askers, walker_.vars(), engines_, options_,
                          walker_.agents());
  }
  stats_.phase.clear();
  if (ctx.cancelled()) co_return Fail(async::CancelledError());
  co_return Result<void>();
}

Task<Result<void>> Runner::StartEngine(Context ctx, std::string name) {
  if (running_.contains(name)) co_return Result<void>();
  EngineStats& stats = stats_.engines[name];
  stats.managed = true;
  stats.state = EngineState::kStarting;
  stats.since = ctx.Now();
  stats_.phase = StrCat("starting ", name);
  Result<void> started = co_await engines_.Start(ctx, name);
  stats.state = started ? EngineState::kUp : EngineState::kFailed;
  stats.since = ctx.Now();
  stats_.phase.clear();
  if (started) running_.insert(name);
  co_return started;
}

Task<void> Runner::StopEngine(Context ctx, std::string name) {
  if (running_.erase(name) == 0) co_return;
  EngineStats& stats = stats_.engines[name];
  stats.state = EngineState::kStopping;
  stats.since = ctx.Now();
  co_await engines_.Stop(ctx, name);
  stats.state = EngineState::kIdle;
  stats.since = ctx.Now();
}

// Also after Ctrl-C, which is no reason to leave a server behind.
Task<void> Runner::StopAll(Context ctx) {
  Context calm(*ctx.loop);
  calm.trace = ctx.trace;
  const std::set<std::string> running = running_;
  for (const std::string& name : running) co_await StopEngine(calm, name);
}

// Rows that were written before a resume are read past; they must be the same ones.
Task<Result<void>> Runner::SkipWritten(Context ctx, RowSource& source) {
  const Progress& progress = folder_.progress();
  for (std::uint64_t number = 0; number < progress.rows; ++number) {
    std::optional<Row> row;
    WEIR_CO_TRY(row, co_await NextRow(ctx, source));
    const bool last = number + 1 == progress.rows;
    if (row && last && progress.pass > 0) {
      Traveller traveller;
      WEIR_CO_TRY(traveller, Unpack(row->value));
      folder_.SkipTo(progress.pass, traveller.origin);
    }
    if (row) continue;
    co_return Fail(
        Code::kConfigError,
        StrCat("the input has only ", Counted(number, "row", "rows"), ", and ", progress.rows,
               " of it were done before; restore it, or start a new run with another -o"));
  }
  if (progress.rows > 0 && source.checksum() != progress.input_checksum) {
    co_return Fail(
        Code::kConfigError,
        StrCat("the first ", Counted(progress.rows, "row", "rows"),
               " of the input are not what this run began with; restore the input, or start a new "
               "run with another -o"));
  }
  queue_.StartAt(progress.rows);
  stats_.rows_read = stats_.rows_done = stats_.rows_before = progress.rows;
  if (progress.pass == 0) stats_.rows_input = progress.rows;
  co_return Result<void>();
}

// While nobody writes into the pipe that rows come from, Ctrl-C, the view and the rows that are on
// their way go on. Fails with kCancelled; no row, too, when the run stops meanwhile.
Task<Result<std::optional<Row>>> Runner::NextRow(Context ctx, RowSource& source) {
  while (source.WouldWait()) {
    if (walker_.stopped()) co_return std::optional<Row>();
    const Result<void> slept = co_await async::Sleep(ctx, kLookEvery);
    if (!slept) co_return std::unexpected<Error>(slept.error());
  }
  co_return source.Next();
}

Task<Result<void>> Runner::RunPass(Context ctx, std::size_t pass, RowSource& source) {
  const std::size_t window = options_.window > 0
                                 ? options_.window
                                 : kWindowPerCall * static_cast<std::size_t>(options_.concurrency);
  async::Semaphore places({.permits = window});
  std::optional<Error> broken;
  {
    async::TaskScope scope(ctx);
    while (!ctx.cancelled() && !walker_.stopped()) {
      Result<async::Semaphore::Permit> place = co_await places.Acquire(ctx);
      if (!place && !ctx.cancelled()) broken = place.error();
      if (!place || walker_.stopped()) break;
      Result<std::optional<Row>> row = co_await NextRow(ctx, source);
      if (!row) broken = row.error();
      if (row && !*row && pass == 0) stats_.rows_total = stats_.rows_read;
      if (!row || !*row) break;
      // Where no row ever waits, Ctrl-C, the view and the events want their turn, too.
      if (++stats_.rows_read % kRowsBetweenTurns == 0) {
        (void)co_await async::Sleep(ctx, Duration::zero());
      }
      if (pass == 0) ++stats_.rows_input;
      stats_.part_read = source.part_read();
      const std::uint32_t checksum = source.checksum();
      scope.Spawn(Carry(scope.context(), pass, **std::move(row), checksum, *std::move(place)));
    }
    co_await scope.Join();
  }
  queue_.Clear();
  if (walker_.stopped()) CountSkipped(pass, source);
  if (walker_.stopped()) co_return std::unexpected<Error>(*walker_.stopped());
  if (ctx.cancelled()) co_return Fail(async::CancelledError());
  if (broken) co_return std::unexpected<Error>(*broken);
  if (pass == 0 && options_.resumed && stats_.rows_read == 0) {
    co_return Fail(
        Code::kConfigError,
        "the input of this run has no rows now; give it again (rows that came from stdin "
        "have to be piped in again)");
  }
  co_return Result<void>();
}

// The rows that a spent budget has left: those that were read, and the rest of the input where it
// is of a known size.
void Runner::CountSkipped(std::size_t pass, RowSource& source) {
  if (walker_.stopped()->code != Code::kBudgetExceeded) return;
  std::uint64_t rows = std::max(stats_.rows_read, stats_.rows_total.value_or(0));
  if (!stats_.rows_total && pass == 0 && source.part_read()) {
    for (;; ++rows) {
      const Result<std::optional<Row>> row = source.Next();
      if (!row || !*row) break;
    }
  }
  stats_.rows_skipped = rows - std::min(rows, stats_.rows_done);
}

// The traveller of a row, or why it is none.
Result<Traveller> Runner::Enter(std::size_t pass, Row& row) const {
  if (pass > 0) return row.error ? Fail(*row.error) : Unpack(row.value);
  WEIR_CHECK(CheckRow(graph_, row));
  Traveller traveller;
  traveller.id = std::move(row.id);
  traveller.origin = row.number;
  traveller.row = std::move(row.value);
  return traveller;
}

Task<void> Runner::Carry(Context ctx, std::size_t pass, Row row, std::uint32_t checksum,
                         async::Semaphore::Permit place) {
  const std::uint64_t number = row.number;
  const std::string id = row.id;
  Result<Traveller> traveller = Enter(pass, row);
  // No row is to blame when what was carried cannot be read.
  if (pass > 0 && !traveller) co_return walker_.Stop(traveller.error());
  const std::uint64_t origin = traveller ? traveller->origin : number;
  Walked walked;
  if (traveller) {
    const PassPlan& plan = passes_[pass];
    const Stretch stretch{&graph_.nodes(), plan.from, plan.to};
    walked = co_await walker_.Walk(ctx, {pass, number, checksum}, stretch, *std::move(traveller));
  } else {
    walked.errors.push_back(
        {.row_id = id, .node = "input", .error = traveller.error(), .skipped = {}});
    for (const GraphNode* node : graph_.all()) {
      walked.errors.back().skipped.push_back(node->node->id);
      walked.given.push_back({.node = node->index, .skipped = 1});
      stats_.Give(walked.given.back());
    }
  }
  if (walked.aborted) co_return;
  std::vector<Contribution> given = std::move(walked.given);
  const bool replayed = walked.reused && !walked.worked;
  RowRecord record = RecordOf(pass, number, checksum, std::move(walked));
  record.origin = origin;
  if (replayed) ++stats_.rows_replayed;
  queue_.Add({std::move(record), std::move(given), replayed, std::move(place)});
  WriteReady();
}

RowRecord Runner::RecordOf(std::size_t pass, std::uint64_t row, std::uint32_t checksum,
                           Walked walked) {
  RowRecord record{.row = row,
                   .origin = 0,
                   .input_checksum = checksum,
                   .outputs = std::move(walked.outputs),
                   .flat = {},
                   .errors = std::move(walked.errors),
                   .carried = {}};
  for (Traveller& traveller : walked.through) {
    if (pass + 1 < passes_.size()) {
      record.carried.push_back(Pack(traveller));
    } else {
      record.flat.push_back(
          {.row_id = std::move(traveller.id), .values = std::move(traveller.flat)});
    }
  }
  return record;
}

void Runner::WriteReady() {
  while (!walker_.stopped()) {
    std::optional<EndedRow> ready = queue_.Take();
    if (!ready) break;
    const bool failed = !ready->record.errors.empty();
    for (const RowError& error : ready->record.errors) {
      stats_.AddFailure(error.error, error.row_id, error.node);
    }
    for (const Contribution& contribution : ready->given) stats_.Keep(contribution);
    ++stats_.rows_done;
    ++(failed ? stats_.rows_failed : stats_.rows_ok);
    if (failed && std::ranges::all_of(ready->record.errors, IsOfTheRow)) ++stats_.rows_wrong;
    if (!ready->replayed && ready->record.carried.empty()) ++stats_.session.rows;
    const Result<void> written = folder_.Write(std::move(ready->record));
    if (!written) walker_.Stop(written.error());
  }
  stats_.rows_waiting = queue_.size();
}

Task<RunResult> Runner::End(Context ctx, Result<void> ran) {
  async::Context calm(*ctx.loop);
  calm.trace = ctx.trace;
  co_await walker_.agents().Close(calm, ran.has_value());
  co_await AddPrefixes(calm);
  co_await StopAll(ctx);
  // What counts in the end are the rows that came in, not those that the last pass began with.
  if (ran) stats_.rows_done = stats_.rows_input;
  if (ran && passes_.size() > 1) {
    stats_.rows_failed = std::min(stats_.rows_failed, stats_.rows_input);
    stats_.rows_ok = stats_.rows_input - stats_.rows_failed;
    stats_.session.rows = std::min(stats_.session.rows, stats_.rows_input);
  }
  RunResult result;
  if (!ran) {
    result.end = ctx.cancelled() && ran.error().code == Code::kCancelled
                     ? RunResult::End::kCancelled
                     : RunResult::End::kStopped;
    result.error = ran.error();
  }
  const Result<json::Value> summary = json::Read(stats_.Json(ctx.Now()));
  const Result<void> closed = folder_.Close(summary ? *summary : json::Value(), ran.has_value());
  if (!closed && !result.error) {
    result.end = RunResult::End::kStopped;
    result.error = closed.error();
  }
  ctx.Emit("run.end", {{"rows", static_cast<std::int64_t>(stats_.rows_done)},
                       {"ok", static_cast<std::int64_t>(stats_.rows_ok)},
                       {"failed", static_cast<std::int64_t>(stats_.rows_failed)},
                       {"error", std::string_view(result.error ? Name(*result.error) : "")}});
  co_return result;
}

}  // namespace

Result<std::shared_ptr<model::Engine>> EngineHost::GetEmbedder(const std::string& name) {
  return Fail(Code::kUnsupportedParam, StrCat("the engine ", name, " has no embeddings"));
}

Task<std::optional<ServerPrefixes>> EngineHost::PrefixesOf(Context /*ctx*/, std::string /*name*/) {
  co_return std::nullopt;
}

Task<RunResult> Run(Context ctx, const Graph& graph, RowSource& rows, RunFolder& folder,
                    EngineHost& engines, const RunOptions& options, RunStats& stats) {
  Runner runner(graph, rows, folder, engines, options, stats);
  RunResult result = co_await runner.Run(ctx);
  co_return result;
}

Result<void> CheckRow(const Graph& graph, const Row& row) {
  if (row.error) return Fail(*row.error);
  if (!graph.input()) return {};
  Result<void> valid = graph.input()->Validate(row.value);
  if (valid || row.place.empty()) return valid;
  Error error = std::move(valid).error();
  error.message = StrCat(row.place, ": ", error.message);
  return std::unexpected<Error>(std::move(error));
}

Result<std::vector<PlannedCall>> Plan(const Graph& graph, const Row& row, EngineHost& engines,
                                      const RunOptions& options) {
  Traveller traveller;
  traveller.id = row.id;
  traveller.row = row.value;
  const json::Value vars = VarsOf(graph.flow(), options);
  std::vector<PlannedCall> calls;
  for (const GraphNode* node : graph.all()) {
    if (node->step() == nullptr) continue;
    const std::vector<std::string> roots = RootsOf(*node);
    const bool waits = std::ranges::any_of(
        roots, [&](const std::string& root) { return graph.Find(root) != nullptr; });
    if (waits) continue;
    const json::Value variables = VariablesOf(traveller, roots, vars);
    Result<model::Call> call = RowCall(graph.flow(), *node, variables, row.id, 0, engines, options);
    if (!call && call.error().code == Code::kInvalidRequest) continue;  // waits for a join
    if (!call) return std::unexpected<Error>(call.error());
    calls.push_back({.row_id = row.id,
                     .node = node->node->id,
                     .engine = EngineOf(graph.flow(), *node->step(), options),
                     .call = *std::move(call),
                     .embeds = node->step()->batch && AsksForEmbeddings(row.value)});
  }
  return calls;
}

}  // namespace weir::flow
