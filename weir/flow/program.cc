#include "weir/flow/program.h"

#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::flow {
namespace {

constexpr std::size_t kMaxLineBytes = 64 << 20;

}  // namespace

ProgramPool::ProgramPool(const Program& program, std::string folder, Env env, int error_fd)
    : program_(program),
      folder_(std::move(folder)),
      env_(std::move(env)),
      error_fd_(error_fd),
      free_({.permits = static_cast<std::size_t>(program.processes), .max_waiting = SIZE_MAX}) {}

ProgramPool::~ProgramPool() = default;

Result<std::unique_ptr<async::Child>> ProgramPool::Start(async::Loop& loop) const {
  async::ChildOptions options;
  options.argv = program_.argv;
  options.env = env_;
  options.directory = folder_;
  options.pipe_input = true;
  options.pipe_output = true;
  options.error_fd = error_fd_;
  return async::Child::Start(loop, std::move(options));
}

async::Task<Result<std::string>> ProgramPool::Exchange(async::Context ctx, async::Child& child,
                                                       std::string_view line) {
  const Result<void> written = co_await child.Write(ctx, line);
  // A program that ended says more by its end than by the pipe.
  if (!written && written.error().code != Code::kIoError) {
    co_return std::unexpected<Error>(written.error());
  }
  Result<std::optional<std::string>> answer = co_await child.ReadLine(ctx, kMaxLineBytes);
  if (!answer) co_return std::unexpected<Error>(answer.error());
  if (*answer) co_return **std::move(answer);
  const Result<async::ChildExit> exit = co_await child.Wait(ctx);
  if (!exit) co_return std::unexpected<Error>(exit.error());
  co_return Fail(Code::kIoError,
                 StrCat(child.name(), " ", async::Describe(*exit),
                        " instead of answering; try it alone with this row on its stdin"));
}

async::Task<Result<json::Value>> ProgramPool::Ask(async::Context ctx, std::string line) {
  line += '\n';
  Result<async::Semaphore::Permit> permit = co_await free_.Acquire(ctx);
  if (!permit) co_return std::unexpected<Error>(permit.error());
  std::unique_ptr<async::Child> child;
  if (!idle_.empty()) {
    child = std::move(idle_.back());
    idle_.pop_back();
  } else {
    Result<std::unique_ptr<async::Child>> started = Start(*ctx.loop);
    if (!started) co_return std::unexpected<Error>(started.error());
    child = *std::move(started);
  }
  const async::Context limited = ctx.WithTimeout(program_.timeout);
  Result<std::string> answer = co_await Exchange(limited, *child, line);
  if (!answer) {
    Error error = answer.error();
    if (error.code == Code::kTimeout) {
      error.message = StrCat(child->name(), " did not answer in ",
                             FormatMillis(program_.timeout / std::chrono::milliseconds(1)),
                             "; it was killed (`timeout` of the node raises the limit)");
    }
    co_return std::unexpected<Error>(std::move(error));
  }
  Result<json::Value> value = json::Read(*answer);
  if (!value) {
    co_return Fail(Code::kInvalidJson, StrCat(child->name(), " answered '", Truncate(*answer, 100),
                                              "', which is no JSON: ", value.error().message));
  }
  if (!value->IsArray()) {
    co_return Fail(Code::kSchemaMismatch,
                   StrCat(child->name(), " answered with ", json::KindName(value->kind()),
                          "; it must answer each row with a list of outputs: [] ends the row, "
                          "[x] goes on with x"));
  }
  if (child->has_unread()) {
    co_return Fail(Code::kInvalidJson,
                   StrCat(child->name(),
                          " wrote more than one line for one row, so that it cannot be told which "
                          "is whose; debug output belongs on stderr"));
  }
  idle_.push_back(std::move(child));
  co_return value;
}

}  // namespace weir::flow
