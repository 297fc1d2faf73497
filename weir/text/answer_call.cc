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
constexpr int kMaxQuotedCloses = 16;
constexpr std::size_t kMaxHead = 128;  // of a call, before its arguments
constexpr std::string_view kNamespace = "functions.";

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

BodyScanner::Found AnswerCall::ScanBody(std::string_view text, bool ends, std::size_t max_bytes) {
  BodyScanner::Found found = scanner_.Scan(text, ends, max_bytes);
  while (found == BodyScanner::Found::kEnd && quoted_closes_ < kMaxQuotedCloses &&
         ClosesInQuotes(text)) {
    if (quoted_closes_++ == 0) in_quotes_ = scanner_.end();
    found = scanner_.Scan(text, ends, max_bytes);
  }
  const bool closes = scanner_.end().closed > scanner_.end().body;
  if (found == BodyScanner::Found::kEnd && in_quotes_ && !closes) {
    scanner_.EndWith(*in_quotes_);  // no other mark closes it: the quotes are broken
  }
  return found;
}

AnswerCall::Found AnswerCall::Scan(std::string_view text, bool ends, std::size_t max_bytes) {
  if (!ended_) {
    const BodyScanner::Found found = ScanBody(text, ends, max_bytes);
    if (found == BodyScanner::Found::kTooLong) return Found::kTooLong;
    ended_ = found == BodyScanner::Found::kEnd;
  }
  const bool more = !ended_;
  const bool named =
      more ? text.size() < kNameBytes + kMarkBytes : scanner_.end().closed <= kNameBytes;
  const auto is_in_text = [begin = text.substr(0, kNameBytes)](const model::ToolSpec& tool) {
    return begin.contains(tool.name);
  };
  const bool is_guess = marks_.where == Where::kStart || marks_.needs == Needs::kEnd;
  if (is_guess && !named && std::ranges::none_of(tools_, is_in_text)) return Found::kNoTool;
  if (more) return Found::kMore;
  const BodyScanner::End end = scanner_.end();
  const std::string_view close = text.substr(end.body, end.closed - end.body);
  if (marks_.needs != Needs::kNothing) {
    shown_ = std::ranges::find_if(marks_.close, [close](const std::string& mark) {
               return EqualsIgnoreCase(mark, close);
             }) != marks_.close.end();
  }
  if (marks_.needs == Needs::kEnd && shown_) {
    const auto ends_answer = EndsAnswer(text.substr(end.closed), ends);
    if (!ends_answer) return Found::kMore;
    shown_ = *ends_answer;
  }
  return Found::kEnd;
}

// Whether a mark closed the body inside of a text between single quotes, with which its JSON is
// written: they are no shield, for in other bodies they are apostrophes.
bool AnswerCall::ClosesInQuotes(std::string_view text) const {
  const BodyScanner::End end = scanner_.end();
  if (end.closed == end.body || marks_.forms.front() != CallForm::kJson) return false;
  const std::string_view body = text.substr(body_at_, end.body - body_at_);
  const std::size_t quote = body.find_first_not_of("{[ \t\r\n");
  if (quote == body.npos || quote == 0 || body[quote] != '\'') return false;
  char open = '\0';
  for (std::size_t i = quote; i < body.size(); ++i) {
    const char c = body[i];
    if (c == '\\') {
      ++i;
    } else if (open == '\0' && (c == '\'' || c == '"')) {
      open = c;
    } else if (c == open) {
      open = '\0';
    }
  }
  return open == '\'';
}

// Whether an answer ends in a fence that `behind` stands behind; nullopt: more must be known.
std::optional<bool> AnswerCall::EndsAnswer(std::string_view behind, bool ends) const {
  const std::string_view rest = Trim(behind);
  if (rest.empty()) return ends ? std::optional(true) : std::nullopt;
  bool may_come = false;
  const auto follows = [&](std::string_view mark) {
    may_come = may_come || mark.starts_with(rest);
    return rest.starts_with(mark);
  };
  if (follows("```") || follows("<|") || std::ranges::any_of(ends_, follows)) return true;
  return may_come && !ends ? std::nullopt : std::optional(false);
}

AnswerCall::Taken AnswerCall::Read(std::string_view text, bool ends) {
  BodyScanner::End end = scanner_.end();
  if (!shown_)
    return {Fail(Code::kInvalidJson, "no mark closes it, or the answer goes on"), end.closed};
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
  if (marks_.where != Where::kAnywhere) return std::string(text.substr(0, end.body));
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
  ended_ = false;
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
  if (marks_.where != Where::kAnywhere) return false;
  const std::string_view body = Trim(text.substr(body_at_));
  if (!marks_.known_tools && !marks_.open.empty() && IsCutHead(text, body)) return true;
  if (body.empty()) return false;
  const std::size_t named = body.find_last_of(" \t\r\n\"'=:>[(,;") + 1;
  std::string_view name = body.substr(named);
  if (name.starts_with(kNamespace)) name.remove_prefix(kNamespace.size());
  const bool begins = named == 0 || marks_.keep_marks || body.starts_with("call:") ||
                      std::string_view("{[<]").contains(body[0]);
  return begins && !name.empty() && std::ranges::any_of(tools_, [name](const auto& tool) {
           return tool.name.starts_with(name);
         });
}

// Whether `body` is what stands before the name of a tool, or between it and the arguments.
bool AnswerCall::IsCutHead(std::string_view text, std::string_view body) const {
  if (body.empty() || kNamespace.starts_with(body) || std::string_view("call:").starts_with(body)) {
    return true;
  }
  if (std::ranges::any_of(marks_.open,
                          [text](const auto& mark) { return mark.starts_with(text); })) {
    return true;
  }
  if (body.size() > kMaxHead) return false;
  if (body[0] == '{' || body[0] == '[') return body.find_first_of("})") == body.npos;
  if (body[0] == '<' || body.starts_with("]<")) return true;
  if (body.starts_with(kNamespace)) body.remove_prefix(kNamespace.size());
  return std::ranges::any_of(tools_, [body](const model::ToolSpec& tool) {
    if (!body.starts_with(tool.name)) return false;
    const std::string_view rest = Trim(body.substr(tool.name.size()));
    return rest.empty() ||
           (std::string_view("<[:`").contains(rest[0]) && rest.find_first_of("{\"") == rest.npos);
  });
}

}  // namespace weir::text
