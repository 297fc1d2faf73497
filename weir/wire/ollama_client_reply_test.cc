// Answers of Ollama, whole and as lines: what is read, what is refused, and the way from its
// server's half.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/wire/ollama_client.h"
#include "weir/wire/ollama_server.h"
#include "weir/wire/reply_testing.h"
#include "weir/wire/wire_testing.h"

namespace weir::wire {
namespace {

using Kind = EventDecoder::Kind;
using model::Api;
using model::Finish;
using model::Reply;
using testing::HasSubstr;

// The reply that lines give, or the error.
Result<Reply> Play(Api api, std::string_view lines) {
  OllamaDecoder decoder(api);
  model::Assembler assembler;
  model::Delta delta;
  for (const std::string_view line : Split(lines, '\n')) {
    if (line.empty()) continue;
    WEIR_TRY(const Kind kind, decoder.Decode(line, delta));
    if (kind == Kind::kDelta) assembler.Add(delta);
  }
  if (!decoder.finished()) return Fail(Code::kStreamTruncated, "unfinished");
  return std::move(assembler).Finish(decoder.info());
}

TEST(OllamaClientReplyTest, AWholeReplyIsUnderstood) {
  const auto read = DecodeOllamaReply(
      Api::kChat,
      R"({"model":"m","created_at":"2023-08-04T08:52:19.385406455-07:00","remote_host":"h",)"
      R"("message":{"role":"assistant","content":"Hi","thinking":"hm","images":null,"mood":1,)"
      R"("tool_calls":[{"id":"c","function":{"name":"f","arguments":{"a":[1.50]}}},{"function":{"index":0,"name":"g","arguments":{}}}]},)"
      R"("done":true,"done_reason":"stop","total_duration":9,"prompt_eval_count":11,"eval_count":2,)"
      R"("logprobs":[{"token":"Hi","logprob":-0.5,"bytes":[72,105],"top_logprobs":[{"token":"Ho","logprob":-1}]}]})");

  ASSERT_TRUE(read) << Describe(read.error());
  EXPECT_EQ(read->info.model, "m");
  EXPECT_EQ(read->info.created, 1'691'164'339);
  EXPECT_EQ(read->usage.prompt_tokens, 11);
  EXPECT_EQ(read->usage.completion_tokens, 2);
  EXPECT_EQ(read->usage.total_tokens, 13);
  EXPECT_EQ(read->extra, Json(R"({"remote_host":"h","total_duration":9,"message":{"mood":1}})"));
  ASSERT_EQ(read->choices.size(), 1U);
  const model::Choice& choice = read->choices[0];
  EXPECT_EQ(choice.text, "Hi");
  EXPECT_EQ(choice.reasoning, "hm");
  EXPECT_EQ(choice.tool_calls,
            (std::vector<model::ToolCall>{{"c", "f", R"({"a":[1.50]})"}, {"", "g", "{}"}}));
  EXPECT_EQ(choice.finish, Finish::kToolCalls);
  EXPECT_EQ(choice.finish_text, "stop");
  ASSERT_EQ(choice.tokens.size(), 1U);
  EXPECT_EQ(choice.tokens[0].logprob, -0.5);
  EXPECT_EQ(choice.tokens[0].top[0].text, "Ho");
}

TEST(OllamaClientReplyTest, FinishesAreNamedAsOurs) {
  const std::tuple<std::string_view, Finish, std::string_view> cases[] = {
      {R"("done_reason":"stop")", Finish::kStop, "stop"},
      {R"("done_reason":"length")", Finish::kLength, "length"},
      {R"("done_reason":"load")", Finish::kOther, "load"},
      {R"("done_reason":"unload")", Finish::kOther, "unload"},
      {R"("context":[1])", Finish::kStop, ""}};
  for (const auto& [end, finish, word] : cases) {
    const auto read = DecodeOllamaReply(
        Api::kCompletions, StrCat(R"({"response":"","thinking":"hm","done":true,)", end, "}"));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->choices[0].finish, finish) << end;
    EXPECT_EQ(read->choices[0].finish_text, word);
    EXPECT_EQ(read->choices[0].reasoning, "hm");
    EXPECT_FALSE(read->usage.prompt_tokens);
  }
}

TEST(OllamaClientReplyTest, NumbersThatCannotBeCountsAreUnknown) {
  const auto read = DecodeOllamaReply(
      Api::kCompletions,
      R"({"response":"a","done":true,"prompt_eval_count":-1,"eval_count":9223372036854775807})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->usage.prompt_tokens, std::nullopt);
  EXPECT_EQ(read->usage.completion_tokens, std::nullopt);
  EXPECT_EQ(read->usage.total_tokens, std::nullopt);
}

TEST(OllamaClientReplyTest, WhatIsNoReplyIsAProtocolError) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"<html>", "HTML page"},
      {"{\"model\"", "not JSON"},
      {"{}", "no message"},
      {"[]", "no message"},
      {R"({"response":"x","done":true})", "no message"},
      {R"({"error":"boom"})", "with an error in it"},
      {R"({"message":{"content":"x"},"done":false})", "beginning of a stream"}};
  for (const auto& [body, words] : cases) {
    const auto read = DecodeOllamaReply(Api::kChat, body);
    ASSERT_FALSE(read) << body;
    EXPECT_EQ(read.error().code, Code::kProtocolError);
    EXPECT_THAT(read.error().message, HasSubstr(words));
  }
}

TEST(OllamaClientStreamTest, CallsAreNumberedThroughTheStreamAndEmptyLinesAreNothing) {
  OllamaDecoder decoder(Api::kChat);
  model::Delta delta;
  const auto decode = [&](std::string_view line) { return decoder.Decode(line, delta).value(); };

  EXPECT_EQ(decode(R"({"model":"m","message":{"role":"assistant","content":""},"done":false})"),
            Kind::kEmpty);
  EXPECT_EQ(
      decode(
          R"({"message":{"tool_calls":[{"function":{"name":"f","arguments":{}}}]},"done":false})"),
      Kind::kDelta);
  EXPECT_EQ(delta.tool_calls[0].index, 0);
  EXPECT_EQ(
      decode(
          R"({"message":{"tool_calls":[{"function":{"name":"g","arguments":"{}"}}]},"done":false})"),
      Kind::kDelta);
  EXPECT_EQ(delta.tool_calls[0].index, 1);
  EXPECT_EQ(delta.tool_calls[0].arguments, "{}");
  EXPECT_FALSE(decoder.finished());
  EXPECT_EQ(decode(R"({"message":{"content":"!"},"done":true,"eval_count":4})"), Kind::kDelta);
  EXPECT_EQ(delta.text, "!");
  EXPECT_EQ(delta.finish, Finish::kToolCalls);
  EXPECT_EQ(delta.usage->completion_tokens, 4);
  EXPECT_FALSE(delta.usage->total_tokens);
  EXPECT_TRUE(decoder.finished());
  EXPECT_EQ(decode("what comes after the last line"), Kind::kDone);
  EXPECT_EQ(decoder.info().model, "m");
}

TEST(OllamaClientStreamTest, AnErrorInALineIsTheError) {
  const auto read = Play(Api::kCompletions,
                         "{\"response\":\"Hi\",\"done\":false}\n{\"error\":\"out of memory\"}\n");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kHttpStatus);
  EXPECT_EQ(read.error().http_status, 500);
  EXPECT_THAT(read.error().message, HasSubstr("out of memory"));
  EXPECT_EQ(Play(Api::kChat, "data: {}").error().code, Code::kProtocolError);
}

// What a server may answer with, and how its half ends it.
Reply SomeReply() {
  model::Choice choice;
  choice.text = "<b> & é\n\"";
  choice.reasoning = "hm";
  choice.tool_calls = {{"c", "f", R"({"a":1})"}, {"", "g", "{}"}};
  choice.tokens = {{.text = "<", .logprob = -0.5, .bytes = {60}, .top = {{"a", -1, {97}}}}};
  choice.finish = Finish::kToolCalls;
  choice.finish_text = "stop";
  Reply reply;
  reply.info.model = "m:7b";
  reply.info.created = 1'700'000'000;
  reply.choices.push_back(choice);
  reply.usage = {.prompt_tokens = 11, .completion_tokens = 2, .total_tokens = 13};
  reply.extra =
      Json(R"({"total_duration":9,"load_duration":1,"prompt_eval_duration":3,"eval_duration":5})");
  return reply;
}

OllamaEnd EndOf(const Reply& reply) {
  return {.usage = reply.usage,
          .times = {.total = 9, .load = 1, .prompt = 3, .answer = 5},
          .context = {}};
}

TEST(OllamaClientRoundTripTest, AReplyComesBackWhole) {
  const Reply chat = SomeReply();
  Reply generate = SomeReply();
  generate.choices[0].tool_calls.clear();
  generate.choices[0].finish = Finish::kLength;
  generate.choices[0].finish_text = "length";

  const auto chat_back = DecodeOllamaReply(
      Api::kChat, EncodeOllamaReply(OllamaApi::kChat, "m:7b", chat, EndOf(chat), kWall));
  const auto generate_back = DecodeOllamaReply(
      Api::kCompletions,
      EncodeOllamaReply(OllamaApi::kGenerate, "m:7b", generate, EndOf(generate), kWall));

  ASSERT_TRUE(chat_back && generate_back);
  EXPECT_TRUE(SameReply(*chat_back, chat));
  EXPECT_TRUE(SameReply(*generate_back, generate));
}

std::string LinesOf(const Reply& reply) {
  const model::Choice& choice = reply.choices[0];
  OllamaEncoder encoder(OllamaApi::kChat, reply.info.model);
  std::string lines;
  model::Delta delta;
  delta.has_choice = true;
  delta.reasoning = choice.reasoning;
  encoder.Append(delta, kWall, lines);
  delta.reasoning.clear();
  delta.tokens = choice.tokens;
  for (const char c : choice.text) {
    delta.text = c;
    if (static_cast<unsigned char>(c) >= 0x80) delta.text = c == '\xA9' ? "é" : "";
    encoder.Append(delta, kWall, lines);
    delta.tokens.clear();
  }
  delta.text.clear();
  for (std::size_t i = 0; i < choice.tool_calls.size(); ++i) {
    const model::ToolCall& call = choice.tool_calls[i];
    delta.tool_calls = {{static_cast<std::int64_t>(i), call.id, call.name, ""}};
    encoder.Append(delta, kWall, lines);
    delta.tool_calls = {{static_cast<std::int64_t>(i), "", "", call.arguments}};
    encoder.Append(delta, kWall, lines);
  }
  delta.tool_calls.clear();
  delta.finish = choice.finish;
  encoder.Append(delta, kWall, lines);
  encoder.AppendEnd(EndOf(reply), kWall, lines);
  return lines;
}

TEST(OllamaClientRoundTripTest, AStreamComesBackAsTheSameReply) {
  const Reply reply = SomeReply();

  const auto back = Play(Api::kChat, LinesOf(reply));

  ASSERT_TRUE(back) << Describe(back.error());
  EXPECT_TRUE(SameReply(*back, reply));
}

TEST(OllamaClientRoundTripTest, AStreamThatIsCutAnywhereIsNotFinished) {
  const std::string lines = LinesOf(SomeReply());
  for (std::size_t length = 0; length + 1 < lines.size(); ++length) {
    const auto read = Play(Api::kChat, std::string_view(lines).substr(0, length));
    ASSERT_FALSE(read) << length;
    EXPECT_TRUE(read.error().code == Code::kStreamTruncated ||
                read.error().code == Code::kProtocolError);
  }
}

}  // namespace
}  // namespace weir::wire
