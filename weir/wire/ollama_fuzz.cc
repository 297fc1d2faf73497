// Any bytes: reading a request of Ollama's API does not crash; what is refused gets a 400 whose
// body is JSON, and what is accepted gets an answer and a stream each line of which is JSON, the
// last being done.

#include <cstdlib>
#include <string>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/wire/ollama_server.h"

namespace {

using namespace weir;

void CheckError(const wire::ServerError& error) {
  if (error.status != 400 || error.message.empty()) std::abort();
  if (!json::Read(wire::EncodeOllamaError(error))) std::abort();
}

void CheckAnswers(const wire::IncomingOllama& incoming, std::string_view words) {
  wire::OllamaEncoder encoder(incoming.form, incoming.asked_model);
  std::string stream;
  model::Assembler assembler;
  std::int64_t place = 0;
  for (const std::string_view word : Split(words.substr(0, 256), ' ')) {
    model::Delta delta;
    delta.has_choice = true;
    if (place % 3 == 0) delta.text = word;
    if (place % 3 == 1) delta.reasoning = word;
    if (place % 3 == 2) {
      delta.tool_calls.push_back({place / 6, "", std::string(word), std::string(word)});
    }
    ++place;
    encoder.Append(delta, place, stream);
    assembler.Add(delta);
  }
  encoder.AppendEnd({}, 0, stream);
  const std::string whole = wire::EncodeOllamaReply(incoming.form, incoming.asked_model,
                                                    std::move(assembler).Finish({}), {}, 0);
  if (!json::Read(whole)) std::abort();
  bool done = false;
  for (const std::string_view line : Split(stream, '\n')) {
    if (line.empty()) continue;
    const auto read = json::Read(line);
    if (!read || done) std::abort();
    done = read->Find("done").BoolOr(false);
  }
  if (!done) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  for (const auto form : {wire::OllamaApi::kChat, wire::OllamaApi::kGenerate}) {
    const auto read = wire::DecodeOllama(form, body);
    if (read) {
      CheckAnswers(*read, body);
    } else {
      CheckError(read.error());
    }
  }
  for (const auto form : {wire::OllamaEmbedApi::kEmbed, wire::OllamaEmbedApi::kLegacy}) {
    const auto read = wire::DecodeOllamaEmbed(form, body);
    if (!read) CheckError(read.error());
  }
  const auto read = wire::DecodeOllamaModel(body);
  if (!read) CheckError(read.error());
  return 0;
}
