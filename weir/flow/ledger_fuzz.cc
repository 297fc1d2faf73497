// Properties of any bytes that are read as records of a ledger: they are refused, or are what they
// say: written again and read again, they give the same bytes.

#include <string>

#include "weir/base/fuzz_testing.h"
#include "weir/flow/ledger.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::flow;
  const std::string_view text = weir::FuzzText(data, size);
  if (const auto finished = DecodeFinished(text)) {
    const std::string written = EncodeFinished(*finished);
    const auto again = DecodeFinished(written);
    weir::Require(again.has_value() && EncodeFinished(*again) == written);
  }
  if (const auto note = DecodeNote(text)) {
    const std::string written = EncodeNote(*note);
    const auto again = DecodeNote(written);
    weir::Require(again.has_value() && *again == *note && EncodeNote(*again) == written);
  }
  LedgerReader reader;
  weir::Require(reader.Take(EncodeHeader(), kHeaderRecord).has_value());
  for (const std::uint8_t type : {kFinishedRecord, kNoteRecord, kAgainRecord}) {
    (void)reader.Take(text, type);
  }
  (void)reader.LastNote();
  (void)reader.Behind();
  return 0;
}
