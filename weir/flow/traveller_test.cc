#include "weir/flow/traveller.h"

#include <set>

#include <gtest/gtest.h>

#include "weir/base/text.h"

namespace weir::flow {
namespace {

Traveller TravellerOf(std::string_view id) {
  Traveller traveller;
  traveller.id = id;
  return traveller;
}

TEST(WorkKey, PlainIdsAreTheirOwnKeysAndChildrenStandBehindThem) {
  EXPECT_EQ(WorkKey(TravellerOf("a")), "a");
  EXPECT_EQ(WorkKey(TravellerOf("src/a.py")), "src/a.py");
  EXPECT_EQ(WorkKey(TravellerOf("12")), "12");
  EXPECT_EQ(WorkKey(TravellerOf("a").Child(0)), "a.0");
  EXPECT_EQ(WorkKey(TravellerOf("a").Child(2).Child(10)), "a.2.10");
}

TEST(WorkKey, ARowThatIsCalledAsAChildIsKeptApartFromIt) {
  EXPECT_EQ(WorkKey(TravellerOf("a.0")), "a.0.");
  EXPECT_EQ(WorkKey(TravellerOf("a.0").Child(1)), "a.0..1");
}

TEST(WorkKey, NoTwoRowsHaveOneKey) {
  std::set<std::string> keys;
  std::size_t count = 0;
  for (const char* const id : {"a", "a.", "a..", "a.0", "a.0.", "a.0..", "a.0.1", "a.0..1", "a..0",
                               ".0", "0", ".", "a.b", "a.1", "a.1.", "v1.0", "v1.0."}) {
    const Traveller row = TravellerOf(id);
    for (const Traveller& one : {row, row.Child(0), row.Child(1), row.Child(0).Child(1)}) {
      keys.insert(WorkKey(one));
      ++count;
    }
  }
  EXPECT_EQ(keys.size(), count);
}

TEST(WorkKey, ChildrenAreBelowTheirRowAndNoOthersAre) {
  const std::string row = WorkKey(TravellerOf("a"));
  EXPECT_TRUE(IsBelow(WorkKey(TravellerOf("a").Child(0)), row));
  EXPECT_TRUE(IsBelow(WorkKey(TravellerOf("a").Child(3).Child(1)), row));
  EXPECT_FALSE(IsBelow(row, row));
  EXPECT_FALSE(IsBelow(WorkKey(TravellerOf("ab").Child(0)), row));
  EXPECT_FALSE(IsBelow(WorkKey(TravellerOf("a.0")), WorkKey(TravellerOf("a").Child(0))));
  EXPECT_TRUE(IsBelow(WorkKey(TravellerOf("a.0").Child(1)), WorkKey(TravellerOf("a.0"))));
}

}  // namespace
}  // namespace weir::flow
