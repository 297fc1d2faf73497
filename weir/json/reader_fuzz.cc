// Property: a text that is accepted, written and read again gives an equal value and the same
// bytes, in every form of writing; and the two parsers agree on what is accepted.

#include <cstdint>

#include "weir/base/fuzz_testing.h"
#include "weir/json/builder.h"
#include "weir/json/reader.h"
#include "weir/json/syntax_error.h"
#include "weir/json/writer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::json;
  const std::string_view text = weir::FuzzText(data, size);
  ReadOptions options;
  options.max_depth = 64;
  const auto value = Read(text, options);
  const auto wrong = FindSyntaxError(text, options.max_depth);
  if (!value) {
    Require(wrong.has_value());
    return 0;
  }
  Require(!wrong);

  const std::string written = Write(*value);
  const auto again = Read(written, options);
  Require(again && *again == *value && Write(*again) == written);
  Require(Read(WriteSpaced(*value), options).value() == *value);
  Require(Read(Write(*value, {.indent = 1}), options).value() == *value);
  const std::string canonical = Canonical(*value);
  Require(Canonical(*Read(canonical, options)) == canonical);
  if (value->IsNumber()) Require(again->NumberText() == value->NumberText());
  Require(Value::CopyOf(*value) == *value);

  for (const Member member : value->members()) Require(value->Find(member.key).exists());
  ReadOptions unique = options;
  unique.duplicate_keys = DuplicateKeys::kReject;
  if (value->has_duplicate_keys()) Require(!Read(text, unique).has_value());
  return 0;
}
