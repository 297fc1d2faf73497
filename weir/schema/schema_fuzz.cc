// The input is a schema and an instance with a zero byte between them. Properties: no crash and no
// endless work; Accepts(), Check() and Validate() agree; every violation names a keyword; the order
// of members in the schema decides nothing.

#include <cstdint>

#include "weir/base/fuzz_testing.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/schema.h"
#include "weir/schema/schema_testing.h"

namespace {

using namespace weir;

bool HasDuplicates(json::View value) {
  if (value.has_duplicate_keys()) return true;
  for (const json::View item : value.items()) {
    if (HasDuplicates(item)) return true;
  }
  for (const json::Member member : value.members()) {
    if (HasDuplicates(member.value)) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = weir::FuzzText(data, size);
  const std::size_t cut = input.find('\0');
  if (cut == input.npos) return 0;
  json::ReadOptions reading;
  reading.max_depth = 64;
  const auto schema_value = json::Read(input.substr(0, cut), reading);
  const auto instance = json::Read(input.substr(cut + 1), reading);
  if (!schema_value || !instance) return 0;

  schema::CompileOptions options;
  options.assert_formats = true;
  options.max_steps = 20'000;
  options.max_recursion = 500;
  const auto compiled = schema::Schema::Compile(*schema_value, options);
  if (!compiled) {
    Require(!compiled.error().message.empty());
    return 0;
  }
  const bool accepted = compiled->Accepts(*instance);
  const auto found = compiled->Check(*instance);
  // By the long way a limit may be reached sooner.
  if (!accepted) Require(!schema::AcceptsWithoutShortcuts(*compiled, *instance));
  Require(accepted == found.empty());
  Require(accepted == compiled->Validate(*instance).has_value());
  // An empty keyword says that a limit was broken, and then the order of work may decide.
  for (const schema::Violation& violation : found) {
    if (violation.keyword.empty()) {
      Require(violation.message.find("max_") != std::string::npos);
      return 0;
    }
  }
  if (HasDuplicates(*schema_value)) return 0;
  const auto canonical = json::Read(json::Canonical(*schema_value), reading);
  const auto again = schema::Schema::Compile(*canonical, options);
  Require(again.has_value());
  const auto found_again = again->Check(*instance);
  const bool limited = !found_again.empty() && found_again.front().keyword.empty();
  Require(limited || again->Accepts(*instance) == accepted);
  return 0;
}
