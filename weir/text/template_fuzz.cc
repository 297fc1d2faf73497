// Properties: no crash and no endless work, whatever is compiled and rendered; every failure names
// a place and is a refusal, never a bug; the same input gives the same; what is rendered keeps its
// limit; text without delimiters renders to itself.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/base/fuzz_testing.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/text/template.h"

namespace {

using namespace weir::text;

constexpr std::string_view kVariables =
    R"({"a": 1.50, "b": "text é", "c": [3, "x", null, [1, 2]], "d": {"a": true, "e": {"f": -0}},
        "l": [1, 2, 3, 4, 5, 6, 7, 8], "s": ["b", "A", "a"], "r": [{"k": 1}, {"k": 2, "a": "z"}]})";

void RequireRefusal(const weir::Error& error, std::string_view name) {
  weir::Require(error.code == weir::Code::kInvalidRequest);
  weir::Require(error.message.starts_with(name));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const weir::json::Value variables = *weir::json::Read(kVariables);
  const std::string_view source = weir::FuzzText(data, size);
  const TemplateOptions options{.max_output_bytes = 10'000, .max_steps = 50'000};

  const auto compiled = Template::Compile(source, "t", options);
  if (compiled) {
    const auto first = compiled->Render(variables);
    const auto again = compiled->Render(variables);
    weir::Require(first.has_value() == again.has_value());
    if (first) {
      weir::Require(*first == *again && first->size() <= options.max_output_bytes);
    } else {
      RequireRefusal(first.error(), "t:");
      weir::Require(first.error() == again.error());
    }
  } else {
    RequireRefusal(compiled.error(), "t:");
  }
  if (source.find('{') == source.npos) {
    weir::Require(compiled &&
                  (size > options.max_output_bytes || *compiled->Render(variables) == source));
  }

  const auto expression = Expression::Compile(source, "e", options);
  if (!expression) {
    RequireRefusal(expression.error(), "e:");
    return 0;
  }
  const auto value = expression->Evaluate(variables);
  if (value) {
    weir::Require(weir::json::Read(weir::json::Write(*value)).has_value());
  } else {
    RequireRefusal(value.error(), "e:");
  }
  return 0;
}
