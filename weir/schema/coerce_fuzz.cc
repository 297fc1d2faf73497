// The input is a schema and a value with a zero byte between them. Properties: no crash and no
// endless work; a valid value comes back equal with no change; whatever else comes back is valid,
// its changes add up to its penalty, and bending it again changes nothing; a failure says why.

#include <cstdint>
#include <cstdlib>

#include "weir/json/reader.h"
#include "weir/schema/coerce.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = input.find('\0');
  if (cut == input.npos) return 0;
  json::ReadOptions reading;
  reading.max_depth = 64;
  const auto schema_value = json::Read(input.substr(0, cut), reading);
  const auto value = json::Read(input.substr(cut + 1), reading);
  if (!schema_value || !value) return 0;

  schema::CompileOptions compiling;
  compiling.assert_formats = true;
  compiling.max_steps = 20'000;
  compiling.max_recursion = 500;
  const auto compiled = schema::Schema::Compile(*schema_value, compiling);
  if (!compiled) return 0;
  schema::CoerceOptions options;
  options.max_candidates = 2'000;
  options.max_depth = 100;
  const auto coerced = schema::Coerce(*compiled, *value, options);
  if (!coerced) {
    Require(!compiled->Accepts(*value));
    Require(!coerced.error().message.empty());
    return 0;
  }
  const bool accepted = compiled->Accepts(*value);
  Require(compiled->Accepts(coerced->value));
  Require(accepted == coerced->changes.empty());
  if (accepted) Require(coerced->value == *value);
  int sum = 0;
  for (const schema::Change& change : coerced->changes) sum += change.penalty;
  Require(sum == coerced->penalty);
  const auto again = schema::Coerce(*compiled, coerced->value, options);
  Require(again && again->changes.empty() && again->value == coerced->value);
  return 0;
}
