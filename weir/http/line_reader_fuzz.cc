// Properties: where the network cuts the bytes never changes the lines; a line is neither empty nor
// longer than the limit and holds no LF; what was read, written and read again is the same.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "weir/http/line_reader_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::http;
  constexpr std::size_t kMaxLineBytes = 64;
  if (size == 0) return 0;
  const std::size_t step = 1 + data[0] % 16;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  const LinesRead whole = PlayLines(kMaxLineBytes, {wire});
  if (PlayLines(kMaxLineBytes, CutEvery(wire, step)) != whole) std::abort();

  std::string written;
  for (const std::string& line : whole.lines) {
    if (line.empty() || line.size() > kMaxLineBytes || line.find('\n') != line.npos) std::abort();
    written += line + "\r\n";
  }
  if (PlayLines(kMaxLineBytes + 1, {written}).lines != whole.lines) std::abort();
  return 0;
}
