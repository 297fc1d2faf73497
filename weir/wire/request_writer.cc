#include "weir/wire/request_writer.h"

#include <algorithm>

#include "weir/base/text.h"

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
  const json::View extra = call_.extra;
  if (!extra.IsNull() && !extra.IsObject()) {
    return Fail(Code::kInvalidRequest,
                StrCat("extra must be an object, not a ", json::KindName(extra.kind())));
  }
  if (extra.Find("extra_body").exists()) {
    return Fail(Code::kInvalidRequest,
                "extra must not hold extra_body, which only means something to Python's client: "
                "write its fields directly into extra");
  }
  if (extra.has_duplicate_keys()) {
    return Fail(Code::kInvalidRequest, "extra names a field twice");
  }
  for (const json::Member member : extra.members()) {
    if (std::ranges::find(kReserved, member.key) != std::end(kReserved)) {
      Degrade(std::string(member.key), "extra may not set this field; it was left out");
    } else if (std::ranges::find(keys_, member.key) != keys_.end()) {
      Degrade(std::string(member.key), "the call sets this field itself; that of extra lost");
    } else if (!member.value.IsNull()) {
      json_.Field(member.key, member.value);
    }
  }
  json_.EndObject();
  return EncodedRequest{path, std::move(body_), std::move(degradations_), version_matters_};
}

}  // namespace weir::wire
