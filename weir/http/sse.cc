#include "weir/http/sse.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "weir/base/text.h"

namespace weir::http {
namespace {

// The end of the first line of `text`, its size if it has but one. Two searches of the fast kind
// beat one for either byte.
std::size_t LineEnd(std::string_view text) {
  const std::size_t lf = std::min(text.find('\n'), text.size());
  return std::min(text.substr(0, lf).find('\r'), lf);
}

void AppendDataLines(std::string& out, std::string_view data) {
  for (;;) {
    const std::size_t end = LineEnd(data);
    out += "data: ";
    out += data.substr(0, end);
    out += '\n';
    if (end == data.size()) break;
    data.remove_prefix(data.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
  out += '\n';
}

}  // namespace

std::string& SseReader::Text::Own() {
  if (!owned_) Copy(view_);
  return copy_;
}

Result<void> SseReader::Feed(std::string_view bytes) {
  assert(input_.empty() || too_large_);
  WEIR_CHECK(Finish());
  if (delivered_) StartEvent();
  input_ = bytes;
  lf_known_ = false;
  if (!mark_done_) SkipByteOrderMark();
  return {};
}

Result<void> SseReader::Finish() const {
  if (!too_large_) return {};
  return Fail(Code::kProtocolError,
              StrCat("the server sent an event of more than ", max_event_bytes_, " bytes"));
}

bool SseReader::Next(SseEvent& out) {
  if (delivered_) StartEvent();
  std::string_view line;
  bool borrowed = false;
  while (NextLine(line, borrowed)) {
    if (!line.empty()) {
      TakeField(line, borrowed);
      continue;
    }
    if (!has_data_) {
      StartEvent();
      continue;
    }
    out.type = type_.view().empty() ? std::string_view("message") : type_.view();
    out.data = data_.view();
    out.last_event_id = last_event_id_;
    delivered_ = true;
    return true;
  }
  // The fed bytes may go away now.
  type_.Own();
  data_.Own();
  return false;
}

// Takes the next whole line; the rest of the input, if it has no end, is carried over.
bool SseReader::NextLine(std::string_view& line, bool& borrowed) {
  if (too_large_) return false;
  if (carry_used_) {
    carry_.clear();
    carry_used_ = false;
  }
  if (after_cr_ && !input_.empty()) {
    if (input_.front() == '\n') input_.remove_prefix(1);
    lf_known_ = false;
    after_cr_ = false;
  }
  const std::size_t end = FindLineEnd();
  if (!Fits(carry_.size() + end)) return false;
  if (end == input_.size()) {
    carry_.append(input_);
    input_ = {};
    return false;
  }
  after_cr_ = input_[end] == '\r';
  borrowed = carry_.empty();
  if (borrowed) {
    line = input_.substr(0, end);
  } else {
    carry_.append(input_.substr(0, end));
    carry_used_ = true;
    line = carry_;
  }
  const std::size_t taken = end + 1;
  input_.remove_prefix(taken);
  if (after_cr_ && input_.starts_with('\n')) {
    input_.remove_prefix(1);
    after_cr_ = false;
    lf_known_ = false;
  } else if (lf_known_) {
    lf_known_ = next_lf_ >= taken;
    next_lf_ -= taken;
  }
  return true;
}

// The place of the next CR or LF. Where the next LF stands is remembered, so that a stream of bare
// CRs is not searched to its end for every line.
std::size_t SseReader::FindLineEnd() {
  if (input_.empty()) return 0;
  if (!lf_known_) {
    const void* lf = std::memchr(input_.data(), '\n', input_.size());
    next_lf_ =
        lf ? static_cast<std::size_t>(static_cast<const char*>(lf) - input_.data()) : input_.size();
    lf_known_ = true;
  }
  const void* cr = std::memchr(input_.data(), '\r', next_lf_);
  return cr ? static_cast<std::size_t>(static_cast<const char*>(cr) - input_.data()) : next_lf_;
}

bool SseReader::Fits(std::size_t line_bytes) {
  if (event_bytes_ + line_bytes <= max_event_bytes_) return true;
  too_large_ = true;
  input_ = {};
  return false;
}

void SseReader::TakeField(std::string_view line, bool borrowed) {
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    TakeData(value, borrowed);
  } else if (name == "event") {
    borrowed ? type_.Borrow(value) : type_.Copy(value);
  } else if (name == "id") {
    if (value.find('\0') == value.npos) last_event_id_ = value;
  } else if (name == "retry") {
    const bool digits = std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
    if (const auto millis = ParseUint(value); digits && millis) retry_ = millis;
  } else {
    return;  // a comment or an unknown field; it does not count for the limit
  }
  event_bytes_ += line.size();
}

void SseReader::TakeData(std::string_view value, bool borrowed) {
  if (has_data_) {
    std::string& data = data_.Own();
    data += '\n';
    data += value;
  } else if (borrowed) {
    data_.Borrow(value);
  } else {
    data_.Copy(value);
  }
  has_data_ = true;
}

void SseReader::StartEvent() {
  type_.Clear();
  data_.Clear();
  has_data_ = false;
  delivered_ = false;
  event_bytes_ = 0;
}

// A mark that turns out not to be one is the beginning of the first line.
void SseReader::SkipByteOrderMark() {
  while (mark_bytes_ < kByteOrderMark.size() && !input_.empty()) {
    if (input_.front() != kByteOrderMark[mark_bytes_]) {
      carry_ = kByteOrderMark.substr(0, mark_bytes_);
      mark_done_ = true;
      return;
    }
    input_.remove_prefix(1);
    ++mark_bytes_;
  }
  mark_done_ = mark_bytes_ == kByteOrderMark.size();
}

void AppendSseData(std::string& out, std::string_view data) { AppendDataLines(out, data); }

void AppendSseEvent(std::string& out, std::string_view type, std::string_view data) {
  assert(LineEnd(type) == type.size());
  out += "event: ";
  out += type;
  out += '\n';
  AppendDataLines(out, data);
}

}  // namespace weir::http
