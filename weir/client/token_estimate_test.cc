// The estimate of tokens against the simulator's tokenizer, as the header of the estimate says it.

#include "weir/text/token_estimate.h"

#include <gtest/gtest.h>

#include "weir/sim/language/tokenizer.h"

namespace weir::client {
namespace {

struct Kind {
  const char* name;
  std::string_view text;
  double lowest;  // estimate / count
  double highest;
};

const Kind kKinds[] = {
    {"english",
     "A weir is a low barrier across a river that raises the water upstream. The water flows over "
     "its crest the whole time, so the river keeps moving even in a dry summer. Engineers use the "
     "shape of the crest and the height of the water above it to measure how much passes.",
     0.75, 1.0},
    {"code",
     "for (std::size_t i = 0; i < values.size(); ++i) {\n"
     "  if (values[i].empty()) continue;\n"
     "  total += static_cast<std::int64_t>(values[i].size());\n"
     "}\nreturn Result<std::int64_t>(total);\n",
     0.45, 0.85},
    {"json",
     R"({"type":"object","properties":{"name":{"type":"string"},"city":{"type":"string"},)"
     R"("age":{"type":"integer"}},"required":["name","city"],"additionalProperties":false})",
     0.7, 1.2},
    {"chinese",
     "堰是横跨河流修建的低矮障碍物，用来抬高上游的水位。与高大的水坝不同，水一直从堰顶流过。", 0.25,
     0.5},
};

class EstimateAgainstTheSimulator : public testing::TestWithParam<Kind> {};

TEST_P(EstimateAgainstTheSimulator, IsAsFarOffAsItsHeaderSays) {
  const auto estimate = static_cast<double>(text::EstimateTokens(GetParam().text));
  const auto count = static_cast<double>(sim::Tokenizer::Count(GetParam().text));
  EXPECT_GE(estimate / count, GetParam().lowest);
  EXPECT_LE(estimate / count, GetParam().highest);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EstimateAgainstTheSimulator, testing::ValuesIn(kKinds),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weir::client
