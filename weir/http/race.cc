#include "weir/http/race.h"

#include "weir/async/completion.h"
#include "weir/async/guard.h"
#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/http/error_advice.h"

namespace weir::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

std::string Advised(const Error& error, const std::string& where, bool loopback) {
  if (!error.cause.contains("refused")) {
    return StrCat("cannot connect to ", where, "; check the address and the network");
  }
  return StrCat(kNothingListens, where, ": is the server up",
                loopback ? "?" : ", does a firewall block the port?");
}

// The race: attempts start one after the other, the first to connect wins and stops the others.
struct Race {
  explicit Race(const async::Context& ctx) : scope(ctx) {}

  async::TaskScope scope;
  std::optional<TcpSocket> winner;
  std::optional<Error> failure;  // the first one
  std::size_t ended = 0;
  async::WaitPoint* news = nullptr;

  void End() {
    ++ended;
    if (news != nullptr) news->Notify();
  }
};

async::Task<void> Attempt(async::Context ctx, Race& race, tcp::endpoint endpoint,
                          std::string where) {
  TcpSocket socket(ctx.loop->io());
  const async::Guard guard(ctx, ctx.deadline, [&] {
    boost::system::error_code ignored;  // closing is all that is wanted
    socket.close(ignored);
  });
  if (!guard.Check()) co_return race.End();  // connecting would open it
  const auto [error] = co_await socket.async_connect(endpoint, async::kAwait);
  if (!error && !race.winner) {
    race.winner = std::move(socket);
  } else if (error && !race.failure) {
    race.failure = Error{.code = Code::kConnectionError, .cause = error.message()};
    race.failure->message = Advised(*race.failure, where, endpoint.address().is_loopback());
  }
  race.End();
}

}  // namespace

Endpoints Interleave(const Endpoints& found) {
  Endpoints first;
  Endpoints second;
  for (const tcp::endpoint& endpoint : found) {
    const bool same = endpoint.address().is_v6() == found.front().address().is_v6();
    (same ? first : second).push_back(endpoint);
  }
  Endpoints mixed;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) mixed.push_back(first[i]);
    if (i < second.size()) mixed.push_back(second[i]);
  }
  return mixed;
}

async::Task<Result<TcpSocket>> ConnectToAny(async::Context ctx, Endpoints endpoints,
                                            std::string where, Duration fallback_delay) {
  Race race(ctx);
  std::size_t started = 0;
  while (!race.winner && race.ended < endpoints.size()) {
    if (started < endpoints.size()) {
      race.scope.Spawn(Attempt(race.scope.context(), race, endpoints[started++], where));
    }
    async::WaitPoint news(ctx);
    race.news = &news;
    const bool last = started == endpoints.size();
    const TimePoint next = last ? kNever : ctx.Now() + fallback_delay;
    const async::Wake wake = co_await news.Wait(std::min(next, ctx.deadline));
    race.news = nullptr;
    if (wake == async::Wake::kCancelled || ctx.Now() >= ctx.deadline) break;
  }
  race.scope.Cancel();
  co_await race.scope.Join();
  if (race.winner) co_return *std::move(race.winner);
  if (ctx.cancelled()) co_return Fail(async::CancelledError());
  if (ctx.Now() >= ctx.deadline) co_return Fail(async::TotalTimeoutError(ctx));
  co_return Fail(*race.failure);
}

}  // namespace weir::http
