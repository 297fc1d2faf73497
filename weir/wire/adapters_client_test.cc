#include "weir/wire/adapters_client.h"

#include <gtest/gtest.h>

#include "weir/base/text.h"

namespace weir::wire {
namespace {

TEST(AdaptersClient, LoadAndUnloadAreWrittenAsTheServerReadsThem) {
  const Result<EncodedRequest> load = EncodeLoadAdapter("sql \"2\"", "/adapters/sql");
  ASSERT_TRUE(load);
  EXPECT_EQ(load->path, "/v1/load_lora_adapter");
  EXPECT_EQ(load->body, R"({"lora_name":"sql \"2\"","lora_path":"/adapters/sql"})");
  const Result<EncodedRequest> unload = EncodeUnloadAdapter("sql");
  ASSERT_TRUE(unload);
  EXPECT_EQ(unload->path, "/v1/unload_lora_adapter");
  EXPECT_EQ(unload->body, R"({"lora_name":"sql"})");
}

TEST(AdaptersClient, WithoutANameOrAPathNothingIsAsked) {
  EXPECT_EQ(EncodeLoadAdapter("", "/a").error().code, Code::kInvalidRequest);
  EXPECT_EQ(EncodeLoadAdapter("a", "").error().code, Code::kInvalidRequest);
  EXPECT_EQ(EncodeUnloadAdapter("").error().code, Code::kInvalidRequest);
}

TEST(AdaptersClient, ARefusalBecauseItIsThereIsKnownInAllVersions) {
  for (const std::string_view said :
       {"The lora adapter 'x' has already been loaded. If you want to load the adapter in place, "
        "set 'load_inplace' to True.",
        "The lora adapter 'x' has already been loaded."}) {
    const std::string body =
        StrCat(R"({"error":{"message":")", said, R"(","type":"InvalidUserInput","code":400}})");
    EXPECT_TRUE(SaysAlreadyLoaded(DecodeError(400, body)));
    EXPECT_FALSE(SaysAlreadyLoaded(DecodeError(500, body)));
  }
  EXPECT_FALSE(SaysAlreadyLoaded(DecodeError(404, R"({"detail":"Not Found"})")));
}

TEST(AdaptersClient, WhatIsCountedIsWhatTheModelReads) {
  model::Call call;
  call.model = "m";
  call.adapter = "sql";
  call.messages.push_back(model::Message::Text(model::Role::kUser, "hi"));
  call.tools.push_back({.name = "f", .description = {}, .parameters = {}, .strict = {}});
  call.sampling.max_tokens = 5;
  const EncodeOptions latest{.dialect = *DialectByName("vllm-latest")};
  const Result<EncodedRequest> chat = EncodeCount(call, latest);
  ASSERT_TRUE(chat);
  EXPECT_EQ(chat->path, "/tokenize");
  EXPECT_EQ(chat->body, R"({"model":"m","messages":[{"role":"user","content":"hi"}],)"
                        R"("tools":[{"type":"function","function":{"name":"f"}}]})");
  model::Call text;
  text.api = model::Api::kCompletions;
  text.prompt = "hi";
  EXPECT_EQ(EncodeCount(text, latest)->body, R"({"prompt":"hi"})");
}

}  // namespace
}  // namespace weir::wire
