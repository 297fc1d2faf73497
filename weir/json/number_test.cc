#include "weir/json/number.h"

#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

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
}

}  // namespace
}  // namespace weir::json
