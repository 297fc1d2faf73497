#include "weir/flow/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

using testing::HasSubstr;

json::Value RowOf(std::string_view text) { return *json::Read(text); }

TEST(BatchTest, ARequestBecomesACallWithItsOwnModelOrAnother) {
  const json::Value row =
      RowOf(R"({"custom_id":"r1","method":"POST","url":"/v1/chat/completions",)"
            R"("body":{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":7}})");
  const Result<model::Call> own = BatchCall(row, "");
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_EQ(own->model, "m");
  EXPECT_EQ(own->sampling.max_tokens, 7);
  EXPECT_EQ(own->messages.front().AllText(), "hi");
  EXPECT_EQ(BatchCall(row, "other")->model, "other");
}

TEST(BatchTest, WhatNoServerWouldTakeFailsInItsWords) {
  struct Case {
    const char* row;
    const char* said;
  };
  for (const Case& its_case : {
           Case{R"({"url":"/v1/moderations","body":{}})", "Supported endpoints"},
           Case{R"({"url":"/v1/embeddings","body":{}})", "input"},
           Case{R"({"url":"/v1/embeddings","body":{"input":[1,2]}})", "token ids"},
           Case{R"({"url":"/v1/embeddings","body":{"messages":[{"role":"user","content":"x"}]}})",
                "`messages`"},
           Case{R"({"url":"/v1/embeddings","body":{"input":"x","encoding_format":"hex"}})",
                "encoding_format"},
           Case{R"({"url":"/v1/chat/completions"})", "no `body`"},
           Case{R"({"url":"/v1/chat/completions","body":{"model":"m"}})", "messages"},
           Case{R"({"url":"/v1/chat/completions","body":{"model":"m","messages":[]}})", "is empty"},
           Case{R"({"url":"/v1/chat/completions","body":{"model":"m","stream":true,)"
                R"("messages":[{"role":"user","content":"x"}]}})",
                "stream mode"},
       }) {
    const Result<model::Call> call = BatchCall(RowOf(its_case.row), "");
    ASSERT_FALSE(call) << its_case.row;
    EXPECT_EQ(call.error().code, Code::kInvalidRequest);
    EXPECT_THAT(call.error().message, HasSubstr(its_case.said));
  }
}

TEST(BatchTest, TextsToEmbedAreMessagesAndTheRestGoesAlong) {
  const json::Value row =
      RowOf(R"({"custom_id":"r1","url":"/v1/embeddings","body":{"model":"m",)"
            R"("input":["one","two"],"dimensions":"8","user":"u","encoding_format":"base64"}})");
  EXPECT_TRUE(AsksForEmbeddings(row));
  const Result<model::Call> call = BatchCall(row, "other");
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->model, "other");
  ASSERT_EQ(call->messages.size(), 2U);
  EXPECT_EQ(call->messages[1].AllText(), "two");
  EXPECT_EQ(json::Write(call->extra), R"({"dimensions":8,"user":"u"})");
}

TEST(BatchTest, VectorsComeBackInTheFormThatWasAskedFor) {
  const json::Value row =
      RowOf(R"({"custom_id":"r1","url":"/v1/embeddings","body":{"input":"x"}})");
  model::Reply reply;
  reply.info.model = "m";
  reply.usage.prompt_tokens = 3;
  reply.choices.emplace_back().value = RowOf("[[0.5,-1],[0.10000000149011612,0]]");
  const Result<json::Value> body = BatchReply(row, reply);
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(json::Write(body->Find("data")),
            R"([{"index":0,"object":"embedding","embedding":[0.5,-1.0]},)"
            R"({"index":1,"object":"embedding","embedding":[0.10000000149011612,0.0]}])");
  EXPECT_EQ(body->Find("usage").Find("prompt_tokens").AsInt64(), 3);
  EXPECT_TRUE(body->Find("id").StringOr("").starts_with("embd-"));

  const json::Value packed =
      RowOf(R"({"url":"/v1/embeddings","body":{"input":"x","encoding_format":"base64"}})");
  EXPECT_EQ(BatchReply(packed, reply)->Find("data")[0].Find("embedding").StringOr(""),
            "AAAAPwAAgL8=");
}

TEST(BatchTest, AJobOfPromptsSchemaAndDocumentIsARequest) {  // R-JOB-07
  const Result<json::Value> request =
      PromptRequest(RowOf(R"({"id":7,"prompts":{"system":"Be short.","user":"What happened?"},)"
                          R"("schema":{"type":"object","properties":{"event":{"type":"string"}}},)"
                          R"("document_text":"ACME bought Weir."})"));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->Find("custom_id").StringOr(""), "7");
  const Result<model::Call> call = BatchCall(*request, "m");
  ASSERT_TRUE(call) << call.error().message;
  ASSERT_EQ(call->messages.size(), 2U);
  EXPECT_EQ(call->messages[0].AllText(), "Be short.");
  EXPECT_EQ(call->messages[1].AllText(), "What happened?\n\nACME bought Weir.");
  ASSERT_TRUE(call->constraint);
  EXPECT_EQ(call->constraint->kind, model::Constraint::Kind::kJsonSchema);
  EXPECT_TRUE(call->constraint->schema.Find("properties").Find("event").IsObject());
}

TEST(BatchTest, AJobThatIsNoneSaysWhichMemberIsWrong) {
  struct Case {
    const char* job;
    const char* said;
  };
  for (const Case& its_case : {
           Case{R"({"prompts":{"user":"x"}})", "`id`"},
           Case{R"({"id":"a"})", "`prompts`"},
           Case{R"({"id":"a","prompts":{"user":1}})", "`prompts.user`"},
           Case{R"({"id":"a","prompts":{"assistant":"x"}})", "`assistant`"},
           Case{R"({"id":"a","prompts":{"user":"x"},"schema":[]})", "`schema`"},
           Case{R"({"id":"a","prompts":{"user":"x"},"document_text":{}})", "`document_text`"},
           Case{R"({"id":"a","prompts":{"user":"x"},"model":"m"})", "`model`"},
           Case{R"({"id":"a","prompts":{}})", "both empty"},
       }) {
    const Result<json::Value> request = PromptRequest(RowOf(its_case.job));
    ASSERT_FALSE(request) << its_case.job;
    EXPECT_THAT(request.error().message, HasSubstr(its_case.said));
  }
}

TEST(BatchTest, LinesAreThoseOfRunBatch) {
  const json::Value line = RowOf(BatchLine("r1", RowOf(R"({"object":"chat.completion"})")));
  EXPECT_EQ(line.Find("custom_id").StringOr(""), "r1");
  EXPECT_EQ(line.Find("response").Find("status_code").AsInt64(), 200);
  EXPECT_EQ(line.Find("response").Find("body").Find("object").StringOr(""), "chat.completion");
  EXPECT_TRUE(line.Find("error").IsNull());

  const json::Value error = RowOf(BatchErrorLine("r2", {"http_404", "no such model", 404}));
  EXPECT_EQ(error.Find("response").Find("status_code").AsInt64(), 404);
  EXPECT_TRUE(error.Find("response").Find("body").IsNull());
  EXPECT_EQ(error.Find("error").Find("error").Find("message").StringOr(""), "no such model");
}

}  // namespace
}  // namespace weir::flow
