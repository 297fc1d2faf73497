// Properties: where a text is cut changes nothing; a family without marks gives the text back; and
// without tools nothing is called and nothing invented. The first byte picks the family,
// the second how the prompt ended and whether there are tools.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/base/fuzz_testing.h"
#include "weir/json/reader.h"
#include "weir/text/answer_reader.h"
#include "weir/text/answer_reader_testing.h"
#include "weir/text/family.h"

namespace {

using namespace weir::text;

constexpr std::string_view kSchema =
    R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const Family& family = Families()[data[0] % Families().size()];
  const std::string_view text = weir::FuzzText(data + 2, size - 2);
  AnswerReaderOptions options;
  options.max_call_bytes = (data[1] & 1) != 0 ? 64 : 1 << 20;
  if ((data[1] & 2) != 0) options.in_thoughts = (data[1] & 4) != 0;
  if ((data[1] & 8) != 0) {
    options.tools = {{.name = "f", .parameters = *weir::json::Read(kSchema)}, {.name = "g"}};
  }

  const ReadAnswer whole = ReadInSteps(family, options, text, 0);
  weir::Require(ReadInSteps(family, options, text, 1) == whole);
  weir::Require(ReadInSteps(family, options, text, 3) == whole);
  for (const weir::model::ToolCall& call : whole.calls) {
    const auto arguments = weir::json::Read(call.arguments);
    weir::Require(arguments && arguments->IsObject());
  }

  weir::Require(ReadInSteps(*FindFamily("plain"), options, text, 0).text == text);
  if (options.tools.empty()) {
    weir::Require(whole.calls.empty());
    weir::Require(whole.text.size() + whole.reasoning.size() <= text.size());
  }
  return 0;
}
