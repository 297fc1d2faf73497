#include "weir/schema/number.h"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace weir::schema {
namespace {

struct OrderCase {
  const char* a;
  const char* b;
  int order;
};

const OrderCase kOrders[] = {
    {"1", "1.0", 0},
    {"1", "10e-1", 0},
    {"0.1", "1e-1", 0},
    {"-0", "0.0e5", 0},
    {"9007199254740993", "9007199254740992", 1},
    {"123456789012345678901234567890", "123456789012345678901234567891", -1},
    {"1e300", "1e299", 1},
    {"-1e300", "1e-300", -1},
    {"-1e300", "-1e299", -1},
    {"1e99999999999999999999", "1e400", 1},
    {"1e-99999999999999999999", "0", 1},
    {"0.30000000000000004", "0.3", 1},
    {"12345.678", "12345.6780", 0},
    {"12345.678e0", "12345.6781", -1},
    {"100", "99.999999999999999999999", 1},
    {"0.000000000000000001", "0.1", -1},
};

TEST(NumberTest, OrderIsExact) {
  for (const OrderCase& c : kOrders) {
    EXPECT_EQ(Compare(Operand(c.a), MakeBound(c.b)), c.order) << c.a << " and " << c.b;
    EXPECT_EQ(Compare(Operand(c.b), MakeBound(c.a)), -c.order) << c.b << " and " << c.a;
    EXPECT_EQ(HashNumber(c.a) == HashNumber(c.b), c.order == 0) << c.a << " and " << c.b;
  }
}

struct MultipleCase {
  const char* value;
  const char* divisor;
  bool multiple;
};

const MultipleCase kMultiples[] = {
    {"19.99", "0.01", true},
    {"19.995", "0.01", false},
    {"0", "0.7", true},
    {"0.0075", "0.0001", true},
    {"1e300", "3", false},
    {"3e300", "3", true},
    {"1e308", "0.5", true},
    {"1e308", "0.123456789", false},
    {"12391239123", "1e-8", true},
    {"1e-9", "1e-8", false},
    {"-4.5", "1.5", true},
    {"9007199254740993", "2", false},
    {"246913578024691357802469135780", "123456789012345678901234567890", true},
    {"246913578024691357802469135781", "123456789012345678901234567890", false},
    {"1e40", "1024e-5", true},
    {"1e1000000000", "7", false},
    {"5", "2e1", false},
};

TEST(NumberTest, DivisionIsExact) {
  for (const MultipleCase& c : kMultiples) {
    EXPECT_EQ(IsMultiple(Operand(c.value), MakeBound(c.divisor)), c.multiple)
        << c.value << " / " << c.divisor;
  }
}

TEST(NumberTest, IntegersAreRecognisedInEverySpelling) {
  for (const char* text : {"0", "-0", "1.0", "1e3", "15e-1", "1.5e1", "100e-2", "1e400"}) {
    const bool integer = std::string(text) != "15e-1";
    EXPECT_EQ(IsInteger(text), integer) << text;
    EXPECT_EQ(Operand(text).IsInteger(), integer) << text;
  }
}

RC_GTEST_PROP(NumberProperty, ShortAndLongWayAgree, (std::int32_t a, std::int32_t b)) {
  const std::string x = std::to_string(a);
  const std::string y = std::to_string(b);
  // An exponent takes the long way.
  const int order = a < b ? -1 : static_cast<int>(a > b);
  RC_ASSERT(Compare(Operand(x), MakeBound(y)) == order);
  RC_ASSERT(Compare(Operand(x + "e0"), MakeBound(y)) == order);
  RC_PRE(b != 0);
  const bool multiple = std::int64_t{a} % b == 0;
  RC_ASSERT(IsMultiple(Operand(x), MakeBound(y)) == multiple);
  RC_ASSERT(IsMultiple(Operand(x + "e0"), MakeBound(y)) == multiple);
  RC_ASSERT(IsMultiple(Operand(x + ".0"), MakeBound(y + "0e-1")) == multiple);
}

}  // namespace
}  // namespace weir::schema
