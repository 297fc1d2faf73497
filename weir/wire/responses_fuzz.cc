// Any bytes: reading a request of the Responses API does not crash; one that is accepted gets a
// response and a stream that are JSON, and the stream's last event holds that response.

#include <cstdlib>
#include <string>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/model/reply.h"
#include "weir/wire/responses_server.h"

namespace {

using namespace weir;

// Makes an answer out of the request: its lines in turn are thoughts, text and arguments.
std::vector<model::Delta> AnswerTo(std::string_view body) {
  std::vector<model::Delta> deltas;
  std::int64_t index = 0;
  for (const std::string_view line : Split(body.substr(0, 256), '\n')) {
    model::Delta& delta = deltas.emplace_back();
    delta.has_choice = true;
    if (deltas.size() == 1) {
      delta.reasoning = line;
    } else if (deltas.size() == 2) {
      delta.text = line;
    } else {
      delta.tool_calls.push_back({index++, "", std::string(line), std::string(line)});
    }
  }
  deltas.back().finish = body.size() % 2 == 0 ? model::Finish::kLength : model::Finish::kStop;
  return deltas;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  const wire::Dialect dialect;
  const auto read = wire::DecodeRequest(model::Api::kResponses, body, dialect);
  if (!read) {
    if (read.error().status != 400 || read.error().message.empty()) std::abort();
    return 0;
  }
  model::ReplyInfo info;
  info.id = read->call.request_id;
  info.model = read->call.model;
  wire::ResponsesEncoder encoder(*read->echo, dialect, info);
  model::Assembler assembler;
  std::string stream;
  encoder.Begin(stream);
  for (const model::Delta& delta : AnswerTo(body)) {
    encoder.Append(delta, stream);
    assembler.Add(delta);
  }
  encoder.AppendEnd({}, stream);
  const std::string whole =
      wire::EncodeResponse(std::move(assembler).Finish(info), *read->echo, dialect);
  if (!json::Read(whole)) std::abort();
  std::int64_t sequence = 0;
  std::string last;
  for (const std::string_view line : Split(stream, '\n')) {
    if (!line.starts_with("data: ")) continue;
    const auto event = json::Read(line.substr(6));
    if (!event || event->Find("sequence_number").AsInt64() != sequence++) std::abort();
    const json::View response = event->Find("response");
    if (response.exists()) last = json::Write(response);
  }
  if (last != whole) std::abort();
  return 0;
}
