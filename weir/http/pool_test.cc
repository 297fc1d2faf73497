// The pool on virtual time: who gets a connection, who waits, and what is closed when.

#include "weir/http/pool.h"

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/http/memory_testing.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using LeasePtr = std::unique_ptr<Pool::Lease>;

async::Task<void> Idle(std::unique_ptr<ByteStream> stream) {
  const std::string all = co_await ReadToEnd(*stream);
  EXPECT_EQ(all, "");
}

class PoolTest : public testing::Test {
 public:
  // Runs `script` with a pool whose dialer connects to peers that only listen.
  template <class Script>
  void With(PoolOptions options, Script script) {
    auto run = [](PoolTest& test, PoolOptions its, Script what) -> async::Task<void> {
      async::TaskScope peers(test.ctx_);
      {
        MemoryDialer dialer(peers,
                            [](std::unique_ptr<ByteStream> s, int) { return Idle(std::move(s)); });
        Pool pool(test.loop_, dialer, its);
        test.pool_ = &pool;
        test.dialer_ = &dialer;
        async::TaskScope calls(test.ctx_);
        co_await what(test, calls);
        co_await calls.Join();
      }
      co_await peers.Join();
    };
    loop_.Run(run(*this, options, script));
  }

  async::Task<Result<LeasePtr>> Take(const Origin& origin,
                                     Pool::Reuse reuse = Pool::Reuse::kAllowed) {
    return Take(ctx_, origin, reuse);
  }
  async::Task<Result<LeasePtr>> Take(async::Context ctx, const Origin& origin, Pool::Reuse reuse) {
    if (reuse == Pool::Reuse::kAllowed) {
      LeasePtr idle = pool_->TakeIdle(origin);
      if (idle != nullptr) co_return idle;
    }
    co_return co_await pool_->Take(ctx, origin, 10s, reuse);
  }

  // Takes a connection, notes when, keeps it for `hold`, gives it back.
  async::Task<void> Hold(const Origin& origin, Duration hold) {
    Result<LeasePtr> lease = co_await Take(origin);
    if (!lease) {
      errors_.push_back(lease.error());
      co_return;
    }
    taken_.push_back(loop_.Now() - TimePoint());
    const Result<void> slept = co_await async::Sleep(ctx_, hold);
    EXPECT_TRUE(slept.has_value());
    pool_->Return(*std::move(lease));
  }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  Origin a_ = MakeOrigin(*ParseUrl("http://a:1"));
  Origin b_ = MakeOrigin(*ParseUrl("http://b:1"));
  Pool* pool_ = nullptr;
  MemoryDialer* dialer_ = nullptr;
  std::vector<Duration> taken_;
  std::vector<int> order_;
  std::vector<Error> errors_;
  bool cancel_first_ = false;
};

TEST_F(PoolTest, TheConnectionUsedLastGoesOutFirst) {
  With({}, [](PoolTest& test, async::TaskScope&) -> async::Task<void> {
    Result<LeasePtr> first = co_await test.Take(test.a_);
    Result<LeasePtr> second = co_await test.Take(test.a_);
    const Pool::Lease* const last = second->get();
    test.pool_->Return(*std::move(first));
    test.pool_->Return(*std::move(second));

    Result<LeasePtr> again = co_await test.Take(test.a_);

    EXPECT_EQ(again->get(), last);
    EXPECT_TRUE((*again)->reused);
    EXPECT_EQ(test.dialer_->dials(), 2);
    test.pool_->Discard(*std::move(again));
  });
}

TEST_F(PoolTest, RestingConnectionsAreClosedAfterFourSeconds) {
  With({}, [](PoolTest& test, async::TaskScope&) -> async::Task<void> {
    Result<LeasePtr> lease = co_await test.Take(test.a_);
    test.pool_->Return(*std::move(lease));

    Result<void> slept = co_await async::Sleep(test.ctx_, 3900ms);
    EXPECT_TRUE(slept.has_value());
    EXPECT_EQ(test.pool_->open(), 1U);
    slept = co_await async::Sleep(test.ctx_, 200ms);
    EXPECT_EQ(test.pool_->open(), 0U);
  });
}

TEST_F(PoolTest, EachConnectionExpiresAtItsOwnTimeAndUseBeginsItAnew) {
  With({.idle_expiry = 10s}, [](PoolTest& test, async::TaskScope& calls) -> async::Task<void> {
    calls.Spawn(test.Hold(test.a_, 0s));
    calls.Spawn(test.Hold(test.b_, 2s));
    Result<void> slept = co_await async::Sleep(test.ctx_, 9900ms);
    EXPECT_TRUE(slept.has_value());
    EXPECT_EQ(test.pool_->open(), 2U);
    slept = co_await async::Sleep(test.ctx_, 200ms);
    EXPECT_EQ(test.pool_->open(), 1U);
    slept = co_await async::Sleep(test.ctx_, 2s);
    EXPECT_EQ(test.pool_->open(), 0U);

    co_await test.Hold(test.a_, 0s);
    slept = co_await async::Sleep(test.ctx_, 5s);
    LeasePtr again = test.pool_->TakeIdle(test.a_);
    EXPECT_NE(again, nullptr);
    if (again != nullptr) test.pool_->Return(std::move(again));
    slept = co_await async::Sleep(test.ctx_, 9900ms);
    EXPECT_EQ(test.pool_->open(), 1U);
    slept = co_await async::Sleep(test.ctx_, 200ms);
    EXPECT_EQ(test.pool_->open(), 0U);
  });
}

TEST_F(PoolTest, OneCallMoreThanTheLimitWaitsForAConnectionThatComesBack) {
  With({.max_per_origin = 2}, [](PoolTest& test, async::TaskScope& calls) -> async::Task<void> {
    for (int i = 0; i < 6; ++i) calls.Spawn(test.Hold(test.a_, 1s));
    co_return;
  });

  EXPECT_THAT(taken_, testing::ElementsAre(0s, 0s, 1s, 1s, 2s, 2s));
}

TEST_F(PoolTest, WaitersAreServedInTheirOrder) {
  for (const PoolOptions options : {PoolOptions{.max_per_origin = 1}, PoolOptions{.max_total = 1},
                                    PoolOptions{.max_connecting = 1}}) {
    order_.clear();
    With(options, [](PoolTest& test, async::TaskScope& calls) -> async::Task<void> {
      test.dialer_->delay = 1s;
      auto call = [](PoolTest& its, int number) -> async::Task<void> {
        Result<LeasePtr> lease = co_await its.Take(its.a_);
        its.order_.push_back(number);
        const Result<void> slept = co_await async::Sleep(its.ctx_, 1s);
        EXPECT_TRUE(slept.has_value());
        // Every other one is of no use to whoever comes next, who has to connect anew.
        number % 2 == 0 ? its.pool_->Return(*std::move(lease))
                        : its.pool_->Discard(*std::move(lease));
      };
      for (int i = 0; i < 7; ++i) calls.Spawn(call(test, i));
      co_return;
    });
    EXPECT_THAT(order_, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6));
  }
}

TEST_F(PoolTest, WhoComesBackAtOnceDoesNotPassThoseWhoWait) {
  With({.max_per_origin = 1}, [](PoolTest& test, async::TaskScope& calls) -> async::Task<void> {
    auto call = [](PoolTest& its, int number, int times) -> async::Task<void> {
      for (int i = 0; i < times; ++i) {
        Result<LeasePtr> lease = co_await its.Take(its.a_);
        EXPECT_TRUE(lease.has_value());
        if (!lease) co_return;
        its.order_.push_back(number);
        const Result<void> slept = co_await async::Sleep(its.ctx_, 4s);
        EXPECT_TRUE(slept.has_value());
        its.pool_->Return(*std::move(lease));
      }
    };
    calls.Spawn(call(test, 0, 3));
    calls.Spawn(call(test, 1, 1));
    calls.Spawn(call(test, 2, 1));
    co_return;
  });

  EXPECT_THAT(order_, testing::ElementsAre(0, 1, 2, 0, 0));
}

TEST_F(PoolTest, AWaiterIsNotPassedOverForOneWhoseServerIsFull) {
  With({.max_per_origin = 1}, [](PoolTest& test, async::TaskScope& calls) -> async::Task<void> {
    calls.Spawn(test.Hold(test.a_, 5s));
    calls.Spawn(test.Hold(test.b_, 1s));
    calls.Spawn(test.Hold(test.a_, 1s));  // waits before ...
    calls.Spawn(test.Hold(test.b_, 1s));  // ... this one, which must not wait for it
    co_return;
  });

  EXPECT_THAT(taken_, testing::ElementsAre(0s, 0s, 1s, 5s));
}

TEST_F(PoolTest, TheTotalLimitClosesTheConnectionThatRestedLongest) {
  With({.max_total = 2}, [](PoolTest& test, async::TaskScope&) -> async::Task<void> {
    co_await test.Hold(test.a_, 1s);
    co_await test.Hold(test.b_, 1s);
    const Origin third = MakeOrigin(*ParseUrl("http://c:1"));
    co_await test.Hold(third, 0s);

    EXPECT_EQ(test.pool_->open(), 2U);
    EXPECT_EQ(test.pool_->TakeIdle(test.a_), nullptr);
    LeasePtr kept = test.pool_->TakeIdle(test.b_);
    EXPECT_NE(kept, nullptr);
    if (kept != nullptr) test.pool_->Discard(std::move(kept));
  });
}

TEST_F(PoolTest, ACallThatInsistsOnAFreshConnectionClosesARestingOne) {
  With({.max_per_origin = 1}, [](PoolTest& test, async::TaskScope&) -> async::Task<void> {
    co_await test.Hold(test.a_, 1s);

    Result<LeasePtr> fresh = co_await test.Take(test.a_, Pool::Reuse::kFresh);

    EXPECT_EQ(test.loop_.Now() - TimePoint(), Duration(1s));
    EXPECT_FALSE((*fresh)->reused);
    EXPECT_EQ(test.pool_->open(), 1U);
    test.pool_->Discard(*std::move(fresh));
  });
}

TEST_F(PoolTest, WhoWaitsTooLongIsToldTheClockAndItsValue) {
  With({.max_per_origin = 1}, [](PoolTest& test, async::TaskScope& calls) -> async::Task<void> {
    calls.Spawn(test.Hold(test.a_, 20s));
    calls.Spawn(test.Hold(test.a_, 1s));
    co_return;
  });

  ASSERT_EQ(errors_.size(), 1U);
  EXPECT_EQ(errors_[0].code, Code::kTimeout);
  EXPECT_THAT(errors_[0].message, HasSubstr("`connect` of 10 s"));
}

TEST_F(PoolTest, ACallWhoseTimeEndsWhileItWaitsBlamesItsOwnLimit) {
  With({.max_per_origin = 1}, [](PoolTest& test, async::TaskScope& calls) -> async::Task<void> {
    calls.Spawn(test.Hold(test.a_, 20s));
    const Result<void> slept = co_await async::Sleep(test.ctx_, 1s);
    EXPECT_TRUE(slept.has_value());
    const async::Context hurried = test.ctx_.WithTimeout(2s);
    const Result<LeasePtr> lease = co_await test.Take(hurried, test.a_, Pool::Reuse::kAllowed);
    EXPECT_FALSE(lease.has_value());
    EXPECT_THAT(lease.error().message, HasSubstr("`total` of 2 s"));
  });
}

TEST_F(PoolTest, ACancelledWaiterLetsTheNextOneGo) {
  With({.max_per_origin = 1}, [](PoolTest& test, async::TaskScope& calls) -> async::Task<void> {
    calls.Spawn(test.Hold(test.a_, 1s));
    const Result<void> slept = co_await async::Sleep(test.ctx_, 1ms);
    EXPECT_TRUE(slept.has_value());
    async::TaskScope doomed(test.ctx_);
    auto wait = [](PoolTest& its, async::Context ctx) -> async::Task<void> {
      const Result<LeasePtr> lease = co_await its.Take(ctx, its.a_, Pool::Reuse::kAllowed);
      EXPECT_EQ(lease.error().code, Code::kCancelled);
    };
    doomed.Spawn(wait(test, doomed.context()));
    calls.Spawn(test.Hold(test.a_, 1s));
    const Result<void> waited = co_await async::Sleep(test.ctx_, 1ms);
    EXPECT_TRUE(waited.has_value());
    doomed.Cancel();
    co_await doomed.Join();
  });

  EXPECT_THAT(taken_, testing::ElementsAre(0s, 1s));
}

// In one tick a waiter is cancelled and a connection comes back: whoever waits behind must get it.
TEST_F(PoolTest, TheTurnOfACancelledWaiterPassesOnInWhateverOrderTheNewsComes) {
  for (const bool cancel_first : {true, false}) {
    order_.clear();
    cancel_first_ = cancel_first;
    const TimePoint before = loop_.Now();
    With({.max_per_origin = 1}, [](PoolTest& test, async::TaskScope& calls) -> async::Task<void> {
      Result<LeasePtr> held = co_await test.Take(test.a_);
      async::TaskScope doomed(test.ctx_);
      auto call = [](PoolTest& its, async::Context ctx, int number) -> async::Task<void> {
        Result<LeasePtr> lease = co_await its.Take(ctx, its.a_, Pool::Reuse::kAllowed);
        its.order_.push_back(lease ? number : -number);
        if (lease) its.pool_->Return(*std::move(lease));
      };
      doomed.Spawn(call(test, doomed.context(), 1));
      calls.Spawn(call(test, test.ctx_, 2));
      const Result<void> slept = co_await async::Sleep(test.ctx_, 1s);
      EXPECT_TRUE(slept.has_value());
      if (test.cancel_first_) doomed.Cancel();
      test.pool_->Return(*std::move(held));
      doomed.Cancel();
      co_await doomed.Join();
      co_await calls.Join();
    });
    if (cancel_first) {
      EXPECT_THAT(order_, testing::ElementsAre(-1, 2));
    } else {
      EXPECT_THAT(order_, testing::ElementsAre(1, 2));
    }
    EXPECT_EQ(loop_.Now() - before, Duration(1s));
  }
}

TEST_F(PoolTest, ACancelledDialGivesItsPlaceToTheNextWaiter) {
  With({.max_per_origin = 1}, [](PoolTest& test, async::TaskScope& calls) -> async::Task<void> {
    test.dialer_->delay = 5s;
    async::TaskScope doomed(test.ctx_);
    auto dial = [](PoolTest& its, async::Context ctx) -> async::Task<void> {
      const Result<LeasePtr> lease = co_await its.Take(ctx, its.a_, Pool::Reuse::kAllowed);
      EXPECT_EQ(lease.error().code, Code::kCancelled);
    };
    doomed.Spawn(dial(test, doomed.context()));
    calls.Spawn(test.Hold(test.a_, 0s));
    const Result<void> slept = co_await async::Sleep(test.ctx_, 1s);
    EXPECT_TRUE(slept.has_value());
    doomed.Cancel();
    co_await doomed.Join();
  });

  EXPECT_THAT(taken_, testing::ElementsAre(6s));
}

TEST_F(PoolTest, AFailedDialGivesItsPlaceToTheNextWaiter) {
  With({.max_per_origin = 1}, [](PoolTest& test, async::TaskScope& calls) -> async::Task<void> {
    test.dialer_->delay = 1s;
    test.dialer_->client_script->fail_at = 1;
    calls.Spawn(test.Hold(test.a_, 1s));
    calls.Spawn(test.Hold(test.a_, 1s));
    co_return;
  });

  EXPECT_EQ(errors_.size(), 1U);
  EXPECT_THAT(taken_, testing::ElementsAre(2s));
}

TEST_F(PoolTest, NoWaiterIsForgottenWhenDialsAreRationed) {
  With({.max_connecting = 2}, [](PoolTest& test, async::TaskScope& calls) -> async::Task<void> {
    test.dialer_->delay = 1s;
    for (int i = 0; i < 7; ++i) calls.Spawn(test.Hold(test.a_, 100s));
    co_return;
  });

  EXPECT_THAT(taken_, testing::ElementsAre(1s, 1s, 2s, 2s, 3s, 3s, 4s));
}

// What the server did while the connections rested.
async::Task<void> Misbehave(std::unique_ptr<ByteStream> stream, int number) {
  if (number == 1) co_return co_await Idle(std::move(stream));
  if (number == 2) co_return;  // closes
  const IoResult written = co_await stream->Write("HTTP/1.1 408 Request Timeout\r\n\r\n");
  EXPECT_FALSE(std::get<0>(written));
  co_await Idle(std::move(stream));
}

TEST_F(PoolTest, AConnectionThatWasClosedOrOnWhichTheServerSpokeUnaskedIsNotUsed) {
  auto run = [](PoolTest& test) -> async::Task<void> {
    async::TaskScope peers(test.ctx_);
    {
      MemoryDialer dialer(peers, Misbehave);
      Pool pool(test.loop_, dialer, {});
      std::vector<LeasePtr> leases;
      for (int i = 0; i < 3; ++i) {
        leases.push_back(*co_await pool.Take(test.ctx_, test.a_, 1s, Pool::Reuse::kAllowed));
      }
      const Pool::Lease* const good = leases.front().get();
      for (LeasePtr& lease : leases) pool.Return(std::move(lease));
      const Result<void> slept = co_await async::Sleep(test.ctx_, 1s);
      EXPECT_TRUE(slept.has_value());

      LeasePtr last = pool.TakeIdle(test.a_);

      EXPECT_EQ(last.get(), good);
      EXPECT_EQ(pool.open(), 1U);
      if (last != nullptr) pool.Discard(std::move(last));
    }
    co_await peers.Join();
  };
  loop_.Run(run(*this));
}

}  // namespace
}  // namespace weir::http
