#pragma once

// Outline: the stretches that an answer is made of, before a word of it is written: thoughts, text,
// the marks and arguments of tool calls, each laid down, held to a language, or free.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/model/call.h"
#include "weir/model/reply.h"
#include "weir/sim/constraint.h"
#include "weir/sim/language/tokenizer.h"
#include "weir/sim/script.h"

namespace weir::sim {

struct Segment {
  enum class Kind : std::uint8_t {
    kReasoning,  // ends with the mark that closes thoughts
    kText,
    kHidden,     // marks around a call: the client sees their tokens, not their text
    kName,       // the name of a call, hidden as well: its delta goes out when it is written
    kArguments,  // of the call opened by the last kName
  };

  Kind kind = Kind::kText;
  std::vector<TokenId> fixed;  // laid down; when empty, the model writes
  bool empty = false;          // ... unless nothing at all is laid down:
  Stretch held;                // ... this, or freely
  model::ToolCallDelta call;   // kName
  // Laid down by a script: how likely the tokens of this segment look.
  std::optional<double> probability;
};

struct OutlineOptions {
  const model::Call& call;
  const ScriptedReply* script = nullptr;  // null, or one that lays nothing down: made up
  ConstraintCache& constraints;
  std::uint64_t seed = 0;                           // of this choice
  bool reasons = false;                             // the model thinks before it answers
  bool short_ids = true;                            // of tool calls: 16 hexadecimal digits, not 32
  std::string_view call_prefix = "chatcmpl-tool-";  // ... behind this
  bool ignore_constraint = false;
  bool compact_json = false;  // JSON that the call's constraint holds has no white space
  bool white_space = false;   // a fault: a constrained answer is white space
  std::string violate;        // a fault: the keyword that a constrained answer breaks; empty: none
};

// Fails with the errors of CompileConstraint().
Result<std::vector<Segment>> MakeOutline(const OutlineOptions& options);

}  // namespace weir::sim
