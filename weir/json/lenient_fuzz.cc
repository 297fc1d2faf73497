// Properties: what comes out is valid JSON by the strict reader; the tree and the text agree; to
// repair what was repaired changes nothing; valid JSON is left as it is, without any repair.

#include <cstdint>
#include <string>
#include <string_view>

#include "weir/base/fuzz_testing.h"
#include "weir/json/lenient.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::json;
  if (size == 0) return 0;
  LenientOptions options;
  options.strictness = data[0] % 4 == 0 ? Strictness::kSalvage : Strictness::kMend;
  options.max_depth = 64;
  options.max_repairs = 8;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

  const auto strict = Read(text, {.max_depth = 64});
  const auto mended = ReadLenient(text, options);
  std::string repaired = "before ";
  const auto report = RepairText(text, repaired, options);
  Require(mended.has_value() == report.has_value());
  if (!report) {
    Require(!strict && repaired == "before ");
    return 0;
  }
  repaired.erase(0, 7);
  Require(report->count >= report->repairs.size() && report->repairs.size() <= 8);
  Require(mended->report.repairs == report->repairs && mended->report.count == report->count);
  Require(report->complete || report->count != 0);
  for (const Repair& repair : report->repairs) Require(repair.offset <= text.size());
  if (strict) {
    Require(report->count == 0 && report->complete);
    Require(Write(*strict) == repaired);
  }
  const auto again = Read(repaired, {.max_depth = 65});
  Require(again.has_value() || again.error().message.find("exponent") != std::string::npos);
  Require(Write(mended->value) == repaired);
  if (again) {
    options.max_depth = 65;
    std::string twice;
    const auto second = RepairText(repaired, twice, options);
    Require(second && second->count == 0 && twice == repaired);
  }
  return 0;
}
