// weir-check: feeds the byte machines with JSON lines, for comparing them with cases of others.
//
//   weir-check sse    {"base64", "step"} -> {"events": [{"type", "data", "lastEventId"}]}
//   weir-check text   {"text", "model", "prompt_tail", "tools", "start", "end", "step"} ->
//                     {"content", "reasoning", "tool_calls": [{"name", "arguments"}], "repairs"}
//
// `step` is how many bytes are fed at a time, 0 for all at once. One answer line for each line of
// stdin, in order.

#include <algorithm>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include "tests/check/text.h"

#include "weir/base/text.h"
#include "weir/http/sse.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace {

using weir::Code;
using weir::Fail;
using weir::Result;
namespace http = weir::http;
namespace json = weir::json;

constexpr int kUsage = 64;

Result<std::string> AnswerSse(json::View question) {
  const std::optional<std::string> bytes = weir::Base64Decode(question.Find("base64").StringOr(""));
  if (!bytes) return Fail(Code::kInvalidRequest, "\"base64\" is not base64");
  const std::size_t step = weir::ParseUint(question.Find("step").NumberText()).value_or(0);

  std::string out;
  json::Writer writer(out);
  writer.BeginObject();
  writer.Key("events");
  writer.BeginArray();
  http::SseReader reader;
  for (std::string_view rest = *bytes; !rest.empty();) {
    const std::size_t size = step == 0 ? rest.size() : std::min(step, rest.size());
    WEIR_CHECK(reader.Feed(rest.substr(0, size)));
    for (http::SseEvent event; reader.Next(event);) {
      writer.BeginObject();
      writer.Field("type", event.type);
      writer.Field("data", event.data);
      writer.Field("lastEventId", event.last_event_id);
      writer.EndObject();
    }
    rest.remove_prefix(size);
  }
  WEIR_CHECK(reader.Finish());
  writer.EndArray();
  writer.EndObject();
  return out;
}

Result<std::string> Answer(std::string_view verb, std::string_view line) {
  WEIR_TRY(const json::Value question, json::Read(line));
  if (verb == "sse") return AnswerSse(question);
  if (verb == "text") return AnswerText(question);
  return Fail(Code::kInvalidRequest, "unknown verb");
}

std::string AnswerOrError(std::string_view verb, std::string_view line) {
  Result<std::string> answer = Answer(verb, line);
  if (answer) return *std::move(answer);
  std::string out = "{\"error\":";
  json::AppendQuoted(out, weir::Describe(answer.error()));
  return out + "}";
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view verb = argc == 2 ? argv[1] : "";
  if (verb != "sse" && verb != "text") {
    std::cerr << "usage: weir-check sse|text < QUESTIONS.jsonl\n";
    return kUsage;
  }
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << AnswerOrError(verb, line) << '\n';
  }
  return 0;
}
