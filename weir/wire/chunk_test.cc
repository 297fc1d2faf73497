#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/wire/chunk_tree.h"
#include "weir/wire/codec.h"
#include "weir/wire/wire_testing.h"

namespace weir::wire {
namespace {

using Kind = ChunkDecoder::Kind;
using model::Api;
using model::Delta;
using testing::HasSubstr;

std::string ChatChunk(std::string_view choice, std::string_view rest = "") {
  return StrCat(R"({"id":"chatcmpl-X","object":"chat.completion.chunk","created":7,"model":"m",)",
                R"("choices":[)", choice, "]", rest, "}");
}

// A delta in words, for comparison.
std::string Show(const Delta& d) {
  std::string text = StrCat(d.has_choice ? StrCat(d.choice) : std::string("-"), "|", d.text, "|",
                            d.reasoning, "|", d.finish_text);
  if (!d.refusal.empty()) StrAppend(text, "|refusal ", d.refusal);
  for (const auto& call : d.tool_calls) {
    StrAppend(text, "|#", call.index, " ", call.id, " ", call.name, " ", call.arguments);
  }
  for (const auto& token : d.tokens) StrAppend(text, "|", token.text, "/", token.top.size());
  for (const std::int64_t id : d.token_ids) StrAppend(text, "|id ", id);
  if (!d.stop_reason.IsNull()) StrAppend(text, "|stop ", json::Write(d.stop_reason));
  if (d.usage) StrAppend(text, "|usage ", d.usage->completion_tokens.value_or(-1));
  if (!d.extra.IsNull()) StrAppend(text, "|extra ", json::Write(d.extra));
  return text;
}

struct ChunkCase {
  std::string_view name;
  Api api;
  std::string data;
  std::string shown;  // empty: nothing for the reader
};

std::vector<ChunkCase> Chunks() {
  return {
      {"role", Api::kChat,
       ChatChunk(
           R"({"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null})",
           R"(,"prompt_token_ids":null,"prompt_text":null)"),
       ""},
      {"role of llama.cpp", Api::kChat,
       ChatChunk(R"({"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}})"),
       ""},
      {"content", Api::kChat,
       ChatChunk(
           R"({"index":1,"delta":{"content":"Hi \u00e9\n"},"logprobs":null,"finish_reason":null,"token_ids":null})"),
       "1|Hi é\n||"},
      {"content in parts", Api::kChat,
       ChatChunk(
           R"({"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"so"}]},{"type":"text","text":"NOT "},{"type":"text","text":"due"}]}})"),
       "0|NOT due|so|"},
      {"a ping in between", Api::kChat, "{}", ""},
      {"a ping that says so", Api::kChat, R"({"type":"ping"})", ""},
      {"a chunk that says so", Api::kChat,
       R"({"type":"ping","choices":[{"index":0,"delta":{"content":"a"}}]})",
       R"(0|a|||extra {"type":"ping"})"},
      {"refusal", Api::kChat, ChatChunk(R"({"index":0,"delta":{"refusal":"No."}})"),
       "0||||refusal No."},
      {"reasoning", Api::kChat, ChatChunk(R"({"index":0,"delta":{"reasoning":"hm"}})"), "0||hm|"},
      {"old reasoning", Api::kChat, ChatChunk(R"({"index":0,"delta":{"reasoning_content":"hm"}})"),
       "0||hm|"},
      {"both at the boundary", Api::kChat,
       ChatChunk(R"({"index":0,"delta":{"reasoning":"a","content":"b"}})"), "0|b|a|"},
      {"finish", Api::kChat,
       ChatChunk(
           R"({"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null})",
           R"(,"system_fingerprint":"vllm-0.28.0-1a2b3c4d")"),
       "0|||stop"},
      {"stop token", Api::kChat,
       ChatChunk(R"({"index":0,"delta":{},"finish_reason":"stop","stop_reason":128009})"),
       "0|||stop|stop 128009"},
      {"unknown finish", Api::kChat, ChatChunk(R"({"index":0,"delta":{},"finish_reason":"tired"})"),
       "0|||tired"},
      {"null delta", Api::kChat, ChatChunk(R"({"index":0,"delta":null,"finish_reason":"stop"})"),
       "0|||stop"},
      {"token ids", Api::kChat,
       ChatChunk(R"({"index":0,"delta":{"content":"a"},"token_ids":[5,6]})"), "0|a|||id 5|id 6"},
      {"logprobs", Api::kChat,
       ChatChunk(
           R"({"index":0,"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[{"token":"a","logprob":-0.5,"bytes":[97]}]}]}})"),
       "0|a|||a/1"},
      {"tool call", Api::kChat,
       ChatChunk(
           R"({"index":0,"delta":{"tool_calls":[{"id":"c","type":"function","index":0,"function":{"name":"f"}},{"index":0,"function":{"arguments":"{}"}}]}})"),
       "0||||#0 c f |#0   {}"},
      {"usage", Api::kChat,
       R"({"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":11,"total_tokens":13,"completion_tokens":2}})",
       "-||||usage 2"},
      {"continuous usage", Api::kChat,
       ChatChunk(R"({"index":0,"delta":{"content":"a"}})",
                 R"(,"usage":{"completion_tokens":1,"completion_tokens_details":null})"),
       "0|a|||usage 1"},
      {"usage that cannot be", Api::kChat,
       R"({"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":-2}})", "-||||usage -1"},
      {"unknown fields", Api::kChat,
       ChatChunk(R"({"index":0,"delta":{"content":"a","x":1},"y":[2]})", R"(,"z":"3","n":null)"),
       R"(0|a|||extra {"z":"3","choice":{"y":[2]},"delta":{"x":1}})"},
      {"text", Api::kCompletions,
       R"({"id":"cmpl-X","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"a","logprobs":null,"finish_reason":null,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]})",
       "0|a||"},
      {"last text", Api::kCompletions,
       R"({"choices":[{"index":0,"text":"a","finish_reason":"length"}]})", "0|a||length"},
      {"text logprobs", Api::kCompletions,
       R"({"choices":[{"index":0,"text":"ab","logprobs":{"text_offset":[0,1],"token_logprobs":[null,-1],"tokens":["a","b"],"top_logprobs":[null,{"b":-1.0,"c":-2}]}}]})",
       "0|ab|||a/0|b/2"},
  };
}

TEST(ChunkTest, EachChunkBecomesItsDelta) {
  for (const ChunkCase& c : Chunks()) {
    ChunkDecoder decoder(c.api);
    Delta delta;
    delta.text = "left over";

    const auto kind = decoder.Decode(c.data, delta);

    ASSERT_TRUE(kind) << c.name << ": " << kind.error().message << " " << kind.error().cause;
    EXPECT_EQ(*kind, c.shown.empty() ? Kind::kEmpty : Kind::kDelta) << c.name;
    if (!c.shown.empty()) EXPECT_EQ(Show(delta), c.shown) << c.name;
  }
}

TEST(ChunkTest, TheShortWayAndTheTreeAgree) {
  for (const ChunkCase& c : Chunks()) {
    ChunkDecoder decoder(c.api);
    Delta fast;
    Delta slow;
    model::ReplyInfo info;

    ASSERT_TRUE(decoder.Decode(c.data, fast)) << c.name;
    ASSERT_TRUE(DecodeChunkTree(c.api, c.data, slow, info)) << c.name;

    EXPECT_EQ(Show(fast), Show(slow)) << c.name;
    EXPECT_EQ(decoder.info().id, info.id);
    EXPECT_EQ(decoder.info().model, info.model);
    EXPECT_EQ(decoder.info().created, info.created);
    EXPECT_EQ(decoder.info().system_fingerprint, info.system_fingerprint);
  }
}

TEST(ChunkTest, WhatFollowsAChoiceIsNoPartOfIt) {
  for (const std::string_view second : {R"("b")", "1", "null", "{}"}) {
    ChunkDecoder decoder(Api::kCompletions);
    Delta delta;
    const auto kind = decoder.Decode(ChatChunk(StrCat(R"({"text":"a"},)", second)), delta);
    ASSERT_FALSE(kind) << second;
    EXPECT_EQ(kind.error().code, Code::kProtocolError) << second;
  }
}

TEST(ChunkTest, AChunkLikeTheLastOneIsReadAsIfItWereTheFirst) {
  const std::string_view texts[] = {
      R"(a)",  R"( plain)", R"()",  R"(é)",        R"(q\"q)",
      R"(\n)", "\x01",      "\xff", R"(","x":"y)", R"(a"},"finish_reason":"stop","y":{"z":")"};
  for (const std::string_view choice : {R"({"index":1,"delta":{"content":"@"},"token_ids":null})",
                                        R"({"index":1,"delta":{"role":"r","content":"@"}})"}) {
    const std::size_t at = choice.find('@');
    ChunkDecoder used(Api::kChat);
    Delta delta;
    ASSERT_TRUE(used.Decode(ChatChunk(choice), delta));
    for (const std::string_view text : texts) {
      const std::string data = ChatChunk(StrCat(choice.substr(0, at), text, choice.substr(at + 1)));
      Delta first;
      const auto expected = ChunkDecoder(Api::kChat).Decode(data, first);
      const auto kind = used.Decode(data, delta);
      ASSERT_EQ(kind.has_value(), expected.has_value()) << data;
      if (!kind) continue;
      EXPECT_EQ(*kind, *expected) << data;
      EXPECT_EQ(Show(delta), Show(first)) << data;
    }
  }
}

TEST(ChunkTest, CutAnywhereAChunkIsAProtocolError) {
  for (const ChunkCase& c : Chunks()) {
    for (std::size_t length = 0; length < c.data.size(); ++length) {
      ChunkDecoder decoder(c.api);
      Delta delta;
      const auto kind = decoder.Decode(std::string_view(c.data).substr(0, length), delta);
      ASSERT_FALSE(kind) << c.name << " cut at " << length;
      EXPECT_EQ(kind.error().code, Code::kProtocolError);
      EXPECT_FALSE(decoder.finished());
    }
  }
}

TEST(ChunkTest, WhatIsNotAChunkIsAProtocolError) {
  const std::string_view cases[] = {
      "",
      "null",
      "[]",
      "\"hi\"",
      R"({"a":1})",
      "[DONE",
      R"({"choices":null})",
      "<html>",
      R"({"choices":[{"index":0,"delta":{}},{"index":1,"delta":{}}]})",
      R"({"choices":[{"index":0,"delta":{"content":"\ud83d"}}]})",
      R"({"choices":[{"index":0,"delta":{"content":7}}]})",
      R"({"choices":[{"index":0,"delta":{"content":[{"type":"image_url","image_url":{}}]}}]})",
      R"({"choices":[{"index":0,"delta":{"content":[{"type":"text"}]}}]})",
      R"({"choices":[{"index":0,"delta":{"content":["text"]}}]})",
      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\xff\"}}]}"};
  for (const std::string_view data : cases) {
    ChunkDecoder decoder(Api::kChat);
    Delta delta;
    const auto kind = decoder.Decode(data, delta);
    ASSERT_FALSE(kind) << data;
    EXPECT_EQ(kind.error().code, Code::kProtocolError) << data;
  }
}

TEST(ChunkTest, ErrorEventsAreTheErrorsTheyStandFor) {
  const std::pair<std::string_view, int> cases[] = {
      {R"({"error": {"message": "x", "type": "BadRequestError", "param": null, "code": 400}})",
       400},
      {R"({"error": {"object":"error","message":"x","type":"NotFoundError","code":404}})", 404},
      {R"({"object":"error","message":"x","type":"BadRequestError","param":null,"code":400})", 400},
      {R"({"error":{"message":"x","type":"server_error","code":"server_error"}})", 500},
      {R"({"error":{"message":"x","type":"Service Unavailable","code":503}})", 503},
      {R"({"error":"Unauthorized"})", 401}};
  for (const auto& [data, status] : cases) {
    ChunkDecoder decoder(Api::kChat);
    Delta delta;
    const auto kind = decoder.Decode(data, delta);
    ASSERT_FALSE(kind) << data;
    EXPECT_EQ(kind.error().code, Code::kHttpStatus) << data;
    EXPECT_EQ(kind.error().http_status, status) << data;
  }
}

TEST(ChunkTest, CallsThatShareAnIndexAreToldApartByTheirIds) {
  ChunkDecoder decoder(Api::kChat);
  const auto feed = [&](std::string_view calls) {
    Delta delta;
    const auto kind = decoder.Decode(
        ChatChunk(StrCat(R"({"index":0,"delta":{"tool_calls":[)", calls, "]}}")), delta);
    return kind ? Show(delta) : kind.error().message;
  };
  EXPECT_EQ(feed(R"({"index":0,"id":"a","function":{"name":"f","arguments":"{"}})"),
            "0||||#0 a f {");
  EXPECT_EQ(feed(R"({"index":0,"id":"a","function":{"name":"f","arguments":"}"}})"),
            "0||||#0 a f }");
  EXPECT_EQ(feed(R"({"index":0,"id":"b","function":{"name":"f","arguments":"{"}})"),
            "0||||#1 b f {");
  EXPECT_EQ(feed(R"({"index":0,"function":{"arguments":"}"}})"), "0||||#1   }");
  EXPECT_EQ(feed(R"({"index":1,"id":"c","function":{"name":"g"}})"), "0||||#2 c g ");
  // Some servers make a new id for every piece.
  EXPECT_EQ(feed(R"({"index":1,"id":"d","function":{"arguments":"{}"}})"), "0||||#2 d  {}");
}

TEST(ChunkTest, ArgumentsThatCameAsAnObjectAreItsText) {
  ChunkDecoder decoder(Api::kChat);
  Delta delta;
  ASSERT_TRUE(decoder.Decode(
      ChatChunk(
          R"({"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":{"x":1}}}]}})"),
      delta));
  EXPECT_EQ(delta.tool_calls[0].arguments, R"({"x":1})");
  const auto whole = DecodeReply(
      Api::kChat,
      R"({"choices":[{"index":0,"message":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":{"x":1}}}]},"finish_reason":"tool_calls"}]})");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->choices[0].tool_calls[0].arguments, R"({"x":1})");
}

TEST(ChunkTest, AStreamIsFinishedWhenEveryOpenedChoiceIs) {
  ChunkDecoder decoder(Api::kChat);
  Delta delta;
  const auto feed = [&](std::string_view choice) {
    return decoder.Decode(ChatChunk(choice), delta);
  };

  EXPECT_FALSE(decoder.finished());
  ASSERT_TRUE(feed(R"({"index":0,"delta":{"role":"assistant","content":""}})"));
  EXPECT_FALSE(decoder.finished());
  ASSERT_TRUE(feed(R"({"index":1,"delta":{"content":"b"}})"));
  ASSERT_TRUE(feed(R"({"index":0,"delta":{},"finish_reason":"stop"})"));
  EXPECT_FALSE(decoder.finished());
  ASSERT_TRUE(feed(R"({"index":1,"delta":{},"finish_reason":"length"})"));
  EXPECT_TRUE(decoder.finished());
  EXPECT_EQ(*decoder.Decode("[DONE]", delta), Kind::kDone);
}

}  // namespace
}  // namespace weir::wire
