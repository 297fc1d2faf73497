#include "weir/wire/adapters_client.h"

#include "weir/json/writer.h"
#include "weir/wire/request_writer.h"

namespace weir::wire {

Result<EncodedRequest> EncodeLoadAdapter(std::string_view name, std::string_view path) {
  if (name.empty()) return Fail(Code::kInvalidRequest, "the adapter to load has no name");
  if (path.empty()) {
    return Fail(Code::kInvalidRequest,
                "the adapter to load has no path; give the folder on the server, or the name of a "
                "repository that the server can reach");
  }
  std::string body;
  json::Writer json(body);
  json.BeginObject();
  json.Field("lora_name", name);
  json.Field("lora_path", path);
  json.EndObject();
  return EncodedRequest{
      .path = "/v1/load_lora_adapter", .body = std::move(body), .degradations = {}};
}

Result<EncodedRequest> EncodeUnloadAdapter(std::string_view name) {
  if (name.empty()) return Fail(Code::kInvalidRequest, "the adapter to unload has no name");
  std::string body;
  json::Writer json(body);
  json.BeginObject();
  json.Field("lora_name", name);
  json.EndObject();
  return EncodedRequest{
      .path = "/v1/unload_lora_adapter", .body = std::move(body), .degradations = {}};
}

bool SaysAlreadyLoaded(const Error& error) {
  constexpr int kBadRequest = 400;
  return error.http_status == kBadRequest && error.message.contains("already been loaded");
}

Result<EncodedRequest> EncodeCount(const model::Call& call, const EncodeOptions& options) {
  RequestWriter out(call, options);
  if (!call.model.empty()) out.SetText("model", call.model);
  if (out.chat()) {
    WEIR_CHECK(WriteMessages(out));
    WEIR_CHECK(WriteTools(out));
    out.Offer("add_generation_prompt", call.add_generation_prompt);
    out.Offer("continue_final_message", call.continue_final_message);
    out.Offer("add_special_tokens", call.add_special_tokens);
    out.Offer("chat_template", call.chat_template);
    out.Offer("chat_template_kwargs", call.chat_template_kwargs);
    out.Offer("mm_processor_kwargs", call.mm_processor_kwargs);
  } else {
    out.SetText("prompt", call.prompt);
    out.Offer("add_special_tokens", call.add_special_tokens);
  }
  if (out.failure()) return Fail(*out.failure());
  return std::move(out).Finish("/tokenize");
}

}  // namespace weir::wire
