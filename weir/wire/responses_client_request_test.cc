#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"
#include "weir/wire/responses_client.h"
#include "weir/wire/server_codec.h"
#include "weir/wire/wire_testing.h"

namespace weir::wire {
namespace {

using model::Api;
using model::Call;
using model::Constraint;
using model::Message;
using model::Part;
using model::Role;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

EncodeOptions Options(std::string_view dialect = "vllm-latest", bool stream = false) {
  return {.dialect = *DialectByName(dialect), .stream = stream};
}

std::string ResponsesBodyOf(const Call& call, const EncodeOptions& options = Options()) {
  const auto encoded = EncodeResponsesRequest(call, options);
  return encoded ? encoded->body : Describe(encoded.error());
}

// What both kinds of server carry.
Call SharedCall() {
  Call call = SimpleCall(Api::kResponses);
  call.messages = {Message::Text(Role::kSystem, "Be brief."),
                   Message::Text(Role::kDeveloper, "Use tools."), Message{}};
  call.messages[2].parts = {
      Part{.text = "What is this?"},
      Part{.kind = Part::Kind::kImage, .url = "https://h/a.png", .detail = "low"},
      Part{.kind = Part::Kind::kImage, .url = "data:image/png;base64,AA=="},
      Part{.kind = Part::Kind::kFile, .url = "data:text/plain;base64,AA==", .format = "a.txt"},
      Part{.kind = Part::Kind::kFile, .url = "https://h/a.pdf"},
      Part{.kind = Part::Kind::kAudio, .url = "data:audio/wav;base64,UklGRg==", .format = "wav"}};
  Message assistant = Message::Text(Role::kAssistant, "Let me look.");
  assistant.tool_calls = {{"c1", "look", R"({"at": 1})"}, {"c2", "wait", "{}"}};
  Message result = Message::Text(Role::kTool, "a cat");
  result.tool_call_id = "c1";
  call.messages.push_back(assistant);
  call.messages.push_back(result);
  call.tools = {{"look", "Looks.", Json(R"({"type":"object"})"), true}, {"wait", "", {}, {}}};
  call.tool_choice = {model::ToolChoice::Kind::kNamed, "look"};
  call.parallel_tool_calls = false;
  call.constraint = Constraint{.schema = Json(R"({"type":"object"})"), .strict = true};
  call.sampling.max_tokens = 64;
  call.sampling.temperature = 0.7;
  call.sampling.top_p = 0.9;
  call.sampling.truncate_prompt_tokens = -1;
  call.sampling.logprobs = 3;
  call.reasoning.effort = "high";
  call.user = "u";
  return call;
}

constexpr std::string_view kInput =
    R"("instructions":"Be brief.","input":[{"type":"message","role":"developer",)"
    R"("content":"Use tools."},{"type":"message","role":"user","content":[)"
    R"({"type":"input_text","text":"What is this?"},)"
    R"({"type":"input_image","image_url":"https://h/a.png","detail":"low"},)"
    R"({"type":"input_image","image_url":"data:image/png;base64,AA==","detail":"auto"},)"
    R"({"type":"input_file","filename":"a.txt","file_data":"data:text/plain;base64,AA=="},)"
    R"({"type":"input_file","file_url":"https://h/a.pdf"},)"
    R"({"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}]},)"
    R"({"type":"message","role":"assistant","content":"Let me look."},)"
    R"({"type":"function_call","call_id":"c1","name":"look","arguments":"{\"at\": 1}"},)"
    R"({"type":"function_call","call_id":"c2","name":"wait","arguments":"{}"},)"
    R"({"type":"function_call_output","call_id":"c1","output":"a cat"}],)";
constexpr std::string_view kRest =
    R"("tool_choice":{"type":"function","name":"look"},"parallel_tool_calls":false,)"
    R"("text":{"format":{"type":"json_schema","name":"answer","schema":{"type":"object"},)"
    R"("strict":true}},"max_output_tokens":64,"temperature":0.7,"top_p":0.9,"truncation":"auto",)"
    R"("include":["message.output_text.logprobs"],"top_logprobs":3,"reasoning":{"effort":"high"},)"
    R"("user":"u","store":false,"stream":true})";

TEST(ResponsesRequest, FullCallGivesExactlyTheseBytes) {
  EXPECT_EQ(ResponsesBodyOf(SimpleCall(Api::kResponses)),
            R"({"model":"m","input":[{"type":"message","role":"user","content":"hi"}],)"
            R"("store":false})");
  EXPECT_EQ(EncodeResponsesRequest(SimpleCall(Api::kResponses), {})->path, "/v1/responses");
  EXPECT_EQ(ResponsesBodyOf(SharedCall(), Options("vllm-latest", true)),
            std::string(R"({"model":"m",)") + std::string(kInput) +
                R"("tools":[{"type":"function","name":"look","description":"Looks.",)"
                R"("parameters":{"type":"object"},"strict":true},)"
                R"({"type":"function","name":"wait"}],)" +
                std::string(kRest));
  EXPECT_EQ(ResponsesBodyOf(SharedCall(), Options("openai", true)),
            std::string(R"({"model":"m",)") + std::string(kInput) +
                R"("tools":[{"type":"function","name":"look","description":"Looks.",)"
                R"("parameters":{"type":"object"},"strict":true},{"type":"function","name":"wait",)"
                R"("parameters":{"type":"object","properties":{}},"strict":false}],)" +
                std::string(kRest));
}

TEST(ResponsesRequest, WhatVllmAddsGivesExactlyTheseBytes) {
  Call call = SimpleCall(Api::kResponses);
  call.messages.push_back({.role = Role::kAssistant, .reasoning = "Hm."});
  call.messages.push_back(Message::Text(Role::kAssistant, "a"));
  call.messages.back().parts.push_back({.text = "b"});
  call.sampling.top_k = 4;
  call.sampling.frequency_penalty = 0.5;
  call.sampling.repetition_penalty = 1.1;
  call.sampling.seed = 3;
  call.sampling.stop = {"END"};
  call.sampling.ignore_eos = true;
  call.sampling.logit_bias = {{"5", 2}};
  call.reasoning.enable = false;
  call.priority = 1;
  call.request_id = "r1";
  call.vllm_xargs = Json(R"({"a":1})");
  call.extra = Json(R"({"input":"x","store":true,"metadata":{"k":"v"},"gone":null})");
  const auto encoded = EncodeResponsesRequest(call, Options());
  ASSERT_TRUE(encoded) << Describe(encoded.error());
  EXPECT_EQ(
      encoded->body,
      R"({"model":"m","input":[{"type":"message","role":"user","content":"hi"},)"
      R"({"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text",)"
      R"("text":"Hm."}]},{"type":"message","role":"assistant","content":[)"
      R"({"type":"output_text","text":"a","annotations":[]},)"
      R"({"type":"output_text","text":"b","annotations":[]}]}],"top_k":4,"frequency_penalty":0.5,)"
      R"("repetition_penalty":1.1,"seed":3,"stop":["END"],"ignore_eos":true,)"
      R"("logit_bias":{"5":2},"chat_template_kwargs":{"enable_thinking":false,"thinking":false},)"
      R"("priority":1,"request_id":"r1","vllm_xargs":{"a":1},"store":true,)"
      R"("metadata":{"k":"v"}})");
  ASSERT_EQ(encoded->degradations.size(), 1U);
  EXPECT_EQ(encoded->degradations[0].what, "input");
  EXPECT_TRUE(encoded->version_matters);
}

TEST(ResponsesRequest, ConstraintsHaveTheSpellingOfTheServer) {
  using enum Constraint::Kind;
  struct Case {
    Constraint constraint;
    std::string_view dialect;
    std::string_view words;
  };
  const Case cases[] = {
      {{.kind = kJsonObject}, "openai", R"("text":{"format":{"type":"json_object"}})"},
      {{.kind = kJsonObject}, "vllm-latest", R"("structured_outputs":{"json_object":true})"},
      {{.kind = kRegex, .text = "a+"}, "vllm-latest", R"("structured_outputs":{"regex":"a+"})"},
      {{.kind = kChoice, .choices = {"a"}}, "vllm-latest", R"({"choice":["a"]})"},
      {{.kind = kRegex, .text = "a+"}, "vllm-0.16", "unsupported_constraint: vllm-0.16"},
      {{.schema = Json("{}"), .strict = false},
       "vllm-0.10",
       R"("format":{"type":"json_schema","name":"answer","schema":{},"strict":false})"},
  };
  for (const Case& c : cases) {
    Call call = SimpleCall(Api::kResponses);
    call.constraint = c.constraint;
    EXPECT_THAT(ResponsesBodyOf(call, Options(c.dialect)), HasSubstr(c.words));
  }
}

TEST(ResponsesRequest, WhatItCannotCarryIsRefusedByName) {
  struct Case {
    void (*change)(Call&);
    std::string_view dialect;
    std::string_view words;
  };
  const Case cases[] = {
      {[](Call& c) { c.sampling.n = 2; }, "openai", "OpenAI's responses API has no n"},
      {[](Call& c) { c.sampling.n = 2; }, "vllm-latest", "the responses API of vLLM has no n"},
      {[](Call& c) { c.sampling.stop = {"a"}; }, "openai", "has no stop"},
      {[](Call& c) { c.sampling.seed = 1; }, "openai", "has no seed"},
      {[](Call& c) { c.sampling.presence_penalty = 1; }, "openai", "has no presence_penalty"},
      {[](Call& c) { c.sampling.logit_bias = {{"1", 1}}; }, "openai", "has no logit_bias"},
      {[](Call& c) { c.sampling.top_k = 1; }, "openai", "has no top_k"},
      {[](Call& c) { c.sampling.seed = 1; }, "vllm-0.12", "came with 0.16.0"},
      {[](Call& c) { c.sampling.beam_width = 2; }, "vllm-latest", "no use_beam_search"},
      {[](Call& c) { c.sampling.min_tokens = 2; }, "vllm-latest", "no min_tokens"},
      {[](Call& c) { c.echo = true; }, "vllm-latest", "no echo"},
      {[](Call&) {}, "vllm-0.6", "has no responses API"},
      {[](Call& c) { c.messages[0].parts[0].kind = Part::Kind::kVideo; }, "openai", "no videos"},
  };
  for (const Case& c : cases) {
    Call call = SimpleCall(Api::kResponses);
    c.change(call);
    EXPECT_THAT(ResponsesBodyOf(call, Options(c.dialect)),
                AllOf(StartsWith("unsupported_param: "), HasSubstr(c.words)));
  }
}

TEST(ResponsesRequest, WrongCallsAreRefusedBeforeAnythingIsSent) {
  void (*const changes[])(Call&) = {
      [](Call& c) { c.api = Api::kChat; },
      [](Call& c) { c.messages.clear(); },
      [](Call& c) { c.prompt = "x"; },
      [](Call& c) { c.sampling.max_tokens = 0; },
      [](Call& c) { c.extra = Json(R"({"extra_body":{}})"); },
      [](Call& c) { c.messages[0].parts = {{.kind = Part::Kind::kRaw}}; },
  };
  for (const auto change : changes) {
    Call call = SimpleCall(Api::kResponses);
    change(call);
    EXPECT_THAT(ResponsesBodyOf(call), StartsWith("invalid_request: "));
  }
}

TEST(ResponsesRequest, OnlyAPlainSystemMessageThatComesFirstIsInstructions) {
  Call call = SimpleCall(Api::kResponses);
  call.messages = {Message::Text(Role::kSystem, "s")};
  EXPECT_THAT(ResponsesBodyOf(call), Not(HasSubstr("instructions")));
  call.messages = {Message::Text(Role::kUser, "u"), Message::Text(Role::kSystem, "s")};
  EXPECT_THAT(ResponsesBodyOf(call), Not(HasSubstr("instructions")));
  call.messages = {Message::Text(Role::kSystem, "s"), Message::Text(Role::kSystem, "t")};
  EXPECT_THAT(ResponsesBodyOf(call),
              HasSubstr(R"("instructions":"s","input":[{"type":"message","role":"system")"));
}

// The server's half reads what the client's half writes: written again, it is the same.
TEST(ResponsesRequest, FullCallComesBackFromTheServersHalf) {
  Call own = SharedCall();
  own.messages[3].reasoning = "I should look.";
  own.sampling.seed = 4;
  own.sampling.stop = {"x"};
  own.cache_salt = "salt";
  Call thinks = SimpleCall(Api::kResponses);
  thinks.constraint = Constraint{.kind = Constraint::Kind::kRegex, .text = "a"};
  thinks.reasoning.enable = true;
  const std::pair<Call, std::string_view> cases[] = {{own, "vllm-latest"},
                                                     {thinks, "vllm-latest"},
                                                     {SharedCall(), "vllm-0.11"},
                                                     {SharedCall(), "openai"}};
  for (const auto& [call, dialect] : cases) {
    for (const bool stream : {false, true}) {
      const EncodeOptions options = Options(dialect, stream);
      const std::string sent = ResponsesBodyOf(call, options);
      const auto read = DecodeRequest(Api::kResponses, sent, options.dialect);
      ASSERT_TRUE(read) << read.error().message << "\n" << sent;
      EXPECT_EQ(read->stream, stream);
      EXPECT_FALSE(read->echo->store);
      EXPECT_EQ(read->call.messages.size(), call.messages.size());
      EXPECT_EQ(ResponsesBodyOf(read->call, options), sent);
    }
  }
}

}  // namespace
}  // namespace weir::wire
