#pragma once

// Family: how the models of one family mark thoughts and calls of tools in what they write. All of
// it is data; one machine, AnswerReader, reads every family.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/text/call_forms.h"

namespace weir::text {

// Where an opening mark counts as one.
enum class Where : std::uint8_t {
  kAnywhere,
  kStart,  // only before the first word of the answer: later it is what the model talks about
  kLine,   // only where a line of the answer begins
};

// Where several marks fit at one place, the longest is taken: "</think>\n" beside "</think>" says
// that one line end belongs to the mark.
struct ThoughtMarks {
  std::vector<std::string> open;   // none: the thoughts can only have begun in the prompt
  std::vector<std::string> close;  // none: this family does not think
  Where where = Where::kStart;
  // Of marks that count anywhere: those that are plain text, and count as kStart marks do.
  std::vector<std::string> plain{};
};

// A stretch of a body in which closing marks are part of a value: a JSON string that quotes one.
struct Shield {
  std::string open;
  std::string close;
  bool escapes = false;  // a backslash takes its meaning from the next byte
};

// What must follow a body that may be a call or an example of one.
enum class Needs : std::uint8_t {
  kNothing,
  kClose,  // one of its closing marks
  kEnd,    // the end of the answer, another mark or another fence
};

struct CallMarks {
  std::vector<std::string> open;   // $ stands for the name of every tool that is given
  std::vector<std::string> close;  // none: the body reaches to the next opening mark, or to the end
  std::vector<CallForm> forms;     // tried in this order
  std::vector<Shield> shields;
  Where where = Where::kAnywhere;
  bool keep_marks = false;  // the marks are part of what the form reads: <function=f>...</function>
  bool known_tools = false;  // without any mark of its own: a call only if it names a given tool
  Needs needs = Needs::kNothing;
};

// A text that is a row of messages, each behind a header that says where it goes:
// <|channel|>commentary to=functions.f<|message|>{"a": 1}<|call|>.
struct Channels {
  enum class Goes : std::uint8_t { kAnswer, kThoughts };
  // The last word of the header that has a route decides. None has: the answer.
  struct Route {
    std::string word;
    Goes goes = Goes::kAnswer;
  };

  std::vector<std::string> open;  // begins a header; inside of one, begins its next part
  std::string message;            // ends the header: the message follows
  std::vector<std::string> close;
  std::vector<Route> routes;
  std::string recipient;  // what stands before the name of the one addressed: "to=". "": the whole
                          // header is its name
  std::vector<std::string> people;  // recipients that are no tools
  std::string name_prefix;          // before the names of tools: "functions."
  bool body_has_name = false;       // the body tells which tool is called; the header's is ignored
  CallForm form = CallForm::kNamedJson;
  std::vector<Shield> shields;
};

struct Family {
  std::string name;
  std::vector<std::string> aliases;  // names of vLLM's parsers that read this family
  ThoughtMarks thoughts;
  // What is assumed when nothing is known of the prompt: that it opened the thoughts. A closing
  // mark alone then means that everything before it was thought.
  bool starts_in_thoughts = false;
  std::vector<CallMarks> calls;
  std::vector<std::string> wrappers;  // marks that mean nothing to a reader: <|START_RESPONSE|>
  // The same, but only where calls are read: around and between calls.
  std::vector<std::string> call_wrappers;
  std::optional<Channels> channels;
};

// Every family that weir knows. "think", for models of which nothing is known, is the first.
std::span<const Family> Families();

// By name or alias, in any case; null when there is none.
const Family* FindFamily(std::string_view name);

}  // namespace weir::text
