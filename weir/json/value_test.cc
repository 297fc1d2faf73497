#include "weir/json/value.h"

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::json {
namespace {

using testing::ElementsAre;

Value Parse(std::string_view text) { return Read(text).value(); }

TEST(Value, DefaultIsNullAndADefaultViewIsAbsent) {
  EXPECT_TRUE(Value().IsNull());
  EXPECT_EQ(View().kind(), Kind::kAbsent);
  EXPECT_FALSE(View().Find("a")[3].Find("b").exists());
}

TEST(Value, ScalarsAreMadeWithoutABuilder) {
  EXPECT_EQ(Value::Of(true).AsBool(), true);
  EXPECT_EQ(Value::Of(-5).NumberText(), "-5");
  EXPECT_EQ(Value::Of(~std::uint64_t{0}).AsUint64(), ~std::uint64_t{0});
  EXPECT_EQ(Value::Of(0.1).NumberText(), "0.1");
  EXPECT_EQ(Value::Of("text").AsString(), "text");
  EXPECT_EQ(Value::Of(std::string("text")).StringOr(""), "text");
}

TEST(Value, NothingIsCoerced) {
  const Value text = Parse(R"("1")");

  EXPECT_EQ(text.AsInt64(), std::nullopt);
  EXPECT_EQ(text.AsDouble(), std::nullopt);
  EXPECT_EQ(text.AsBool(), std::nullopt);
  EXPECT_EQ(Parse("1").AsString(), std::nullopt);
  EXPECT_EQ(Parse("1").StringOr("fallback"), "fallback");
  EXPECT_EQ(Parse("null").BoolOr(true), true);
}

struct NumberCase {
  const char* text;
  std::optional<std::int64_t> as_int;
  std::optional<std::uint64_t> as_uint;
  std::optional<double> as_double;
};

TEST(Value, NumbersAreExactOrNotThere) {
  constexpr auto kNo = std::nullopt;
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  const NumberCase cases[] = {
      {"0", 0, 0, 0.0},
      {"-0", 0, 0, -0.0},
      {"1.0", 1, 1, 1.0},
      {"1.5", kNo, kNo, 1.5},
      {"1e3", 1000, 1000, 1000.0},
      {"-12.50e1", -125, kNo, -125.0},
      {"1200e-2", 12, 12, 12.0},
      {"120e-2", kNo, kNo, 1.2},
      {"0.001e3", 1, 1, 1.0},
      {"0e999999999999999999999", 0, 0, 0.0},
      {"9223372036854775807", 9223372036854775807, 9223372036854775807u, 9223372036854775807.0},
      {"9223372036854775808", kNo, 9223372036854775808u, 9223372036854775808.0},
      {"-9223372036854775808", kMin, kNo, -9223372036854775808.0},
      {"-9223372036854775809", kNo, kNo, -9223372036854775809.0},
      {"18446744073709551615", kNo, 18446744073709551615u, 18446744073709551615.0},
      {"18446744073709551616", kNo, kNo, 18446744073709551616.0},
      {"1e400", kNo, kNo, kNo},
      {"-1e400", kNo, kNo, kNo},
      {"1e-400", kNo, kNo, 0.0},
      {"-1e-400", kNo, kNo, -0.0},
      {"5e-324", kNo, kNo, 5e-324},
  };
  for (const NumberCase& c : cases) {
    Builder builder;
    builder.Number(c.text);
    const Value value = std::move(builder).Finish();
    EXPECT_EQ(value.AsInt64(), c.as_int) << c.text;
    EXPECT_EQ(value.AsUint64(), c.as_uint) << c.text;
    EXPECT_EQ(value.AsDouble(), c.as_double) << c.text;
    EXPECT_EQ(value.NumberText(), c.text);
  }
  EXPECT_TRUE(std::signbit(*Parse("-0").AsDouble()));
}

TEST(Value, ObjectsKeepOrderAndTheLastDuplicateIsFound) {
  const Value value = Parse(R"({"b":1,"a":2,"b":3})");

  std::vector<std::string_view> keys;
  for (const Member member : value.members()) keys.push_back(member.key);

  EXPECT_THAT(keys, ElementsAre("b", "a", "b"));
  EXPECT_EQ(value.Find("b").AsInt64(), 3);
  EXPECT_TRUE(value.has_duplicate_keys());
  EXPECT_FALSE(Parse(R"({"a":1,"b":1})").has_duplicate_keys());
}

TEST(Value, LargeObjectsAnswerLikeSmallOnes) {
  for (const int count : {16, 17, 1000}) {
    Builder builder;
    builder.BeginObject();
    for (int i = 0; i < count; ++i) {
      builder.Key(StrCat("key ", i));
      builder.Int(i);
    }
    EXPECT_EQ(builder.depth(), 1U);
    builder.EndObject();
    const Value value = std::move(builder).Finish();

    for (int i = 0; i < count; ++i) EXPECT_EQ(value.Find(StrCat("key ", i)).AsInt64(), i);
    EXPECT_FALSE(value.Find("key").exists());
    EXPECT_FALSE(value.Find("").exists());
    EXPECT_FALSE(value.has_duplicate_keys());
  }
}

TEST(Value, DuplicatesInLargeObjectsAreNoticed) {
  std::string text = "{";
  for (int i = 0; i < 100; ++i) StrAppend(text, "\"k", i % 99, "\":", i, ",");
  text.back() = '}';
  const Value value = Parse(text);

  EXPECT_TRUE(value.has_duplicate_keys());
  EXPECT_EQ(value.Find("k0").AsInt64(), 99);
}

TEST(Value, SharedPartOutlivesTheDocument) {
  Value part;
  {
    const Value whole = Parse(R"({"a":["long enough to live in the arena"]})");
    part = whole.Share(whole.Find("a"));
  }
  EXPECT_EQ(part[0].StringOr(""), "long enough to live in the arena");
  EXPECT_EQ(Value::CopyOf(part[0]).StringOr(""), "long enough to live in the arena");
}

struct EqualCase {
  const char* left;
  const char* right;
  bool equal;
};

TEST(Value, EqualityIsAboutMeaning) {
  const EqualCase cases[] = {
      {"1", "1.0", true},
      {"100", "1e2", true},
      {"0", "-0.0", true},
      {"0.10", "1e-1", true},
      {"12.5", "0.125e2", true},
      {"1e400", "10e399", true},
      {"9007199254740993", "9007199254740992", false},
      {"0.1", "0.10000000000000001", false},
      {"1", "-1", false},
      {"1", "\"1\"", false},
      {"[1,2]", "[2,1]", false},
      {"[1]", "[1,1]", false},
      {R"({"a":1,"b":[2]})", R"({"b":[2.0],"a":1})", true},
      {R"({"a":1})", R"({"b":1})", false},
      {R"({"a":null})", R"({})", false},
      {R"({"a":1,"b":0,"a":2})", R"({"b":0,"a":1,"a":2})", true},
      {R"({"a":1,"a":2})", R"({"a":2,"a":1})", false},
      {R"({"a":1,"a":1})", R"({"a":1,"b":1})", false},
  };
  for (const EqualCase& c : cases) {
    EXPECT_EQ(Parse(c.left) == Parse(c.right), c.equal) << c.left << " and " << c.right;
    EXPECT_EQ(Parse(c.right) == Parse(c.left), c.equal) << c.right << " and " << c.left;
  }
}

TEST(Value, DepthCostsNoStack) {
  const auto nest = [] {
    Builder builder;
    for (int i = 0; i < 1'000'000; ++i) builder.BeginArray();
    for (int i = 0; i < 1'000'000; ++i) builder.EndArray();
    return std::move(builder).Finish();
  };
  const Value deep = nest();

  EXPECT_TRUE(deep == nest());
  EXPECT_EQ(Write(Value::CopyOf(deep)).size(), 2'000'000U);
}

TEST(Value, EveryFiniteDoubleSurvives) {
  EXPECT_TRUE(rc::check("to_chars and from_chars meet", [](std::uint64_t bits) {
    const auto number = std::bit_cast<double>(bits);
    RC_PRE(std::isfinite(number));
    const Value value = Value::Of(number);
    RC_ASSERT(std::bit_cast<std::uint64_t>(*value.AsDouble()) == bits);
    RC_ASSERT(Read(Write(value))->AsDouble() == number);
  }));
}

#ifdef NDEBUG
TEST(Builder, MisuseGivesAnAbsentValueAndSaysWhy) {
  Builder builder;
  builder.Double(std::numeric_limits<double>::infinity());
  EXPECT_EQ(builder.misuse(), "a double that is not finite");
  EXPECT_FALSE(std::move(builder).Finish().exists());

  Builder keyless;
  keyless.BeginObject();
  keyless.Int(1);
  EXPECT_FALSE(std::move(keyless).Finish().exists());

  Builder open;
  open.BeginArray();
  open.EndObject();
  EXPECT_FALSE(std::move(open).Finish().exists());
}
#else
TEST(BuilderDeathTest, MisuseStopsADebugBuild) {
  Builder builder;
  EXPECT_DEATH(builder.Number("01"), "against its grammar");
}
#endif

}  // namespace
}  // namespace weir::json
