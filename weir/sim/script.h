#pragma once

// Script: replies and faults that are laid down, for tests and demos. The first rule that fits a
// request answers it; what no rule fits is made up as always. docs/simulator.md has the grammar.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/result.h"
#include "weir/model/message.h"

namespace weir::sim {

// Which requests a rule is for: those that fit every field that is set.
struct Match {
  std::optional<std::string> path;         // of the URL; without it, requests for generation only
  std::optional<std::string> model;        // the model or adapter that was asked for
  std::optional<std::string> contains;     // stands in any message, or in the prompt
  std::optional<std::string> last_user;    // stands in the last message of the user
  std::optional<std::string> tool_result;  // stands in the message of a tool that comes last
  std::optional<std::string> system;       // stands in a system or developer message
  std::optional<std::string> tool;         // the name of a tool that is offered
  std::optional<model::ToolChoice::Kind> tool_choice;
  std::optional<std::int64_t> turn;  // assistant messages in the conversation so far, plus 1
  std::optional<bool> stream;
  std::vector<std::pair<std::string, std::string>> headers;  // present, holding this text
  // Only the so manieth request that fits the fields above, counted from 1.
  std::optional<std::int64_t> call_number;
};

struct ScriptedError {
  int status = 500;
  std::string type;     // empty: the server's word for the status
  std::string message;  // empty: the status in words
  std::optional<std::string> param;
  std::string code;         // OpenAI's dialect: its word; empty: the usual one for the status
  std::string retry_after;  // the header's value; empty: not sent
};

struct ScriptedCall {
  std::string name;
  std::string arguments;
  std::optional<double> probability;  // how sure the model looks of the name, in (0, 1]
};

// What goes wrong. `after` counts tokens of the answer (0: before the first).
struct Fault {
  enum class Kind : std::uint8_t {
    kStall,              // nothing more comes
    kReset,              // the connection is reset
    kClose,              // the server ends the connection in the middle, in good order (FIN)
    kTruncatedChunk,     // ... in the middle of an HTTP chunk that had promised more
    kMalformedEvent,     // one event's JSON is cut in half
    kDuplicateEvent,     // one event comes twice
    kGarbageBytes,       // bytes that are no UTF-8, inside one event's text
    kEmptyChoices,       // an event without choices comes in between
    kErrorEvent,         // an error event (`text` is its message), then the end
    kWrongUsage,         // the usage says ten times too much
    kNoDone,             // the stream ends without [DONE]
    kNoFinish,           // ... and without a finish reason
    kSlowDrip,           // every byte is a write of its own, `pause` apart
    kIgnoreConstraint,   // the constraint is not obeyed, as if the server did not know it
    kRunawayWhitespace,  // a constrained answer is white space until the limit
    kViolate,            // it breaks the keyword `text` of its schema, and only that
  };

  Kind kind = Kind::kReset;
  std::size_t after = 0;
  std::string text;
  Duration pause = std::chrono::milliseconds(1);
};

// What happens. At most one of text/tool_calls/refusal, error, garbage and html is set; with none
// of them the answer is made up, and only its manners are scripted.
struct ScriptedReply {
  std::optional<std::string> text;       // taken as it is, also where it breaks a constraint
  std::string reasoning;                 // thoughts before it
  std::vector<ScriptedCall> tool_calls;  // ids are made
  std::optional<std::string> refusal;    // OpenAI's field; the text stays empty
  std::optional<double> probability;     // how sure the model looks of its words, in (0, 1]
  std::string finish;                    // the finish reason; empty: as it comes out
  std::optional<ScriptedError> error;    // an HTTP error, also for a stream
  std::optional<std::string> garbage;    // these bytes with status 200, as if they were a reply
  std::optional<std::string> html;       // a page with status 200, as a proxy in between sends
  std::vector<std::pair<std::string, std::string>> headers;  // added to those of the response
  Duration delay{};                                          // before anything else
  std::optional<Duration> ttft;                              // instead of the simulator's own
  std::optional<Duration> itl;
  std::vector<Fault> faults;

  // There is nothing to write: an error, or bytes instead of a reply.
  bool answers_itself() const { return error || garbage || html; }
  // The words are given, not only the manners.
  bool lays_down() const { return text || refusal || !tool_calls.empty() || !reasoning.empty(); }
};

struct Rule {
  std::string name;  // for /sim/config; of a rule without one, its place: "rule 2, line 5"
  Match match;
  ScriptedReply reply;
  double rate = 1;  // how often it applies, of the requests that fit; drawn by the seed
  // How many requests it is good for, of those that fit fields other than call_number.
  std::optional<std::int64_t> times;
};

struct Script {
  std::vector<Rule> rules;
};

// Reads the YAML (or JSON) of a script: a list of rules, or an object with `rules`. Fails with
// kConfigError, "file:line:column: what", naming the nearest right key when one is unknown.
Result<Script> LoadScript(std::string_view text, std::string_view file_name);

}  // namespace weir::sim
