// Properties: units of any bytes lie inside of the text and of the units around them, and do not
// overlap, neither at one depth nor as rows.

#include <cstdint>

#include "weir/base/fuzz_testing.h"
#include "weir/flow/units.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::flow;
  if (size == 0) return 0;
  constexpr std::uint8_t kLanguages = 7;
  const auto language = static_cast<Language>(data[0] % kLanguages);
  const std::string_view text = FuzzText(data + 1, size - 1);
  std::vector<Unit> around;
  for (const Unit& unit : UnitsOf(text, language)) {
    Require(unit.begin < unit.end && unit.end <= text.size());
    Require(unit.line >= 1 && unit.line <= unit.end_line && !unit.name.empty());
    Require(unit.depth <= around.size());
    if (unit.depth < around.size()) Require(unit.begin >= around[unit.depth].end);
    around.resize(unit.depth);
    if (!around.empty()) Require(unit.end <= around.back().end);
    around.push_back(unit);
  }
  std::size_t end = 0;
  for (const Unit& unit : RowUnitsOf(text, language, false)) {
    Require(unit.begin >= end);
    end = unit.end;
  }
  return 0;
}
