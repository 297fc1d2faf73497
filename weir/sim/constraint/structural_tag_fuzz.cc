// Property: any bytes are a structural tag or an error with words; of a tag, every stretch is
// fixed, or free, or held to a language that has a text; and a seed decides all.

#include <cstddef>
#include <cstdint>
#include <string>

#include "weir/base/fuzz_testing.h"
#include "weir/sim/constraint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const weir::model::Constraint constraint = {.kind = weir::model::Constraint::Kind::kStructuralTag,
                                              .text = std::string(weir::FuzzText(data, size))};
  const auto compiled = weir::sim::CompileConstraint(constraint, size);
  if (!compiled) {
    weir::Require(!compiled.error().message.empty());
    return 0;
  }
  weir::Require(!compiled->stretches.empty());
  const auto again = weir::sim::CompileConstraint(constraint, size);
  weir::Require(again && again->stretches.size() == compiled->stretches.size());
  for (std::size_t i = 0; i < compiled->stretches.size(); ++i) {
    const weir::sim::Stretch& stretch = compiled->stretches[i];
    weir::Require(stretch.fixed == again->stretches[i].fixed);
    weir::Require(stretch.fixed.empty() || !stretch.language);
    weir::Require(!stretch.language || !stretch.language->empty());
  }
  return 0;
}
