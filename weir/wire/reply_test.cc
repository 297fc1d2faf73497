#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/wire/codec.h"
#include "weir/wire/reply_testing.h"
#include "weir/wire/reply_tree.h"

namespace weir::wire {
namespace {

using model::Api;

std::string Chat(std::string_view choices, std::string_view rest = "") {
  return StrCat(R"({"id":"chatcmpl-X","object":"chat.completion","created":7,"model":"m",)",
                R"("choices":[)", choices, "]", rest, "}");
}

std::string ReplyWith(std::string_view members) {
  return Chat(StrCat(R"({"index":0,"message":{)", members, R"(},"finish_reason":"stop"})"));
}

std::string Usage(std::string_view members) {
  return Chat(R"({"index":0,"message":{"content":"a"}})", StrCat(R"(,"usage":{)", members, "}"));
}

const std::string& WholeReply() {
  static const std::string kBody = Chat(
      R"({"index":0,"message":{"role":"assistant","content":"H\u00e9\n","refusal":null,)"
      R"("annotations":null,"audio":null,"function_call":null,"reasoning":"hm"},"logprobs":null,)"
      R"("finish_reason":"stop","stop_reason":null,"token_ids":null,"routed_experts":null})",
      R"(,"service_tier":null,"system_fingerprint":"vllm-0.28.0-1a2b3c4d","usage":{)"
      R"("prompt_tokens":11,"total_tokens":13,"completion_tokens":2,)"
      R"("prompt_tokens_details":{"cached_tokens":8},)"
      R"("completion_tokens_details":{"reasoning_tokens":1}},"prompt_logprobs":null,)"
      R"("prompt_token_ids":null,"prompt_text":null,"kv_transfer_params":null,)"
      R"("ec_transfer_params":null,"metrics":null)");
  return kBody;
}

std::vector<std::string> Bodies() {
  return {
      WholeReply(),
      // Choices.
      Chat(R"({})"), Chat(R"({},{"index":5},{"index":null})"), Chat(R"({"index":1.0})"),
      Chat(R"({"index":18446744073709551615})"), Chat(R"({"index":"1"})"),
      Chat(R"({"message":{"content":"a"}},{"message":{"content":"b"}})"),
      Chat(R"({"message":{"reasoning_content":"a"}},{"message":{"content":"b"}})"),
      Chat(R"({"message":null,"text":null})"), Chat(R"({"message":"a"})"),
      Chat(R"({"message":{"content":"a"},"text":"b"})"), Chat(R"({"text":"a"},"b")"),
      Chat(R"({"text":"a"},1)"), Chat(R"({"text":"a"},null)"), Chat(R"("a")"), Chat(R"([])"),
      Chat(R"({"text":"a","message":{"content":"b"},"x":1})"), Chat(R"({"finish_reason":""})"),
      Chat(R"({"finish_reason":"tired"})"), Chat(R"({"finish_reason":"st\u006fp"})"),
      Chat(R"({"finish_reason":"stop","stop_reason":128009})"),
      Chat(R"({"finish_reason":"stop","stop_reason":"###"})"), Chat(R"({"token_ids":[1,2]})"),
      Chat(R"({"index":1,"index":2})"), Chat(R"({"x":null,"x":1})"),
      Chat(R"({"prompt_logprobs":[null,{"1":{"logprob":-1}}]})"),
      Chat(R"({"logprobs":{"content":[{"token":"a","logprob":-0.5,"bytes":[97]}]}})"),
      Chat(R"({"logprobs":{"tokens":["a"],"token_logprobs":[-1],"text_offset":[0]}})"),
      // Messages.
      ReplyWith(R"("role":"r","content":"","reasoning":"","reasoning_content":"b")"),
      ReplyWith(R"("reasoning":"a","reasoning_content":"a")"), ReplyWith(R"("refusal":"n\"o")"),
      ReplyWith(R"("content":null,"tool_calls":[])"), ReplyWith(R"("tool_calls":null)"),
      ReplyWith(R"("tool_calls":[null])"), ReplyWith(R"("tool_calls":["a"])"),
      ReplyWith(R"("tool_calls":[1])"), ReplyWith(R"("tool_calls":[[]])"),
      ReplyWith(
          R"("tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}])"),
      ReplyWith(R"("tool_calls":[{}])"), ReplyWith(R"("tool_calls":[{"id":"a"},{"id":"b"}])"),
      ReplyWith(R"("tool_calls":[{"id":"a"},"b"])"), ReplyWith(R"("tool_calls":[{"id":"a"},null])"),
      ReplyWith(R"("tool_calls":[{"id":"a","id":"b"}])"),
      ReplyWith(R"("tool_calls":[{"type":{}}])"),
      ReplyWith(R"("tool_calls":[{"id":"a","function":null,"type":"x"}],"content":"c")"),
      ReplyWith(R"("tool_calls":[{"function":{"name":"f"},"index":0}])"),
      ReplyWith(R"("tool_calls":[{"function":{"name":"f","arguments":{}}}])"),
      ReplyWith(R"("tool_calls":[{"function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"b"}])"),
      ReplyWith(R"("tool_calls":[{"function":{"name":"f","x":null},"x":null}],"tool_calls":[])"),
      ReplyWith(R"("content":"a","content":"b")"), ReplyWith(R"("content":["a"])"),
      ReplyWith(R"("content":7)"), ReplyWith(R"("annotations":[],"x":{"y":1})"),
      ReplyWith(R"("c\u006fntent":"a")"),
      // Usage.
      Usage(""), Usage(R"("prompt_tokens":1.0,"total_tokens":2e0)"),
      Usage(R"("prompt_tokens":null,"prompt_tokens_details":null)"),
      Usage(R"("prompt_tokens_details":{})"),
      Usage(R"("prompt_tokens_details":{"cached_tokens":1,"multimodal_tokens":null})"),
      Usage(R"("prompt_tokens_details":{"cached_tokens":1,"created_cache_tokens":2})"),
      Usage(R"("completion_tokens_details":{"cached_tokens":1})"),
      Usage(R"("prompt_tokens":-1,"completion_tokens":9000000000000000000,"total_tokens":3)"),
      Usage(R"("prompt_tokens":9007199254740992,"completion_tokens":9007199254740993)"),
      Usage(R"("prompt_tokens":1e30,"total_tokens":-9223372036854775808)"),
      Usage(R"("prompt_tokens_details":{"cached_tokens":-3})"),
      Usage(R"("prompt_tokens_details":7)"), Usage(R"("cost":0.5)"), Usage(R"("x":{})"),
      // The rest.
      Chat("{}", R"(,"usage":null,"error":null)"), Chat("{}", R"(,"usage":7)"),
      Chat("{}", R"(,"error":{"message":"x"})"), Chat("{}", R"(,"id":"again")"),
      Chat("{}", R"(,"metrics":{"queue_time_ms":1},"prompt_text":"p")"),
      Chat("{}", R"(,"prompt_logprobs":[null],"prompt_token_ids":[1])"), Chat(""),
      Chat("{}", R"(,"choices":null)"), R"({"object":"error","choices":[{}]})",
      R"({"choices":null})", R"({"choices":{}})", R"({"id":7,"model":null,"choices":[{}]})",
      R"({"created":1e3,"choices":[{}]})", R"({"created":-0,"choices":[{}]})", "null", "[]", "7",
      "\"a\"", "", "<html>", " {\"choices\":[{}]} ", "{\"choices\":[{}]} x",
      "{\"id\":\"\xff\",\"choices\":[{}]}"};
}

TEST(WholeReplyTest, AReplyWithAllItsNullsIsReadWhole) {
  const auto reply = DecodeReply(Api::kChat, WholeReply());

  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->info.id, "chatcmpl-X");
  EXPECT_EQ(reply->info.model, "m");
  EXPECT_EQ(reply->info.created, 7);
  EXPECT_EQ(reply->info.system_fingerprint, "vllm-0.28.0-1a2b3c4d");
  ASSERT_EQ(reply->choices.size(), 1u);
  EXPECT_EQ(reply->text(), "Hé\n");
  EXPECT_EQ(reply->choices[0].reasoning, "hm");
  EXPECT_EQ(reply->choices[0].finish, model::Finish::kStop);
  EXPECT_EQ(reply->choices[0].finish_text, "stop");
  EXPECT_EQ(reply->usage.prompt_tokens, 11);
  EXPECT_EQ(reply->usage.completion_tokens, 2);
  EXPECT_EQ(reply->usage.total_tokens, 13);
  EXPECT_EQ(reply->usage.cached_tokens, 8);
  EXPECT_EQ(reply->usage.reasoning_tokens, 1);
  EXPECT_TRUE(reply->extra.IsNull());
}

TEST(WholeReplyTest, NumbersThatCannotBeCountsAreUnknown) {
  // "cost" has no place on the short way.
  for (const std::string_view way : {"", R"("cost":0.5,)"}) {
    const auto reply = DecodeReply(
        Api::kChat, Usage(StrCat(way, R"("prompt_tokens":-1,"total_tokens":9007199254740992,)",
                                 R"("completion_tokens":9000000000000000000,)",
                                 R"("prompt_tokens_details":{"cached_tokens":-3},)",
                                 R"("completion_tokens_details":{"reasoning_tokens":4})")));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->usage.prompt_tokens, std::nullopt) << way;
    EXPECT_EQ(reply->usage.completion_tokens, std::nullopt);
    EXPECT_EQ(reply->usage.total_tokens, std::int64_t{1} << 53);
    EXPECT_EQ(reply->usage.cached_tokens, std::nullopt);
    EXPECT_EQ(reply->usage.reasoning_tokens, 4);
  }
}

TEST(WholeReplyTest, ContentInPartsIsReadAndOneThatWouldBeLostIsRefused) {
  const auto decode = [](std::string_view content) {
    return DecodeReply(Api::kChat, StrCat(R"({"choices":[{"index":0,"finish_reason":"stop",)",
                                          R"("message":{"content":)", content, "}}]}"));
  };
  const auto reply =
      decode(R"([{"type":"thinking","thinking":"hm"},{"type":"text","text":"is NOT due"}])");
  ASSERT_TRUE(reply) << Describe(reply.error());
  EXPECT_EQ(reply->choices[0].text, "is NOT due");
  EXPECT_EQ(reply->choices[0].reasoning, "hm");
  for (const std::string_view lost : {R"({"text":"x"})", "7", R"([{"type":"audio"}])"}) {
    const auto refused = decode(lost);
    ASSERT_FALSE(refused) << lost;
    EXPECT_EQ(refused.error().code, Code::kProtocolError) << lost;
  }
}

// What one way says, the other says too: reply or error.
void ExpectAgreement(Api api, std::string_view body) {
  const auto reply = DecodeReply(api, body);
  const auto by_tree = DecodeReplyTree(api, body);
  ASSERT_EQ(reply.has_value(), by_tree.has_value()) << body;
  if (reply) {
    EXPECT_TRUE(SameReply(*reply, *by_tree)) << body;
  } else {
    EXPECT_EQ(Describe(reply.error()), Describe(by_tree.error())) << body;
    EXPECT_EQ(reply.error().cause, by_tree.error().cause) << body;
  }
}

TEST(WholeReplyTest, TheShortWayAndTheTreeAgree) {
  for (const std::string& body : Bodies()) {
    ExpectAgreement(Api::kChat, body);
    ExpectAgreement(Api::kCompletions, body);
  }
}

TEST(WholeReplyTest, TheyAgreeOnEveryCut) {
  for (std::size_t length = 0; length < WholeReply().size(); ++length) {
    ExpectAgreement(Api::kChat, std::string_view(WholeReply()).substr(0, length));
  }
}

}  // namespace
}  // namespace weir::wire
