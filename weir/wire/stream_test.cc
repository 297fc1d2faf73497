// The server's half and the client's half together: what one writes, the other reads back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/wire/codec.h"
#include "weir/wire/server_codec.h"
#include "weir/wire/wire_testing.h"

namespace weir::wire {
namespace {

using model::Api;
using model::Delta;

model::ReplyInfo Info() {
  model::ReplyInfo info;
  info.id = "chatcmpl-X";
  info.model = "m";
  info.created = 1;
  info.system_fingerprint = "vllm-0.28.0-1a2b3c4d";
  return info;
}

Delta Text(std::string text, std::int64_t choice = 0) {
  Delta delta;
  delta.has_choice = true;
  delta.choice = choice;
  delta.text = std::move(text);
  return delta;
}

Delta Finished(model::Finish finish = model::Finish::kStop) {
  Delta delta = Text("");
  delta.finish = finish;
  delta.finish_text = model::FinishName(finish);
  return delta;
}

std::string Encode(const ChunkEncoder::Options& options, const std::vector<Delta>& deltas,
                   const model::Usage& usage = {}) {
  ChunkEncoder encoder(options, Info());
  std::string out;
  for (const Delta& delta : deltas) encoder.Append(delta, out);
  encoder.AppendEnd(usage, out);
  return out;
}

model::Usage SmallUsage() {
  return {.prompt_tokens = 11, .completion_tokens = 2, .total_tokens = 13};
}

constexpr std::string_view kHead =
    R"(data: {"id":"chatcmpl-X","object":"chat.completion.chunk","created":1,"model":"m","choices":[)";

TEST(ChunkEncoderTest, ChatStreamGivesExactlyTheseBytes) {
  Delta call = Text("");
  call.tool_calls = {{0, "c", "f", ""}, {0, "", "", "{}"}};
  Delta thought = Text("");
  thought.reasoning = "hm";

  const std::string out =
      Encode({.include_usage = true}, {Text("Hi"), thought, call, Finished()}, SmallUsage());

  EXPECT_EQ(
      out,
      StrCat(
          kHead,
          R"({"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null})",
          "\n\n", kHead,
          R"({"index":0,"delta":{"content":"Hi"},"logprobs":null,"finish_reason":null,"token_ids":null}]})",
          "\n\n", kHead,
          R"({"index":0,"delta":{"reasoning":"hm"},"logprobs":null,"finish_reason":null,"token_ids":null}]})",
          "\n\n", kHead,
          R"({"index":0,"delta":{"tool_calls":[{"id":"c","type":"function","index":0,"function":{"name":"f"}},{"index":0,"function":{"arguments":"{}"}}]},"logprobs":null,"finish_reason":null,"token_ids":null}]})",
          "\n\n", kHead,
          R"({"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}]})",
          "\n\n", kHead,
          R"(],"usage":{"prompt_tokens":11,"total_tokens":13,"completion_tokens":2},"system_fingerprint":"vllm-0.28.0-1a2b3c4d"})",
          "\n\ndata: [DONE]\n\n"));
}

TEST(ChunkEncoderTest, FingerprintStandsOnTheFinishChunkWhenNoUsageFollows) {
  const auto events = EventsOf(Encode({}, {Text("Hi"), Finished()}));
  ASSERT_EQ(events.size(), 4U);
  EXPECT_THAT(events[2],
              testing::EndsWith(R"("finish_reason":"stop","stop_reason":null,"token_ids":null}],)"
                                R"("system_fingerprint":"vllm-0.28.0-1a2b3c4d"})"));
}

TEST(ChunkEncoderTest, OldDialectsHaveTheirOwnKeys) {
  const auto chunks = [](std::string_view name) {
    return EventsOf(Encode({.dialect = *DialectByName(name)}, {Text("Hi")}));
  };
  EXPECT_THAT(
      chunks("vllm-0.10")[1],
      testing::EndsWith(
          R"([{"index":0,"delta":{"content":"Hi"},"logprobs":null,"finish_reason":null}]})"));
  EXPECT_THAT(chunks("vllm-0.12")[1],
              testing::HasSubstr(R"("delta":{"content":"Hi","reasoning_content":null})"));
  EXPECT_THAT(chunks("vllm-0.16")[0], testing::EndsWith(R"(}],"prompt_token_ids":null})"));
}

TEST(ChunkEncoderTest, CompletionsStreamGivesExactlyTheseBytes) {
  Delta last = Text("b");
  last.finish = model::Finish::kLength;
  last.finish_text = "length";
  const auto events = EventsOf(Encode({.api = Api::kCompletions}, {Text("a"), last}));

  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(
      events[0],
      R"({"id":"chatcmpl-X","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"a","logprobs":null,"finish_reason":null,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]})");
  EXPECT_THAT(
      events[1],
      testing::EndsWith(
          R"("text":"b","logprobs":null,"finish_reason":"length","stop_reason":null,"prompt_token_ids":null,"token_ids":null}],"system_fingerprint":"vllm-0.28.0-1a2b3c4d"})"));
}

TEST(ChunkEncoderTest, ContinuousUsageStandsBehindTheChoices) {
  Delta delta = Text("Hi");
  delta.usage = model::Usage{.prompt_tokens = 11, .completion_tokens = 1, .total_tokens = 12};

  const auto events = EventsOf(Encode({.include_usage = true, .continuous_usage = true}, {delta}));

  EXPECT_THAT(
      events[0],
      testing::HasSubstr(
          R"(}],"usage":{"prompt_tokens":11,"total_tokens":11,"completion_tokens":0,"completion_tokens_details":null},"prompt_token_ids":null)"));
  EXPECT_THAT(
      events[1],
      testing::EndsWith(
          R"(}],"usage":{"prompt_tokens":11,"total_tokens":12,"completion_tokens":1,"completion_tokens_details":null}})"));
}

TEST(ChunkEncoderTest, AnErrorEndsTheStream) {
  ChunkEncoder encoder({}, Info());
  std::string out;
  encoder.AppendError({.status = 500, .type = "InternalServerError"}, out);
  EXPECT_EQ(out,
            "data: {\"error\": {\"message\": \"\", \"type\": \"InternalServerError\", "
            "\"param\": null, \"code\": 500}}\n\ndata: [DONE]\n\n");
}

model::Reply FullReply(Api api) {
  model::Reply reply;
  reply.info = Info();
  reply.usage = SmallUsage();
  reply.usage.cached_tokens = 4;
  model::Choice& choice = reply.choices.emplace_back();
  choice.text = "Hi é";
  choice.finish = model::Finish::kStop;
  choice.finish_text = "stop";
  choice.stop_reason = Json("\"END\"");
  choice.token_ids = {5, 6};
  model::Token& token = choice.tokens.emplace_back();
  token.text = "Hi";
  token.logprob = -0.25;
  token.top = {{"Hi", -0.25, {}}, {"Ho", -9999.0, {}}};
  if (api == Api::kChat) {
    token.bytes = {72, 105};
    choice.reasoning = "hm";
    choice.tool_calls = {{"c", "f", "{\"a\": 1}"}};
    reply.prompt_logprobs = Json("[null]");
  } else {
    token.text_offset = 0;
    choice.prompt_logprobs = Json("[null]");
  }
  return reply;
}

TEST(ReplyTest, WholeChatReplyGivesExactlyTheseBytes) {
  model::Reply reply;
  reply.info = Info();
  reply.usage = SmallUsage();
  reply.choices.push_back({.text = "Hi", .finish = model::Finish::kStop, .finish_text = "stop"});

  EXPECT_EQ(
      EncodeReply(Api::kChat, reply, *DialectByName("vllm-latest")),
      R"({"id":"chatcmpl-X","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
      R"("message":{"role":"assistant","content":"Hi","refusal":null,"annotations":null,"audio":null,"function_call":null,"reasoning":null},)"
      R"("logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null,"routed_experts":null}],)"
      R"("service_tier":null,"system_fingerprint":"vllm-0.28.0-1a2b3c4d",)"
      R"("usage":{"prompt_tokens":11,"total_tokens":13,"completion_tokens":2,"prompt_tokens_details":null,"completion_tokens_details":null},)"
      R"("prompt_logprobs":null,"prompt_token_ids":null,"prompt_text":null,"kv_transfer_params":null,"ec_transfer_params":null,"metrics":null})");
  EXPECT_EQ(
      EncodeReply(Api::kChat, reply, *DialectByName("vllm-0.10")),
      R"({"id":"chatcmpl-X","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
      R"("message":{"role":"assistant","content":"Hi","refusal":null,"annotations":null,"audio":null,"function_call":null,"tool_calls":[],"reasoning_content":null},)"
      R"("logprobs":null,"finish_reason":"stop","stop_reason":null}],)"
      R"("service_tier":null,"system_fingerprint":null,)"
      R"("usage":{"prompt_tokens":11,"total_tokens":13,"completion_tokens":2,"prompt_tokens_details":null},)"
      R"("prompt_logprobs":null,"kv_transfer_params":null})");
}

TEST(ReplyTest, WholeCompletionGivesExactlyTheseBytes) {
  EXPECT_EQ(
      EncodeReply(Api::kCompletions, FullReply(Api::kCompletions), *DialectByName("vllm-latest")),
      R"({"id":"chatcmpl-X","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"Hi é",)"
      R"("logprobs":{"text_offset":[0],"token_logprobs":[-0.25],"tokens":["Hi"],"top_logprobs":[{"Hi":-0.25,"Ho":-9999.0}]},)"
      R"("finish_reason":"stop","stop_reason":"END","token_ids":[5,6],"prompt_logprobs":[null],"prompt_token_ids":null,"routed_experts":null}],)"
      R"("service_tier":null,"system_fingerprint":"vllm-0.28.0-1a2b3c4d",)"
      R"("usage":{"prompt_tokens":11,"total_tokens":13,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4,"created_cache_tokens":null,"multimodal_tokens":null},"completion_tokens_details":null},)"
      R"("kv_transfer_params":null,"ec_transfer_params":null,"metrics":null})");
}

TEST(ReplyTest, EveryDialectsReplyIsReadBackWhole) {
  for (const std::string& name : ClientDialectNames()) {
    const Dialect dialect = *DialectByName(name);
    for (const Api api : {Api::kChat, Api::kCompletions}) {
      const std::string once = EncodeReply(api, FullReply(api), dialect);
      const auto read = DecodeReply(api, once);
      ASSERT_TRUE(read) << once;
      EXPECT_EQ(EncodeReply(api, *read, dialect), once);
      EXPECT_TRUE(read->extra.IsNull()) << json::Write(read->extra);
      EXPECT_TRUE(read->choices[0].extra.IsNull());
      EXPECT_EQ(read->choices[0].tool_calls.size(), api == Api::kChat ? 1U : 0U);
      EXPECT_EQ(read->usage.cached_tokens, 4);
    }
  }
}

TEST(ReplyTest, CutAnywhereAReplyIsAProtocolError) {
  const std::string body = EncodeReply(Api::kChat, FullReply(Api::kChat), {});
  for (std::size_t length = 0; length < body.size(); ++length) {
    const auto read = DecodeReply(Api::kChat, std::string_view(body).substr(0, length));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Code::kProtocolError);
  }
}

TEST(ReplyTest, WhatIsNoReplyIsAnErrorThatSaysSo) {
  EXPECT_EQ(DecodeReply(Api::kChat, R"({"choices":[]})").error().code, Code::kEmptyModelResponse);
  EXPECT_THAT(DecodeReply(Api::kChat, "<html>").error().message, testing::HasSubstr("HTML"));
  EXPECT_EQ(DecodeReply(Api::kChat, R"({"error":{"message":"x"}})").error().code,
            Code::kProtocolError);
  EXPECT_EQ(DecodeReply(Api::kChat, "{}").error().code, Code::kProtocolError);
}

// What the client makes of a stream.
model::Reply Assemble(Api api, std::string_view body, bool& finished) {
  ChunkDecoder decoder(api);
  model::Assembler assembler;
  Delta delta;
  for (const std::string& event : EventsOf(body)) {
    const auto kind = decoder.Decode(event, delta);
    RC_ASSERT(kind.has_value());
    if (*kind == ChunkDecoder::Kind::kDelta) assembler.Add(delta);
  }
  finished = decoder.finished();
  return std::move(assembler).Finish(decoder.info());
}

RC_GTEST_PROP(StreamProperty, AStreamedReplyEqualsTheWholeOne,
              (std::vector<std::string> texts, bool thinks, bool calls)) {
  const Dialect dialect = *DialectByName(*rc::gen::elementOf(ClientDialectNames()));
  const Api api = *rc::gen::element(Api::kChat, Api::kCompletions);
  std::vector<Delta> deltas;
  model::Assembler expected;
  for (std::string& text : texts) {
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) > 0x7E; });
    Delta& delta = deltas.emplace_back(Text(text, *rc::gen::inRange(0, 3)));
    if (api == Api::kCompletions) continue;
    // vLLM 0.6 sends thoughts as marked text: one stretch of it then, and nothing to tell it by.
    if (thinks && dialect.name != "vllm-0.6") delta.reasoning = text + "?";
    if (calls) delta.tool_calls = {{0, "id", "f", text}};
  }
  for (std::int64_t choice = 0; choice < 3; ++choice) {
    deltas.push_back(Finished(*rc::gen::element(model::Finish::kStop, model::Finish::kLength)));
    deltas.back().choice = choice;
  }
  for (const Delta& delta : deltas) expected.Add(delta);
  const model::Reply whole = std::move(expected).Finish(Info());

  bool finished = false;
  const model::Reply streamed =
      Assemble(api, Encode({.api = api, .dialect = dialect}, deltas), finished);

  RC_ASSERT(finished);
  RC_ASSERT(EncodeReply(api, streamed, dialect) == EncodeReply(
                                                       api,
                                                       [&] {
                                                         model::Reply same = whole;
                                                         same.info.system_fingerprint =
                                                             streamed.info.system_fingerprint;
                                                         return same;
                                                       }(),
                                                       dialect));
}

}  // namespace
}  // namespace weir::wire
