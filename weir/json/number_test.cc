#include "weir/json/number.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/value.h"
#include "weir/json/writer.h"

namespace weir::json {
namespace {

constexpr int kNumbers = 200'000;

// All of them in one document, after a way through reader and writer that must not change a byte.
Value ThereAndBack(const std::vector<std::string>& numbers) {
  const std::string text = StrCat("[", Join(numbers, ","), "]");
  Value value = Read(text).value();
  EXPECT_TRUE(Write(value) == text);
  EXPECT_TRUE(Canonical(value) == text);
  return value;
}

std::uint64_t Bits(double number) { return std::bit_cast<std::uint64_t>(number); }

TEST(Numbers, DoublesOfSeventeenDigitsSurvive) {
  std::mt19937_64 random(1);
  std::vector<double> numbers;
  std::vector<std::string> long_texts;
  std::vector<std::string> short_texts;
  while (numbers.size() < kNumbers) {
    const auto number = std::bit_cast<double>(random());
    if (!std::isfinite(number)) continue;
    char text[40];
    std::snprintf(text, sizeof(text), "%.17g", number);
    numbers.push_back(number);
    long_texts.emplace_back(text);
    std::string& shortest = short_texts.emplace_back();
    Writer(shortest).Double(number);
  }

  const Value read_long = ThereAndBack(long_texts);
  const Value read_short = ThereAndBack(short_texts);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    ASSERT_EQ(Bits(read_long[i].AsDouble().value()), Bits(numbers[i])) << long_texts[i];
    ASSERT_EQ(Bits(read_short[i].AsDouble().value()), Bits(numbers[i])) << short_texts[i];
  }
}

TEST(Numbers, IntegersOf64BitsSurvive) {
  std::mt19937_64 random(2);
  std::vector<std::uint64_t> numbers;
  std::vector<std::string> with_sign;
  std::vector<std::string> without;
  while (numbers.size() < kNumbers) {
    const std::uint64_t number = random() >> (random() % 64);
    numbers.push_back(number);
    Writer(with_sign.emplace_back()).Int(static_cast<std::int64_t>(number));
    Writer(without.emplace_back()).Uint(number);
  }

  const Value read_signed = ThereAndBack(with_sign);
  const Value read_unsigned = ThereAndBack(without);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    ASSERT_EQ(without[i], std::to_string(numbers[i]));
    ASSERT_EQ(read_signed[i].AsInt64(), static_cast<std::int64_t>(numbers[i]));
    ASSERT_EQ(read_unsigned[i].AsUint64(), numbers[i]);
  }
}

TEST(Numbers, LongerIntegersSurvive) {
  std::mt19937_64 random(3);
  std::vector<std::string> numbers;
  while (numbers.size() < kNumbers) {
    std::string& text = numbers.emplace_back(numbers.size() % 2 == 0 ? "-" : "");
    text += static_cast<char>('1' + random() % 9);
    for (std::uint64_t digits = 20 + random() % 60; digits > 0; --digits) {
      text += static_cast<char>('0' + random() % 10);
    }
  }

  const Value read = ThereAndBack(numbers);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::string& text = numbers[i];
    ASSERT_FALSE(read[i].AsInt64().has_value());
    ASSERT_FALSE(read[i].AsUint64().has_value());
    ASSERT_TRUE(SameNumber(text, text + "0e-1"));
    std::string other = text;
    other.back() = other.back() == '0' ? '1' : '0';
    ASSERT_FALSE(SameNumber(text, other));
  }
}

TEST(Numbers, EdgesOfTheirRangesAreExact) {
  EXPECT_EQ(ToInt64("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(ToInt64("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_FALSE(ToInt64("9223372036854775808").has_value());
  EXPECT_EQ(ToUint64("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_FALSE(ToUint64("18446744073709551616").has_value());
  EXPECT_EQ(ToDouble("1.7976931348623157e308"), std::numeric_limits<double>::max());
  EXPECT_FALSE(ToDouble("1e309").has_value());
  EXPECT_EQ(ToDouble("4.9406564584124654e-324"), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(ToDouble("1e-400"), 0.0);
  EXPECT_EQ(ToDouble("-1e-99999999999999999999"), 0.0);
  EXPECT_FALSE(ToDouble("1e99999999999999999999").has_value());
  EXPECT_EQ(ToUint64("18446744073709551615.0e0"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(ToInt64("0e99999999999999999999"), 0);
  EXPECT_FALSE(ToInt64("1e-1").has_value());
  EXPECT_FALSE(ToUint64("1e99999999999999999999").has_value());
}

TEST(Numbers, ExponentsBeyondSenseAreTheSameOnlyWhenSpelledTheSame) {
  EXPECT_TRUE(SameNumber("1e99999999999999999999", "1e99999999999999999999"));
  EXPECT_FALSE(SameNumber("1e99999999999999999999", "1e99999999999999999998"));
  EXPECT_TRUE(SameNumber("0e99999999999999999999", "0"));
}

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

TEST(Numbers, OrderIsExact) {
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

TEST(Numbers, DivisionIsExact) {
  for (const MultipleCase& c : kMultiples) {
    EXPECT_EQ(IsMultiple(Operand(c.value), MakeBound(c.divisor)), c.multiple)
        << c.value << " / " << c.divisor;
  }
}

TEST(Numbers, IntegersAreRecognisedInEverySpelling) {
  for (const char* text : {"0", "-0", "1.0", "1e3", "15e-1", "1.5e1", "100e-2", "1e400"}) {
    const bool integer = std::string(text) != "15e-1";
    EXPECT_EQ(IsInteger(text), integer) << text;
    EXPECT_EQ(Operand(text).IsInteger(), integer) << text;
  }
}

RC_GTEST_PROP(NumbersProperty, ShortAndLongWayAgree, (std::int32_t a, std::int32_t b)) {
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
}  // namespace weir::json
