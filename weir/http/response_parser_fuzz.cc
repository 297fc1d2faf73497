// Property: where the network cuts the bytes never changes the outcome.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weir/http/parser.h"
#include "weir/http/parser_testing.h"

namespace {

using weir::http::CutEvery;
using weir::http::Outcome;
using weir::http::Pieces;

// Small limits, so that the fuzzer finds them.
constexpr weir::http::ParserLimits kLimits = {.header_bytes = 256,
                                              .header_fields = 4,
                                              .chunk_line_bytes = 16,
                                              .interim_heads = 2,
                                              .body_bytes = 64};

Outcome Read(const Pieces& pieces, bool no_body) {
  weir::http::ResponseParser parser(kLimits);
  if (no_body) parser.ExpectNoBody();
  return weir::http::Play(parser, pieces);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = 1 + data[0] % 16;
  const bool no_body = data[0] >= 0xF0;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = Read({wire}, no_body);
  if (Read(CutEvery(wire, step), no_body) != whole) std::abort();
  if (whole.body.size() > *kLimits.body_bytes) std::abort();
  if (whole.done == whole.code.has_value()) std::abort();
  return 0;
}
