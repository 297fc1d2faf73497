#include "weir/cli/jobs_key.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "weir/json/reader.h"

namespace weir::cli {
namespace {

const KeyRule kRule = {
    .digest = "0123456789abcdef", .engine = "fast", .model = "m", .field = {}, .salt = {}};

std::string KeyOf(const KeyRule& rule, const std::string& row) {
  return JobKey(rule, json::Read(row).value()).value_or("none");
}

TEST(JobKey, TheSameRowOfTheSameFlowIsTheSameJob) {
  const std::string key = KeyOf(kRule, R"({"a": 1, "b": [true, "x"]})");
  EXPECT_EQ(key.size(), 32U);
  EXPECT_EQ(KeyOf(kRule, R"({"b":[true,"x"],"a":1})"), key);
}

TEST(JobKey, WhateverDiffersMakesAnotherJob) {
  KeyRule digest = kRule;
  digest.digest = "1123456789abcdef";
  KeyRule engine = kRule;
  engine.engine = "slow";
  KeyRule model = kRule;
  model.model = "n";
  KeyRule salt = kRule;
  salt.salt = "once more";
  KeyRule shifted = kRule;  // the same letters, cut elsewhere
  shifted.engine = "fas";
  shifted.model = "tm";
  const std::string row = R"({"a":1})";
  const std::set<std::string> keys = {
      KeyOf(kRule, row), KeyOf(digest, row),  KeyOf(engine, row),         KeyOf(model, row),
      KeyOf(salt, row),  KeyOf(shifted, row), KeyOf(kRule, R"({"a":2})"),
  };
  EXPECT_EQ(keys.size(), 7U);
}

TEST(JobKey, AFieldStandsForTheWholeRow) {
  KeyRule rule = kRule;
  rule.field = "sku";
  EXPECT_EQ(KeyOf(rule, R"({"sku":"a-1","n":1})"), "sku=a-1");
  EXPECT_EQ(KeyOf(rule, R"({"sku":17,"n":2})"), "sku=17");
  const std::string long_a = std::string(300, 'x') + "a";
  const std::string long_b = std::string(300, 'x') + "b";
  const std::string key = KeyOf(rule, "{\"sku\":\"" + long_a + "\"}");
  EXPECT_EQ(key.size(), 4U + 32U);
  EXPECT_NE(key, KeyOf(rule, "{\"sku\":\"" + long_b + "\"}"));
  rule.salt = "once more";
  EXPECT_EQ(KeyOf(rule, R"({"sku":"a-1"})"), "sku=a-1 once more");
}

TEST(JobKey, ARowWithoutTheFieldHasNone) {
  KeyRule rule = kRule;
  rule.field = "sku";
  for (const char* row : {"{}", R"({"sku":""})", R"({"sku":null})", R"({"sku":["a"]})"}) {
    const auto key = JobKey(rule, json::Read(row).value());
    ASSERT_FALSE(key) << row;
    EXPECT_NE(key.error().message.find("`sku`"), std::string::npos);
  }
}

}  // namespace
}  // namespace weir::cli
