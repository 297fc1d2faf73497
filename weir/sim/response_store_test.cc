#include "weir/sim/response_store.h"

#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "weir/base/text.h"

namespace weir::sim {
namespace {

KeptResponse KeptBody(std::string body) { return {.body = std::move(body), .talk = {}}; }

std::string BodyOf(const ResponseStore& store, std::string_view id) {
  const auto kept = store.Get(id);
  return kept == nullptr ? "nothing" : kept->body;
}

TEST(ResponseStore, GivesBackWhatWasKept) {
  ResponseStore store;
  store.Put("a", KeptBody("1"));
  store.Put("b", KeptBody("2"));

  EXPECT_EQ(BodyOf(store, "a"), "1");
  EXPECT_EQ(BodyOf(store, "b"), "2");
  EXPECT_EQ(store.Get("c"), nullptr);
}

TEST(ResponseStore, TheOldestMakeRoom) {
  ResponseStore store(2);
  for (const char* id : {"a", "b", "c"}) store.Put(id, KeptBody(id));

  EXPECT_EQ(store.Get("a"), nullptr);
  EXPECT_EQ(BodyOf(store, "b"), "b");
  EXPECT_EQ(BodyOf(store, "c"), "c");
}

TEST(ResponseStore, TheSameIdIsOneEntry) {
  ResponseStore store(2);
  store.Put("a", KeptBody("1"));
  store.Put("a", KeptBody("2"));
  store.Put("a", KeptBody("3"));
  EXPECT_EQ(BodyOf(store, "a"), "3");
  store.Put("b", KeptBody("4"));

  EXPECT_EQ(BodyOf(store, "a"), "3");
  EXPECT_EQ(BodyOf(store, "b"), "4");
}

TEST(ResponseStore, ManyThreadsMayUseIt) {
  ResponseStore store(50);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&store, t] {
      for (int i = 0; i < 200; ++i) {
        store.Put(StrCat(t, "-", i), KeptBody("body"));
        (void)store.Get(StrCat(t, "-", i / 2));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  store.Put("last", KeptBody("body"));
  EXPECT_EQ(BodyOf(store, "last"), "body");
}

}  // namespace
}  // namespace weir::sim
