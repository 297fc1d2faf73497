#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/wire/codec.h"
#include "weir/wire/wire_testing.h"

namespace weir::wire {
namespace {

using model::Api;
using model::Call;
using model::Constraint;
using testing::HasSubstr;
using testing::Not;

std::string BodyOf(const Call& call, std::string_view dialect = "vllm-latest",
                   bool stream = false) {
  const EncodeOptions options{*DialectByName(dialect), stream};
  const auto encoded = EncodeRequest(call, options);
  return encoded ? encoded->body : Describe(encoded.error());
}

TEST(RequestTest, SimpleCallsGiveExactlyTheseBytes) {
  EXPECT_EQ(BodyOf(SimpleCall()), R"({"model":"m","messages":[{"role":"user","content":"hi"}]})");
  EXPECT_EQ(BodyOf(SimpleCall(Api::kCompletions)), R"({"model":"m","prompt":"hi"})");
  EXPECT_EQ(EncodeRequest(SimpleCall(), {})->path, "/v1/chat/completions");
  EXPECT_EQ(EncodeRequest(SimpleCall(Api::kCompletions), {})->path, "/v1/completions");
}

TEST(RequestTest, FullChatCallGivesExactlyTheseBytes) {
  const Dialect dialect;

  EXPECT_EQ(
      BodyOf(FullCall(Api::kChat, dialect), "vllm-latest", true),
      R"({"model":"m","messages":[{"role":"system","content":"Be brief."},)"
      R"({"role":"user","name":"ann","content":[{"type":"text","text":"What is this? é"},)"
      R"({"type":"image_url","image_url":{"url":"https://h/a.png","detail":"low"}},)"
      R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="},"uuid":"u1"},)"
      R"({"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}},)"
      R"({"type":"audio_url","audio_url":{"url":"https://h/a.mp3"}},)"
      R"({"type":"video_url","video_url":{"url":"https://h/a.mp4"}},{"type":"x","y":[1,null]}]},)"
      R"({"role":"assistant","reasoning":"I should look.","tool_calls":[{"id":"c1",)"
      R"("type":"function","function":{"name":"look","arguments":"{\"at\": 1}"}}],"prefix":true},)"
      R"({"role":"tool","content":"a cat","tool_call_id":"c1"}],)"
      R"("tools":[{"type":"function","function":{"name":"look","description":"Looks.",)"
      R"("parameters":{"type":"object"},"strict":true}},)"
      R"({"type":"function","function":{"name":"wait"}}],)"
      R"("tool_choice":{"type":"function","function":{"name":"look"}},)"
      R"("parallel_tool_calls":false,"max_tokens":64,"min_tokens":1,"temperature":0.7,)"
      R"("top_p":0.9,"top_k":40,"min_p":0.05,"frequency_penalty":0.5,"presence_penalty":-0.5,)"
      R"("repetition_penalty":1.1,"seed":7,"n":2,"stop":["END","\n\n"],"stop_token_ids":[2,3],)"
      R"("include_stop_str_in_output":true,"ignore_eos":false,"bad_words":["no"],)"
      R"("logit_bias":{"100":-1.5,"5":2},"skip_special_tokens":true,)"
      R"("spaces_between_special_tokens":false,"truncate_prompt_tokens":-1,)"
      R"("truncation_side":"left","logprobs":true,"top_logprobs":3,)"
      R"("return_token_ids":true,"return_tokens_as_token_ids":false,)"
      R"("repetition_detection":{"max_pattern_size":4,"min_count":3},)"
      R"("reasoning_effort":"high","include_reasoning":true,"thinking_token_budget":100,)"
      R"("add_generation_prompt":false,"continue_final_message":true,"add_special_tokens":false,)"
      R"("chat_template":"{{ messages }}",)"
      R"("chat_template_kwargs":{"enable_thinking":false,"thinking":false,"k":1},)"
      R"("documents":[{"title":"t"}],"mm_processor_kwargs":{"fps":2},"priority":-1,)"
      R"("request_id":"r1","session_id":"s1","cache_salt":"salt","user":"u",)"
      R"("kv_transfer_params":{"do_remote_decode":true},"vllm_xargs":{"a":[1,2]},)"
      R"("stream":true,"stream_options":{"include_usage":true},)"
      R"("future_field":{"deep":null},"other":1.50})");
}

TEST(RequestTest, FullCompletionsCallGivesExactlyTheseBytes) {
  const Dialect dialect = *DialectByName("vllm-0.10");
  Call call = FullCall(Api::kCompletions, dialect);
  call.prompt.clear();
  call.prompt_token_ids = {1, 2};

  EXPECT_EQ(BodyOf(call, "vllm-0.10"),
            R"({"model":"m","prompt":[1,2],"echo":true,"max_tokens":64,"min_tokens":1,)"
            R"("temperature":0.7,"top_p":0.9,"top_k":40,"min_p":0.05,"frequency_penalty":0.5,)"
            R"("presence_penalty":-0.5,"repetition_penalty":1.1,"seed":7,"n":2,)"
            R"("stop":["END","\n\n"],"stop_token_ids":[2,3],"include_stop_str_in_output":true,)"
            R"("ignore_eos":false,"allowed_token_ids":[5,6],)"
            R"("logit_bias":{"100":-1.5,"5":2},"skip_special_tokens":true,)"
            R"("spaces_between_special_tokens":false,"truncate_prompt_tokens":-1,"logprobs":3,)"
            R"("prompt_logprobs":1,"return_tokens_as_token_ids":false,"add_special_tokens":false,)"
            R"("priority":-1,"cache_salt":"salt","user":"u",)"
            R"("kv_transfer_params":{"do_remote_decode":true},"vllm_xargs":{"a":[1,2]},)"
            R"("future_field":{"deep":null},"other":1.50})");
}

TEST(RequestTest, EachDialectSpellsTheConstraintItsOwnWay) {
  struct Case {
    Constraint constraint;
    std::string_view dialect;
    std::string_view member;
  };
  const auto of = [](Constraint::Kind kind, std::string text) {
    return Constraint{.kind = kind, .text = std::move(text)};
  };
  const Constraint schema{.schema = Json(R"({"type":"object"})"), .strict = true};
  const Constraint choice{.kind = Constraint::Kind::kChoice, .choices = {"a", "b"}};
  const Constraint tag{.kind = Constraint::Kind::kStructuralTag, .schema = Json(R"({"f":1})")};
  using enum Constraint::Kind;
  const Case cases[] = {
      {schema, "vllm-0.6",
       R"("response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{"type":"object"},"strict":true}})"},
      {schema, "vllm-latest",
       R"("response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{"type":"object"},"strict":true}})"},
      {of(kJsonObject, ""), "vllm-0.10", R"("response_format":{"type":"json_object"})"},
      {of(kRegex, "a|b"), "vllm-0.10", R"("guided_regex":"a|b")"},
      {of(kRegex, "a|b"), "vllm-0.11", R"("structured_outputs":{"regex":"a|b"})"},
      {choice, "vllm-0.6", R"("guided_choice":["a","b"])"},
      {choice, "vllm-0.12", R"("structured_outputs":{"choice":["a","b"]})"},
      {of(kGrammar, "root ::= x"), "vllm-0.10", R"("guided_grammar":"root ::= x")"},
      {of(kGrammar, "root ::= x"), "vllm-latest",
       R"("structured_outputs":{"grammar":"root ::= x"})"},
      {tag, "vllm-0.10", R"("structural_tag":"{\"f\":1}")"},
      {tag, "vllm-latest", R"("structured_outputs":{"structural_tag":"{\"f\":1}"})"},
      {tag, "vllm-0.6", "unsupported_constraint"},
  };
  for (const Case& c : cases) {
    Call call = SimpleCall();
    call.constraint = c.constraint;
    EXPECT_THAT(BodyOf(call, c.dialect), HasSubstr(c.member)) << c.dialect;
  }
}

TEST(RequestTest, ReplayedReasoningHasTheNameOfTheDialect) {
  Call call = SimpleCall();
  call.messages[0].role = model::Role::kAssistant;
  call.messages[0].reasoning = "r";
  EXPECT_THAT(BodyOf(call, "vllm-0.10"), HasSubstr(R"("content":"hi","reasoning_content":"r"})"));
  EXPECT_THAT(BodyOf(call, "vllm-0.12"),
              HasSubstr(R"("content":"hi","reasoning":"r","reasoning_content":"r"})"));
  EXPECT_THAT(BodyOf(call), HasSubstr(R"("content":"hi","reasoning":"r"})"));
}

TEST(RequestTest, BeamWidthIsNAndInOldVersionsBestOf) {
  Call call = SimpleCall();
  call.sampling.beam_width = 4;
  call.sampling.length_penalty = 0.5;
  EXPECT_THAT(BodyOf(call, "vllm-0.6"),
              HasSubstr(R"("n":4,"use_beam_search":true,"length_penalty":0.5)"));
  EXPECT_THAT(EncodeRequest(call, {DialectOfVersion("0.6.2")})->body,
              HasSubstr(R"("n":4,"best_of":4,"use_beam_search":true)"));
}

TEST(RequestTest, WhatCannotBeCarriedIsRefusedByName) {
  struct Case {
    std::string_view what;
    void (*change)(Call&);
    std::string_view dialect;
    std::string_view words;
  };
  const Case cases[] = {
      {"responses", [](Call& c) { c.api = Api::kResponses; }, "vllm-latest", "chat API"},
      {"best_of", [](Call& c) { c.sampling.best_of = 4; }, "vllm-0.12",
       "ask for n candidates with their logprobs"},
      {"bad_words", [](Call& c) { c.sampling.bad_words = {"x"}; }, "vllm-0.6", "came with 0.9.2"},
      {"cache_salt", [](Call& c) { c.cache_salt = "x"; }, "vllm-0.6", "came with 0.9.2"},
      {"echo", [](Call& c) { c.echo = true; }, "vllm-latest", "chat API of vLLM has no echo"},
      {"file", [](Call& c) { c.messages[0].parts[0].kind = model::Part::Kind::kFile; },
       "vllm-latest", "takes no files"},
  };
  for (const Case& c : cases) {
    Call call = SimpleCall();
    c.change(call);
    const std::string said = BodyOf(call, c.dialect);
    EXPECT_THAT(said, testing::StartsWith("unsupported_param: ")) << c.what;
    EXPECT_THAT(said, HasSubstr(c.words)) << c.what;
  }
}

TEST(RequestTest, BadWordsCameLaterToCompletionsThanToChat) {
  for (const Api api : {Api::kChat, Api::kCompletions}) {
    Call call = SimpleCall(api);
    call.sampling.bad_words = {"x"};
    EXPECT_THAT(BodyOf(call, "vllm-latest"), HasSubstr(R"("bad_words":["x"])"));
    EXPECT_THAT(BodyOf(call, "vllm-0.16"),
                HasSubstr(api == Api::kChat ? R"("bad_words":["x"])" : "came with 0.26.0"));
  }
}

TEST(RequestTest, WrongCallsAreRefusedBeforeAnythingIsSent) {
  struct Case {
    void (*change)(Call&);
    std::string_view words;
  };
  const Case cases[] = {
      {[](Call& c) { c.messages.clear(); }, "at least one message"},
      {[](Call& c) { c.prompt = "x"; }, "takes messages"},
      {[](Call& c) { c.sampling.temperature = 2.5; }, "temperature must be in [0, 2], got 2.5"},
      {[](Call& c) { c.sampling.logprobs = -2; }, "logprobs must be at least 0"},
      {[](Call& c) { c.sampling.max_tokens = 0; }, "max_tokens must be at least 1"},
      {[](Call& c) { c.sampling.length_penalty = 1; }, "beam"},
      {[](Call& c) { c.constraint = Constraint{}; }, "JSON schema"},
      {[](Call& c) { c.tool_choice.kind = model::ToolChoice::Kind::kAuto; }, "no tools"},
      {[](Call& c) { c.extra = Json("[]"); }, "extra must be an object"},
      {[](Call& c) { c.extra = Json(R"({"extra_body":{"a":1}})"); }, "directly into extra"},
  };
  for (const Case& c : cases) {
    Call call = SimpleCall();
    c.change(call);
    const std::string said = BodyOf(call);
    EXPECT_THAT(said, testing::StartsWith("invalid_request: "));
    EXPECT_THAT(said, HasSubstr(c.words));
  }
}

TEST(RequestTest, HintThatAnOldServerIgnoresIsADegradation) {
  Call call = SimpleCall();
  call.reasoning.effort = "low";
  const EncodeOptions options{*DialectByName("vllm-0.6"), false};

  const auto encoded = EncodeRequest(call, options);

  ASSERT_TRUE(encoded);
  EXPECT_THAT(encoded->body, Not(HasSubstr("reasoning_effort")));
  ASSERT_EQ(encoded->degradations.size(), 1U);
  EXPECT_EQ(encoded->degradations[0].what, "reasoning_effort");
}

TEST(RequestTest, ComputedFieldsWinOverExtraAndTheOverlapIsRecorded) {
  Call call = SimpleCall();
  call.sampling.top_k = 5;
  call.extra = Json(R"({"top_k":9,"stream":true,"k":"v","gone":null})");

  const auto encoded = EncodeRequest(call, {});

  ASSERT_TRUE(encoded);
  EXPECT_THAT(encoded->body, testing::EndsWith(R"("top_k":5,"k":"v"})"));
  ASSERT_EQ(encoded->degradations.size(), 2U);
  EXPECT_EQ(encoded->degradations[0].what, "top_k");
  EXPECT_EQ(encoded->degradations[1].what, "stream");
}

TEST(RequestTest, AStreamIsNotAskedForLogprobsOfThePromptAndSaysSo) {
  Call call = SimpleCall();
  call.sampling.prompt_logprobs = 2;

  EXPECT_THAT(BodyOf(call), HasSubstr(R"("prompt_logprobs":2)"));
  const auto streamed = EncodeRequest(call, {Dialect(), true});
  ASSERT_TRUE(streamed);
  EXPECT_THAT(streamed->body, Not(HasSubstr("prompt_logprobs")));
  ASSERT_EQ(streamed->degradations.size(), 1U);
  EXPECT_EQ(streamed->degradations[0].what, "prompt_logprobs");
  EXPECT_THAT(streamed->degradations[0].why, HasSubstr("--no-stream"));
  call.sampling.prompt_logprobs = 0;
  EXPECT_THAT(BodyOf(call, "vllm-latest", true), HasSubstr(R"("prompt_logprobs":0)"));
}

TEST(RequestTest, RawFieldsThatTheServerIgnoresAreSaid) {
  struct Case {
    std::string_view field;
    std::string_view dialect;
    bool said;
    bool sent;
  };
  constexpr Case kCases[] = {
      {"guided_json", "vllm-0.11", false, true},
      {"guided_json", "vllm-0.12", true, true},
      {"guided_regex", "vllm-0.10", false, true},
      {"guided_regex", "vllm-latest", true, true},
      {"guided_choice", "vllm-latest", true, true},
      {"guided_grammar", "vllm-latest", true, true},
      {"guided_whitespace_pattern", "vllm-latest", true, true},
      {"guided_decoding_backend", "vllm-0.6", false, true},
      {"guided_decoding_backend", "vllm-0.11", false, true},
      {"guided_decoding_backend", "vllm-0.12", true, false},
      {"structured_outputs", "vllm-0.10", true, true},
      {"structured_outputs", "vllm-0.11", false, true},
      {"best_of", "vllm-0.11", false, true},
      {"best_of", "vllm-0.12", true, true},
      {"functions", "vllm-latest", true, true},
      {"guided_json", "openai", false, true},  // which refuses it itself
      {"repetition_detection", "vllm-0.16", true, true},
      {"repetition_detection", "vllm-latest", false, true},
      {"repetition_detection", "openai", false, true},
      {"echo", "vllm-0.6", false, true},
      {"future", "vllm-latest", false, true},
  };
  for (const Case& c : kCases) {
    Call call = SimpleCall();
    call.extra = Json(StrCat(R"({")", c.field, R"(":"x"})"));

    const auto encoded = EncodeRequest(call, {*DialectByName(c.dialect), false});

    ASSERT_TRUE(encoded) << c.field << " to " << c.dialect;
    EXPECT_EQ(encoded->body.contains(c.field), c.sent) << c.field << " to " << c.dialect;
    ASSERT_EQ(encoded->degradations.size(), c.said ? 1U : 0U) << c.field << " to " << c.dialect;
    for (const model::Degradation& told : encoded->degradations) EXPECT_EQ(told.what, c.field);
    const bool always = c.field == "functions" || c.field == "echo" || c.field == "future";
    const bool versioned = !always && c.dialect != "openai";
    EXPECT_EQ(encoded->version_matters, versioned) << c.field << " to " << c.dialect;
  }
}

TEST(RequestTest, StreamOptionsAreSentOnlyWithAStream) {
  Call call = SimpleCall();
  EXPECT_THAT(BodyOf(call, "vllm-latest", false), Not(HasSubstr("stream")));
  EXPECT_THAT(BodyOf(call, "vllm-latest", true),
              HasSubstr(R"("stream":true,"stream_options":{"include_usage":true})"));
  call.continuous_usage = true;
  EXPECT_THAT(BodyOf(call, "vllm-latest", true), HasSubstr(R"("continuous_usage_stats":true)"));
  call.stream_usage = call.continuous_usage = false;
  EXPECT_THAT(BodyOf(call, "vllm-latest", true), Not(HasSubstr("stream_options")));
}

TEST(RequestTest, AdapterReplacesTheModelAndSeveralTextsStayApart) {
  Call call = SimpleCall();
  call.adapter = "sql";
  call.messages[0].parts.push_back({.text = "there"});
  EXPECT_EQ(BodyOf(call), R"({"model":"sql","messages":[{"role":"user","content":[)"
                          R"({"type":"text","text":"hi"},{"type":"text","text":"there"}]}]})");
}

}  // namespace
}  // namespace weir::wire
