// Property: where the network cuts the bytes never changes the outcome, and every refusal has a
// status to answer with.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weir/http/parser.h"
#include "weir/http/parser_testing.h"

namespace {

using weir::http::CutEvery;
using weir::http::Outcome;

// Small limits, so that the fuzzer finds them.
constexpr weir::http::ParserLimits kLimits = {
    .header_bytes = 256, .header_fields = 4, .chunk_line_bytes = 16, .body_bytes = 64};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = 1 + data[0] % 16;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  weir::http::RequestParser whole_parser(kLimits);
  weir::http::RequestParser cut_parser(kLimits);
  const Outcome whole = Play(whole_parser, {wire});
  if (Play(cut_parser, CutEvery(wire, step)) != whole) std::abort();
  if (cut_parser.suggested_status() != whole_parser.suggested_status()) std::abort();
  if (whole.body.size() > *kLimits.body_bytes) std::abort();
  const int status = whole_parser.suggested_status();
  if (whole.code == weir::Code::kProtocolError && status < 400) std::abort();
  if (whole.done && status != 0 && status != 417) std::abort();
  return 0;
}
