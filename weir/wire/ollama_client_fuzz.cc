// Any bytes: the decoders do not crash; a whole reply that is accepted is the same as the only line
// of a stream; a request that Ollama's server accepts is sent on, if it can be, as the request that
// gives the same bytes.

#include <cstdlib>
#include <string>

#include "weir/wire/ollama_client.h"
#include "weir/wire/ollama_server.h"
#include "weir/wire/reply_testing.h"

namespace {

using namespace weir;

void CheckReply(model::Api api, std::string_view body) {
  const auto whole = wire::DecodeOllamaReply(api, body);
  wire::OllamaDecoder decoder(api);
  model::Delta delta;
  const auto kind = decoder.Decode(body, delta);
  if (!whole) return;
  if (!kind || *kind != wire::EventDecoder::Kind::kDelta || !decoder.finished()) std::abort();
  model::Assembler assembler;
  assembler.Add(delta);
  if (!wire::SameReply(*whole, std::move(assembler).Finish(decoder.info()))) std::abort();
}

void CheckRequest(wire::OllamaApi form, std::string_view body) {
  const auto read = wire::DecodeOllama(form, body);
  if (!read) return;
  const wire::EncodeOptions options{.stream = read->stream, .degrade = true};
  const auto once = wire::EncodeOllamaRequest(read->call, options);
  if (!once) return;
  const bool chat = once->path == "/api/chat";
  const auto again =
      wire::DecodeOllama(chat ? wire::OllamaApi::kChat : wire::OllamaApi::kGenerate, once->body);
  if (!again) std::abort();
  const auto twice = wire::EncodeOllamaRequest(again->call, options);
  if (!twice || twice->body != once->body) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  for (const auto api : {model::Api::kChat, model::Api::kCompletions}) CheckReply(api, body);
  for (const auto form : {wire::OllamaApi::kChat, wire::OllamaApi::kGenerate}) {
    CheckRequest(form, body);
  }
  (void)wire::DecodeOllamaTags(body).has_value();
  (void)wire::DecodeOllamaVersion(body).has_value();
  (void)wire::DecodeOllamaEmbed(body).has_value();
  return 0;
}
