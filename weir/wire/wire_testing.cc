#include "weir/wire/wire_testing.h"

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/wire/field_table.h"

namespace weir::wire {
namespace {

using model::Message;
using model::Part;
using model::Role;

std::vector<Message> FullConversation() {
  std::vector<Message> messages;
  messages.push_back(Message::Text(Role::kSystem, "Be brief."));
  Message user;
  user.name = "ann";
  user.parts = {
      Part{.kind = Part::Kind::kText, .text = "What is this? é"},
      Part{.kind = Part::Kind::kImage, .url = "https://h/a.png", .detail = "low"},
      Part{.kind = Part::Kind::kImage, .url = "data:image/png;base64,AA==", .uuid = "u1"},
      Part{.kind = Part::Kind::kAudio, .url = "data:audio/wav;base64,UklGRg==", .format = "wav"},
      Part{.kind = Part::Kind::kAudio, .url = "https://h/a.mp3"},
      Part{.kind = Part::Kind::kVideo, .url = "https://h/a.mp4"},
      Part{.kind = Part::Kind::kRaw, .raw = Json(R"({"type":"x","y":[1,null]})")}};
  messages.push_back(user);
  Message assistant;
  assistant.role = Role::kAssistant;
  assistant.reasoning = "I should look.";
  assistant.tool_calls = {{"c1", "look", R"({"at": 1})"}};
  assistant.extra = Json(R"({"prefix":true})");
  messages.push_back(assistant);
  Message tool = Message::Text(Role::kTool, "a cat");
  tool.tool_call_id = "c1";
  messages.push_back(tool);
  return messages;
}

void FillSampling(model::Sampling& s, bool chat) {
  s.max_tokens = 64;
  s.min_tokens = 1;
  s.temperature = 0.7;
  s.top_p = 0.9;
  s.top_k = 40;
  s.min_p = 0.05;
  s.frequency_penalty = 0.5;
  s.presence_penalty = -0.5;
  s.repetition_penalty = 1.1;
  s.seed = 7;
  s.n = 2;
  s.stop = {"END", "\n\n"};
  s.stop_token_ids = {2, 3};
  s.allowed_token_ids = chat ? std::vector<std::int64_t>{} : std::vector<std::int64_t>{5, 6};
  s.logit_bias = {{"100", -1.5}, {"5", 2}};
  s.include_stop_in_output = true;
  s.ignore_eos = false;
  s.skip_special_tokens = true;
  s.spaces_between_special_tokens = false;
  s.truncate_prompt_tokens = -1;
  s.logprobs = 3;
  s.prompt_logprobs = 1;
}

}  // namespace

json::Value Json(std::string_view text) { return *json::Read(text); }

model::Call SimpleCall(model::Api api) {
  model::Call call;
  call.api = api;
  call.model = "m";
  if (api == model::Api::kCompletions) {
    call.prompt = "hi";
  } else {
    call.messages.push_back(Message::Text(Role::kUser, "hi"));
  }
  return call;
}

model::Call FullCall(model::Api api, const Dialect& dialect) {
  const auto has = [&](std::string_view key) {
    const FieldSince* const row = FindField(key);
    return row == nullptr || dialect.version >= row->For(dialect.kind, api);
  };
  model::Call call = SimpleCall(api);
  FillSampling(call.sampling, api == model::Api::kChat);
  if (has("bad_words")) call.sampling.bad_words = {"no"};
  if (has("truncation_side")) call.sampling.truncation_side = "left";
  if (has("return_token_ids")) call.sampling.return_token_ids = true;
  if (has("return_tokens_as_token_ids")) call.sampling.return_tokens_as_token_ids = false;
  if (has("repetition_detection")) {
    call.sampling.repetition_detection = Json(R"({"max_pattern_size":4,"min_count":3})");
  }
  if (has("reasoning_effort")) call.reasoning.effort = "high";
  if (has("include_reasoning")) call.reasoning.include = true;
  if (has("thinking_token_budget")) call.reasoning.thinking_budget = 100;
  if (has("mm_processor_kwargs")) call.mm_processor_kwargs = Json(R"({"fps":2})");
  if (has("request_id")) call.request_id = "r1";
  if (has("session_id")) call.session_id = "s1";
  if (has("cache_salt")) call.cache_salt = "salt";
  if (has("kv_transfer_params")) call.kv_transfer_params = Json(R"({"do_remote_decode":true})");
  if (has("vllm_xargs")) call.vllm_xargs = Json(R"({"a":[1,2]})");
  call.priority = -1;
  call.user = "u";
  call.add_special_tokens = false;
  call.extra = Json(R"({"future_field":{"deep":null},"other":1.50})");
  if (api == model::Api::kCompletions) {
    call.echo = true;
    return call;
  }
  call.messages = FullConversation();
  call.tools = {{"look", "Looks.", Json(R"({"type":"object"})"), true}, {"wait", "", {}, {}}};
  call.tool_choice = {model::ToolChoice::Kind::kNamed, "look"};
  call.parallel_tool_calls = false;
  call.reasoning.enable = false;
  call.add_generation_prompt = false;
  call.continue_final_message = true;
  call.chat_template = "{{ messages }}";
  call.chat_template_kwargs = Json(R"({"k":1})");
  call.documents = Json(R"([{"title":"t"}])");
  return call;
}

std::vector<std::string> EventsOf(std::string_view body) {
  std::vector<std::string> events;
  for (const std::string_view line : Split(body, '\n')) {
    if (line.starts_with("data: ")) events.emplace_back(line.substr(6));
  }
  return events;
}

}  // namespace weir::wire
