#pragma once

// Readings of one text in pieces of every size, for the table tests and the fuzz target.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/json/reader.h"
#include "weir/model/message.h"
#include "weir/text/answer_reader.h"
#include "weir/text/family.h"

namespace weir::text {

// f(a, b) and g().
inline AnswerReaderOptions WithTools() {
  const auto schema = json::Read(
      R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}})");
  AnswerReaderOptions options;
  options.tools = {{.name = "f", .parameters = *schema}, {.name = "g"}};
  return options;
}

// What a reader made of a text: for comparing, in tests and fuzz targets.
struct ReadAnswer {
  std::string text;
  std::string reasoning;
  std::vector<model::ToolCall> calls;
  std::vector<std::string> repairs;

  friend bool operator==(const ReadAnswer&, const ReadAnswer&) = default;
};

inline ReadAnswer FinishAnswer(AnswerReader& reader, model::Delta& delta) {
  reader.Finish(delta);
  ReadAnswer answer{.text = std::move(delta.text), .reasoning = std::move(delta.reasoning)};
  for (model::ToolCallDelta& call : delta.tool_calls) {
    answer.calls.push_back({std::move(call.id), std::move(call.name), std::move(call.arguments)});
  }
  answer.repairs = reader.repairs();
  return answer;
}

// As the engine does it: what passes is not fed.
inline void Give(AnswerReader& reader, std::string_view piece, model::Delta& delta) {
  if (reader.Passes(piece)) {
    delta.text += piece;
  } else {
    reader.Feed(piece, delta);
  }
}

// Gives `step` bytes at a time; 0: all at once.
inline ReadAnswer ReadInSteps(const Family& family, const AnswerReaderOptions& options,
                              std::string_view text, std::size_t step) {
  AnswerReader reader(family, options);
  model::Delta delta;
  while (!text.empty()) {
    const std::size_t size = step == 0 ? text.size() : std::min(step, text.size());
    Give(reader, text.substr(0, size), delta);
    text.remove_prefix(size);
  }
  return FinishAnswer(reader, delta);
}

// In two pieces.
inline ReadAnswer ReadCutAt(const Family& family, const AnswerReaderOptions& options,
                            std::string_view text, std::size_t cut) {
  AnswerReader reader(family, options);
  model::Delta delta;
  Give(reader, text.substr(0, cut), delta);
  Give(reader, text.substr(std::min(cut, text.size())), delta);
  return FinishAnswer(reader, delta);
}

}  // namespace weir::text
