#include "weir/engine/adapter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"

namespace weir::engine {
namespace {

using model::Api;
using model::Call;
using model::Constraint;
using testing::ElementsAre;
using testing::HasSubstr;

Call CallOf(Api api, std::string_view schema = {}) {
  Call call;
  call.api = api;
  call.model = "m";
  if (api == Api::kCompletions) {
    call.prompt = "hi";
  } else {
    call.messages.push_back(model::Message::Text(model::Role::kUser, "hi"));
  }
  if (!schema.empty()) call.constraint = Constraint{.schema = json::Read(schema).value()};
  return call;
}

wire::EncodedRequest Encoded(const Adapter& adapter, const Call& call) {
  auto encoded = adapter.Encode(call, {.dialect = adapter.DialectOf("")});
  EXPECT_TRUE(encoded) << Describe(encoded.error());
  return encoded ? *std::move(encoded) : wire::EncodedRequest{};
}

TEST(Adapter, EachApiHasItsCodec) {
  for (const wire::ServerKind kind : {wire::ServerKind::kVllm, wire::ServerKind::kOpenAi}) {
    const std::unique_ptr<Adapter> adapter = NewAdapter(kind);
    EXPECT_EQ(Encoded(*adapter, CallOf(Api::kChat)).path, "/v1/chat/completions");
    EXPECT_EQ(Encoded(*adapter, CallOf(Api::kCompletions)).path, "/v1/completions");
    EXPECT_EQ(Encoded(*adapter, CallOf(Api::kResponses)).path, "/v1/responses");
    EXPECT_EQ(adapter->Decode(Api::kChat, R"({"choices":[{"message":{"content":"a"}}]})")->text(),
              "a");
    EXPECT_EQ(
        adapter
            ->Decode(Api::kResponses, R"({"output":[{"type":"message","content":[{"text":"b"}]}]})")
            ->text(),
        "b");
    model::Delta delta;
    ASSERT_TRUE(adapter->NewDecoder(Api::kResponses)
                    ->Decode(R"({"type":"response.output_text.delta","delta":"c"})", delta));
    EXPECT_EQ(delta.text, "c");
    ASSERT_TRUE(adapter->NewDecoder(Api::kCompletions)
                    ->Decode(R"({"choices":[{"index":0,"text":"d"}]})", delta));
    EXPECT_EQ(delta.text, "d");
    EXPECT_EQ(adapter->framing(Api::kChat), Framing::kServerSentEvents);
    EXPECT_THAT(adapter->ModelPaths(), ElementsAre("/v1/models", "/models"));
  }
}

TEST(VllmAdapter, DialectIsThatOfTheVersion) {
  const std::unique_ptr<Adapter> adapter = NewVllmAdapter();
  EXPECT_EQ(adapter->VersionPath(), "/version");
  EXPECT_EQ(adapter->DialectOf(R"({"version":"0.10.1"})").version, (wire::Version{0, 10, 1}));
  EXPECT_EQ(adapter->VersionOf(R"({"version":"0.26.1rc1"})"), "0.26.1rc1");
  for (const std::string_view odd : {"", "<html>", "{}", R"({"version":7})", "[]"}) {
    EXPECT_EQ(adapter->DialectOf(odd).name, "vllm-latest") << odd;
  }
}

constexpr std::string_view kOptional =
    R"({"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":false})";

TEST(OpenAiAdapter, SchemasAreSentInTheirStrictForm) {
  const std::unique_ptr<Adapter> adapter = NewOpenAiAdapter();
  for (const Api api : {Api::kChat, Api::kResponses}) {
    const wire::EncodedRequest request = Encoded(*adapter, CallOf(api, kOptional));
    EXPECT_THAT(
        request.body,
        HasSubstr(R"("schema":{"type":"object","properties":{"a":{"type":["integer","null"]}},)"
                  R"("required":["a"],"additionalProperties":false},"strict":true})"));
    EXPECT_TRUE(request.degradations.empty());
  }
}

TEST(OpenAiAdapter, ManySchemasAreToldApartAndTheSameIsRewrittenAlike) {
  const std::unique_ptr<Adapter> adapter = NewOpenAiAdapter();
  std::vector<Call> calls;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "p" + std::to_string(i);
    calls.push_back(CallOf(Api::kChat, R"({"type":"object","properties":{")" + name +
                                           R"(":{"type":"integer"}},"required":[")" + name +
                                           R"("]})"));
  }
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const std::string name = "\"p" + std::to_string(i) + "\"";
      const std::string once = Encoded(*adapter, calls[i]).body;
      EXPECT_THAT(once, HasSubstr("\"required\":[" + name + "],\"additionalProperties\":false"));
      EXPECT_EQ(Encoded(*adapter, calls[i]).body, once);
    }
  }
}

TEST(OpenAiAdapter, SchemaWithoutAStrictFormIsSentAsItIs) {
  constexpr std::string_view kAnchored =
      R"({"type":"object","properties":{"a":{"$ref":"#/properties/b"},"b":{"type":"integer"}}})";
  const wire::EncodedRequest request = Encoded(*NewOpenAiAdapter(), CallOf(Api::kChat, kAnchored));
  EXPECT_THAT(request.body, HasSubstr(kAnchored));
  EXPECT_THAT(request.body, HasSubstr(R"("strict":false)"));
  ASSERT_EQ(request.degradations.size(), 1U);
  EXPECT_EQ(request.degradations[0].what, "constraint");
}

TEST(OpenAiAdapter, WhatIsMeantToBeLooseStaysAsItIs) {
  Call call = CallOf(Api::kChat, kOptional);
  call.constraint->strict = false;
  EXPECT_THAT(Encoded(*NewOpenAiAdapter(), call).body, HasSubstr(kOptional));
}

TEST(OpenAiAdapter, WidenedKeywordsAreToldAndOtherConstraintsRefused) {
  const std::unique_ptr<Adapter> adapter = NewOpenAiAdapter();
  const wire::EncodedRequest request = Encoded(
      *adapter, CallOf(Api::kChat,
                       R"({"type":"object","properties":{"a":{"type":"array","uniqueItems":true}},)"
                       R"("required":["a"],"additionalProperties":false})"));
  ASSERT_EQ(request.degradations.size(), 1U);
  EXPECT_EQ(request.degradations[0].what, "constraint.uniqueItems");
  Call call = CallOf(Api::kChat);
  call.constraint = Constraint{.kind = Constraint::Kind::kRegex, .text = "a"};
  const auto refused = adapter->Encode(call, {.dialect = adapter->DialectOf("")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnsupportedConstraint);
}

}  // namespace
}  // namespace weir::engine
