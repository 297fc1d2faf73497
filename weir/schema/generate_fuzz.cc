// The input is a seed in eight bytes, then a schema. Properties: making an instance ends, within
// the limits given; what is made is valid, the same again for the same seed, and the same after
// being written and read; a failure says where.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/generate.h"

namespace {

using namespace weir;

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint64_t seed = 0;
  if (size < sizeof(seed)) return 0;
  std::memcpy(&seed, data, sizeof(seed));
  const std::string_view text(reinterpret_cast<const char*>(data) + sizeof(seed),
                              size - sizeof(seed));
  json::ReadOptions reading;
  reading.max_depth = 64;
  const auto source = json::Read(text, reading);
  if (!source) return 0;
  schema::CompileOptions compiling;
  compiling.assert_formats = seed % 2 == 0;
  compiling.max_steps = 20'000;
  compiling.max_recursion = 500;
  const auto schema = schema::Schema::Compile(*source, compiling);
  if (!schema) return 0;

  schema::GenerateOptions options;
  options.max_bytes = 4096;
  options.max_steps = 500;
  options.attempts = 4;
  Random random(seed);
  const auto value = schema::Generate(*schema, random, options);
  Random same(seed);
  const auto again = schema::Generate(*schema, same, options);
  Require(value.has_value() == again.has_value());
  if (!value) {
    Require(value.error().message == again.error().message);
    Require(value.error().message.starts_with("cannot make an instance: at "));
    return 0;
  }
  const std::string written = json::Write(*value);
  Require(schema->Accepts(*value));
  Require(written == json::Write(*again));
  Require(json::View(*json::Read(written)) == json::View(*value));
  return 0;
}
