#include "weir/schema/cache.h"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "weir/json/reader.h"

namespace weir::schema {
namespace {

json::Value Numbered(int i) {
  return json::Read("{\"minimum\":" + std::to_string(i) + "}").value();
}

TEST(CacheTest, SchemasThatDifferOnlyInOrderShareOneForm) {
  Cache cache;

  const Schema a = cache.Get(json::Read(R"({"a":1,"type":"string"})").value()).value();
  const Schema b = cache.Get(json::Read(R"({ "type":"string", "a":1 })").value()).value();

  EXPECT_EQ(&a.compiled(), &b.compiled());
  EXPECT_EQ(cache.size(), 1U);
}

TEST(CacheTest, TheOneNotUsedForLongestGoes) {
  Cache cache({}, {.max_schemas = 2});
  const Schema first = cache.Get(Numbered(1)).value();
  const Schema second = cache.Get(Numbered(2)).value();

  EXPECT_EQ(&cache.Get(Numbered(1))->compiled(), &first.compiled());
  ASSERT_TRUE(cache.Get(Numbered(3)).has_value());

  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(&cache.Get(Numbered(1))->compiled(), &first.compiled());
  EXPECT_NE(&cache.Get(Numbered(2))->compiled(), &second.compiled());
}

TEST(CacheTest, BytesAreLimited) {
  Cache cache({}, {.max_bytes = 20});

  ASSERT_TRUE(cache.Get(Numbered(1)).has_value());
  ASSERT_TRUE(cache.Get(Numbered(1'000'000'000)).has_value());

  EXPECT_EQ(cache.size(), 0U);
}

TEST(CacheTest, WrongSchemasAreNotKept) {
  Cache cache;

  EXPECT_FALSE(cache.Get(json::Read(R"({"type":1})").value()).has_value());
  EXPECT_FALSE(cache.Get(json::View()).has_value());

  EXPECT_EQ(cache.size(), 0U);
}

TEST(CacheTest, ManyThreadsMayAsk) {
  Cache cache({}, {.max_schemas = 4});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 50; ++i) {
        const auto schema = cache.Get(Numbered((i + t) % 8));
        EXPECT_TRUE(schema && schema->Accepts(json::Value::Of(10)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_LE(cache.size(), 4U);
}

}  // namespace
}  // namespace weir::schema
