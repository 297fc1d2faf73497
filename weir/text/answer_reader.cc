#include "weir/text/answer_reader.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "weir/base/text.h"
#include "weir/text/answer_call.h"
#include "weir/text/answer_state.h"
#include "weir/text/call_forms.h"
#include "weir/text/call_values.h"

namespace weir::text {

std::size_t LastEnd(std::string_view text, std::span<const std::string> marks) {
  std::size_t last = 0;
  for (const std::string& mark : marks) {
    if (const std::size_t at = text.rfind(mark); at != kNowhere) {
      last = std::max(last, at + mark.size());
    }
  }
  return last;
}

AnswerReader::State::State(const Family& of, AnswerReaderOptions given)
    : family(of), options(std::move(given)) {
  reads_calls_ = options.read_calls && !options.tools.empty();
  PrepareMarks();
  Start();
}

void AnswerReader::State::Start() {
  if (family.channels) {
    StartInHeader();
  } else if (!thought_marks().close.empty()) {
    StartInThoughts();
  }
}

void AnswerReader::State::StartInThoughts() {
  const std::string_view tail = options.prompt_tail;
  const std::size_t opened = LastEnd(tail, thought_marks().open);
  const std::size_t closed = LastEnd(tail, thought_marks().close);
  thoughts_known_ = options.in_thoughts.has_value() || opened > 0 || closed > 0;
  const bool told = options.in_thoughts.value_or(opened > closed);
  if (thoughts_known_ ? told : tail.empty() && family.starts_in_thoughts) mode_ = Mode::kThoughts;
  after_thoughts_ = closed > opened;
  if (mode_ == Mode::kThoughts && opened > closed) {
    pending = tail.substr(opened + SkipWhite(tail.substr(opened)));
  }
}

void AnswerReader::State::Run(bool ends) {
  const auto step = [this, ends] {
    switch (mode_) {
      case Mode::kAnswer:
        return StepAnswer(ends);
      case Mode::kThoughts:
        return StepThoughts(ends);
      case Mode::kDoubt:
        return StepDoubt(ends);
      case Mode::kCall:
        return StepCall(ends);
      case Mode::kHeader:
        return StepHeader(ends);
      case Mode::kSkip:
        return StepSkip(ends);
    }
    return false;
  };
  while (step()) {
  }
  if (cursor > 0) before_ = pending[cursor - 1];
  pending.erase(0, cursor);
  cursor = 0;
  if (ends && !after_call_) out->text += std::exchange(white_, {});
}

bool AnswerReader::State::Passes(std::string_view piece) const {
  const bool at_line = has_line_marks_ && (BeginsLine() || piece.ends_with('\n'));
  const bool in_flow = flowing_ && !after_wrapper_ && !after_thoughts_;
  return mode_ == Mode::kAnswer && in_flow && pending.empty() && !at_line &&
         answer_.Find(piece, 0, kNowhere, false).at == piece.size();
}

bool AnswerReader::State::StepAnswer(bool ends) {
  const std::size_t words = std::min(rest().find_first_not_of(AroundCalls()), rest().size());
  const MarkFinder::Hit hit =
      answer_.Find(rest(), 0, MayStart() ? words : kNowhere, ends, BeginsLine());
  if (hit.size > 0) {
    EmitText(hit.at);
    TakeAnswerMark(hit);
    return true;
  }
  // Right behind a call, what could begin a mark is one that the end of the text has cut.
  const bool cut =
      ends && after_call_ && !flowing_ && answer_.Find(rest(), words, kNowhere, false).at == words;
  if (cut) {
    Drop(rest().size());
  } else if (const std::size_t half = ends ? CutMark(rest()) : 0; half > 0) {
    EmitText(rest().size() - half);
    repairs.emplace_back("a mark of a call that the end of the text had cut was left out");
    Drop(half);
  } else {
    EmitText(hit.at);
  }
  return false;
}

// Whether what begins like a call, or like thoughts, is one: before the first word of the answer,
// and again right behind a call or a mark around calls.
bool AnswerReader::State::MayStart() const {
  return after_wrapper_ || (!flowing_ && white_.find_first_not_of(AroundCalls()) == kNowhere);
}

// How much of the end of `text` is a part of a mark of this family's calls, too long to be chance.
std::size_t AnswerReader::State::CutMark(std::string_view text) const {
  constexpr std::size_t kMinPart = 5;
  std::size_t size = 0;
  const auto look = [&](std::span<const std::string> marks) {
    for (const std::string& mark : marks) {
      if (!std::string_view("<[]").contains(mark[0])) continue;
      const std::size_t part = text.size() - WithoutPartOf(text, mark).size();
      if (part >= kMinPart) size = std::max(size, part);
    }
  };
  if (!reads_calls_) return 0;
  look(family.call_wrappers);
  for (const CallMarks& call : family.calls) {
    if (call.where == Where::kAnywhere && !call.known_tools) look(call.open);
  }
  return size;
}

void AnswerReader::State::TakeAnswerMark(MarkFinder::Hit hit) {
  switch (hit.mark) {
    case kOpen:
      if (!flowing_ && fence_at_ == kNowhere) white_.clear();
      thoughts_known_ = opened_ = true;
      mode_ = Mode::kThoughts;
      break;
    case kClose:
      // Thoughts are over: what looks like their end now is what the answer talks about, unless the
      // mark only came twice.
      if (thoughts_known_ && !after_thoughts_ && IsPlain(rest().substr(0, hit.size))) {
        return EmitText(hit.size);
      }
      thoughts_known_ = after_thoughts_ = true;
      break;
    case kCallWrapper:
      after_wrapper_ = true;
      break;
    case kWrapper:
    case kMessageEnd:
      break;
    case kHeaderOpen:
      header_text_.clear();
      scanned_ = 0;
      mode_ = Mode::kHeader;
      break;
    default:
      return OpenCall(family.calls[static_cast<std::size_t>(hit.mark) - kCallOpen], hit.size);
  }
  Drop(hit.size);
}

bool AnswerReader::State::StepThoughts(bool ends) {
  const MarkFinder::Hit hit = thoughts_.Find(rest(), 0, kNowhere, ends);
  if (hit.size == 0 && ends) {
    EmitThought(rest().size() - CutClose(rest()));
    Drop(rest().size());
    return false;
  }
  EmitThought(hit.at);
  if (hit.size == 0) return false;
  switch (hit.mark) {
    case kOpen:
      // Only the first opens them, and only where that was not known before or it came twice.
      if (thoughts_known_ && (thought_ || !opened_) && IsPlain(rest().substr(0, hit.size))) {
        EmitThought(hit.size);
      } else {
        Drop(hit.size);
      }
      thoughts_known_ = opened_ = true;
      break;
    case kClose:
    case kMessageEnd:
      EnterAnswer();
      after_thoughts_ = true;
      Drop(hit.size);
      break;
    case kWrapper:
    case kCallWrapper:
      Drop(hit.size);
      break;
    case kHeaderOpen:
      TakeAnswerMark(hit);
      break;
    default:
      mode_ = Mode::kDoubt;
      scanned_ = hit.size;
      break;
  }
  return true;
}

bool AnswerReader::State::StepDoubt(bool ends) {
  if (thoughts_close_) {
    const MarkFinder::Hit hit = doubt_.Find(rest(), scanned_, kNowhere, ends);
    if (hit.at > options.max_call_bytes) {
      mode_ = Mode::kThoughts;
      EmitThought(options.max_call_bytes);
      return true;
    }
    if (hit.size > 0) {
      EmitThought(hit.at);
      Drop(hit.size);
      EnterAnswer();
      after_thoughts_ = true;
      return true;
    }
    scanned_ = hit.at;
    if (!ends) return false;
    thoughts_close_ = false;
  }
  EnterAnswer();
  doubted_ = reads_calls_;
  return true;
}

// How much of the end of `text` is a part of a mark that ends thoughts.
std::size_t AnswerReader::State::CutClose(std::string_view text) const {
  constexpr std::size_t kMinPart = 3;
  std::size_t size = 0;
  for (const std::string& mark : thought_marks().close) {
    if (SkipWhite(mark) > 0) continue;
    const std::size_t part = text.size() - WithoutPartOf(text, mark).size();
    if (part >= kMinPart) size = std::max(size, part);
  }
  return size;
}

// Whether a mark of thoughts is plain text, which an answer may talk about.
bool AnswerReader::State::IsPlain(std::string_view mark) const {
  const ThoughtMarks& marks = thought_marks();
  return marks.where == Where::kStart || std::ranges::find(marks.plain, mark) != marks.plain.end();
}

void AnswerReader::State::EnterAnswer() {
  mode_ = Mode::kAnswer;
  thoughts_known_ = true;
}

void AnswerReader::State::OpenCall(const CallMarks& marks, std::size_t mark_size) {
  mode_ = Mode::kCall;
  call_ = std::make_unique<AnswerCall>(marks, EndsOf(marks), options.tools, call_name_, mark_size);
}

bool AnswerReader::State::StepCall(bool ends) {
  switch (call_->Scan(rest(), ends, options.max_call_bytes)) {
    case AnswerCall::Found::kMore:
      return false;
    case AnswerCall::Found::kTooLong:
      TakeNoCall(options.max_call_bytes, "it is too long");
      return true;
    case AnswerCall::Found::kNoTool:
      TakeNoCall(call_->mark_size(), "it names no tool");
      return true;
    case AnswerCall::Found::kEnd:
      break;
  }
  AnswerCall::Taken taken = call_->Read(rest(), ends);
  if (taken.read) {
    TakeCalls(*std::move(taken.read));
    Drop(taken.size);
  } else if (call_->OpensAgain(rest())) {
    return true;
  } else if (after_call_ && !flowing_ && call_->IsEmpty(rest(), taken.size)) {
    Drop(taken.size);
    mode_ = Mode::kAnswer;
  } else if (ends && taken.size == rest().size() && !doubted_ && call_->WasCut(rest())) {
    repairs.emplace_back("a call that the end of the text had cut was left out");
    Drop(taken.size);
    mode_ = Mode::kAnswer;
  } else {
    TakeNoCall(taken.size, taken.read.error().message);
  }
  return true;
}

void AnswerReader::State::TakeCalls(ReadCallsResult read) {
  for (model::ToolCall& call : read.calls) {
    out->tool_calls.push_back({.index = calls_read_++,
                               .id = std::move(call.id),
                               .name = std::move(call.name),
                               .arguments = std::move(call.arguments)});
  }
  repairs.insert(repairs.end(), std::make_move_iterator(read.repairs.begin()),
                 std::make_move_iterator(read.repairs.end()));
  white_.clear();
  fence_at_ = kNowhere;
  call_name_.clear();
  flowing_ = doubted_ = after_wrapper_ = after_thoughts_ = false;
  after_call_ = true;
  // The next message may begin with the one it is for.
  guessed_header_ = family.channels && !family.channels->recipient.empty();
  mode_ = guessed_header_ ? Mode::kHeader : Mode::kAnswer;
  scanned_ = 0;
}

void AnswerReader::State::TakeNoCall(std::size_t size, std::string_view why) {
  if (!call_->marks().known_tools) {
    repairs.push_back(StrCat("what looked like a call of a tool was left in the text: ", why));
  }
  call_name_.clear();
  if (std::exchange(doubted_, false)) {
    mode_ = Mode::kThoughts;
    EmitThought(size);
  } else {
    mode_ = Mode::kAnswer;
    EmitText(size);
  }
}

void AnswerReader::State::EmitText(std::size_t size) {
  const std::string_view text = rest().substr(0, size);
  cursor += text.size();
  if (SkipWhite(text) < text.size()) after_wrapper_ = after_thoughts_ = false;
  if (flowing_) {
    out->text += text;
    return;
  }
  const std::size_t held = white_.size();
  white_ += text;
  if (fence_at_ == kNowhere) {
    const std::size_t words = SkipWhite(text);
    if (words == text.size()) return;
    fence_at_ = held + words;
  }
  if (IsAroundCalls(std::string_view(white_).substr(fence_at_), after_call_)) return;
  out->text += std::exchange(white_, {});
  fence_at_ = kNowhere;
  flowing_ = true;
}

void AnswerReader::State::EmitThought(std::size_t size) {
  const std::string_view text = rest().substr(0, size);
  thought_ = thought_ || SkipWhite(text) < text.size();
  out->reasoning += text;
  cursor += text.size();
}

AnswerReader::AnswerReader(const Family& family, AnswerReaderOptions options)
    : state_(std::make_unique<State>(family, std::move(options))) {}
AnswerReader::AnswerReader(AnswerReader&&) noexcept = default;
AnswerReader::~AnswerReader() = default;

void AnswerReader::Feed(std::string_view piece, model::Delta& out) {
  state_->out = &out;
  state_->pending += piece;
  state_->Run(false);
}

bool AnswerReader::Passes(std::string_view piece) const { return state_->Passes(piece); }

void AnswerReader::Finish(model::Delta& out) {
  state_->out = &out;
  state_->Run(true);
}

const std::vector<std::string>& AnswerReader::repairs() const { return state_->repairs; }

}  // namespace weir::text
