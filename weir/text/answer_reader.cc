#include "weir/text/answer_reader.h"

#include <algorithm>
#include <cstdint>
#include <forward_list>
#include <span>
#include <utility>

#include "weir/base/text.h"
#include "weir/text/answer_call.h"
#include "weir/text/call_forms.h"
#include "weir/text/mark_finder.h"

namespace weir::text {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;
constexpr std::size_t kMaxHeaderBytes = 4096;
constexpr std::string_view kWhite = " \t\r\n";

enum class Mode : std::uint8_t {
  kAnswer,
  kThoughts,
  kDoubt,   // a call inside thoughts: held back until it is known whether they close later
  kCall,    // the body of one
  kHeader,  // of a message in a channel
  kSkip,    // a message to somebody that nobody here is
};

enum Mark : std::uint8_t { kOpen, kClose, kWrapper, kHeaderOpen, kMessage, kMessageEnd, kCallOpen };

std::size_t SkipWhite(std::string_view text) {
  return std::min(text.find_first_not_of(kWhite), text.size());
}

// Where the last of `marks` in `text` ends; 0: there is none.
std::size_t LastEnd(std::string_view text, std::span<const std::string> marks) {
  std::size_t last = 0;
  for (const std::string& mark : marks) {
    if (const std::size_t at = text.rfind(mark); at != kNowhere) {
      last = std::max(last, at + mark.size());
    }
  }
  return last;
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    text.remove_prefix(SkipWhite(text));
    if (text.empty()) return words;
    const std::size_t size = std::min(text.find_first_of(kWhite), text.size());
    words.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
}

}  // namespace

struct AnswerReader::State {
  State(const Family& of, AnswerReaderOptions given);

  void Run(bool ends);
  bool Passes(std::string_view piece) const;

  const Family& family;
  const AnswerReaderOptions options;
  std::vector<std::string> repairs;
  std::string pending;     // what was not decided when the last piece had been read
  std::size_t cursor = 0;  // how much of it has been by now
  model::Delta* out = nullptr;

 private:
  const ThoughtMarks& thought_marks() const;
  void PrepareMarks();
  void AddOpen(const std::string& mark, int meaning, Where where);
  std::vector<std::string> WithNames(const std::string& mark) const;
  std::vector<std::string> EndsOf(const CallMarks& call) const;
  void Start();
  void StartInThoughts();
  void StartInHeader();

  // Each does what is certain and says whether another step may do more.
  bool StepAnswer(bool ends);
  bool StepThoughts(bool ends);
  bool StepDoubt(bool ends);
  bool StepCall(bool ends);
  bool StepHeader(bool ends);
  bool StepSkip(bool ends);

  void TakeAnswerMark(MarkFinder::Hit hit);
  void OpenCall(const CallMarks& marks, std::size_t mark_size);
  void TakeCalls(ReadCallsResult read);
  void TakeNoCall(std::size_t size, std::string_view why);
  void OpenMessage(std::string_view text);
  bool BeginsLine() const { return (cursor > 0 ? pending[cursor - 1] : before_) == '\n'; }

  std::string_view rest() const { return std::string_view(pending).substr(cursor); }
  void EmitText(std::size_t size);
  void EmitThought(std::size_t size);
  void Drop(std::size_t size) { cursor += size; }
  void EnterAnswer();

  bool reads_calls_ = false;
  MarkFinder answer_, thoughts_, doubt_, header_, skip_;
  std::forward_list<std::string> own_marks_;  // those that are made for the tools
  bool has_line_marks_ = false;
  char before_ = '\n';  // what stood before `pending`
  Mode mode_ = Mode::kAnswer;
  std::size_t scanned_ = 0;           // in doubt and in a header
  bool thoughts_known_ = false;       // whether there are thoughts, and where they begin
  bool thoughts_close_ = true;        // for all that is known yet
  bool guessed_header_ = false;       // it is thought to have begun without a mark
  bool answered_ = false;             // words of the answer have come
  bool after_call_ = false;           // a call has come
  std::string white_;                 // held back: what may stand around calls is no text
  std::size_t fence_at_ = kNowhere;   // where white space ends in it
  bool flowing_ = false;              // words since the start or the last call
  bool doubted_ = false;              // the call comes out of thoughts that never closed
  std::unique_ptr<AnswerCall> call_;  // in Mode::kCall
  std::string header_text_;
  std::string call_name_;  // as the header said it
  std::int64_t calls_read_ = 0;
};

AnswerReader::State::State(const Family& of, AnswerReaderOptions given)
    : family(of), options(std::move(given)) {
  reads_calls_ = options.read_calls && !options.tools.empty();
  PrepareMarks();
  Start();
}

const ThoughtMarks& AnswerReader::State::thought_marks() const {
  static const ThoughtMarks kNone;
  return options.read_reasoning ? family.thoughts : kNone;
}

// Marks that no body goes beyond.
std::vector<std::string> AnswerReader::State::EndsOf(const CallMarks& call) const {
  std::vector<std::string> ends = family.wrappers;
  const auto add = [&ends](const CallMarks& marks) {
    if (marks.where == Where::kAnywhere) {
      ends.insert(ends.end(), marks.open.begin(), marks.open.end());
    }
  };
  if (call.where == Where::kAnywhere) {
    add(call);
  } else {
    for (const CallMarks& marks : family.calls) add(marks);
  }
  // Calls in Python end at the first word behind them, and a later line may call again.
  if (call.where == Where::kLine && call.forms.front() == CallForm::kPython) {
    for (const std::string& mark : call.open) {
      for (const std::string& own : WithNames(mark)) ends.push_back(StrCat("\n", own));
    }
  }
  ends.insert(ends.end(), family.call_wrappers.begin(), family.call_wrappers.end());
  if (family.channels) {
    ends.insert(ends.end(), family.channels->open.begin(), family.channels->open.end());
  }
  return ends;
}

void AnswerReader::State::PrepareMarks() {
  const ThoughtMarks& thoughts = thought_marks();
  for (const std::string& mark : thoughts.open) {
    answer_.Add(mark, kOpen, thoughts.where);
    thoughts_.Add(mark, kOpen);
  }
  for (const std::string& mark : thoughts.close) {
    for (MarkFinder* finder : {&answer_, &thoughts_, &doubt_}) finder->Add(mark, kClose);
  }
  for (std::size_t i = 0; i < family.calls.size(); ++i) {
    // Streams are many: each keeps only the marks that may mean something to it.
    if (!reads_calls_ && family.calls[i].known_tools) continue;
    for (const std::string& mark : family.calls[i].open) {
      AddOpen(mark, static_cast<int>(kCallOpen + i), family.calls[i].where);
    }
  }
  const auto wrap = [this](const std::vector<std::string>& marks, Mark meaning) {
    for (const std::string& mark : marks) {
      for (MarkFinder* finder : {&answer_, &thoughts_, &header_, &skip_}) {
        finder->Add(mark, meaning);
      }
    }
  };
  wrap(family.wrappers, kWrapper);
  if (reads_calls_) {
    for (const std::string& mark : family.call_wrappers) answer_.Add(mark, kWrapper);
  }
  if (family.channels) {
    header_.Add(family.channels->message, kMessage);
    wrap(family.channels->open, kHeaderOpen);
    wrap(family.channels->close, kMessageEnd);
  }
}

// `mark` with the name of every tool in it, if names belong there.
std::vector<std::string> AnswerReader::State::WithNames(const std::string& mark) const {
  const std::size_t name = mark.find('$');
  if (name == kNowhere) return {mark};
  std::vector<std::string> marks;
  marks.reserve(options.tools.size());
  for (const model::ToolSpec& tool : options.tools) {
    marks.push_back(StrCat(mark.substr(0, name), tool.name, mark.substr(name + 1)));
  }
  return marks;
}

void AnswerReader::State::AddOpen(const std::string& mark, int meaning, Where where) {
  if (reads_calls_) {
    for (std::string& own : WithNames(mark)) {
      own_marks_.push_front(std::move(own));
      answer_.Add(own_marks_.front(), meaning, where);
    }
  }
  has_line_marks_ = has_line_marks_ || where == Where::kLine;
  if (where != Where::kAnywhere) return;
  thoughts_.Add(mark, meaning);
  // Thoughts that never close may end in the mark around calls.
  if (reads_calls_ && !thought_marks().close.empty()) {
    for (const std::string& wrapper : family.call_wrappers) {
      for (const std::string_view between : {"", "\n"}) {
        own_marks_.push_front(StrCat(wrapper, between, mark));
        thoughts_.Add(own_marks_.front(), meaning);
      }
    }
  }
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
  if (mode_ == Mode::kThoughts && opened > closed) {
    pending = tail.substr(opened + SkipWhite(tail.substr(opened)));
  }
}

void AnswerReader::State::StartInHeader() {
  const Channels& channels = *family.channels;
  std::string_view tail = options.prompt_tail;
  tail.remove_prefix(LastEnd(tail, channels.close));
  std::size_t opened = kNowhere;
  for (const std::string& mark : channels.open) {
    if (const std::size_t at = tail.find(mark); at != kNowhere) {
      opened = std::min(opened, at + mark.size());
    }
  }
  guessed_header_ = opened == kNowhere && options.prompt_tail.empty();
  if (opened != kNowhere) pending = tail.substr(opened);
  if (opened != kNowhere || guessed_header_) mode_ = Mode::kHeader;
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
  return mode_ == Mode::kAnswer && flowing_ && pending.empty() && !at_line &&
         answer_.Find(piece, 0, kNowhere, false).at == piece.size();
}

bool AnswerReader::State::StepAnswer(bool ends) {
  const std::size_t words = SkipWhite(rest());
  const std::size_t start = answered_ || fence_at_ != kNowhere ? kNowhere : words;
  const MarkFinder::Hit hit = answer_.Find(rest(), 0, start, ends, BeginsLine());
  // Right behind a call, what could begin a mark is one that the end of the text has cut.
  const bool cut = ends && hit.size == 0 && after_call_ && !flowing_ &&
                   answer_.Find(rest(), words, start, false).at == words;
  if (cut) {
    Drop(rest().size());
    return false;
  }
  EmitText(hit.at);
  if (hit.size == 0) return false;
  TakeAnswerMark(hit);
  return true;
}

void AnswerReader::State::TakeAnswerMark(MarkFinder::Hit hit) {
  switch (hit.mark) {
    case kOpen:
      if (!flowing_ && fence_at_ == kNowhere) white_.clear();
      thoughts_known_ = true;
      mode_ = Mode::kThoughts;
      break;
    case kClose:
      // Thoughts are over: what looks like their end now is what the answer talks about.
      if (thoughts_known_ && thought_marks().where == Where::kStart) return EmitText(hit.size);
      thoughts_known_ = true;
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
  EmitThought(hit.at);
  if (hit.size == 0) return false;
  switch (hit.mark) {
    case kOpen:
      // Only the first opens them, and only where that was not known before.
      if (thoughts_known_ && thought_marks().where == Where::kStart) {
        EmitThought(hit.size);
      } else {
        Drop(hit.size);
      }
      thoughts_known_ = true;
      break;
    case kClose:
    case kMessageEnd:
      EnterAnswer();
      Drop(hit.size);
      break;
    case kWrapper:
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
  flowing_ = doubted_ = false;
  answered_ = after_call_ = true;
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

bool AnswerReader::State::StepHeader(bool ends) {
  const MarkFinder::Hit hit = header_.Find(rest(), scanned_, kNowhere, ends);
  if (guessed_header_ && hit.at > 0) {
    const std::string_view to = family.channels->recipient;
    const std::string_view text = rest().substr(SkipWhite(rest()));
    const std::string_view known = text.substr(0, to.size());
    const bool fits = to.empty() ? rest().find(' ') >= hit.at : to.starts_with(known);
    if (!fits || (ends && hit.size == 0)) {
      mode_ = Mode::kAnswer;
      guessed_header_ = false;
      return true;
    }
  }
  if (hit.at > kMaxHeaderBytes) {
    mode_ = Mode::kAnswer;
    EmitText(kMaxHeaderBytes);
    return true;
  }
  scanned_ = hit.at;
  if (hit.size == 0) {
    if (ends) Drop(hit.at);
    return false;
  }
  guessed_header_ = false;
  scanned_ = 0;
  const std::string_view text = rest().substr(0, hit.at);
  Drop(hit.at + hit.size);
  if (hit.mark == kMessage) {
    OpenMessage(StrCat(std::exchange(header_text_, {}), text));
  } else if (hit.mark == kMessageEnd) {
    mode_ = Mode::kAnswer;
  } else {
    StrAppend(header_text_, text, " ");
  }
  return true;
}

void AnswerReader::State::OpenMessage(std::string_view text) {
  const Channels& channels = *family.channels;
  const std::vector<std::string_view> words = Words(text);
  std::string_view to;
  for (std::string_view word : words) {
    if (!word.starts_with(channels.recipient)) continue;
    word.remove_prefix(channels.recipient.size());
    word = word.substr(0, word.find("<|"));
    if (std::ranges::find(channels.people, word) == channels.people.end()) to = word;
  }
  if (!to.empty()) {
    const std::string_view prefix = channels.name_prefix;
    const bool is_tool = (to.starts_with(prefix) && to != prefix) || IsTool(options.tools, to);
    if (!is_tool || !reads_calls_) {
      repairs.push_back(StrCat("a message to \"", Truncate(to, 64),
                               "\", which is no tool of this call, was left out"));
      mode_ = Mode::kSkip;
      return;
    }
    if (!channels.body_has_name)
      call_name_ = to.starts_with(prefix) ? to.substr(prefix.size()) : to;
    const CallMarks marks{
        .close = channels.close, .forms = {channels.form}, .shields = channels.shields};
    return OpenCall(marks, 0);
  }
  mode_ = Mode::kAnswer;
  for (auto word = words.rbegin(); word != words.rend(); ++word) {
    const auto route = std::ranges::find(channels.routes, *word, &Channels::Route::word);
    if (route == channels.routes.end()) continue;
    mode_ = route->goes == Channels::Goes::kThoughts ? Mode::kThoughts : Mode::kAnswer;
    return;
  }
}

bool AnswerReader::State::StepSkip(bool ends) {
  const MarkFinder::Hit hit = skip_.Find(rest(), 0, kNowhere, ends);
  Drop(hit.at);
  if (hit.size == 0) return false;
  TakeAnswerMark(hit);
  if (mode_ == Mode::kSkip) mode_ = Mode::kAnswer;
  return true;
}

void AnswerReader::State::EmitText(std::size_t size) {
  const std::string_view text = rest().substr(0, size);
  cursor += text.size();
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
  flowing_ = answered_ = true;
}

void AnswerReader::State::EmitThought(std::size_t size) {
  out->reasoning += rest().substr(0, size);
  cursor += std::min(size, rest().size());
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
