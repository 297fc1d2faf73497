// What is sent to OpenAI, on chat and completions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/wire/any_testing.h"
#include "weir/wire/codec.h"
#include "weir/wire/openai_habits.h"
#include "weir/wire/openai_server.h"
#include "weir/wire/responses_client.h"
#include "weir/wire/wire_testing.h"

namespace weir::wire {
namespace {

using model::Api;
using model::Call;
using model::Constraint;
using model::Part;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

EncodeOptions OpenAiOptions(bool degrade = false, bool stream = false) {
  return {.dialect = *DialectByName("openai"), .stream = stream, .degrade = degrade};
}

Result<EncodedRequest> Encode(const Call& call, const EncodeOptions& options) {
  return call.api == Api::kResponses ? EncodeResponsesRequest(call, options)
                                     : EncodeRequest(call, options);
}

std::string OpenAiBodyOf(const Call& call, const EncodeOptions& options = OpenAiOptions()) {
  const auto encoded = Encode(call, options);
  return encoded ? encoded->body : Describe(encoded.error());
}

Call FullOpenAiCall() {
  Call call = SimpleCall();
  call.model = "gpt-4.1-mini";
  call.messages[0].name = "ann";
  call.messages[0].parts = {
      {.text = "See"},
      {.kind = Part::Kind::kImage, .url = "https://h/a.png", .detail = "low"},
      {.kind = Part::Kind::kAudio, .url = "data:audio/wav;base64,UklGRg==", .format = "wav"},
      {.kind = Part::Kind::kFile, .url = "data:application/pdf;base64,AA==", .format = "a.pdf"}};
  call.tools = {{"look", "Looks.", Json(R"({"type":"object"})"), true}};
  call.tool_choice = {model::ToolChoice::Kind::kNamed, "look"};
  call.parallel_tool_calls = false;
  call.sampling.max_tokens = 64;
  call.sampling.temperature = 0.5;
  call.sampling.top_p = 0.9;
  call.sampling.frequency_penalty = 0.5;
  call.sampling.presence_penalty = -0.5;
  call.sampling.seed = 7;
  call.sampling.n = 2;
  call.sampling.stop = {"a", "b", "c", "d"};
  call.sampling.logit_bias = {{"5", 2}};
  call.sampling.logprobs = 3;
  call.reasoning.effort = "low";
  call.user = "u";
  call.constraint = Constraint{.schema = Json(R"({"type":"object"})"), .strict = true};
  return call;
}

TEST(OpenAiRequest, FullChatCallGivesExactlyTheseBytes) {
  EXPECT_EQ(
      OpenAiBodyOf(FullOpenAiCall(), OpenAiOptions(false, true)),
      R"({"model":"gpt-4.1-mini","messages":[{"role":"user","name":"ann","content":[)"
      R"({"type":"text","text":"See"},)"
      R"({"type":"image_url","image_url":{"url":"https://h/a.png","detail":"low"}},)"
      R"({"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}},)"
      R"({"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA=="}}]}],)"
      R"("tools":[{"type":"function","function":{"name":"look","description":"Looks.",)"
      R"("parameters":{"type":"object"},"strict":true}}],)"
      R"("tool_choice":{"type":"function","function":{"name":"look"}},"parallel_tool_calls":false,)"
      R"("response_format":{"type":"json_schema","json_schema":{"name":"answer",)"
      R"("schema":{"type":"object"},"strict":true}},"max_completion_tokens":64,"temperature":0.5,)"
      R"("top_p":0.9,"frequency_penalty":0.5,"presence_penalty":-0.5,"seed":7,"n":2,)"
      R"("stop":["a","b","c","d"],"logit_bias":{"5":2},"logprobs":true,"top_logprobs":3,)"
      R"("reasoning_effort":"low","user":"u",)"
      R"("stream":true,"stream_options":{"include_usage":true}})");
}

TEST(OpenAiRequest, FullCompletionsCallGivesExactlyTheseBytes) {
  Call call = SimpleCall(Api::kCompletions);
  call.suffix = "end";
  call.echo = true;
  call.sampling.max_tokens = 8;
  call.sampling.best_of = 3;
  call.sampling.n = 2;
  call.sampling.logprobs = 2;
  EXPECT_EQ(OpenAiBodyOf(call),
            R"({"model":"m","prompt":"hi","suffix":"end","echo":true,"max_tokens":8,"n":2,)"
            R"("best_of":3,"logprobs":2})");
}

struct RefusedCall {
  std::string_view what;
  void (*change)(Call&);
  std::string_view words;
};

const RefusedCall kRefusedCalls[] = {
    {"top_k", [](Call& c) { c.sampling.top_k = 4; }, "OpenAI's chat API has no top_k"},
    {"min_p", [](Call& c) { c.sampling.min_p = 0.1; }, "no min_p"},
    {"repetition_penalty", [](Call& c) { c.sampling.repetition_penalty = 1.1; }, "no repetition"},
    {"min_tokens", [](Call& c) { c.sampling.min_tokens = 1; }, "no min_tokens"},
    {"ignore_eos", [](Call& c) { c.sampling.ignore_eos = true; }, "no ignore_eos"},
    {"stop_token_ids", [](Call& c) { c.sampling.stop_token_ids = {1}; }, "no stop_token_ids"},
    {"bad_words", [](Call& c) { c.sampling.bad_words = {"x"}; }, "no bad_words"},
    {"prompt_logprobs", [](Call& c) { c.sampling.prompt_logprobs = 1; }, "no prompt_logprobs"},
    {"use_beam_search", [](Call& c) { c.sampling.beam_width = 3; }, "no use_beam_search"},
    {"best_of", [](Call& c) { c.sampling.best_of = 3; }, "OpenAI's chat API has no best_of"},
    {"stop", [](Call& c) { c.sampling.stop = {"a", "b", "c", "d", "e"}; },
     "at most 4 stop texts, and the call has 5"},
    {"chat_template", [](Call& c) { c.chat_template = "x"; }, "no chat_template"},
    {"chat_template_kwargs", [](Call& c) { c.chat_template_kwargs = Json(R"({"a":1})"); },
     "no chat_template_kwargs"},
    {"cache_salt", [](Call& c) { c.cache_salt = "x"; }, "no cache_salt"},
    {"messages.video",
     [](Call& c) { c.messages[0].parts = {{.kind = Part::Kind::kVideo, .url = "https://h/a"}}; },
     "no videos"},
    {"messages.audio",
     [](Call& c) { c.messages[0].parts = {{.kind = Part::Kind::kAudio, .url = "https://h/a"}}; },
     "fetches no audio"},
    {"messages.file",
     [](Call& c) { c.messages[0].parts = {{.kind = Part::Kind::kFile, .url = "https://h/a"}}; },
     "fetches no files"},
};

TEST(OpenAiRequest, WhatOnlyVllmHasIsRefusedByName) {
  for (const RefusedCall& c : kRefusedCalls) {
    Call call = SimpleCall();
    c.change(call);
    EXPECT_THAT(OpenAiBodyOf(call), AllOf(StartsWith("unsupported_param: "), HasSubstr(c.words)));
  }
}

TEST(OpenAiRequest, WithDegradeItIsLeftOutInstead) {
  for (const RefusedCall& c : kRefusedCalls) {
    Call call = SimpleCall();
    c.change(call);
    const auto encoded = EncodeRequest(call, OpenAiOptions(true));
    ASSERT_TRUE(encoded) << c.what;
    ASSERT_EQ(encoded->degradations.size(), 1U) << c.what;
    EXPECT_EQ(encoded->degradations[0].what, c.what);
    EXPECT_FALSE(encoded->version_matters) << c.what;
  }
  Call call = SimpleCall();
  call.sampling.stop = {"a", "b", "c", "d", "e"};
  EXPECT_THAT(OpenAiBodyOf(call, OpenAiOptions(true)), HasSubstr(R"("stop":["a","b","c","d"])"));
}

TEST(OpenAiRequest, DegradeHoldsForOldVersionsOfVllmToo) {
  Call call = SimpleCall(Api::kCompletions);
  call.tools = {{"look", "", {}, {}}};
  call.tool_choice.kind = model::ToolChoice::Kind::kAuto;
  call.sampling.bad_words = {"x"};
  call.sampling.best_of = 2;
  EXPECT_EQ(OpenAiBodyOf(call, {.dialect = *DialectByName("vllm-0.6"), .degrade = true}),
            R"({"model":"m","prompt":"hi","best_of":2})");
  EXPECT_EQ(OpenAiBodyOf(call, {.degrade = true}),
            R"({"model":"m","prompt":"hi","bad_words":["x"]})");
}

TEST(OpenAiRequest, HintsAreLeftOutWithADegradation) {
  Call call = SimpleCall();
  call.priority = 1;
  call.request_id = "r";
  call.session_id = "s";
  call.sampling.return_token_ids = true;
  call.reasoning.include = true;
  call.reasoning.enable = true;
  call.continuous_usage = true;
  call.messages[0].reasoning = "r";
  const auto encoded = EncodeRequest(call, OpenAiOptions(false, true));
  ASSERT_TRUE(encoded);
  EXPECT_EQ(encoded->body, R"({"model":"m","messages":[{"role":"user","content":"hi"}],)"
                           R"("stream":true,"stream_options":{"include_usage":true}})");
  EXPECT_EQ(encoded->degradations.size(), 8U);
}

TEST(OpenAiRequest, OtherConstraintsAreRefusedByKindAndName) {
  using enum Constraint::Kind;
  const Constraint constraints[] = {{.kind = kRegex, .text = "a"},
                                    {.kind = kChoice, .choices = {"a"}},
                                    {.kind = kGrammar, .text = "root ::= x"},
                                    {.kind = kStructuralTag, .text = "{}"}};
  for (const Constraint& constraint : constraints) {
    for (const Api api : {Api::kChat, Api::kCompletions, Api::kResponses}) {
      for (const bool degrade : {false, true}) {
        Call call = SimpleCall(api);
        call.constraint = constraint;
        EXPECT_THAT(OpenAiBodyOf(call, OpenAiOptions(degrade)),
                    AllOf(StartsWith("unsupported_constraint: OpenAI cannot enforce"),
                          HasSubstr(model::ConstraintName(constraint.kind)),
                          HasSubstr(model::ApiName(api))));
      }
    }
  }
  Call call = SimpleCall(Api::kCompletions);
  call.constraint = Constraint{.schema = Json("{}")};
  EXPECT_THAT(OpenAiBodyOf(call), StartsWith("unsupported_constraint: "));
  call = SimpleCall();
  call.constraint = Constraint{.kind = kJsonObject};
  EXPECT_THAT(OpenAiBodyOf(call), HasSubstr(R"("response_format":{"type":"json_object"})"));
}

TEST(OpenAiRequest, ReasoningModelsAreNotToldHowToSample) {
  struct Case {
    std::string_view model;
    std::string_view effort;
    bool chooses;
  };
  const Case cases[] = {{"o1", "", true},
                        {"o3-mini", "", true},
                        {"o4-mini-2025-04-16", "high", true},
                        {"gpt-5", "", true},
                        {"gpt-5.1-codex", "", true},
                        {"gpt-5.1", "none", false},
                        {"openai/gpt-5-mini", "", true},
                        {"ft:o4-mini:org::id", "", true},
                        {"gpt-5-chat-latest", "", false},
                        {"gpt-4o", "", false},
                        {"o1x", "", false},
                        {"gpt-50", "", false}};
  for (const Case& c : cases) {
    Call call = SimpleCall();
    call.model = c.model;
    call.sampling.temperature = 0;
    call.sampling.max_tokens = 9;
    if (!c.effort.empty()) call.reasoning.effort = c.effort;
    EXPECT_EQ(ChoosesItsSampling(call), c.chooses) << c.model;
    const auto encoded = EncodeRequest(call, OpenAiOptions());
    ASSERT_TRUE(encoded);
    EXPECT_EQ(encoded->body.contains("temperature"), !c.chooses) << c.model;
    EXPECT_EQ(encoded->degradations.size(), c.chooses ? 1U : 0U) << c.model;
    EXPECT_THAT(encoded->body, HasSubstr(R"("max_completion_tokens":9)"));
    EXPECT_THAT(OpenAiBodyOf(call, {}), HasSubstr(R"("max_tokens":9,"temperature":0)"));  // vLLM
  }
}

// Anything that a user may ask of a vLLM server.
Call AnyVllmCall() {
  const Api api = *rc::gen::element(Api::kChat, Api::kCompletions, Api::kResponses);
  const auto number = rc::gen::inRange<std::int64_t>(1, 20);
  const auto flag = rc::gen::arbitrary<bool>();
  Call call = FullCall(api == Api::kResponses ? Api::kChat : api, {});
  call.api = api;
  call.model = *rc::gen::element<std::string>("gpt-4o", "o3", "gpt-5.1");
  model::Sampling& sampling = call.sampling;
  sampling.n = Maybe(number);
  sampling.top_k = Maybe(number);
  sampling.max_tokens = Maybe(rc::gen::inRange<std::int64_t>(16, 99));
  sampling.min_tokens = std::nullopt;
  sampling.logprobs = Maybe(number);
  sampling.truncate_prompt_tokens = Maybe(rc::gen::element<std::int64_t>(-1, 5));
  if (*flag) sampling.stop = {"a", "b", "c", "d", "e"};
  if (*flag) sampling.beam_width = *number;
  if (*flag) sampling.n.reset();
  if (*flag) call.tools.clear(), call.tool_choice = {}, call.parallel_tool_calls.reset();
  if (*flag) call.suffix = "s";
  call.reasoning.enable = Maybe(flag);
  call.continuous_usage = *flag;
  call.extra = {};
  return call;
}

RC_GTEST_PROP(OpenAiProperty, NothingOfVllmIsSent, ()) {
  const Call call = AnyVllmCall();
  const auto sent = Encode(call, OpenAiOptions(true, *rc::gen::arbitrary<bool>()));
  if (!sent) RC_FAIL(Describe(sent.error()));
  RC_ASSERT(!sent->version_matters);
  const auto body = json::Read(sent->body);
  RC_ASSERT(body.has_value());
  RC_ASSERT(!body->has_duplicate_keys());
  const auto refused = RefuseAsOpenAi(call.api, *body);
  if (refused) RC_FAIL(refused->message + "\n" + sent->body);
  for (const json::Member member : body->members()) RC_ASSERT(!member.value.IsNull());
  for (const json::Member option : body->Find("stream_options").members()) {
    RC_ASSERT(option.key == "include_usage");
  }
  for (const json::View message : body->Find("messages").items()) {
    RC_ASSERT(!message.Find("reasoning").exists());
    for (const json::View part : message.Find("content").items()) {
      RC_ASSERT(!part.Find("uuid").exists());
    }
  }
}

}  // namespace
}  // namespace weir::wire
