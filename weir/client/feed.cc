#include "weir/client/feed.h"

#include <utility>

namespace weir::client {
namespace {

// What other threads reach of a task that fills a feed.
class Filling {
 public:
  Filling(Feed& feed, const async::Context& ctx) : feed_(feed), cancellation_(ctx.cancellation) {
    feed_.filling = &cancellation_;
  }
  ~Filling() { feed_.filling = nullptr; }
  Filling(const Filling&) = delete;
  Filling& operator=(const Filling&) = delete;

  async::Cancellation& cancellation() { return cancellation_; }

 private:
  Feed& feed_;
  async::Cancellation cancellation_;
};

async::Task<void> WaitForRoom(async::Context ctx, Feed& feed) {
  async::WaitPoint point(ctx);
  feed.room = &point;
  co_await point.Wait();
  feed.room = nullptr;
}

// Streams the answer into the feed.
async::Task<Result<model::Reply>> Fill(async::Context ctx, model::Engine& engine,
                                       const model::Call& call, std::shared_ptr<Feed> feed) {
  Filling filling(*feed, ctx);
  ctx.cancellation = &filling.cancellation();
  WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream, co_await engine.Stream(ctx, call));
  feed->Accept();
  model::Assembler assembler;
  for (;;) {
    model::Delta piece;
    WEIR_CO_TRY(const bool more, co_await stream->Next(ctx, piece));
    if (!more) co_return std::move(assembler).Finish(stream->info());
    assembler.Add(piece);
    if (!feed->Put(std::move(piece))) co_await WaitForRoom(ctx, *feed);
  }
}

}  // namespace

Result<void> Feed::WaitForAcceptance() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [this] { return accepted || end; });
  if (!accepted && !*end) return Fail(end->error());
  return {};
}

bool Feed::Take(std::vector<model::Delta>& pieces) {
  std::unique_lock lock(mutex);
  changed.wait(lock, [this] { return !ready.empty() || end; });
  pieces.clear();
  pieces.swap(ready);
  if (std::exchange(full, false)) {
    loop->Post([feed = shared_from_this()] {
      if (feed->room != nullptr) feed->room->Notify();
    });
  }
  return !pieces.empty();
}

void Feed::HangUp() {
  loop->Post([feed = shared_from_this()] {
    if (feed->filling != nullptr) feed->filling->Cancel();
  });
}

void Feed::Accept() {
  const std::scoped_lock lock(mutex);
  accepted = true;
  changed.notify_one();
}

bool Feed::Put(model::Delta piece) {
  const std::scoped_lock lock(mutex);
  ready.push_back(std::move(piece));
  full = ready.size() >= most;
  changed.notify_one();
  return !full;
}

void Feed::End(Result<model::Reply> result) {
  const std::scoped_lock lock(mutex);
  end = std::move(result);
  changed.notify_one();
}

Result<std::shared_ptr<Feed>> OpenFeed(Core& core, Prompt prompt, const CallOptions& options) {
  auto feed = std::make_shared<Feed>(core.stream_ahead());
  feed->loop = &core.Start(
      std::move(prompt), options,
      [feed](async::Context ctx, model::Engine& engine, const model::Call& call) {
        return Fill(ctx, engine, call, feed);
      },
      [feed](Result<model::Reply> reply) { feed->End(std::move(reply)); });
  WEIR_CHECK(feed->WaitForAcceptance());
  return feed;
}

}  // namespace weir::client
