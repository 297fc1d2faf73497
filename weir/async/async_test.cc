#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "weir/async/channel.h"
#include "weir/async/context.h"
#include "weir/async/scope.h"
#include "weir/async/semaphore.h"

namespace weir::async {
namespace {

using namespace std::chrono_literals;

class AsyncTest : public testing::Test {
 protected:
  Loop loop_{Loop::Time::kVirtual};
  Context ctx_{loop_};
};

Task<std::string> Word() { co_return "dam"; }

Task<std::string> ChangeInPlace() {
  Task<std::string> task = Word();
  std::string& word = co_await task;
  word += "s";
  co_return std::move(word);
}

TEST_F(AsyncTest, ATaskWithANameKeepsItsValue) { EXPECT_EQ(loop_.Run(ChangeInPlace()), "dams"); }

struct Counted {
  explicit Counted(int& moves) : moves_(&moves) {}
  Counted(Counted&& other) noexcept : moves_(other.moves_), word(std::move(other.word)) {
    ++*moves_;
  }
  Counted& operator=(Counted&&) = delete;

  int* moves_;
  std::string word;
};

Task<Counted> Make(int& moves) { co_return Counted(moves); }

Task<Counted> Through(int& moves, int levels) {
  Task<Counted> task = levels > 1 ? Through(moves, levels - 1) : Make(moves);
  Counted& value = co_await task;
  value.word += 'x';
  co_return std::move(task);
}

Task<int> MovesThrough(int levels) {
  int moves = 0;
  const Counted value = co_await Through(moves, levels);
  EXPECT_EQ(value.word.size(), static_cast<std::size_t>(levels));
  co_return moves;
}

TEST_F(AsyncTest, ATaskThatIsReturnedPassesItsValueOnWhereItIs) {
  const int once = loop_.Run(MovesThrough(1));

  EXPECT_EQ(loop_.Run(MovesThrough(9)), once);
}

TEST_F(AsyncTest, ATaskThatIsReturnedBeforeItHasEndedIsABug) {
  auto forgets = []() -> Task<std::string> { co_return Word(); };

  EXPECT_THROW(loop_.Run(forgets()), std::logic_error);
}

TEST_F(AsyncTest, RoughTimeIsNeverAhead) {
  const Loop real;
  const TimePoint rough = real.RoughNow();

  EXPECT_LE(rough, real.Now());
  EXPECT_EQ(loop_.RoughNow(), loop_.Now());
}

TEST_F(AsyncTest, SleepTakesVirtualTimeOnly) {
  const TimePoint start = loop_.Now();

  const Result<void> slept = loop_.Run(Sleep(ctx_, 1h));

  EXPECT_TRUE(slept.has_value());
  EXPECT_EQ(loop_.Now() - start, 1h);
}

TEST_F(AsyncTest, SleepEndsAtTheDeadlineAndNamesTheClock) {
  const Context short_ctx = ctx_.WithTimeout(3s);

  const Result<void> slept = loop_.Run(Sleep(short_ctx, 1h));

  ASSERT_FALSE(slept.has_value());
  EXPECT_EQ(slept.error().code, Code::kTimeout);
  EXPECT_NE(slept.error().message.find("`total` of 3 s"), std::string::npos);
  EXPECT_EQ(loop_.Now(), TimePoint() + 3s);
}

TEST_F(AsyncTest, CancelWakesASleeperAtOnce) {
  Cancellation cancellation;
  ctx_.cancellation = &cancellation;
  Alarm alarm(loop_, [&] { cancellation.Cancel(); });
  alarm.Arm(loop_.Now() + 5s);

  const Result<void> slept = loop_.Run(Sleep(ctx_, 1h));

  ASSERT_FALSE(slept.has_value());
  EXPECT_EQ(slept.error().code, Code::kCancelled);
  EXPECT_EQ(loop_.Now(), TimePoint() + 5s);
}

TEST_F(AsyncTest, ChildIsCancelledWithItsParentButNotTheOtherWayRound) {
  Cancellation parent;
  Cancellation child(&parent);
  Cancellation other(&parent);

  other.Cancel();
  EXPECT_FALSE(parent.cancelled());
  EXPECT_FALSE(child.cancelled());
  parent.Cancel();
  EXPECT_TRUE(child.cancelled());
}

TEST_F(AsyncTest, WatchesRunNewestFirstAndADeadWatchDoesNot) {
  Cancellation cancellation;
  std::vector<int> order;
  const Cancellation::Watch first(&cancellation, [&] { order.push_back(1); });
  {
    const Cancellation::Watch gone(&cancellation, [&] { order.push_back(2); });
  }
  const Cancellation::Watch third(&cancellation, [&] { order.push_back(3); });

  cancellation.Cancel();
  cancellation.Cancel();

  EXPECT_EQ(order, (std::vector<int>{3, 1}));
}

TEST_F(AsyncTest, DeadlineFiresWithinOneTickOfItsTime) {
  TimePoint fired = kNever;
  Deadline deadline(loop_, [&] { fired = loop_.Now(); });
  deadline.Set(loop_.Now() + 1s);
  deadline.Set(loop_.Now() + 2s);

  const Result<void> slept = loop_.Run(Sleep(ctx_, 10s));

  EXPECT_TRUE(slept.has_value());
  EXPECT_GE(fired, TimePoint() + 2s);
  EXPECT_LE(fired, TimePoint() + 2s + Deadline::kTick);
}

TEST_F(AsyncTest, DisarmedAndDestroyedDeadlinesStaySilent) {
  int fired = 0;
  Deadline kept(loop_, [&] { ++fired; });
  {
    Deadline gone(loop_, [&] { fired += 100; });
    gone.Set(loop_.Now() + 1s);
    kept.Set(loop_.Now() + 1s);
  }
  Deadline off(loop_, [&] { fired += 1000; });
  off.Set(loop_.Now() + 1s);
  off.Set(kNever);

  const Result<void> slept = loop_.Run(Sleep(ctx_, 10s));

  EXPECT_TRUE(slept.has_value());
  EXPECT_EQ(fired, 1);
}

Task<void> Hold(Context ctx, Semaphore& semaphore, Duration time, int& now, int& most) {
  const Result<Semaphore::Permit> permit = co_await semaphore.Acquire(ctx);
  if (!permit) co_return;
  most = std::max(most, ++now);
  const Result<void> slept = co_await Sleep(ctx, time);
  if (slept) --now;
}

TEST_F(AsyncTest, SemaphoreNeverLetsInMoreThanItsPermits) {
  Semaphore semaphore({.permits = 3});
  int now = 0;
  int most = 0;
  auto all = [](Context ctx, Semaphore& its, int& n, int& m) -> Task<void> {
    TaskScope scope(ctx);
    for (int i = 0; i < 20; ++i) scope.Spawn(Hold(ctx, its, 1s, n, m));
    co_await scope.Join();
  };

  loop_.Run(all(ctx_, semaphore, now, most));

  EXPECT_EQ(most, 3);
  EXPECT_EQ(semaphore.in_use(), 0U);
  EXPECT_EQ(loop_.Now(), TimePoint() + 7s);
}

TEST_F(AsyncTest, SemaphoreWaiterThatTimesOutLeavesTheQueue) {
  Semaphore semaphore({.permits = 1});
  auto run = [](Context ctx, Semaphore& its) -> Task<Error> {
    const Result<Semaphore::Permit> held = co_await its.Acquire(ctx);
    const Context hurried = ctx.WithTimeout(2s);
    const Result<Semaphore::Permit> late = co_await its.Acquire(hurried);
    co_return late.error();
  };

  const Error error = loop_.Run(run(ctx_, semaphore));

  EXPECT_EQ(error.code, Code::kTimeout);
  EXPECT_EQ(semaphore.waiting(), 0U);
  EXPECT_EQ(semaphore.in_use(), 0U);
}

TEST_F(AsyncTest, SemaphoreRefusesWhenItsQueueIsFull) {
  Semaphore semaphore({.permits = 1, .max_waiting = 0});
  auto run = [](Context ctx, Semaphore& its) -> Task<Error> {
    const Result<Semaphore::Permit> held = co_await its.Acquire(ctx);
    const Result<Semaphore::Permit> refused = co_await its.Acquire(ctx);
    co_return refused.error();
  };

  EXPECT_EQ(loop_.Run(run(ctx_, semaphore)).code, Code::kBudgetExceeded);
}

Task<void> Count(Context ctx, Semaphore& semaphore, int& sum) {
  for (int i = 0; i < 200; ++i) {
    Result<Semaphore::Permit> permit = co_await semaphore.Acquire(ctx);
    if (permit) ++sum;
  }
}

TEST(SemaphoreThreads, PermitsAreHandedBetweenLoopsWithoutALostUpdate) {
  Semaphore semaphore({.permits = 1});
  int sum = 0;  // guarded by the only permit
  std::vector<std::jthread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      Loop loop;
      loop.Run(Count(Context(loop), semaphore, sum));
    });
  }
  threads.clear();

  EXPECT_EQ(sum, 800);
  EXPECT_EQ(semaphore.in_use(), 0U);
}

Task<void> Produce(Context ctx, Channel<int>& channel, std::vector<std::size_t>& sizes) {
  for (int i = 0; i < 5; ++i) {
    const Result<void> sent = co_await channel.Send(ctx, i);
    if (!sent) co_return;
    sizes.push_back(channel.size());
  }
  channel.Close();
}

TEST_F(AsyncTest, ChannelHoldsAtMostItsCapacityAndDrainsAfterClose) {
  Channel<int> channel(2);
  std::vector<std::size_t> sizes;
  auto run = [](Context ctx, Channel<int>& c,
                std::vector<std::size_t>& s) -> Task<std::vector<int>> {
    TaskScope scope(ctx);
    scope.Spawn(Produce(ctx, c, s));
    std::vector<int> got;
    for (;;) {
      const Result<void> slept = co_await Sleep(ctx, 1s);
      Result<std::optional<int>> value = co_await c.Receive(ctx);
      if (!slept || !value || !*value) break;
      got.push_back(**value);
    }
    co_await scope.Join();
    co_return got;
  };

  EXPECT_EQ(loop_.Run(run(ctx_, channel, sizes)), (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(*std::ranges::max_element(sizes), 2U);
}

TEST_F(AsyncTest, CancellingAScopeEndsItsTasksBeforeJoinReturns) {
  int ended = 0;
  auto forever = [](Context ctx, int& count) -> Task<void> {
    const Result<void> slept = co_await Sleep(ctx, 1000h);
    if (!slept) ++count;
  };
  auto run = [](Context ctx, auto& start, int& count) -> Task<void> {
    TaskScope scope(ctx);
    scope.Spawn(start(scope.context(), count));
    scope.Spawn(start(scope.context(), count));
    const Result<void> slept = co_await Sleep(ctx, 1s);
    if (slept) scope.Cancel();
    co_await scope.Join();
  };

  loop_.Run(run(ctx_, forever, ended));

  EXPECT_EQ(ended, 2);
}

TEST_F(AsyncTest, AMillionAwaitsThatAreReadyDoNotGrowTheStack) {
  auto ready = []() -> Task<int> { co_return 1; };
  auto run = [](auto& one) -> Task<int> {
    int sum = 0;
    for (int i = 0; i < 300'000; ++i) sum += co_await one();
    co_return sum;
  };

  EXPECT_EQ(loop_.Run(run(ready)), 300'000);
}

class Recorder final : public TraceSink {
 public:
  void OnSpanStart(const SpanRecord& span) override { names.emplace_back(span.name); }
  void OnSpanEnd(const SpanRecord& span) override {
    if (span.error != nullptr) failed.emplace_back(span.name);
  }
  std::vector<std::string> names;
  std::vector<std::string> failed;
};

TEST_F(AsyncTest, SpansNestAndReportTheirError) {
  Recorder recorder;
  ctx_.trace = &recorder;
  {
    Span outer(ctx_, "outer");
    const Context inside = outer.context();
    Span inner(inside, "inner");
    inner.Fail(CancelledError());
  }

  EXPECT_EQ(recorder.names, (std::vector<std::string>{"outer", "inner"}));
  EXPECT_EQ(recorder.failed, (std::vector<std::string>{"inner"}));
}

}  // namespace
}  // namespace weir::async
