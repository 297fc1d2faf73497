// Validation takes no memory for what it looks at. Counted by an operator new of this program's
// own, which sanitizers have already.

#include <cstdlib>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/schema/schema.h"
#include "weir/schema/schema_testing.h"

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WEIR_COUNTS_ALLOCATIONS 0
#else
#define WEIR_COUNTS_ALLOCATIONS 1
#endif

#if WEIR_COUNTS_ALLOCATIONS

namespace {
thread_local std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  void* const place = std::malloc(size);
  if (place == nullptr) std::abort();
  return place;
}
void operator delete(void* place) noexcept { std::free(place); }
void operator delete(void* place, std::size_t /*size*/) noexcept { std::free(place); }

namespace weir::schema {
namespace {

std::size_t AllocationsOf(const Schema& schema, const json::Value& instance) {
  EXPECT_TRUE(schema.Accepts(instance));
  const std::size_t before = allocations;
  EXPECT_TRUE(schema.Accepts(instance));
  EXPECT_TRUE(schema.Validate(instance));
  return allocations - before;
}

TEST(ValidateMemory, AGoodInstanceTakesNoneHoweverLargeItIs) {
  for (const char* name : {"extraction", "order", "person", "ticket", "tool_call"}) {
    const std::string path = StrCat("bench/schemas/", name);
    const Result<Schema> schema =
        Schema::Compile(json::Read(ReadText(StrCat(path, ".schema.json"))).value());
    ASSERT_TRUE(schema) << name;
    const json::Value instance = json::Read(ReadText(StrCat(path, ".json"))).value();
    EXPECT_EQ(AllocationsOf(*schema, instance), 0U) << name;
  }
}

TEST(ValidateMemory, ALongListTakesAsMuchAsAShortOne) {
  const Result<Schema> schema = Schema::Compile(
      json::Read(R"({"items":{"type":"object","properties":{"n":{"minimum":0},"s":{"enum":["a"]}},
                     "required":["n"],"additionalProperties":false}})")
          .value());
  ASSERT_TRUE(schema);
  std::string items;
  for (int i = 0; i < 10'000; ++i) StrAppend(items, i == 0 ? "" : ",", R"({"n":1.5,"s":"a"})");
  EXPECT_EQ(AllocationsOf(*schema, json::Read(StrCat("[", items, "]")).value()), 0U);
}

}  // namespace
}  // namespace weir::schema

#endif
