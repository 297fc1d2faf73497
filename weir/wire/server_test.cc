#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/wire/codec.h"
#include "weir/wire/python_text.h"
#include "weir/wire/server_codec.h"
#include "weir/wire/wire_testing.h"

namespace weir::wire {
namespace {

using model::Api;
using testing::HasSubstr;

Dialect Named(std::string_view name) { return *DialectByName(name); }

std::string Refused(Api api, std::string_view body, std::string_view dialect = "vllm-latest") {
  const auto read = DecodeRequest(api, body, Named(dialect));
  return read ? "accepted" : EncodeError(read.error(), Named(dialect));
}

std::string WithMessages(std::string_view rest) {
  return StrCat(R"({"messages":[{"role":"user","content":"hi"}],)", rest, "}");
}

std::string VllmErrorBody(std::string_view message, std::string_view type, std::string_view param) {
  return StrCat(R"({"error":{"message":")", message, R"(","type":")", type, R"(","param":)", param,
                R"(,"code":400}})");
}

TEST(ServerRequestTest, MistakesAreAnsweredInTheServersWords) {
  struct Case {
    Api api;
    std::string body;
    std::string answer;
  };
  const Case cases[] = {
      {Api::kChat, R"({"model":"m","n":null,"x":[true]})",
       VllmErrorBody(
           R"(1 validation error:\n  {'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required', 'input': {'model': 'm', 'n': None, 'x': [True]}})",
           "Bad Request", R"("body.messages")")},
      {Api::kChat, WithMessages(R"("max_tokens":"abc")"),
       VllmErrorBody(
           R"(1 validation error:\n  {'type': 'int_parsing', 'loc': ('body', 'max_tokens'), 'msg': 'Input should be a valid integer, unable to parse string as an integer', 'input': 'abc'})",
           "Bad Request", R"("body.max_tokens")")},
      {Api::kChat, R"({"messages":)",
       VllmErrorBody(
           R"(1 validation error:\n  {'type': 'json_invalid', 'loc': ('body', 12), 'msg': 'JSON decode error', 'input': {}, 'ctx': {'error': 'Expecting value'}})",
           "Bad Request", R"("body.12")")},
      {Api::kChat, WithMessages(R"("stream_options":{"include_usage":true})"),
       VllmErrorBody(
           "Stream options can only be defined when `stream=True`. (parameter=stream_options)",
           "BadRequestError", R"("stream_options")")},
      {Api::kChat, WithMessages(R"("temperature":-1)"),
       VllmErrorBody(
           "temperature must be non-negative, got -1.0. (parameter=temperature, value=-1.0)",
           "BadRequestError", R"("temperature")")},
      {Api::kChat, WithMessages(R"("temperature":3)"),
       VllmErrorBody("temperature must be in [0, 2], got 3.0. (parameter=temperature, value=3.0)",
                     "BadRequestError", R"("temperature")")},
      {Api::kChat, WithMessages(R"("n":2,"temperature":0)"),
       VllmErrorBody("n must be 1 when using greedy sampling, got 2.", "BadRequestError", "null")},
      {Api::kChat, WithMessages(R"("top_logprobs":3)"),
       VllmErrorBody(
           "when using `top_logprobs`, `logprobs` must be set to true. (parameter=top_logprobs)",
           "BadRequestError", R"("top_logprobs")")},
      {Api::kChat, WithMessages(R"("top_p":0)"),
       VllmErrorBody("top_p must be in (0, 1], got 0.0. (parameter=top_p, value=0.0)",
                     "BadRequestError", R"("top_p")")},
      {Api::kCompletions, R"({"prompt":""})",
       VllmErrorBody(
           "Either prompt or prompt_embeds must be provided and non-empty. (parameter=prompt)",
           "BadRequestError", R"("prompt")")},
      {Api::kCompletions, R"({"prompt":"a","suffix":"b"})",
       VllmErrorBody("suffix is not currently supported", "BadRequestError", "null")},
  };
  for (const Case& c : cases) EXPECT_EQ(Refused(c.api, c.body), c.answer);
}

TEST(ServerRequestTest, OldDialectsWrapTheirRefusals) {
  const std::string body = WithMessages(R"("stream_options":{"include_usage":true})");
  EXPECT_THAT(Refused(Api::kChat, body, "vllm-0.16"),
              HasSubstr("1 validation error:\\n  {'type': 'value_error', 'loc': ('body',), 'msg': "
                        "'Value error, Stream options can only be"));
  EXPECT_THAT(Refused(Api::kChat, body, "vllm-0.10"),
              testing::StartsWith(R"({"object":"error","message":"[{'type': 'value_error')"));
}

TEST(ServerRequestTest, CutAnywhereARequestIsA400) {
  const Dialect dialect;
  const std::string body = EncodeRequest(FullCall(Api::kChat, dialect), {dialect, true})->body;
  for (std::size_t length = 0; length < body.size(); ++length) {
    const auto read = DecodeRequest(Api::kChat, body.substr(0, length), dialect);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().status, 400);
    EXPECT_THAT(read.error().message, HasSubstr("json_invalid"));
  }
}

TEST(ServerRequestTest, OptionsAndForeignSpellingsAreUnderstood) {
  const Dialect latest;
  const auto chat = DecodeRequest(
      Api::kChat,
      R"({"messages":[{"role":"user","content":[{"image_url":"http://i"},"x"]}],"stop":"E",)"
      R"("max_tokens":"5","max_completion_tokens":6,"guided_regex":"a","stream":true,)"
      R"("stream_options":{"include_usage":true,"continuous_usage_stats":true},"service_tier":null})",
      latest);
  const auto texts = DecodeRequest(Api::kCompletions, R"({"prompt":["a","b"]})", latest);
  const auto tokens = DecodeRequest(Api::kCompletions, R"({"prompt":[[1],[2,3]]})", latest);

  ASSERT_TRUE(chat && texts && tokens);
  EXPECT_EQ(chat->call.messages[0].parts[0].url, "http://i");
  EXPECT_EQ(chat->call.sampling.stop, std::vector<std::string>{"E"});
  EXPECT_EQ(chat->call.sampling.max_tokens, 6);
  EXPECT_FALSE(chat->call.constraint);  // ignored in silence since 0.12
  EXPECT_EQ(chat->call.extra, Json(R"({"guided_regex":"a"})"));
  EXPECT_TRUE(chat->stream && chat->include_usage && chat->continuous_usage);
  EXPECT_EQ(texts->prompts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(texts->call.prompt, "a");
  EXPECT_EQ(tokens->token_prompts.size(), 2U);
  EXPECT_EQ(tokens->call.prompt_token_ids, std::vector<std::int64_t>{1});
}

TEST(ServerRequestTest, UsageIsTheDefaultOfOldStreamOptions) {
  const std::string body = WithMessages(R"("stream":true,"stream_options":{})");
  EXPECT_TRUE(DecodeRequest(Api::kChat, body, Named("vllm-0.16"))->include_usage);
  EXPECT_FALSE(DecodeRequest(Api::kChat, body, Named("vllm-latest"))->include_usage);
}

TEST(ServerErrorTest, EachDialectHasItsEnvelope) {
  const ServerError error{.status = 404,
                          .type = "NotFoundError",
                          .message = "The model `é` does not exist.",
                          .param = "model"};
  EXPECT_EQ(
      EncodeError(error, Named("vllm-0.10")),
      R"({"object":"error","message":"The model `é` does not exist.","type":"NotFoundError","param":"model","code":404})");
  EXPECT_EQ(
      EncodeError(error, Named("vllm-latest")),
      R"({"error":{"message":"The model `é` does not exist.","type":"NotFoundError","param":"model","code":404}})");
  EXPECT_EQ(
      EncodeErrorEvent(error, Named("vllm-latest")),
      R"({"error": {"message": "The model `\u00e9` does not exist.", "type": "NotFoundError", "param": "model", "code": 404}})");
  EXPECT_THAT(EncodeErrorEvent(error, Named("vllm-0.10")),
              testing::StartsWith(R"({"error": {"object": "error", "message": )"));
  EXPECT_EQ(
      EncodeError({.status = 401, .type = "", .message = "Unauthorized"}, Named("vllm-latest")),
      R"({"error":"Unauthorized"})");
}

TEST(ServerReplyTest, ContentBesideAForcedCallIsEmptyAndNotNull) {
  model::Reply reply;
  reply.choices.push_back({.tool_calls = {{"id", "look", "{}"}}});
  EXPECT_THAT(EncodeReply(Api::kChat, reply, Named("vllm-latest")),
              testing::HasSubstr(R"("content":null)"));
  EXPECT_THAT(EncodeReply(Api::kChat, reply, Named("vllm-latest"), true),
              testing::HasSubstr(R"("content":"")"));
}

TEST(ServerModelsTest, PermissionIdsAreLongInOldVersions) {
  const std::vector<model::ModelEntry> models = {{.id = "m"}};
  const auto digits = [&](std::string_view dialect) {
    const std::string body = EncodeModels(models, 1, Named(dialect));
    const std::size_t begin = body.find("modelperm-") + 10;
    return body.find('"', begin) - begin;
  };
  EXPECT_EQ(digits("vllm-0.11"), 32U);
  EXPECT_EQ(digits("vllm-latest"), 16U);
}

TEST(ServerErrorTest, ValidationNamesThePhraseOfTheStatusSinceVersion09) {
  const auto type = [](std::string_view dialect) {
    return DecodeRequest(Api::kChat, WithMessages(R"("max_tokens":"abc")"), Named(dialect))
        .error()
        .type;
  };
  EXPECT_EQ(type("vllm-0.6"), "BadRequestError");
  EXPECT_EQ(type("vllm-0.10"), "Bad Request");
}

TEST(ServerModelsTest, ListReadsBackAsItself) {
  std::vector<model::ModelEntry> models(2);
  models[0] = {.id = "m", .root = "org/m", .parent = "", .owned_by = "vllm", .max_model_len = 4096};
  models[1] = {.id = "sql", .root = "/a/sql", .parent = "m", .owned_by = "vllm"};

  const std::string body = EncodeModels(models, 1);
  const auto read = DecodeModels(body);

  EXPECT_THAT(
      body,
      testing::StartsWith(
          R"({"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"vllm",)"
          R"("root":"org/m","parent":null,"max_model_len":4096,"permission":[{"id":"modelperm-)"));
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].max_model_len, 4096);
  EXPECT_EQ((*read)[1].parent, "m");
  EXPECT_TRUE((*read)[1].extra.IsNull());
  EXPECT_FALSE(DecodeModels("<html>"));
  EXPECT_FALSE(DecodeModels("{}"));
}

TEST(PythonTextTest, FloatsAndTextsLookAsInPython) {
  const std::pair<double, std::string_view> floats[] = {
      {1, "1.0"}, {-0.5, "-0.5"}, {1e-5, "1e-05"},   {1e16, "1e+16"}, {123456789.0, "123456789.0"},
      {0, "0.0"}, {0.1, "0.1"},   {0.0001, "0.0001"}};
  for (const auto& [value, text] : floats) EXPECT_EQ(PythonFloat(value), text);
  EXPECT_EQ(PythonRepr(std::string_view("it's")), R"("it's")");
  EXPECT_EQ(PythonRepr(std::string_view("a'\"\n\\")), R"('a\'"\n\\')");
  EXPECT_EQ(PythonRepr(Json(R"({"a":[1,1.0,null,true,"x"],"b":{}})")),
            "{'a': [1, 1.0, None, True, 'x'], 'b': {}}");
}

TEST(PythonTextTest, JsonFaultsAreThoseOfPython) {
  struct Case {
    std::string_view text;
    std::string_view message;
    std::size_t position;
  };
  const Case cases[] = {
      {"", "Expecting value", 0},
      {"{", "Expecting property name enclosed in double quotes", 1},
      {"{\"a\" 1}", "Expecting ':' delimiter", 5},
      {"{\"a\":1 \"b\"}", "Expecting ',' delimiter", 7},
      {"[1,]", "Expecting value", 3},
      {"[\"é\", x]", "Expecting value", 6},
      {"\"abc", "Unterminated string starting at", 0},
      {"\"a\nb\"", "Invalid control character at", 2},
      {"\"\\x\"", "Invalid \\escape", 1},
      {"{} x", "Extra data", 3},
  };
  for (const Case& c : cases) {
    const auto fault = FindPythonJsonFault(c.text);
    ASSERT_TRUE(fault) << c.text;
    EXPECT_EQ(fault->message, c.message) << c.text;
    EXPECT_EQ(fault->position, c.position) << c.text;
  }
  EXPECT_FALSE(FindPythonJsonFault("[NaN, -Infinity, 1.5e3, {\"a\": [\"\\u00e9\"]}]"));
}

}  // namespace
}  // namespace weir::wire
