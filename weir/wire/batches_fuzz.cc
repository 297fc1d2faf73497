// Properties: nothing that a provider sends is more than an error; what was read, written and read
// again is the same; a checker never takes a line that has no id, nor one id twice.

#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "weir/base/text.h"
#include "weir/wire/batch_check.h"
#include "weir/wire/batches.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto batch = wire::DecodeBatch(text)) {
    const std::string written = wire::EncodeBatch(*batch);
    const auto again = wire::DecodeBatch(written);
    if (!again || wire::EncodeBatch(*again) != written) std::abort();
  }
  if (const auto file = wire::DecodeFile(text)) {
    const std::string written = wire::EncodeFile(*file);
    const auto again = wire::DecodeFile(written);
    if (!again || wire::EncodeFile(*again) != written) std::abort();
  }
  (void)wire::DecodeBatchPage(text);
  (void)wire::ReadBatchVerdict(text);

  wire::BatchChecker checker({.endpoint = {}, .max_requests = 4, .max_errors = 3});
  std::set<std::string> ids;
  for (const std::string_view line : Split(text, '\n')) {
    const std::optional<std::string> id = checker.Add(line);
    if (id && (id->empty() || !ids.insert(*id).second)) std::abort();
  }
  checker.Finish();
  if (checker.errors().empty() && (ids.empty() || ids.size() > 4)) std::abort();
  return 0;
}
