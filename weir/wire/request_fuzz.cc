// Any bytes: reading a request does not crash, and one that is accepted and can be sent on is read
// back as the call that gives the same bytes.

#include <cstdlib>
#include <string>

#include "weir/wire/codec.h"
#include "weir/wire/server_codec.h"

namespace {

using namespace weir;

void Check(model::Api api, std::string_view body, const wire::Dialect& dialect) {
  const auto read = wire::DecodeRequest(api, body, dialect);
  if (!read) {
    if (read.error().status != 400 || read.error().message.empty()) std::abort();
    return;
  }
  const wire::EncodeOptions options{dialect, read->stream};
  const auto once = wire::EncodeRequest(read->call, options);
  if (!once) return;
  const auto again = wire::DecodeRequest(api, once->body, dialect);
  if (!again) std::abort();
  const auto twice = wire::EncodeRequest(again->call, options);
  if (!twice || twice->body != once->body) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  static const wire::Dialect kDialects[] = {*wire::DialectByName("vllm-latest"),
                                            *wire::DialectByName("vllm-0.6"),
                                            *wire::DialectByName("vllm-0.11")};
  const std::string_view body(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const wire::Dialect& dialect = kDialects[bytes[0] % std::size(kDialects)];
  Check(model::Api::kChat, body, dialect);
  Check(model::Api::kCompletions, body, dialect);
  return 0;
}
