#pragma once

// What AnswerReader knows of a text: the modes that it is read in and the steps of each. For the
// sources of the reader alone.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/text/answer_call.h"
#include "weir/text/answer_reader.h"
#include "weir/text/mark_finder.h"

namespace weir::text {

inline constexpr std::size_t kNowhere = std::string_view::npos;

// How much of `text` is white space before its first word.
inline std::size_t SkipWhite(std::string_view text) {
  return std::min(text.find_first_not_of(" \t\r\n"), text.size());
}

// Where the last of `marks` in `text` ends; 0: there is none.
std::size_t LastEnd(std::string_view text, std::span<const std::string> marks);

struct AnswerReader::State {
  enum class Mode : std::uint8_t {
    kAnswer,
    kThoughts,
    kDoubt,   // a call inside thoughts: held back until it is known whether they close later
    kCall,    // the body of one
    kHeader,  // of a message in a channel
    kSkip,    // a message to somebody that nobody here is
  };
  enum Mark : std::uint8_t {
    kOpen,
    kClose,
    kWrapper,
    kCallWrapper,
    kHeaderOpen,
    kMessage,
    kMessageEnd,
    kCallOpen
  };

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
  bool OpensWithoutMark(std::string_view header);
  void OpenMessage(std::string_view text);
  std::string_view AroundCalls() const { return after_call_ ? " \t\r\n,;" : " \t\r\n"; }
  bool MayStart() const;
  std::size_t CutClose(std::string_view text) const;
  bool IsPlain(std::string_view mark) const;
  std::size_t CutMark(std::string_view text) const;
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
  bool after_call_ = false;           // a call has come
  std::string white_;                 // held back: what may stand around calls is no text
  std::size_t fence_at_ = kNowhere;   // where white space ends in it
  bool flowing_ = false;              // words since the start or the last call
  bool after_wrapper_ = false;        // a mark around calls, and no word since
  bool after_thoughts_ = false;       // thoughts have ended, and no word has come since
  bool thought_ = false;              // words of thoughts have come
  bool opened_ = false;               // a mark in the text has opened thoughts
  bool doubted_ = false;              // the call comes out of thoughts that never closed
  std::unique_ptr<AnswerCall> call_;  // in Mode::kCall
  std::string header_text_;
  std::string call_name_;  // as the header said it
  std::int64_t calls_read_ = 0;
};

}  // namespace weir::text
