#include "weir/jobs/shift.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "weir/agent/workspace/workspace.h"
#include "weir/base/text.h"
#include "weir/flow/prepare.h"
#include "weir/store/crc32c.h"

namespace weir::jobs {
namespace {

flow::RunOptions OptionsOf(const WorkQueue& queue, const Assignment& assignment, int concurrency) {
  flow::RunOptions options = queue.options;
  options.concurrency = concurrency;
  if (!assignment.engine.empty()) options.engine = assignment.engine;
  return options;
}

constexpr Duration kLongLook = std::chrono::seconds(30);  // then it is seen whether it is over

// What workers write, where it is in a source: the journal of answers, and beside it the store that
// it is called after.
std::vector<std::string> WorkersFiles(const std::filesystem::path& journal) {
  std::vector<std::string> files = {journal.string()};
  const std::filesystem::path all = journal.parent_path();
  if (all.extension() != ".answers") return files;
  files.push_back(all.string());
  const std::string store = std::filesystem::path(all).replace_extension().string();
  for (const char* end : {"", "-wal", "-shm", "-journal"}) files.push_back(store + end);
  return files;
}

bool IsAway(const Error& error) {
  const ErrorClass its_class = ClassOf(error);
  return its_class == ErrorClass::kNetwork || its_class == ErrorClass::kUnavailable ||
         its_class == ErrorClass::kTimeout;
}

}  // namespace

Shift::Shift(const async::Loop& loop, const WorkQueue& queue, Resolved resolved,
             AnswerJournal& journal, int concurrency,
             std::function<void(const flow::AskedOnce& asked)> on_call)
    : queue_(queue),
      resolved_(std::move(resolved)),
      options_(OptionsOf(queue, resolved_.assignment, concurrency)),
      stats_(*queue.graph),
      answers_(
          loop, journal,
          // A name that is a path leads nowhere: who submits is not always who works.
          {.folder = StrCat(journal.folder(), "/", agent::FolderNameOf(queue.spec.name)),
           .provider_of = resolved_.provider_of,
           .variant = resolved_.assignment.variant,
           .name_of = [engines = resolved_.engines](
                          std::string_view asked) { return engines->NameOf(std::string(asked)); },
           .on_call = std::move(on_call)}),
      walker_(*queue.graph, *resolved_.engines, answers_, options_, stats_),
      has_agents_(flow::HasAgents(*queue.graph)) {}

std::vector<std::string> Shift::Engines() const {
  if (!options_.engine.empty()) return {options_.engine};
  return flow::EnginesOf(*queue_.graph);
}

async::Task<Result<void>> Shift::Open(async::Context ctx) {
  flow::EngineHost& engines = *resolved_.engines;
  for (const std::string& name : Engines()) {
    if (engines.LifecycleOf(name) == flow::EngineHost::Lifecycle::kElsewhere) continue;
    const Result<void> started = co_await engines.Start(ctx, name);
    if (!started) co_return std::unexpected<Error>(started.error());
    started_.insert(name);
  }
  flow::Agents::Queue queue;
  queue.without = WorkersFiles(std::filesystem::path(answers_.path()).parent_path());
  const Result<void> opened = co_await walker_.agents().Open(ctx, std::move(queue));
  if (!opened) co_return std::unexpected<Error>(opened.error());
  const std::vector<flow::Askers> all =
      flow::AskersOf(*queue_.graph, 0, queue_.graph->nodes().size(), options_);
  for (const flow::Askers& askers : all) {
    const Result<std::shared_ptr<model::Engine>> engine = engines.Get(askers.engine);
    if (!engine) co_return std::unexpected<Error>(engine.error());
    const Result<void> fine = co_await flow::Preflight(ctx, **engine, askers, stats_);
    if (!fine && !IsAway(fine.error())) co_return std::unexpected<Error>(fine.error());
    if (!fine && !away_) away_ = fine.error();
    if (!fine || !options_.warmup || !queue_.graph->flow().warmup) continue;
    co_await flow::WarmPrefixes(ctx, **engine, *queue_.graph, askers, walker_.vars(), engines,
                                options_, walker_.agents());
  }
  co_return Result<void>();
}

async::Task<void> Shift::Close(async::Context ctx) {
  // Jobs that went back to the queue are gone on with elsewhere.
  co_await walker_.agents().Close(ctx, false);
  const std::set<std::string> started = std::exchange(started_, {});
  for (const std::string& name : started) co_await resolved_.engines->Stop(ctx, name);
}

async::Task<Result<void>> Shift::Check(async::Context ctx) {
  const std::uint64_t wanted = looks_begun_ + 1;
  while (looking_ && looked_ < wanted) {
    if (ctx.cancelled()) co_return Fail(Code::kCancelled, "nobody waits for the answer any more");
    co_await look_over_.Wait(ctx, kLongLook);
  }
  if (looked_ >= wanted) co_return seen_;
  looking_ = true;
  const std::uint64_t number = ++looks_begun_;
  const Result<void> well = co_await LookAtEngines(ctx);
  looking_ = false;
  // One that was broken off has seen nothing.
  if (!ctx.cancelled()) {
    looked_ = number;
    seen_ = well;
  }
  look_over_.Ring();
  co_return well;
}

async::Task<Result<void>> Shift::LookAtEngines(async::Context ctx) {
  const std::vector<flow::Askers> all =
      flow::AskersOf(*queue_.graph, 0, queue_.graph->nodes().size(), options_);
  for (const flow::Askers& askers : all) {
    const Result<std::shared_ptr<model::Engine>> engine = resolved_.engines->Get(askers.engine);
    if (!engine) co_return std::unexpected<Error>(engine.error());
    Result<void> fine = co_await flow::StillServes(ctx, **engine, askers);
    const bool busy = !fine && ClassOf(fine.error()) == ErrorClass::kRateLimit;
    if (!fine && !busy) co_return fine;
  }
  co_return Result<void>();
}

// A retry gives the job another time of submission, a crash does not: what was answered before a
// retry is no answer behind it.
std::uint32_t Shift::InputOf(const Claimed& job) const {
  const std::string beginning = StrCat(job.submitted_at, "\n");
  return store::Crc32c(job.row, store::Crc32c(beginning, store::Crc32c(queue_.spec.digest)));
}

async::Task<Shift::End> Shift::Walk(async::Context ctx, const Claimed& job, json::Value row) {
  const flow::Graph& graph = *queue_.graph;
  End end;
  if (graph.input()) {
    const Result<void> valid = graph.input()->Validate(row);
    if (!valid) {
      end.error = valid.error();
      co_return end;
    }
  }
  flow::Traveller traveller;
  // What agents keep on the disk is by this name, and rows of one name may be several jobs.
  traveller.id = has_agents_ ? StrCat(job.row_id, "@", job.id) : job.row_id;
  traveller.row = std::move(row);
  const flow::Walker::Where where{0, static_cast<std::uint64_t>(job.id), InputOf(job)};
  const flow::Stretch stretch{&graph.nodes(), 0, graph.nodes().size()};
  flow::Walked walked = co_await walker_.Walk(ctx, where, stretch, std::move(traveller));
  if (walked.aborted) {
    const std::optional<Error>& put_off = answers_.At(job.id).put_off;
    if (put_off) {
      ctx.Emit("jobs.put_off", {{"agent", std::string_view(queue_.spec.name)},
                                {"job", job.id},
                                {"row", std::string_view(job.row_id)},
                                {"error", std::string_view(put_off->message)}});
    }
    end.aborted = true;
    end.put_off = put_off.has_value();
  } else if (!walked.errors.empty()) {
    end.error = walked.errors.front().error;
    end.error->message = StrCat(walked.errors.front().node, ": ", end.error->message);
  } else {
    end.result = ResultJson(graph, walked.through);
  }
  co_return end;
}

}  // namespace weir::jobs
