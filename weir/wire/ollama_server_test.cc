#include "weir/wire/ollama_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/wire/ollama_reader.h"
#include "weir/wire/wire_testing.h"

namespace weir::wire {
namespace {

using model::Delta;
using model::Finish;
using model::Role;
using testing::ElementsAre;

std::string Refused(OllamaApi form, std::string_view body) {
  const auto read = DecodeOllama(form, body);
  return read ? "accepted" : EncodeOllamaError(read.error());
}

TEST(OllamaRequestTest, AChatIsUnderstood) {
  const auto read = DecodeOllama(
      OllamaApi::kChat,
      R"({"model":"m:7b","messages":[{"role":"system","content":"Be brief."},)"
      R"({"role":"User","content":"Look.","images":["iVBORw=="]},)"
      R"({"role":"assistant","thinking":"hm","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},)"
      R"({"role":"tool","tool_name":"f","content":"2"}],)"
      R"("tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],)"
      R"("format":{"type":"object"},"think":"low","keep_alive":"1h30m","stream":null,"future":1,)"
      R"("logprobs":true,"top_logprobs":2,"options":{"num_predict":5,"temperature":3,"top_k":40,)"
      R"("top_p":0.9,"min_p":0.1,"seed":7,"stop":["a","b","c","d","e"],"repeat_penalty":1.1,)"
      R"("presence_penalty":1,"frequency_penalty":0.5,"num_ctx":4096.7,"mirostat":"x"}})");

  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->asked_model, "m:7b");
  EXPECT_TRUE(read->stream);
  EXPECT_EQ(read->window, 4096);
  EXPECT_EQ(read->keep_alive, 5400);
  const model::Call& call = read->call;
  ASSERT_EQ(call.messages.size(), 4U);
  EXPECT_EQ(call.messages[1].role, Role::kUser);
  EXPECT_EQ(call.messages[1].parts[1].url, "data:image/png;base64,iVBORw==");
  EXPECT_EQ(call.messages[2].reasoning, "hm");
  EXPECT_EQ(call.messages[2].tool_calls[0].arguments, R"({"a":1})");
  EXPECT_EQ(call.messages[3].name, "f");
  EXPECT_EQ(call.tools[0].parameters, Json(R"({"type":"object"})"));
  ASSERT_TRUE(call.constraint);
  EXPECT_EQ(call.constraint->schema, Json(R"({"type":"object"})"));
  EXPECT_EQ(call.reasoning.enable, true);
  EXPECT_EQ(call.reasoning.effort, "low");
  EXPECT_EQ(call.sampling.max_tokens, 5);
  EXPECT_EQ(call.sampling.temperature, 2);
  EXPECT_EQ(call.sampling.seed, 7);
  EXPECT_EQ(call.sampling.stop.size(), 5U);
  EXPECT_EQ(call.sampling.repetition_penalty, 1.1);
  EXPECT_EQ(call.sampling.logprobs, 2);
}

TEST(OllamaRequestTest, APromptIsTheMessageOfAUserUnlessItIsRaw) {
  const auto plain = DecodeOllama(
      OllamaApi::kGenerate,
      R"({"model":"m","prompt":"hi","system":"s","context":[1,2],"stream":false,"format":"json"})");
  const auto raw = DecodeOllama(OllamaApi::kGenerate, R"({"model":"m","prompt":"hi","raw":true})");
  const auto middle =
      DecodeOllama(OllamaApi::kGenerate, R"({"model":"m","prompt":"hi","suffix":"!"})");

  ASSERT_TRUE(plain && raw && middle);
  EXPECT_FALSE(plain->stream);
  EXPECT_EQ(plain->call.messages[0].AllText(), "s");
  EXPECT_EQ(plain->call.messages[1].AllText(), "hi");
  EXPECT_EQ(plain->context, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(plain->call.constraint->kind, model::Constraint::Kind::kJsonObject);
  EXPECT_EQ(raw->call.api, model::Api::kCompletions);
  EXPECT_EQ(raw->prompts, std::vector<std::string>{"hi"});
  EXPECT_EQ(middle->call.suffix, "!");
}

TEST(OllamaRequestTest, OptionsThatMeanOffAreNotSet) {
  const auto read = DecodeOllama(
      OllamaApi::kGenerate,
      R"({"model":"m","prompt":"p","options":{"num_predict":-1,"top_k":0,"top_p":0,"repeat_penalty":0,"seed":null,"stop":[""]}})");
  ASSERT_TRUE(read);
  const model::Sampling& sampling = read->call.sampling;
  EXPECT_FALSE(sampling.max_tokens || sampling.top_k || sampling.top_p || sampling.seed ||
               sampling.repetition_penalty);
  EXPECT_TRUE(sampling.stop.empty());
}

TEST(OllamaRequestTest, MistakesAreAnsweredInOllamasWords) {
  const auto option = [](std::string_view text) {
    return StrCat(R"({"model":"m","prompt":"p","options":{)", text, "}}");
  };
  const std::pair<std::string, std::string> cases[] = {
      {"", "missing request body"},
      {"{", "unexpected EOF"},
      {"{\"model\":\"é\",x}", "invalid character 'x' looking for beginning of object key string"},
      {"nope", "invalid character 'n' looking for beginning of value"},
      {R"({"model" 1})", "invalid character '1' after object key"},
      {"[]", "json: cannot unmarshal array into Go value of type api.GenerateRequest"},
      {"{}", "model is required"},
      {R"({"model":1})",
       "json: cannot unmarshal number into Go struct field GenerateRequest.model of type string"},
      {R"({"model":"m","stream":"no"})",
       "json: cannot unmarshal string into Go struct field GenerateRequest.stream of type bool"},
      {option(R"("temperature":"hot")"), "option \"temperature\" must be of type float32"},
      {option(R"("num_ctx":true)"), "option \"num_ctx\" must be of type integer"},
      {option(R"("stop":"x")"), "option \"stop\" must be of type array"},
      {option(R"("stop":[1])"), "option \"stop\" must be of an array of strings"},
      {R"({"model":"m","prompt":"p","format":"xml"})",
       "invalid format: \"xml\"; expected \"json\" or a valid JSON Schema object"},
      {R"({"model":"m","prompt":"p","think":"hard"})",
       "invalid think value: \"hard\" (must be \"high\", \"medium\", \"low\", true, or false)"},
      {R"({"model":"m","prompt":"p","images":["a?=="]})", "illegal base64 data at input byte 1"},
      {R"({"model":"m","prompt":"p","keep_alive":"soon"})", "time: invalid duration \"soon\""},
      {R"({"model":"m","prompt":"p","top_logprobs":21})", "top_logprobs must be between 0 and 20"},
      {R"({"model":"m","prompt":"p","raw":true,"system":"s"})",
       "raw mode does not support template, system, or context"}};
  for (const auto& [body, message] : cases) {
    const auto read = DecodeOllama(OllamaApi::kGenerate, body);
    ASSERT_FALSE(read) << body;
    EXPECT_EQ(read.error().message, message) << body;
    EXPECT_EQ(read.error().status, 400);
  }
  EXPECT_EQ(
      Refused(OllamaApi::kChat, R"({"model":"m","messages":[{"role":"boss","content":"x"}]})"),
      R"({"error":"invalid role: boss, role must be one of [system, user, assistant, tool]"})");
  EXPECT_EQ(EncodeOllamaError(OllamaModelNotFound("x<y")),
            R"({"error":"model \"x\u003cy\" not found, try pulling it first"})");
}

TEST(OllamaRequestTest, WhatFollowsTheObjectIsIgnored) {
  EXPECT_EQ(Refused(OllamaApi::kChat, "{\"model\":\"é\"} x"), "accepted");
}

TEST(OllamaRequestTest, CutAnywhereARequestIsA400) {
  const std::string body =
      R"({"model":"m","messages":[{"role":"user","content":"é\n","images":["AA=="]}],"options":{"seed":1}})";
  for (std::size_t length = 0; length < body.size(); ++length) {
    const auto read = DecodeOllama(OllamaApi::kChat, std::string_view(body).substr(0, length));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().status, 400);
    EXPECT_EQ(read.error().message, length == 0 ? "missing request body" : "unexpected EOF");
  }
}

TEST(OllamaRequestTest, DurationsAreGos) {
  const std::pair<std::string_view, std::optional<double>> cases[] = {
      {"5m", 300},   {"1h30m", 5400}, {"1.5s", 1.5}, {"250ms", 0.25}, {"0", 0},
      {"-1s", -1.0}, {"5", {}},       {"", {}},      {"m", {}},       {"5 m", {}}};
  for (const auto& [text, seconds] : cases) EXPECT_EQ(ParseGoDuration(text), seconds) << text;
}

OllamaEnd SomeEnd() {
  OllamaEnd end;
  end.usage.prompt_tokens = 11;
  end.usage.completion_tokens = 2;
  end.times = {.total = 9, .load = 1, .prompt = 3, .answer = 5};
  return end;
}

constexpr std::string_view kEnd =
    R"("total_duration":9,"load_duration":1,"prompt_eval_count":11,"prompt_eval_duration":3,"eval_count":2,"eval_duration":5})";

model::Reply ReplyOf(model::Choice choice) {
  model::Reply reply;
  reply.choices.push_back(std::move(choice));
  return reply;
}

TEST(OllamaReplyTest, AWholeAnswerGivesExactlyTheseBytes) {
  EXPECT_EQ(
      EncodeOllamaReply(OllamaApi::kChat, "m:latest",
                        ReplyOf({.text = "<b> & é",
                                 .reasoning = "hm",
                                 .tool_calls = {{"call_1", "f", R"({"a": 1})"}, {"", "g", "{cut"}},
                                 .finish = Finish::kToolCalls}),
                        SomeEnd(), kWall),
      StrCat(
          R"({"model":"m:latest","created_at":"2023-11-14T22:13:20.123Z","message":{"role":"assistant","content":"\u003cb\u003e \u0026 é{cut","thinking":"hm",)"
          R"("tool_calls":[{"id":"call_1","function":{"index":0,"name":"f","arguments":{"a":1}}}]},"done":true,"done_reason":"stop",)",
          kEnd));
  OllamaEnd end = SomeEnd();
  end.context = {1, 2};
  EXPECT_EQ(
      EncodeOllamaReply(OllamaApi::kGenerate, "m",
                        ReplyOf({.text = "Hi", .finish = Finish::kLength}), end, kWall),
      StrCat(
          R"({"model":"m","created_at":"2023-11-14T22:13:20.123Z","response":"Hi","done":true,"done_reason":"length","context":[1,2],)",
          kEnd));
}

Delta Piece(std::string text, std::string reasoning = {}, Finish finish = Finish::kNone) {
  Delta delta;
  delta.has_choice = true;
  delta.text = std::move(text);
  delta.reasoning = std::move(reasoning);
  delta.finish = finish;
  return delta;
}

std::string ChatLine(std::string_view message, std::string_view rest) {
  return StrCat(
      R"({"model":"m","created_at":"2023-11-14T22:13:20.123Z","message":{"role":"assistant","content":)",
      message, "},", rest, "\n");
}

TEST(OllamaStreamTest, AStreamGivesExactlyTheseLines) {
  Delta call = Piece("");
  call.tool_calls = {{0, "c", "f", ""}};
  Delta arguments = Piece("");
  arguments.tool_calls = {{0, "", "", "{\"a\":"}, {0, "", "", "1}"}};
  Delta other = Piece("", "", Finish::kToolCalls);
  other.tool_calls = {{1, "d", "g", "{}"}};
  OllamaEncoder encoder(OllamaApi::kChat, "m");
  std::string out;
  for (const Delta& delta : {Piece("", "hm"), Piece("Hi"), Piece(""), call, arguments, other}) {
    encoder.Append(delta, kWall, out);
  }
  encoder.AppendEnd(SomeEnd(), kWall, out);
  EXPECT_EQ(
      out,
      StrCat(
          ChatLine(R"("","thinking":"hm")", R"("done":false})"),
          ChatLine(R"("Hi")", R"("done":false})"),
          ChatLine(
              R"("","tool_calls":[{"id":"c","function":{"index":0,"name":"f","arguments":{"a":1}}}])",
              R"("done":false})"),
          ChatLine(
              R"("","tool_calls":[{"id":"d","function":{"index":1,"name":"g","arguments":{}}}])",
              R"("done":false})"),
          ChatLine(R"("")", StrCat(R"("done":true,"done_reason":"stop",)", kEnd))));
}

TEST(OllamaStreamTest, AnErrorIsALine) {
  OllamaEncoder encoder(OllamaApi::kGenerate, "m");
  std::string out;
  encoder.Append(Piece("Hi"), kWall, out);
  encoder.AppendError({.status = 500, .type = {}, .message = "x (parameter=a)"}, out);
  EXPECT_EQ(out,
            "{\"model\":\"m\",\"created_at\":\"2023-11-14T22:13:20.123Z\",\"response\":\"Hi\","
            "\"done\":false}\n{\"error\":\"x\"}\n");
}

TEST(OllamaReplyTest, NothingAskedIsALoad) {
  const auto load = DecodeOllama(OllamaApi::kGenerate, R"({"model":"m"})");
  const auto unload = DecodeOllama(OllamaApi::kChat, R"({"model":"m","keep_alive":0})");
  ASSERT_TRUE(load && unload);
  EXPECT_TRUE(load->empty && unload->empty);
  EXPECT_EQ(
      EncodeOllamaLoad(*load, kWall),
      R"({"model":"m","created_at":"2023-11-14T22:13:20.123Z","response":"","done":true,"done_reason":"load"})");
  EXPECT_EQ(
      EncodeOllamaLoad(*unload, kWall),
      R"({"model":"m","created_at":"2023-11-14T22:13:20.123Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"unload"})");
}

TEST(OllamaEmbedTest, TextsGoInAndVectorsComeOut) {
  const auto one = DecodeOllamaEmbed(OllamaEmbedApi::kEmbed, R"({"model":"m","input":"a"})");
  const auto two = DecodeOllamaEmbed(OllamaEmbedApi::kEmbed,
                                     R"({"model":"m","input":["a","b"],"dimensions":8})");
  const auto old = DecodeOllamaEmbed(OllamaEmbedApi::kLegacy, R"({"model":"m","prompt":"a"})");
  const auto wrong = DecodeOllamaEmbed(OllamaEmbedApi::kEmbed, R"({"model":"m","input":[1]})");
  ASSERT_TRUE(one && two && old);
  EXPECT_THAT(one->texts, ElementsAre("a"));
  EXPECT_THAT(two->texts, ElementsAre("a", "b"));
  EXPECT_EQ(two->dimensions, 8);
  EXPECT_THAT(old->texts, ElementsAre("a"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "invalid input type");
  const std::vector<std::vector<float>> vectors = {{0.5F, -0.5F}};
  EXPECT_EQ(EncodeOllamaEmbed("m", vectors, {.total = 9, .load = 1}, 3),
            R"({"model":"m","embeddings":[[0.5,-0.5]],"total_duration":9,"load_duration":1,)"
            R"("prompt_eval_count":3})");
  EXPECT_EQ(EncodeOllamaEmbedding(vectors[0]), R"({"embedding":[0.5,-0.5]})");
}

TEST(OllamaModelsTest, ListsGiveExactlyTheseBytes) {
  OllamaModel model;
  model.name = "m:latest";
  model.digest = "ab";
  model.size = 5;
  model.modified_nanos = kWall;
  model.family = "weir";
  model.parameter_size = "3B";
  model.quantization = "Q4";
  model.context_length = 8;
  const std::string_view details =
      R"("details":{"parent_model":"","format":"gguf","family":"weir","families":["weir"],"parameter_size":"3B","quantization_level":"Q4"})";
  EXPECT_EQ(
      EncodeOllamaTags(std::span(&model, 1)),
      StrCat(
          R"({"models":[{"name":"m:latest","model":"m:latest","modified_at":"2023-11-14T22:13:20.123Z","size":5,"digest":"ab",)",
          details, "}]}"));
  EXPECT_EQ(
      EncodeOllamaLoaded(std::span(&model, 1), kWall),
      StrCat(R"({"models":[{"name":"m:latest","model":"m:latest","size":5,"digest":"ab",)", details,
             R"(,"expires_at":"2023-11-14T22:13:20.123Z","size_vram":5,"context_length":8}]})"));
  const json::Value shown = Json(EncodeOllamaShow(model));
  EXPECT_EQ(shown.Find("model_info").Find("weir.context_length").AsInt64(), 8);
  EXPECT_TRUE(shown.Find("capabilities").IsArray());
  const auto old = DecodeOllamaModel(R"({"name":"m","stream":false})");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->model, "m");
  EXPECT_FALSE(old->stream);
  EXPECT_FALSE(DecodeOllamaModel("{}"));
}

}  // namespace
}  // namespace weir::wire
