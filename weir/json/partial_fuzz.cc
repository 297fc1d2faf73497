// Properties: whatever the strict reader accepts is read in pieces, every snapshot is the one
// before it grown, and the last is the document; what it refuses is refused at the same place.

#include <cstdint>
#include <string>

#include "weir/base/fuzz_testing.h"
#include "weir/json/partial.h"
#include "weir/json/partial_testing.h"
#include "weir/json/pointer.h"
#include "weir/json/reader.h"

namespace {

std::string Place(const weir::Error& error) {
  return error.message.substr(0, error.message.find("): "));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::json;
  if (size < 2) return 0;
  const unsigned choice = data[0];
  const std::size_t step = 1 + data[1] % 8;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  PartialOptions options;
  options.strings = (choice & 1) == 0;
  options.numbers = (choice & 2) == 0;
  options.literals = (choice & 4) == 0;
  options.arrays = (choice & 8) == 0;
  options.objects = (choice & 16) == 0;
  options.list_completed = (choice & 32) == 0;
  options.max_depth = 32;

  PartialReader reader(options);
  Value before;
  bool any = false;
  std::size_t open = 0;
  weir::Result<void> verdict;
  for (std::size_t at = 0; at < text.size() && verdict; at += step) {
    verdict = reader.Feed(text.substr(at, step));
    const View now = reader.Snapshot();
    Require(!any || Grew(before, open, now));
    any = any || now.exists();
    if (now.exists()) before = Value::CopyOf(now);
    const auto places = reader.OpenPlaces();
    for (const std::string& place : places) Require(Resolve(now, place).has_value());
    open = places.size();
    reader.TakeCompleted();
    for (const Member member : now.members()) Require(now.Find(member.key).exists());
  }
  if (verdict) verdict = reader.Finish();

  ReadOptions strict;
  strict.max_depth = options.max_depth;
  const auto value = Read(text, strict);
  Require(value.has_value() == verdict.has_value());
  if (value) {
    Require(reader.complete() && Write(reader.Snapshot()) == Write(*value));
    Require(reader.Snapshot() == *value);
    Require(reader.Snapshot().has_duplicate_keys() == value->has_duplicate_keys());
  } else {
    Require(Place(verdict.error()) == Place(value.error()));
  }
  return 0;
}
