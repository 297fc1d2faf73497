#include "weir/client/loop_thread.h"

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/client/client_testing.h"
#include "weir/client/core.h"

namespace weir::client {
namespace {

async::Task<void> Count(std::atomic<int>& ran) {
  ++ran;
  co_return;
}

async::Task<void> SpawnAtTheEnd(async::Context ctx, LoopThread& loop, std::atomic<bool>& taken,
                                std::atomic<int>& ran) {
  (void)co_await async::Sleep(ctx, std::chrono::hours(1));
  taken = loop.Spawn([&ran](const async::Context&) { return Count(ran); });
}

TEST(LoopThreadTest, WhatEndsByCloseMayCallSpawn) {
  LoopThread loop;
  std::atomic<bool> taken = true;
  std::atomic<int> ran = 0;
  ASSERT_TRUE(
      loop.Spawn([&](const async::Context& ctx) { return SpawnAtTheEnd(ctx, loop, taken, ran); }));

  loop.Close();

  EXPECT_FALSE(taken);
  EXPECT_EQ(ran.load(), 0);
}

TEST(LoopThreadTest, WhateverWasTakenHasRunWhenAnyCloseReturns) {
  LoopThread loop;
  std::atomic<int> taken = 0;
  std::atomic<int> ran = 0;
  std::vector<int> ran_by_then(3);
  std::vector<std::thread> threads;
  threads.reserve(7);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (loop.Spawn([&](const async::Context&) { return Count(ran); })) ++taken;
    });
  }
  while (ran < 100) std::this_thread::yield();
  for (int& count : ran_by_then) {
    threads.emplace_back([&] {
      loop.Close();
      count = ran;
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_THAT(ran_by_then, testing::Each(taken.load()));
}

TEST(CoreTest, TheEndOfACallMayStartAnotherWhileTheClientCloses) {
  sim::SimServer server(sim::InstantSim("[{reply: {text: one two three four, stall_after: 2}}]"));
  const Result<std::shared_ptr<Core>> core =
      Core::Open({.engines = {{.base_url = server.url()}}, .threads = 2});
  ASSERT_TRUE(core);
  std::vector<std::promise<Code>> ends(6);
  for (std::promise<Code>& end : ends) {
    (*core)->Start("first", {}, CallWhole, [&](const Result<model::Reply>& /*reply*/) {
      (*core)->Start("second", {}, CallWhole, [&](const Result<model::Reply>& reply) {
        end.set_value(reply ? Code::kInternal : reply.error().code);
      });
    });
  }
  WaitForLoad(server, 6);

  std::thread closer([&] { (*core)->Close(); });
  (*core)->Close();
  closer.join();

  for (std::promise<Code>& end : ends) EXPECT_EQ(end.get_future().get(), Code::kCancelled);
}

}  // namespace
}  // namespace weir::client
