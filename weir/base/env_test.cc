#include "weir/base/env.h"

#include <optional>

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Env, FindsAVariableByItsExactName) {
  const Env env{.variables = {{"WEIR_CONFIG", "weir.yaml"}}};

  EXPECT_EQ(env.Get("WEIR_CONFIG"), "weir.yaml");
  EXPECT_EQ(env.Get("weir_config"), std::nullopt);
  EXPECT_EQ(env.Get("WEIR"), std::nullopt);
}

TEST(Env, EmptyValueCountsAsUnset) {
  const Env env{.variables = {{"NO_COLOR", ""}}};

  EXPECT_EQ(env.Get("NO_COLOR"), std::nullopt);
}

}  // namespace
}  // namespace weir
