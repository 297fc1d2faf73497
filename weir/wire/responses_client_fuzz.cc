// Any bytes: reading a whole response or a stream of events does not crash. A response that is
// accepted, and whose items can be told apart, says the same when its items come as events.

#include <cstdlib>
#include <set>
#include <string>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/wire/responses_client.h"

namespace {

using namespace weir;

bool IsAmbiguous(json::View output) {
  std::set<std::string, std::less<>> ids;
  for (const json::View item : output.items()) {
    const std::string_view call = item.Find("call_id").StringOr("");
    const std::string_view id = item.Find("id").StringOr(call);
    if (id.empty() || !ids.emplace(id).second) return true;
  }
  return false;
}

void Feed(wire::ResponsesDecoder& decoder, std::string_view event, model::Assembler& assembler) {
  model::Delta delta;
  const auto kind = decoder.Decode(event, delta);
  if (!kind) std::abort();
  if (*kind == wire::EventDecoder::Kind::kDelta) assembler.Add(delta);
}

void CheckWhole(std::string_view body) {
  const auto whole = wire::DecodeResponse(body);
  if (!whole) return;
  const auto root = json::Read(body);
  if (!root || root->has_duplicate_keys() || IsAmbiguous(root->Find("output"))) return;
  wire::ResponsesDecoder decoder;
  model::Assembler assembler;
  std::size_t place = 0;
  for (const json::View item : root->Find("output").items()) {
    Feed(decoder,
         StrCat(R"({"type":"response.output_item.done","output_index":)", place++, R"(,"item":)",
                json::Write(item), "}"),
         assembler);
  }
  Feed(decoder, StrCat(R"({"type":"response.completed","response":)", body, "}"), assembler);
  if (!decoder.finished()) std::abort();
  const model::Reply streamed = std::move(assembler).Finish(decoder.info());
  if (streamed.choices.size() != 1) std::abort();
  const model::Choice& a = whole->choices[0];
  const model::Choice& b = streamed.choices[0];
  if (a.text != b.text || a.reasoning != b.reasoning || a.refusal != b.refusal ||
      a.tool_calls != b.tool_calls || a.finish != b.finish || whole->info.id != streamed.info.id) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  CheckWhole(text);
  wire::ResponsesDecoder decoder;
  model::Assembler assembler;
  model::Delta delta;
  for (const std::string_view event : Split(text, '\n')) {
    const auto kind = decoder.Decode(event, delta);
    if (!kind) break;
    const bool piece = *kind == wire::EventDecoder::Kind::kDelta;
    if (piece != delta.has_choice) std::abort();
    if (piece) assembler.Add(delta);
  }
  static_cast<void>(std::move(assembler).Finish(decoder.info()));
  return 0;
}
