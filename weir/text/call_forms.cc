#include "weir/text/call_forms.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/text/call_list.h"
#include "weir/text/call_tag_lexer.h"

namespace weir::text {
namespace {

// MiniMax M3 marks every tag; others that name elements after the key write no <parameter>.
bool HasElements(std::string_view body) {
  if (body.contains(kMiniMaxMark)) return true;
  return body.contains("<invoke") && !body.contains("parameter") && !body.contains("<param");
}

void ReadForm(CallForm form, std::string_view body, CallList& list) {
  switch (form) {
    case CallForm::kJson:
      return ReadJsonCalls(body, list);
    case CallForm::kNamedJson:
      return ReadNamedJsonCalls(body, list);
    case CallForm::kKeyedJson:
      return ReadKeyedJsonCalls(body, list);
    case CallForm::kInvokeTags:
      if (HasElements(body)) return ReadElementCalls(body, list);
      return ReadTagCalls(form, body, list);
    case CallForm::kFunctionTags:
    case CallForm::kArgPairs:
      return ReadTagCalls(form, body, list);
    case CallForm::kPython:
      return ReadPythonCalls(body, list);
    case CallForm::kBraces:
      return ReadBracesCalls(body, list);
  }
}

// The form that a body plainly has, whatever was expected of it.
std::optional<CallForm> PlainForm(std::string_view body) {
  const std::string_view start = Trim(body);
  if (start.starts_with("<function")) return CallForm::kFunctionTags;
  if (start.starts_with("<invoke")) return CallForm::kInvokeTags;
  if (start.contains("<arg_key>")) return CallForm::kArgPairs;
  if (start.starts_with("call:")) return CallForm::kBraces;
  if (start.starts_with("[{") || start.starts_with("```") || start.starts_with('{')) {
    return CallForm::kJson;
  }
  const std::size_t name = start.find_first_of("({[<\n", start.starts_with('[') ? 1 : 0);
  if (name != start.npos && start[name] == '(') return CallForm::kPython;
  if (start.starts_with('[')) return std::nullopt;
  if (name != start.npos && name > 0 && start[name] != '<') return CallForm::kNamedJson;
  return std::nullopt;
}

}  // namespace

Result<ReadCallsResult> ReadCalls(std::span<const CallForm> forms, std::string_view body,
                                  std::span<const model::ToolSpec> tools) {
  if (body.size() > limits::kReplyBodyBytes) {
    return Fail(Code::kInvalidJson, "the text of a tool call is longer than a reply may be");
  }
  std::string refusal;
  for (const CallForm form : forms) {
    CallList list(tools);
    list.EndAt(body.size());
    ReadForm(form, body, list);
    if (!list.empty()) return std::move(list).Take();
    if (refusal.empty()) refusal = list.refusal();
  }
  const std::optional<CallForm> other = PlainForm(body);
  if (other && std::ranges::find(forms, *other) == forms.end()) {
    CallList list(tools);
    list.EndAt(body.size());
    ReadForm(*other, body, list);
    if (!list.empty()) {
      list.Note("the call was written in another form than this model's");
      return std::move(list).Take();
    }
  }
  return Fail(Code::kInvalidJson, StrCat("there is no tool call in this text: ",
                                         refusal.empty() ? "nothing looks like one" : refusal));
}

Result<ReadCallsResult> ReadCalls(CallForm form, std::string_view body,
                                  std::span<const model::ToolSpec> tools) {
  return ReadCalls(std::span(&form, 1), body, tools);
}

}  // namespace weir::text
