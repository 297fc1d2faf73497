// Properties: strip undoes wrap for every text and info; what strip gives is a part of the text;
// a text without a fence comes back as it was.

#include <cstdint>
#include <string>

#include "weir/base/fuzz_testing.h"
#include "weir/json/fence.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::json;
  if (size == 0) return 0;
  const std::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = data[0] % (all.size() + 1);
  const std::string_view info = all.substr(0, cut);
  const std::string_view text = all.substr(cut);

  Require(StripFence(WrapFence(text, info)) == text);
  Require(StripFence(WrapFence(all)) == all);

  const auto fenced = FindFence(all);
  const std::string_view stripped = StripFence(all);
  Require(stripped.data() >= all.data() && stripped.size() <= all.size());
  Require(stripped.data() + stripped.size() <= all.data() + all.size());
  if (!fenced) Require(stripped == all);
  if (!all.contains("```") && !all.contains("~~~")) Require(!fenced);
  return 0;
}
