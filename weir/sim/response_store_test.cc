#include "weir/sim/response_store.h"

#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "weir/base/text.h"

namespace weir::sim {
namespace {

TEST(ResponseStore, GivesBackWhatWasKept) {
  ResponseStore store;
  store.Put("a", "1");
  store.Put("b", "2");

  EXPECT_EQ(store.Get("a"), "1");
  EXPECT_EQ(store.Get("b"), "2");
  EXPECT_EQ(store.Get("c"), std::nullopt);
}

TEST(ResponseStore, TheOldestMakeRoom) {
  ResponseStore store(2);
  for (const char* id : {"a", "b", "c"}) store.Put(id, id);

  EXPECT_EQ(store.Get("a"), std::nullopt);
  EXPECT_EQ(store.Get("b"), "b");
  EXPECT_EQ(store.Get("c"), "c");
}

TEST(ResponseStore, TheSameIdIsOneEntry) {
  ResponseStore store(2);
  store.Put("a", "1");
  store.Put("a", "2");
  store.Put("a", "3");
  EXPECT_EQ(store.Get("a"), "3");
  store.Put("b", "4");

  EXPECT_EQ(store.Get("a"), "3");
  EXPECT_EQ(store.Get("b"), "4");
}

TEST(ResponseStore, ManyThreadsMayUseIt) {
  ResponseStore store(50);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&store, t] {
      for (int i = 0; i < 200; ++i) {
        store.Put(StrCat(t, "-", i), "body");
        (void)store.Get(StrCat(t, "-", i / 2));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  store.Put("last", "body");
  EXPECT_EQ(store.Get("last"), "body");
}

}  // namespace
}  // namespace weir::sim
