// What OpenAI's server does.

#include <gmock/gmock.h>

#include "weir/sim/sim_testing.h"

namespace weir::sim {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(OpenAiWays, AResponseRepeatsTheKeysOfItsRequest) {
  SimOptions options = InstantSim("");
  options.dialect = wire::DialectByName("openai").value();
  SimServer server(std::move(options));

  const HttpAnswer given = server.Post(
      "/v1/responses", R"({"model":"sim-model","input":"hi","prompt_cache_key":"tenant 7",)"
                       R"("prompt_cache_retention":"24h","safety_identifier":"user 9"})");
  EXPECT_EQ(given.status, 200);
  EXPECT_THAT(given.body, HasSubstr(R"("prompt_cache_key":"tenant 7")"));
  EXPECT_THAT(given.body, HasSubstr(R"("prompt_cache_retention":"24h")"));
  EXPECT_THAT(given.body, HasSubstr(R"("safety_identifier":"user 9")"));

  const HttpAnswer not_given =
      server.Post("/v1/responses", R"({"model":"sim-model","input":"hi"})");
  EXPECT_THAT(not_given.body, HasSubstr(R"("prompt_cache_key":null)"));
  EXPECT_THAT(not_given.body, HasSubstr(R"("safety_identifier":null)"));
  EXPECT_THAT(not_given.body, Not(HasSubstr("prompt_cache_retention")));
  EXPECT_EQ(
      server.Post("/v1/responses", R"({"model":"sim-model","input":"hi","prompt_cache_key":7})")
          .status,
      400);
}

}  // namespace
}  // namespace weir::sim
