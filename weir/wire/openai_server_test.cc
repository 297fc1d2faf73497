#include "weir/wire/openai_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/wire/codec.h"
#include "weir/wire/wire_testing.h"

namespace weir::wire {
namespace {

using model::Api;
using model::Delta;
using model::Finish;

const Dialect& OpenAiDialect() {
  static const Dialect dialect = *DialectByName("openai");
  return dialect;
}

std::string Refused(Api api, std::string_view body) {
  const auto read = DecodeRequest(api, body, OpenAiDialect());
  return read ? "accepted" : EncodeError(read.error(), OpenAiDialect());
}

std::string Chat(std::string_view rest) {
  return StrCat(R"({"model":"m","messages":[{"role":"user","content":"hi"}])",
                rest.empty() ? "" : ",", rest, "}");
}

std::string OpenAiErrorBody(std::string_view message, std::string_view param,
                            std::string_view code) {
  const auto quoted = [](std::string_view text) {
    return text.empty() ? std::string("null") : StrCat("\"", text, "\"");
  };
  return StrCat(R"({"error":{"message":")", message, R"(","type":"invalid_request_error","param":)",
                quoted(param), R"(,"code":)", quoted(code), "}}");
}

TEST(OpenAiRequestTest, MistakesAreAnsweredInOpenAisWords) {
  struct Case {
    Api api;
    std::string body;
    std::string answer;
  };
  const Case cases[] = {
      {Api::kChat, R"({"messages":[]})",
       OpenAiErrorBody("you must provide a model parameter", "", "")},
      {Api::kChat, R"({"model":"m"})",
       OpenAiErrorBody("Missing required parameter: 'messages'.", "messages",
                       "missing_required_parameter")},
      {Api::kChat, R"({"model":"m","messages":[{}]})",
       OpenAiErrorBody("Missing required parameter: 'messages[0].role'.", "messages[0].role",
                       "missing_required_parameter")},
      {Api::kChat, Chat(R"("max_tokens":"5")"),
       OpenAiErrorBody(
           "Invalid type for 'max_tokens': expected an integer, but got a string instead.",
           "max_tokens", "invalid_type")},
      {Api::kChat, Chat(R"("temperature":[])"),
       OpenAiErrorBody(
           "Invalid type for 'temperature': expected a decimal, but got an array instead.",
           "temperature", "invalid_type")},
      {Api::kChat, Chat(R"("stream":"yes")"),
       OpenAiErrorBody("Invalid type for 'stream': expected a boolean, but got a string instead.",
                       "stream", "invalid_type")},
      {Api::kChat, Chat(R"("top_k":3)"),
       OpenAiErrorBody("Unrecognized request argument supplied: top_k", "", "")},
      {Api::kChat, Chat(R"("top_k":3,"guided_json":{})"),
       OpenAiErrorBody("Unrecognized request arguments supplied: top_k, guided_json", "", "")},
      {Api::kResponses, R"({"model":"m","input":"hi","top_k":3})",
       OpenAiErrorBody("Unknown parameter: 'top_k'.", "top_k", "unknown_parameter")},
      {Api::kChat, Chat(R"("temperature":3)"),
       OpenAiErrorBody(
           "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 "
           "instead.",
           "temperature", "decimal_above_max_value")},
      {Api::kChat, Chat(R"("max_tokens":0)"),
       OpenAiErrorBody(
           "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got 0 "
           "instead.",
           "max_tokens", "integer_below_min_value")},
      {Api::kChat, Chat(R"("stop":["a","b","c","d","e"])"),
       OpenAiErrorBody(
           "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an "
           "array with length 5 instead.",
           "stop", "array_above_max_length")},
      {Api::kChat, Chat(R"("stream_options":{"include_usage":true})"),
       OpenAiErrorBody("The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                       "stream_options", "")},
      {Api::kChat, Chat(R"("response_format":{"type":"json_object"})"),
       OpenAiErrorBody(
           "'messages' must contain the word 'json' in some form, to use 'response_format' of "
           "type 'json_object'.",
           "messages", "")},
      {Api::kChat, Chat(R"("response_format":{"type":"json_schema","json_schema":{}})"),
       OpenAiErrorBody("Missing required parameter: 'response_format.json_schema.name'.",
                       "response_format.json_schema.name", "missing_required_parameter")},
      {Api::kChat, Chat(R"("tool_choice":"auto")"),
       OpenAiErrorBody("When using `tool_choice`, `tools` must be set.", "tool_choice", "")},
  };
  for (const Case& c : cases) EXPECT_EQ(Refused(c.api, c.body), c.answer) << c.body;
}

TEST(OpenAiRequestTest, WhatOpenAiTakesIsTaken) {
  EXPECT_EQ(
      Refused(Api::kChat, Chat(R"("temperature":0,"n":2,"seed":1,"top_p":0.5,"logprobs":true,)"
                               R"("top_logprobs":3,"user":"u","store":false)")),
      "accepted");
  EXPECT_EQ(Refused(Api::kCompletions, R"({"model":"m","prompt":"a","best_of":2,"echo":true})"),
            "accepted");
  EXPECT_EQ(Refused(Api::kResponses, R"({"model":"m","input":"hi","store":false})"), "accepted");
}

TEST(OpenAiRequestTest, CutAnywhereARequestIsA400) {
  const std::string body = Chat(R"("temperature":0.5,"tools":[{"type":"function","function":)"
                                R"({"name":"f","parameters":{"type":"object"}}}])");
  for (std::size_t length = 0; length < body.size(); ++length) {
    const auto read = DecodeRequest(Api::kChat, body.substr(0, length), OpenAiDialect());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().status, 400);
    EXPECT_THAT(read.error().message, testing::StartsWith("We could not parse the JSON body"));
  }
}

TEST(OpenAiErrorTest, RefusalsOfTheEngineHaveOpenAisCodes) {
  struct Case {
    ServerError error;
    std::string_view answer;
  };
  const Case cases[] = {
      {{404, "NotFoundError", "The model `x` does not exist. (parameter=model, value=x)", "model",
        ""},
       R"({"error":{"message":"The model `x` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}})"},
      {{429, "Too Many Requests", "slow down", {}, ""},
       R"({"error":{"message":"slow down","type":"requests","param":null,"code":"rate_limit_exceeded"}})"},
      {{429, "insufficient_quota", "pay", {}, "insufficient_quota"},
       R"({"error":{"message":"pay","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})"},
      {{503, "Service Unavailable", "busy", {}, ""},
       R"({"error":{"message":"busy","type":"server_error","param":null,"code":"server_error"}})"},
      {{400, "BadRequestError",
        "This model's maximum context length is 8 tokens. (parameter=input_tokens, value=9)",
        "input_tokens", ""},
       R"({"error":{"message":"This model's maximum context length is 8 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}})"},
      {WrongKey("sk-proj-0123456789abcdef"),
       R"({"error":{"message":"Incorrect API key provided: sk-proj-************cdef. You can find your API key at https://platform.openai.com/account/api-keys.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}})"},
      {UnknownUrl(404, "GET", "/v1/nowhere"),
       R"x({"error":{"message":"Invalid URL (GET /v1/nowhere)","type":"invalid_request_error","param":null,"code":null}})x"},
  };
  for (const Case& c : cases) EXPECT_EQ(EncodeError(c.error, OpenAiDialect()), c.answer);
  EXPECT_EQ(WrongKey("short").message.substr(0, 35), "Incorrect API key provided: *****. ");
  EXPECT_THAT(WrongKey({}).message, testing::StartsWith("You didn't provide an API key."));
}

TEST(OpenAiErrorTest, TheV1OfOllamaHasTypesOfItsOwn) {
  const Dialect ollama = *DialectByName("ollama");
  EXPECT_EQ(
      EncodeError({404, "NotFoundError", "The model `x` does not exist.", "model", ""}, ollama),
      R"({"error":{"message":"model \"x\" not found, try pulling it first","type":"not_found_error","param":null,"code":null}})");
}

model::ReplyInfo Info() {
  model::ReplyInfo info;
  info.id = "chatcmpl-X";
  info.model = "m";
  info.created = 1;
  info.system_fingerprint = "fp_44709d6fcb";
  return info;
}

model::Usage SomeUsage() {
  model::Usage usage;
  usage.prompt_tokens = 11;
  usage.completion_tokens = 2;
  usage.total_tokens = 13;
  usage.cached_tokens = 4;
  return usage;
}

Delta Text(std::string text, Finish finish = Finish::kNone) {
  Delta delta;
  delta.has_choice = true;
  delta.text = std::move(text);
  delta.finish = finish;
  return delta;
}

constexpr std::string_view kUsage =
    R"({"prompt_tokens":11,"completion_tokens":2,"total_tokens":13,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}})";

TEST(OpenAiReplyTest, AWholeReplyGivesExactlyTheseBytes) {
  model::Reply reply;
  reply.info = Info();
  reply.usage = SomeUsage();
  model::Choice& choice = reply.choices.emplace_back();
  choice.text = "Hi";
  choice.reasoning = "kept to itself";
  choice.stop_reason = Json("\"END\"");
  choice.finish = Finish::kStop;
  choice.tokens = {{.text = "Hi", .logprob = -0.25, .bytes = {72, 105}}};
  EXPECT_EQ(
      EncodeReply(Api::kChat, reply, OpenAiDialect()),
      StrCat(
          R"({"id":"chatcmpl-X","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
          R"("message":{"role":"assistant","content":"Hi","refusal":null,"annotations":[]},)"
          R"("logprobs":{"content":[{"token":"Hi","logprob":-0.25,"bytes":[72,105],"top_logprobs":[]}],"refusal":null},)"
          R"("finish_reason":"stop"}],"usage":)",
          kUsage, R"(,"service_tier":"default","system_fingerprint":"fp_44709d6fcb"})"));
  choice = {.tool_calls = {{"call_1", "f", "{}"}}, .finish = Finish::kToolCalls};
  EXPECT_THAT(
      EncodeReply(Api::kChat, reply, OpenAiDialect()),
      testing::HasSubstr(
          R"("message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}],"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"tool_calls"})"));
  EXPECT_THAT(EncodeReply(Api::kChat, reply, *DialectByName("ollama")),
              testing::HasSubstr(R"("system_fingerprint":"fp_ollama")"));
}

TEST(OpenAiReplyTest, ACompletionGivesExactlyTheseBytes) {
  model::Reply reply;
  reply.info = Info();
  reply.usage = SomeUsage();
  reply.choices.push_back({.text = "Hi", .finish = Finish::kLength});
  EXPECT_EQ(
      EncodeReply(Api::kCompletions, reply, OpenAiDialect()),
      R"({"id":"chatcmpl-X","object":"text_completion","created":1,"model":"m","choices":[{"text":"Hi","index":0,"logprobs":null,"finish_reason":"length"}],)"
      R"("usage":{"prompt_tokens":11,"completion_tokens":2,"total_tokens":13},"system_fingerprint":"fp_44709d6fcb"})");
}

std::string Stream(Api api, const std::vector<Delta>& deltas, bool include_usage) {
  ChunkEncoder encoder({.api = api, .dialect = OpenAiDialect(), .include_usage = include_usage},
                       Info());
  std::string out;
  for (const Delta& delta : deltas) encoder.Append(delta, out);
  encoder.AppendEnd(SomeUsage(), out);
  return out;
}

std::string Chunk(std::string_view delta, std::string_view finish, std::string_view tail) {
  return StrCat(
      R"(data: {"id":"chatcmpl-X","object":"chat.completion.chunk","created":1,"model":"m","service_tier":"default","system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":)",
      delta, R"(,"logprobs":null,"finish_reason":)", finish, "}]", tail, "}\n\n");
}

TEST(OpenAiStreamTest, AStreamGivesExactlyTheseBytes) {
  Delta thought = Text("");
  thought.reasoning = "kept to itself";
  EXPECT_EQ(
      Stream(Api::kChat, {thought, Text("Hi"), Text("!", Finish::kStop)}, true),
      StrCat(
          Chunk(R"({"role":"assistant","content":"","refusal":null})", "null", R"(,"usage":null)"),
          Chunk(R"({"content":"Hi"})", "null", R"(,"usage":null)"),
          Chunk(R"({"content":"!"})", "null", R"(,"usage":null)"),
          Chunk("{}", "\"stop\"", R"(,"usage":null)"),
          R"(data: {"id":"chatcmpl-X","object":"chat.completion.chunk","created":1,"model":"m","service_tier":"default","system_fingerprint":"fp_44709d6fcb","choices":[],"usage":)",
          kUsage, "}\n\ndata: [DONE]\n\n"));
}

TEST(OpenAiStreamTest, ACallIsNamedOnce) {
  Delta first = Text("");
  first.tool_calls = {{0, "call_1", "f", ""}};
  Delta second = Text("");
  second.tool_calls = {{0, "", "", "{}"}};
  EXPECT_EQ(
      Stream(Api::kChat, {first, second, Text("", Finish::kToolCalls)}, false),
      StrCat(
          Chunk(R"({"role":"assistant","content":null,"refusal":null})", "null", ""),
          Chunk(
              R"({"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]})",
              "null", ""),
          Chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]})", "null", ""),
          Chunk("{}", "\"tool_calls\"", ""), "data: [DONE]\n\n"));
}

TEST(OpenAiStreamTest, OurClientReadsItBack) {
  ChunkDecoder decoder(Api::kChat);
  model::Assembler assembler;
  Delta delta;
  const std::string stream = Stream(Api::kChat, {Text("Hi"), Text("!", Finish::kStop)}, true);
  for (const std::string& event : EventsOf(stream)) {
    const auto kind = decoder.Decode(event, delta);
    ASSERT_TRUE(kind) << event;
    if (*kind == ChunkDecoder::Kind::kDelta) assembler.Add(delta);
  }
  EXPECT_TRUE(decoder.finished());
  EXPECT_EQ(std::move(assembler).Finish(decoder.info()).text(), "Hi!");
}

TEST(OpenAiModelsTest, ACardHasFourMembers) {
  const model::ModelEntry entry{.id = "m", .root = "org/m", .parent = "", .owned_by = "vllm"};
  EXPECT_EQ(EncodeModel(entry, 1, OpenAiDialect()),
            R"({"id":"m","object":"model","created":1,"owned_by":"system"})");
  EXPECT_EQ(
      EncodeModels({entry}, 1, *DialectByName("ollama")),
      R"({"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"library"}]})");
}

}  // namespace
}  // namespace weir::wire
