#include "weir/agent/mcp/stdio.h"

#include <csignal>
#include <map>
#include <utility>

#include "weir/agent/mcp/error_pipe.h"
#include "weir/agent/mcp/secrets.h"
#include "weir/async/channel.h"
#include "weir/async/child.h"
#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::agent::mcp {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostQueued = 4096;  // messages that the program has not read yet
constexpr std::size_t kShownLine = 200;    // bytes of a line that is no message, in its event
constexpr Duration kDrainEvery = 100ms;    // of the standard error
constexpr Duration kLastWords = 500ms;     // from the end of the program to that of its output
constexpr Duration kSilentLife = 1s;       // from the end of its output to that of the program
constexpr Duration kKilled = 2s;           // from SIGKILL to the end

// Happens once; any number may wait for it.
class Event {
 public:
  void Set() { channel_.Close(); }
  // Whether it has happened when this returns; false: the time is over.
  async::Task<bool> Within(async::Context ctx, Duration time) {
    const Result<std::optional<char>> received = co_await channel_.Receive(ctx.WithTimeout(time));
    co_return received.has_value();
  }

 private:
  async::Channel<char> channel_{1};
};

// One process and the tasks that serve it. Shared by the transport and those tasks, so that the
// transport can be destroyed while they are on their way to their end.
struct Link {
  // A request whose answer is awaited. Lives in the frame of the one who asked.
  struct Pending {
    Pending(Link& its_link, const async::Context& ctx, std::int64_t its_id)
        : link(its_link), id(its_id), point(ctx) {
      link.pending[id] = this;
    }
    ~Pending() { link.pending.erase(id); }
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;

    void Finish(Result<Message> its_answer) {
      if (answer) return;
      answer = std::move(its_answer);
      point.Notify();
    }

    Link& link;
    const std::int64_t id;
    async::WaitPoint point;
    std::optional<Result<Message>> answer;
  };

  Link(const async::Context& ctx, StdioOptions its_options, Listener& its_listener)
      : options(std::move(its_options)), listener(&its_listener), scope(ctx) {}

  std::string Who() const { return StrCat("MCP server '", options.name, "'"); }
  std::string Complaints();
  // The answer that a message asks for.
  std::optional<std::string> Take(std::string_view line);
  void TakeStray(std::string_view line, const Error& error);
  // Kills the process; it has ended as soon as Watch() sees it.
  void Break(std::string why);
  void End(const Result<async::ChildExit>& exit);

  const StdioOptions options;
  Listener* listener;  // null: nobody listens any more
  async::TaskScope scope;
  ErrorPipe errors;
  std::unique_ptr<async::Child> child;
  async::Channel<std::string> outgoing{kMostQueued};
  std::map<std::int64_t, Pending*> pending;
  std::string broken;            // why it was killed
  std::optional<Error> failure;  // set at its end
  Event output_ended;
  Event ended;
};

using SharedLink = std::shared_ptr<Link>;

std::string Link::Complaints() {
  errors.Drain();
  const std::string_view tail = Trim(errors.tail());
  if (tail.empty()) return "; it wrote nothing to its standard error";
  return StrCat("; the end of its standard error:\n", HideSecrets(tail, options.secrets));
}

std::optional<std::string> Link::Take(std::string_view line) {
  if (listener == nullptr || Trim(line).empty()) return std::nullopt;
  Result<Message> message = ParseMessage(line, options.max_message_bytes);
  if (!message) {
    TakeStray(line, message.error());
    return std::nullopt;
  }
  using Kind = Message::Kind;
  if (message->kind == Kind::kRequest || message->kind == Kind::kNotification) {
    return listener->Receive(*message);
  }
  const std::optional<std::int64_t> id = message->id.AsInt64();
  const auto found = id ? pending.find(*id) : pending.end();
  // An answer to nobody is one that came too late.
  if (found != pending.end()) found->second->Finish(std::move(message));
  return std::nullopt;
}

// A broken answer ends the wait for it; all else is only told.
void Link::TakeStray(std::string_view line, const Error& error) {
  const std::string shown = HideSecrets(Truncate(line, kShownLine), options.secrets);
  scope.context().Emit(
      "mcp.stray", {{"server", std::string_view(options.name)}, {"line", std::string_view(shown)}});
  const Result<json::Value> document = json::Read(line);
  if (!document || document->Find("method").exists()) return;
  const auto found = pending.find(document->Find("id").AsInt64().value_or(0));
  if (found == pending.end()) return;
  found->second->Finish(Fail(Code::kProtocolError,
                             StrCat(Who(), " sent ", HideSecrets(error.message, options.secrets))));
}

void Link::Break(std::string why) {
  if (broken.empty()) broken = std::move(why);
  child->Signal(SIGKILL);
}

void Link::End(const Result<async::ChildExit>& exit) {
  // What the program has started may live on.
  child->Signal(SIGKILL);
  std::string how = !broken.empty() ? broken : exit ? Describe(*exit) : "was closed";
  failure = Error{.code = Code::kConnectionError,
                  .message = StrCat(Who(), " (", options.argv.front(), ") ", how, Complaints())};
  outgoing.Close();
  for (const auto& [id, request] : pending) request->Finish(Fail(*failure));
  scope.Cancel();
  ended.Set();
}

// The tasks of a link. Each holds it until its own end.

async::Task<void> WriteLines(SharedLink link) {
  const async::Context ctx = link->scope.context();
  for (;;) {
    Result<std::optional<std::string>> line = co_await link->outgoing.Receive(ctx);
    if (!line) co_return;
    if (!*line) break;
    **line += '\n';
    const Result<void> written = co_await link->child->Write(ctx, **line);
    if (!written && !ctx.cancelled()) link->Break("does not read its input any more");
    if (!written) co_return;
  }
  link->child->CloseInput();
}

async::Task<void> ReadLines(SharedLink link) {
  const async::Context ctx = link->scope.context();
  for (;;) {
    const Result<std::optional<std::string>> line =
        co_await link->child->ReadLine(ctx, link->options.max_message_bytes);
    if (!line && !ctx.cancelled()) {
      link->Break(StrCat("sent a message of more than ", link->options.max_message_bytes,
                         " bytes, which is too large, and was ended"));
    }
    if (!line || !*line) break;
    std::optional<std::string> answer = link->Take(**line);
    // A program that asks and never reads is not waited for: it may be waiting for us.
    if (answer && link->outgoing.size() < kMostQueued) {
      const Result<void> sent = co_await link->outgoing.Send(ctx, *std::move(answer));
      if (!sent) break;
    }
  }
  link->output_ended.Set();
  const Result<void> waited = co_await async::Sleep(ctx, kSilentLife);
  if (waited) link->Break("closed its output");
}

async::Task<void> Watch(SharedLink link) {
  const async::Context ctx = link->scope.context();
  const Result<async::ChildExit> exit = co_await link->child->Wait(ctx);
  if (exit) co_await link->output_ended.Within(ctx, kLastWords);
  link->End(exit);
}

// The pipe is looked at by the clock because only module async can wait for a descriptor.
async::Task<void> DrainErrors(SharedLink link) {
  const async::Context ctx = link->scope.context();
  for (;;) {
    const Result<void> slept = co_await async::Sleep(ctx, kDrainEvery);
    if (!slept) co_return;
    link->errors.Drain();
  }
}

class StdioTransport final : public Transport {
 public:
  explicit StdioTransport(SharedLink link) : link_(std::move(link)) {}
  ~StdioTransport() override {
    link_->listener = nullptr;
    link_->child->Signal(SIGKILL);
    link_->scope.Cancel();
  }

  async::Task<Result<Message>> Ask(async::Context ctx, std::int64_t id, std::string text) override {
    if (link_->failure) co_return Fail(*link_->failure);
    Link::Pending pending(*link_, ctx, id);
    const Result<void> sent = co_await link_->outgoing.Send(ctx, std::move(text));
    if (pending.answer) co_return *std::move(pending.answer);
    if (!sent) co_return Fail(link_->failure.value_or(sent.error()));
    const async::Wake wake = co_await pending.point.Wait();
    if (pending.answer) co_return *std::move(pending.answer);
    co_return Fail(wake == async::Wake::kCancelled ? async::CancelledError()
                                                   : async::TotalTimeoutError(ctx));
  }

  async::Task<Result<void>> Tell(async::Context ctx, std::string text) override {
    Result<void> sent = co_await link_->outgoing.Send(ctx, std::move(text));
    if (!sent && link_->failure) co_return Fail(*link_->failure);
    co_return sent;
  }

  void Agree(std::string_view /*version*/) override {}
  bool ended() const override { return link_->failure.has_value(); }
  bool forgotten() const override { return false; }
  std::string Complaints() override { return link_->Complaints(); }

  async::Task<void> Close(async::Context ctx, Duration patience) override {
    async::Context own(*ctx.loop);  // the end must come, however `ctx` is
    link_->outgoing.Close();        // behind what is queued, its input is closed
    bool gone = co_await link_->ended.Within(own, patience);
    if (!gone && patience > Duration::zero()) {
      link_->child->Signal(SIGTERM);
      gone = co_await link_->ended.Within(own, patience);
    }
    if (!gone) {
      link_->Break("was closed");
      co_await link_->ended.Within(own, kKilled);
    }
    link_->scope.Cancel();
    co_await link_->scope.Join();
  }

 private:
  const SharedLink link_;
};

}  // namespace

Result<std::unique_ptr<Transport>> NewStdioTransport(const async::Context& ctx,
                                                     StdioOptions options, Listener& listener) {
  async::Context own(*ctx.loop);  // the program outlives the call that started it
  own.trace = ctx.trace;
  const auto link = std::make_shared<Link>(own, std::move(options), listener);
  WEIR_CHECK(link->errors.Open());
  async::ChildOptions child{.argv = link->options.argv,
                            .env = link->options.env,
                            .directory = link->options.folder,
                            .pipe_input = true,
                            .pipe_output = true,
                            .error_fd = link->errors.write_end()};
  WEIR_TRY(link->child, async::Child::Start(*ctx.loop, std::move(child)));
  link->errors.CloseWriteEnd();
  link->scope.Spawn(WriteLines(link));
  link->scope.Spawn(ReadLines(link));
  link->scope.Spawn(Watch(link));
  link->scope.Spawn(DrainErrors(link));
  return std::make_unique<StdioTransport>(link);
}

}  // namespace weir::agent::mcp
