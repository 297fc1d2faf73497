// Any bytes: reading a request as OpenAI's server does not crash; what is refused gets a 400 in its
// envelope, and what is accepted has a model and nothing that OpenAI does not know.

#include <cstdlib>
#include <string>

#include "weir/json/reader.h"
#include "weir/wire/openai_server.h"

namespace {

using namespace weir;

void Check(model::Api api, std::string_view body, const wire::Dialect& dialect) {
  const auto read = wire::DecodeRequest(api, body, dialect);
  if (read) {
    if (read->call.model.empty()) std::abort();
    const json::Value again = *json::Read(body);
    if (wire::RefuseAsOpenAi(api, again)) std::abort();
    return;
  }
  if (read.error().status != 400) std::abort();
  const auto error = json::Read(wire::EncodeError(read.error(), dialect));
  if (!error || error->Find("error").Find("message").StringOr("").empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const wire::Dialect dialect = *wire::DialectByName("openai");
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  for (const auto api : {model::Api::kChat, model::Api::kCompletions, model::Api::kResponses}) {
    Check(api, body, dialect);
  }
  return 0;
}
