// Properties: any bytes are a flow or problems, never a crash; a flow that compiles can be checked
// and shown, and the same text gives the same graph.

#include <cstdint>

#include "weir/base/fuzz_testing.h"
#include "weir/flow/check.h"
#include "weir/flow/read.h"
#include "weir/flow/read_agent.h"
#include "weir/flow/show.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::flow;
  const std::string_view text = FuzzText(data, size);
  const std::string file = "/no/such/folder/fuzz.yaml";
  if (auto agent = ReadAgentText(text, file)) {
    const auto alone = Graph::Compile(*std::move(agent));
    if (alone) {
      Require(alone->all().size() == 1 && alone->all()[0]->output.has_value());
      CheckFlow(*alone, {.knows_engines = false});
    }
  }
  auto flow = ReadFlowText(text, file);
  auto again = ReadFlowText(text, file);
  Require(flow.has_value() == again.has_value());
  if (!flow) {
    Require(flow.error().code == Code::kConfigError && !flow.error().message.empty());
    Require(flow.error().message == again.error().message);
    return 0;
  }
  const auto graph = Graph::Compile(*std::move(flow));
  const auto twin = Graph::Compile(*std::move(again));
  Require(graph.has_value() == twin.has_value());
  if (!graph) return 0;
  Require(GraphJson(*graph) == GraphJson(*twin));
  CheckFacts facts;
  facts.engines["fuzz"] = {.kind = "sim", .model = "m", .lacks = {{"regex", "it cannot"}}};
  facts.default_engine = "fuzz";
  Require(Describe(CheckFlow(*graph, facts)) == Describe(CheckFlow(*twin, facts)));
  Require(!ShowTree(*graph).empty() && !ShowDot(*graph).empty() && !ShowMermaid(*graph).empty());
  return 0;
}
