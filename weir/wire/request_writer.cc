#include "weir/wire/request_writer.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/wire/extra_fields.h"
#include "weir/wire/ignored_fields.h"

namespace weir::wire {
namespace {

// Fields that are the codec's alone: another value would break the reading of the answer.
constexpr std::string_view kReserved[] = {"model", "messages", "prompt",
                                          "input", "stream",   "stream_options"};

std::string WhyMissing(std::string_view key, const model::Call& call, const Dialect& dialect,
                       Version since) {
  if (dialect.kind == ServerKind::kOpenAi) {
    return StrCat("OpenAI's ", model::ApiName(call.api), " API has no ", key);
  }
  if (since == kNever) {
    return StrCat("the ", model::ApiName(call.api), " API of vLLM has no ", key);
  }
  return StrCat("vLLM ", dialect.version.major, ".", dialect.version.minor, ".",
                dialect.version.patch, " ignores ", key, ", which came with ", since.major, ".",
                since.minor, ".", since.patch);
}

// What most bodies fit into: the prompt, with a few escapes, and some fields.
std::size_t LikelyBytes(const model::Call& call) {
  constexpr std::size_t kFields = 192;
  constexpr std::size_t kEachMessage = 48;
  std::size_t bytes = kFields + call.prompt.size();
  for (const model::Message& message : call.messages) {
    bytes += kEachMessage + message.reasoning.size();
    for (const model::Part& part : message.parts) bytes += part.text.size() + part.url.size();
  }
  return bytes + bytes / 16;
}

}  // namespace

RequestWriter::RequestWriter(const model::Call& call, const EncodeOptions& options)
    : call_(call), options_(options), json_(body_), records_keys_(!call.extra.empty()) {
  body_.reserve(LikelyBytes(call));
  json_.BeginObject();
}

Result<bool> RequestWriter::Missing(const FieldSince& field) {
  std::string why = WhyMissing(field.key, call_, dialect(), field.For(dialect().kind, call_.api));
  if (field.missing == IfMissing::kFail) {
    why += ": leave it out, or use another server";
    WEIR_CHECK(Refuse(field.key, std::move(why)));
  } else {
    Degrade(std::string(field.key), std::move(why));
  }
  return false;
}

Result<void> RequestWriter::Refuse(std::string_view what, std::string why) {
  if (!options_.degrade) return Fail(Code::kUnsupportedParam, std::move(why));
  Degrade(std::string(what), std::move(why));
  return {};
}

Result<EncodedRequest> RequestWriter::Finish(std::string_view path) && {
  if (HasVersionedField(call_.extra, call_.api)) SetVersionMatters();
  WEIR_CHECK(WriteExtra(call_.extra,
                        {.reserved = kReserved,
                         .written = keys_,
                         .joined = {},
                         .api = call_.api,
                         .dialect = &options_.dialect},
                        json_, degradations_));
  json_.EndObject();
  return EncodedRequest{path, std::move(body_), std::move(degradations_), version_matters_};
}

}  // namespace weir::wire
