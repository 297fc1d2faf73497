#pragma once

// Tools: C++ functions that a model may call.

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/client/options.h"
#include "weir/json/value.h"
#include "weir/model/message.h"
#include "weir/model/reply.h"

namespace weir {

struct Tool {
  model::ToolSpec spec;
  // Runs it. The arguments obey `spec.parameters`, and are good for as long as the call. The text
  // is what the model is told; so is the message of an error.
  std::function<Result<std::string>(json::View arguments)> function;

  // A tool of a function that takes one described struct (or nothing) and returns a text, a
  // json::Value or anything that schema::Write() takes, or a Result of these. The schema is made
  // from the struct. Defined in weir/client/typed.h.
  //
  //   Tool::Of("weather", "The weather of a place.",
  //            [](const Place& place) -> Result<Weather> { ... })
  template <class Function>
  static Tool Of(std::string name, std::string description, Function function);
};

using ToolBox = std::vector<Tool>;

struct RunOptions {
  CallOptions call = {};                    // of every turn; its timeout is that of one turn
  int max_turns = 8;                        // answers that are asked for, the last one included
  int max_calls = 64;                       // calls of tools, over all turns
  std::size_t max_result_bytes = 64 << 10;  // a longer result of a tool is cut, and says so
  // Hears of every call that was executed and what the model is told of it; may be empty.
  std::function<void(const model::ToolCall& call, const Result<std::string>& result)> on_tool = {};
};

struct ToolRun {
  model::Reply reply;  // the last, which calls no tool
  // The whole conversation, that reply included. Arguments that the model wrote badly are mended in
  // it, or are {}: servers refuse them otherwise.
  std::vector<model::Message> messages;
  model::Usage usage;  // of all turns
  int turns = 0;
  int calls = 0;  // of tools, those that failed included
};

}  // namespace weir
