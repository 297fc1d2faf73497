#include "weir/http/pool.h"

#include <algorithm>

#include "weir/base/text.h"

namespace weir::http {
namespace {

// A connection that rested longer than this is looked at before it is used again. Below it the
// system call is saved: the rule of replay covers the rare loss.
constexpr Duration kPeekAfter = std::chrono::milliseconds(100);

}  // namespace

Pool::Pool(async::Loop& loop, Dialer& dialer, PoolOptions options)
    : loop_(loop), dialer_(dialer), options_(options), expiry_(loop, [this] { CloseExpired(); }) {}

Pool::~Pool() = default;

async::Task<Result<std::unique_ptr<Pool::Lease>>> Pool::Take(async::Context ctx,
                                                             const Origin& origin,
                                                             Duration connect_timeout,
                                                             Reuse reuse) {
  const TimePoint give_up = connect_timeout > Duration::zero()
                                ? std::min(ctx.deadline, After(ctx.Now(), connect_timeout))
                                : ctx.deadline;
  if (OthersFirst() || !MakeRoom(origins_[origin.key])) {
    const auto place = waiting_.insert(waiting_.end(), Waiter{.key = &origin.key});
    std::unique_ptr<Lease> idle;
    Result<void> told;
    do {
      told = co_await WaitForRoom(ctx, *place, connect_timeout, give_up);
      if (told && reuse == Reuse::kAllowed) idle = PopIdle(origin.key);
    } while (told && idle == nullptr && !MakeRoom(origins_[origin.key]));
    waiting_.erase(place);
    if (!told || idle != nullptr) TellOne();
    if (!told) co_return Fail(std::move(told).error());
    if (idle != nullptr) co_return idle;
  }

  ++origins_[origin.key].open;
  ++open_;
  ++connecting_;
  TellOne();  // there may be room for the one behind, too
  Result<Connection> connection = co_await dialer_.Dial(ctx, origin, connect_timeout);
  --connecting_;
  if (connection) TellOne();
  if (!connection) {
    Freed(origin.key);
    co_return Fail(std::move(connection).error());
  }
  auto lease = std::make_unique<Lease>();
  lease->connection = *std::move(connection);
  lease->key = origin.key;
  co_return lease;
}

async::Task<Result<void>> Pool::WaitForRoom(async::Context ctx, Waiter& waiter,
                                            Duration connect_timeout, TimePoint give_up) {
  async::WaitPoint point(ctx);
  waiter.point = &point;
  const async::Wake wake = co_await point.Wait(give_up);
  waiter.point = nullptr;
  if (wake == async::Wake::kNotified) co_return Result<void>();
  if (wake == async::Wake::kCancelled) co_return Fail(async::CancelledError());
  if (ctx.Now() >= ctx.deadline) co_return Fail(async::TotalTimeoutError(ctx));
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(connect_timeout);
  co_return Fail(Code::kTimeout,
                 StrCat("no free connection to ", *waiter.key, " within the limit `connect` of ",
                        FormatMillis(millis.count()), ": ", open(),
                        " are open; send fewer calls at once or raise `timeouts.connect`"));
}

std::unique_ptr<Pool::Lease> Pool::TakeIdle(const Origin& origin) {
  return OthersFirst() ? nullptr : PopIdle(origin.key);
}

// Whether somebody in the queue could go on with what is free now, told or not yet told.
bool Pool::OthersFirst() const {
  return !waiting_.empty() &&
         std::ranges::any_of(waiting_, [&](const Waiter& waiter) { return HasRoom(*waiter.key); });
}

std::unique_ptr<Pool::Lease> Pool::PopIdle(const std::string& key) {
  const auto found = origins_.find(key);
  if (found == origins_.end()) return nullptr;
  std::deque<Idle>& idle = found->second.idle;
  const TimePoint now = loop_.RoughNow();
  while (!idle.empty()) {
    Idle last = std::move(idle.back());
    idle.pop_back();
    --idle_;
    const Duration rested = now - last.since;
    const bool fresh = rested < options_.idle_expiry;
    if (fresh && (rested < kPeekAfter ||
                  last.lease->connection.stream->PeekPeer() == ByteStream::Peek::kQuiet)) {
      last.lease->reused = true;
      return std::move(last.lease);
    }
    Discard(std::move(last.lease));
  }
  return nullptr;
}

bool Pool::MakeRoom(PerOrigin& origin) {
  if (connecting_ >= options_.max_connecting) return false;
  if (origin.open >= options_.max_per_origin) {
    // Only a call that insists on a fresh connection gets here with one that rests.
    if (origin.idle.empty()) return false;
    CloseOldest(origin);
    return true;
  }
  if (open_ < options_.max_total) return true;
  if (idle_ == 0) return false;
  PerOrigin* oldest = nullptr;
  for (auto& [key, candidate] : origins_) {
    if (candidate.idle.empty()) continue;
    if (oldest == nullptr || candidate.idle.front().since < oldest->idle.front().since) {
      oldest = &candidate;
    }
  }
  CloseOldest(*oldest);
  return true;
}

void Pool::CloseOldest(PerOrigin& origin) {
  std::unique_ptr<Lease> lease = std::move(origin.idle.front().lease);
  origin.idle.pop_front();
  --idle_;
  Discard(std::move(lease));
}

void Pool::Return(std::unique_ptr<Lease> lease) {
  PerOrigin& origin = origins_[lease->key];
  origin.idle.push_back({.lease = std::move(lease), .since = loop_.RoughNow()});
  ++idle_;
  if (expiry_.at() == kNever) expiry_.Set(After(origin.idle.back().since, options_.idle_expiry));
  TellOne();
}

void Pool::Discard(std::unique_ptr<Lease> lease) {
  lease->connection.stream->Close();
  Freed(lease->key);
}

void Pool::Freed(const std::string& key) {
  --open_;
  --origins_[key].open;
  TellOne();
}

// Tells the first one whom the news helps: a waiter for another origin that is full would go back
// to sleep with it.
void Pool::TellOne() {
  const auto first = std::ranges::find_if(waiting_, [&](const Waiter& waiter) {
    return waiter.point != nullptr && HasRoom(*waiter.key);
  });
  if (first != waiting_.end()) std::exchange(first->point, nullptr)->Notify();
}

bool Pool::HasRoom(const std::string& key) const {
  const auto origin = origins_.find(key);
  if (origin != origins_.end() && !origin->second.idle.empty()) return true;
  if (connecting_ >= options_.max_connecting) return false;
  const std::size_t open = origin == origins_.end() ? 0 : origin->second.open;
  return open < options_.max_per_origin && (open_ < options_.max_total || idle_ > 0);
}

void Pool::CloseExpired() {
  const TimePoint limit = loop_.Now() - options_.idle_expiry;
  TimePoint oldest = kNever;
  for (auto& [key, origin] : origins_) {
    while (!origin.idle.empty() && origin.idle.front().since <= limit) CloseOldest(origin);
    if (!origin.idle.empty()) oldest = std::min(oldest, origin.idle.front().since);
  }
  std::erase_if(origins_, [](const auto& entry) { return entry.second.open == 0; });
  expiry_.Set(After(oldest, options_.idle_expiry));
}

}  // namespace weir::http
