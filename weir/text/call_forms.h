#pragma once

// How models write calls of tools in plain text, once the marks around them are gone. Each form is
// read into calls whose arguments are JSON. docs/tool-calling.md shows every one.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/model/message.h"

namespace weir::text {

enum class CallForm : std::uint8_t {
  kJson,          // {"name": "f", "arguments": {...}}: one, a list, or several in a row
  kNamedJson,     // f{"a": 1}, f[ARGS]{"a": 1}, functions.f:0<mark>{"a": 1}
  kKeyedJson,     // [{"f": {"a": 1}}]
  kFunctionTags,  // <function=f><parameter=k>v</parameter></function>
  kArgPairs,      // f <arg_key>k</arg_key><arg_value>v</arg_value>
  // <invoke name="f"><parameter name="k">v</parameter></invoke>, any prefix in the tags; elements
  // that are named after the key; and <|open|>call tool="f"<|sep|>...
  kInvokeTags,
  kPython,  // [f(a=1, b='x'), g()]
  kBraces,  // call:f{k:<escape>v<escape>,n:1}
};

struct ReadCallsResult {
  // Arguments are a JSON object; an id is there only where the model wrote one.
  std::vector<model::ToolCall> calls;
  std::vector<std::string> repairs;  // what was mended, in words
  // Of the body: what stands behind it is no part of the calls, and was left out.
  std::size_t end = 0;
};

// Reads the calls in `body`: what stood between the marks. Values that the form leaves untyped
// become what the tool's schema says; a missing closing mark at the end is no mistake. A body that
// is plainly written in another form is read by that one, and `repairs` says so. A name that no
// tool has is still a call where the form leaves no doubt. Linear in the size of the body. Fails
// with kInvalidJson when there is no call in it, or when it is longer or deeper than limits.h says.
//
// With several forms, each is tried in turn, and none of them counts as another form.
Result<ReadCallsResult> ReadCalls(std::span<const CallForm> forms, std::string_view body,
                                  std::span<const model::ToolSpec> tools);
Result<ReadCallsResult> ReadCalls(CallForm form, std::string_view body,
                                  std::span<const model::ToolSpec> tools);

}  // namespace weir::text
