// Which marks mean something where, for a family and the tools that are given.

#include <utility>

#include "weir/base/text.h"
#include "weir/text/answer_state.h"

namespace weir::text {

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
  // What stands on a line of its own ends at the first word behind it, and a later line may call
  // again.
  if (call.where == Where::kLine) {
    for (const std::string& mark : call.open) {
      for (const std::string& own : WithNames(mark)) ends.push_back(StrCat("\n", own));
    }
  }
  if (call.needs == Needs::kClose)
    ends.emplace_back("\n\n");  // what comes later closes something else
  ends.insert(ends.end(), family.call_wrappers.begin(), family.call_wrappers.end());
  if (family.channels) {
    ends.insert(ends.end(), family.channels->open.begin(), family.channels->open.end());
  }
  return ends;
}

void AnswerReader::State::PrepareMarks() {
  const ThoughtMarks& thoughts = thought_marks();
  for (const std::string& mark : thoughts.open) {
    answer_.Add(mark, kOpen, IsPlain(mark) ? Where::kStart : Where::kAnywhere);
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
    for (const std::string& mark : family.call_wrappers) answer_.Add(mark, kCallWrapper);
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

}  // namespace weir::text
