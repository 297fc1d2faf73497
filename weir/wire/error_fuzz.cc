// Any bytes: every error body gives an error with a status and a message that is not long; whole
// replies and lists of models do not crash the decoder.

#include <cstdlib>
#include <string>

#include "weir/wire/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace weir;
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  for (const int status : {0, 400, 404, 503}) {
    const Error error = wire::DecodeError(status, body, body.substr(0, 40), 0);
    if (error.http_status < 100 || error.http_status > 599) std::abort();
    if (error.message.empty() || error.message.size() > 1000) std::abort();
  }
  (void)wire::DecodeReply(model::Api::kChat, body);
  (void)wire::DecodeReply(model::Api::kCompletions, body);
  (void)wire::DecodeModels(body);
  return 0;
}
