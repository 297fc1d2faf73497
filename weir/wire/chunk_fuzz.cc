// Any bytes: the decoder does not crash, and a chunk that it accepts is written the same way again
// once it was written and read back.

#include <cstdlib>
#include <string>

#include "weir/wire/codec.h"
#include "weir/wire/server_codec.h"

namespace {

using namespace weir;

std::string Encode(model::Api api, const model::Delta& delta) {
  wire::ChunkEncoder encoder({.api = api, .continuous_usage = true, .return_token_ids = true}, {});
  std::string out;
  encoder.Append(delta, out);
  return out;
}

// The data of the last event.
std::string_view LastEvent(std::string_view events) {
  events.remove_suffix(2);
  return events.substr(events.rfind("data: ") == 0 ? 6 : events.rfind("\n\ndata: ") + 8);
}

void Check(model::Api api, std::string_view data) {
  wire::ChunkDecoder decoder(api);
  model::Delta delta;
  const auto kind = decoder.Decode(data, delta);
  if (!kind || !delta.has_choice) return;
  // Again, with what the decoder has learnt from the first time.
  const std::string text = delta.text;
  const auto repeated = decoder.Decode(data, delta);
  if (!repeated || *repeated != *kind || delta.text != text) std::abort();
  const std::string once = Encode(api, delta);
  model::Delta again;
  if (!wire::ChunkDecoder(api).Decode(LastEvent(once), again)) std::abort();
  if (Encode(api, again) != once) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view data(reinterpret_cast<const char*>(bytes), size);
  Check(model::Api::kChat, data);
  Check(model::Api::kCompletions, data);
  return 0;
}
