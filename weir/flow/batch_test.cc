#include "weir/flow/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"

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
           Case{R"({"url":"/v1/embeddings","body":{}})", "Supported endpoints"},
           Case{R"({"url":"/v1/chat/completions"})", "no `body`"},
           Case{R"({"url":"/v1/chat/completions","body":{"model":"m"}})", "messages"},
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
