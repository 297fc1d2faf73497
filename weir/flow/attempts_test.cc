#include "weir/flow/attempts.h"

#include <utility>

#include <gtest/gtest.h>

#include "weir/flow/read.h"
#include "weir/json/reader.h"

namespace weir::flow {
namespace {

TEST(AttemptLine, CountsTheAnswerBehindTheTriesBeforeIt) {
  auto flow = ReadFlowText("nodes:\n  - step: say\n    user: '{{ n }}'\n", "flow.yaml");
  ASSERT_TRUE(flow) << flow.error().message;
  const auto graph = Graph::Compile(*std::move(flow));
  ASSERT_TRUE(graph) << graph.error().message;
  Result<model::Reply> reply = model::Reply();
  const auto attempts = [&] {
    const std::string line = AttemptLine({.node = graph->all().front(), .reply = &reply});
    return json::Read(line)->Find("attempts").AsInt64();
  };
  EXPECT_EQ(attempts(), 1);
  reply->info.attempts.push_back({.error = Error{.code = Code::kTimeout}});
  EXPECT_EQ(attempts(), 2);
}

}  // namespace
}  // namespace weir::flow
