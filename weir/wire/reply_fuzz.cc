// Any bytes: decoding a reply does not crash, and gives what the decoder by way of a tree gives,
// whether that is a reply or an error.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weir/wire/codec.h"
#include "weir/wire/reply_testing.h"
#include "weir/wire/reply_tree.h"

namespace {

using namespace weir;

void Check(model::Api api, std::string_view body) {
  const auto reply = wire::DecodeReply(api, body);
  const auto by_tree = wire::DecodeReplyTree(api, body);
  if (reply.has_value() != by_tree.has_value()) std::abort();
  if (!reply) {
    if (reply.error() != by_tree.error()) std::abort();
  } else if (!wire::SameReply(*reply, *by_tree)) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  Check(model::Api::kChat, body);
  Check(model::Api::kCompletions, body);
  return 0;
}
