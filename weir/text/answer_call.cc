#include "weir/text/answer_call.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"

namespace weir::text {
namespace {

// What begins like a call without marks names a tool in its first bytes, or is none. A mark that
// ended it there is known when so many more have come.
constexpr std::size_t kNameBytes = 1024;
constexpr std::size_t kMarkBytes = 128;
constexpr std::size_t kMaxFence = 64;

}  // namespace

bool IsTool(std::span<const model::ToolSpec> tools, std::string_view name) {
  return std::ranges::find(tools, name, &model::ToolSpec::name) != tools.end();
}

bool IsAroundCalls(std::string_view text, bool after_call) {
  if (text.size() > kMaxFence) return false;
  std::size_t at = 0;
  const auto skip = [&](std::string_view bytes) {
    const std::size_t begin = at;
    at = std::min(text.find_first_not_of(bytes, at), text.size());
    return at - begin;
  };
  do {
    skip(after_call ? " \t\r\n,;" : " \t\r\n");
    const std::size_t ticks = skip("`");
    if (ticks != 3) return ticks < 3 && at == text.size();
    skip("abcdefghijklmnopqrstuvwxyz_");
  } while (at < text.size());
  return true;
}

AnswerCall::AnswerCall(CallMarks marks, std::vector<std::string> ends,
                       std::span<const model::ToolSpec> tools, std::string name,
                       std::size_t mark_size)
    : marks_(std::move(marks)),
      ends_(std::move(ends)),
      tools_(tools),
      name_(std::move(name)),
      scanner_(marks_.close, ends_, marks_.shields),
      body_at_(mark_size) {
  // What stands for a mark at a start is a part of the call, and may end inside of a string.
  scanner_.Begin(marks_.where == Where::kAnywhere ? mark_size : 0);
}

AnswerCall::Found AnswerCall::Scan(std::string_view text, bool ends, std::size_t max_bytes) {
  const BodyScanner::Found found = scanner_.Scan(text, ends, max_bytes);
  if (found == BodyScanner::Found::kTooLong) return Found::kTooLong;
  const bool more = found == BodyScanner::Found::kMore;
  const bool named =
      more ? text.size() < kNameBytes + kMarkBytes : scanner_.end().closed <= kNameBytes;
  const auto is_in_text = [begin = text.substr(0, kNameBytes)](const model::ToolSpec& tool) {
    return begin.contains(tool.name);
  };
  if (marks_.where == Where::kStart && !named && std::ranges::none_of(tools_, is_in_text)) {
    return Found::kNoTool;
  }
  return more ? Found::kMore : Found::kEnd;
}

AnswerCall::Taken AnswerCall::Read(std::string_view text, bool ends) {
  BodyScanner::End end = scanner_.end();
  std::string body = Body(text, end);
  Result<ReadCallsResult> read = ReadBody(body);
  if (!read && ends && end.closed == text.size() && scanner_.first_close()) {
    scanner_.DropShields();
    end = *scanner_.first_close();
    body = Body(text, end);
    read = ReadBody(body);
  }
  // Where no mark has closed the body, words behind the calls are the answer going on; those of a
  // header never are.
  const std::size_t left = read ? body.size() - std::min(read->end, body.size()) : 0;
  const bool goes_on = left > 0 && left <= body.size() - name_.size() && end.body == end.closed &&
                       !std::string_view("\"'{}[],:<").contains(body[body.size() - left]);
  if (!goes_on) return {std::move(read), end.closed};
  Result<ReadCallsResult> calls = ReadBody(std::string_view(body).substr(0, body.size() - left));
  if (!calls || calls->calls.size() != read->calls.size()) return {std::move(read), end.closed};
  return {std::move(calls), end.closed - left};
}

std::string AnswerCall::Body(std::string_view text, BodyScanner::End end) const {
  return StrCat(name_, marks_.keep_marks ? text.substr(0, end.closed)
                                         : text.substr(body_at_, end.body - body_at_));
}

Result<ReadCallsResult> AnswerCall::ReadBody(std::string_view body) const {
  Result<ReadCallsResult> read = ReadCalls(marks_.forms, body, tools_);
  const auto is_known = [this](const model::ToolCall& call) { return IsTool(tools_, call.name); };
  if (!read || !marks_.known_tools || std::ranges::all_of(read->calls, is_known)) return read;
  return Fail(Code::kInvalidJson, "there is no call in it");
}

bool AnswerCall::OpensAgain(std::string_view text) {
  const std::size_t at = scanner_.end().closed;
  if (marks_.keep_marks || !Trim(text.substr(body_at_, at - body_at_)).empty()) return false;
  std::size_t size = 0;
  for (const std::string& mark : marks_.open) {
    if (text.substr(at).starts_with(mark)) size = std::max(size, mark.size());
  }
  if (size == 0) return false;
  body_at_ = at + size;
  scanner_.Begin(body_at_);
  return true;
}

bool AnswerCall::IsEmpty(std::string_view text, std::size_t size) const {
  const std::string_view all = text.substr(0, size);
  const std::size_t end = scanner_.end().closed == size ? scanner_.end().body : size;
  return Trim(all.substr(body_at_, end - body_at_)).empty() ||
         std::ranges::any_of(marks_.open,
                             [all](const std::string& mark) { return mark.starts_with(all); });
}

bool AnswerCall::WasCut(std::string_view text) const {
  const std::string_view body = Trim(text.substr(body_at_));
  if (body.empty() || marks_.where != Where::kAnywhere) return false;
  const std::size_t named = body.find_last_of(" \t\r\n\"'=:>[(,;") + 1;
  std::string_view name = body.substr(named);
  if (constexpr std::string_view kPrefix = "functions."; name.starts_with(kPrefix)) {
    name.remove_prefix(kPrefix.size());
  }
  const bool begins = named == 0 || marks_.keep_marks || body.starts_with("call:") ||
                      std::string_view("{[<]").contains(body[0]);
  return begins && !name.empty() && std::ranges::any_of(tools_, [name](const auto& tool) {
           return tool.name.starts_with(name);
         });
}

}  // namespace weir::text
