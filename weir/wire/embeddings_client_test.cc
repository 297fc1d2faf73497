#include "weir/wire/embeddings_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"

namespace weir::wire {
namespace {

using testing::ElementsAre;

TEST(EmbeddingsClient, WritesTheTextsAndAsksForPackedFloats) {
  const model::EmbedCall call{.model = "m", .texts = {"a", "b \"c\""}, .dimensions = 8};
  const Result<EncodedRequest> request = EncodeEmbeddings(call);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->path, "/v1/embeddings");
  EXPECT_EQ(request->body,
            R"({"model":"m","input":["a","b \"c\""],"dimensions":8,"encoding_format":"base64"})");
  EXPECT_EQ(EncodeEmbeddings({}).error().code, Code::kInvalidRequest);
}

TEST(EmbeddingsClient, ExtraFieldsAreAddedAndMayNotChangeWhatIsSent) {
  model::EmbedCall call{.model = "m", .texts = {"a"}};
  call.extra = *json::Read(R"({"truncate_prompt_tokens":8,"input":"b"})");
  const Result<EncodedRequest> request = EncodeEmbeddings(call);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->body,
            R"({"model":"m","input":["a"],"encoding_format":"base64","truncate_prompt_tokens":8})");
  ASSERT_EQ(request->degradations.size(), 1U);
  EXPECT_EQ(request->degradations[0].what, "input");
  call.extra = *json::Read("[1]");
  EXPECT_EQ(EncodeEmbeddings(call).error().code, Code::kInvalidRequest);
}

TEST(EmbeddingsClient, ReadsListsAndPackedFloatsInTheOrderOfTheirIndex) {
  // AACAPwAAAMA= is 1.0f, -2.0f.
  const Result<model::Embeddings> read = DecodeEmbeddings(
      R"({"model":"m","data":[{"index":1,"embedding":"AACAPwAAAMA="},)"
      R"({"index":0,"embedding":[0.5,3]}],"usage":{"prompt_tokens":4,"total_tokens":4}})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->model, "m");
  ASSERT_EQ(read->vectors.size(), 2U);
  EXPECT_THAT(read->vectors[0], ElementsAre(0.5F, 3.0F));
  EXPECT_THAT(read->vectors[1], ElementsAre(1.0F, -2.0F));
  EXPECT_EQ(read->usage.prompt_tokens, 4);
  const Result<model::Embeddings> wrong =
      DecodeEmbeddings(R"({"data":[],"usage":{"prompt_tokens":-4,"total_tokens":1e18}})");
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->usage.prompt_tokens, std::nullopt);
  EXPECT_EQ(wrong->usage.total_tokens, std::nullopt);
}

TEST(EmbeddingsClient, WhatIsNoAnswerIsAProtocolErrorAtEveryCut) {
  const std::string whole = R"({"data":[{"index":0,"embedding":[0.5]}]})";
  ASSERT_TRUE(DecodeEmbeddings(whole));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const Result<model::Embeddings> read = DecodeEmbeddings(whole.substr(0, cut));
    ASSERT_FALSE(read) << cut;
    EXPECT_EQ(read.error().code, Code::kProtocolError);
  }
  for (const std::string_view wrong :
       {R"({"data":[{"index":1,"embedding":[0.5]}]})", R"({"data":[{"embedding":["x"]}]})",
        R"({"data":[{"embedding":"AAA="}]})",
        R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})"}) {
    EXPECT_FALSE(DecodeEmbeddings(wrong)) << wrong;
  }
}

TEST(TokenizeClient, ReadsTheTokens) {
  const Result<model::Tokens> tokens =
      DecodeTokens(R"({"count":2,"max_model_len":4096,"tokens":[7,9],"token_strs":null})");
  ASSERT_TRUE(tokens);
  EXPECT_THAT(tokens->ids, ElementsAre(7, 9));
  EXPECT_EQ(tokens->max_model_len, 4096);
  EXPECT_FALSE(DecodeTokens("{}"));
}

}  // namespace
}  // namespace weir::wire
