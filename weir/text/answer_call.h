#pragma once

// AnswerCall: what may be a call in an answer, from its opening mark to where it ends.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/model/message.h"
#include "weir/text/body_scanner.h"
#include "weir/text/call_forms.h"
#include "weir/text/family.h"

namespace weir::text {

class AnswerCall {
 public:
  enum class Found : std::uint8_t { kMore, kEnd, kTooLong, kNoTool };

  struct Taken {
    Result<ReadCallsResult> read;
    std::size_t size = 0;  // of the text that the calls, or what is none, are
  };

  // `ends` are marks that no body goes beyond, `name` is what the header of a message calls.
  // `tools` must outlive this.
  AnswerCall(CallMarks marks, std::vector<std::string> ends, std::span<const model::ToolSpec> tools,
             std::string name, std::size_t mark_size);
  AnswerCall(const AnswerCall&) = delete;  // its scanner refers to its marks
  AnswerCall& operator=(const AnswerCall&) = delete;

  const CallMarks& marks() const { return marks_; }
  std::size_t mark_size() const { return body_at_; }

  // `text` is always what begins with the opening mark, as far as it is known by now. kNoTool: the
  // mark is text, and what follows is to be read anew.
  Found Scan(std::string_view text, bool ends, std::size_t max_bytes);
  // After kEnd.
  Taken Read(std::string_view text, bool ends);
  // When there was no call: whether the mark only came twice, and Scan() is to go on.
  bool OpensAgain(std::string_view text);
  // When there was none: whether the first `size` bytes are marks, whole or cut, without a body.
  bool IsEmpty(std::string_view text, std::size_t size) const;
  // When there was none and the text ends: whether that has cut a call before its arguments.
  bool WasCut(std::string_view text) const;

 private:
  BodyScanner::Found ScanBody(std::string_view text, bool ends, std::size_t max_bytes);
  bool IsCutHead(std::string_view text, std::string_view body) const;
  bool ClosesInQuotes(std::string_view text) const;
  std::optional<bool> EndsAnswer(std::string_view behind, bool ends) const;
  std::string Body(std::string_view text, BodyScanner::End end) const;
  Result<ReadCallsResult> ReadBody(std::string_view body) const;

  const CallMarks marks_;
  const std::vector<std::string> ends_;
  const std::span<const model::ToolSpec> tools_;
  const std::string name_;
  BodyScanner scanner_;
  std::size_t body_at_;
  std::optional<BodyScanner::End> in_quotes_;  // where a closing mark stood in single quotes
  int quoted_closes_ = 0;
  bool ended_ = false;  // its end is known
  bool shown_ = true;   // what it needs to be a call follows
};

// Whether `text` may stand around calls and say nothing: fences, and separators behind a call. What
// any text begins with may if the text may.
bool IsAroundCalls(std::string_view text, bool after_call);
// Whether one of `tools` has that name.
bool IsTool(std::span<const model::ToolSpec> tools, std::string_view name);

}  // namespace weir::text
