// Requests to Ollama: their exact bytes, what cannot be carried, and the way to its server's half
// and back.

#include "weir/wire/ollama_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/wire/any_testing.h"
#include "weir/wire/ollama_server.h"
#include "weir/wire/wire_testing.h"

namespace weir::wire {
namespace {

using model::Api;
using model::Call;
using model::Constraint;
using model::Message;
using model::Part;
using model::Role;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const EncodeOptions kWhole{*DialectByName("ollama")};
const EncodeOptions kStream{*DialectByName("ollama"), true};

std::string OllamaBodyOf(const Call& call, const EncodeOptions& options = kWhole) {
  const auto sent = EncodeOllamaRequest(call, options);
  return sent ? sent->body : Describe(sent.error());
}

std::vector<std::string> LossesOf(const Call& call, const EncodeOptions& options = kWhole) {
  std::vector<std::string> what;
  const auto sent = EncodeOllamaRequest(call, options);
  if (!sent) return {Describe(sent.error())};
  for (const model::Degradation& loss : sent->degradations) what.push_back(loss.what);
  return what;
}

// Everything that Ollama carries.
Call RichCall() {
  Call call;
  call.model = "m:7b";
  Message user;
  user.parts = {Part{.text = "What is this? é"},
                Part{.kind = Part::Kind::kImage, .url = "data:image/jpeg;base64,/9j/"},
                Part{.text = "And this?"},
                Part{.kind = Part::Kind::kImage, .url = "data:image/png;base64,AA=="}};
  Message assistant;
  assistant.role = Role::kAssistant;
  assistant.reasoning = "hm";
  assistant.tool_calls = {{"c1", "look", R"({"at": 1})"}, {"c2", "wait", ""}};
  Message result = Message::Text(Role::kTool, "a cat");
  result.tool_call_id = "c2";
  result.extra = Json(R"({"future":1,"role":"boss","gone":null})");
  call.messages = {Message::Text(Role::kDeveloper, "Be brief."), user, assistant, result};
  call.tools = {{"look", "Looks.", Json(R"({"type":"object"})"), {}}, {"wait", "", {}, {}}};
  call.tool_choice.kind = model::ToolChoice::Kind::kAuto;
  call.constraint = Constraint{.schema = Json(R"({"type":"object","required":["a"]})")};
  call.sampling.max_tokens = 64;
  call.sampling.temperature = 0.5;
  call.sampling.top_p = 0.9;
  call.sampling.top_k = 40;
  call.sampling.min_p = 0.1;
  call.sampling.seed = 7;
  call.sampling.stop = {"END", "\n"};
  call.sampling.repetition_penalty = 1.1;
  call.sampling.presence_penalty = 1;
  call.sampling.frequency_penalty = -0.5;
  call.sampling.logprobs = 2;
  call.sampling.n = 1;
  call.budget.context_window = 4096;
  call.reasoning.effort = "low";
  call.extra = Json(
      R"({"keep_alive":"5m","options":{"num_gpu":1,"seed":3,"mirostat":null},"raw":true,"x":null})");
  return call;
}

TEST(OllamaClientTest, RawFieldsOfVllmAreSaidToBeIgnored) {
  Call call = SimpleCall();
  call.extra = Json(R"({"guided_json":{},"guided_decoding_backend":"outlines","keep_alive":"5m"})");

  const auto sent = EncodeOllamaRequest(call, kStream);

  ASSERT_TRUE(sent) << Describe(sent.error());
  ASSERT_EQ(sent->degradations.size(), 2U);
  EXPECT_EQ(sent->degradations[0].what, "guided_json");
  EXPECT_THAT(sent->degradations[0].why, HasSubstr("Ollama ignores"));
  EXPECT_EQ(sent->degradations[1].what, "guided_decoding_backend");
  EXPECT_THAT(sent->body, Not(HasSubstr("outlines")));
}

TEST(OllamaClientTest, AChatGivesExactlyTheseBytes) {
  const auto sent = EncodeOllamaRequest(RichCall(), kStream);

  ASSERT_TRUE(sent) << Describe(sent.error());
  EXPECT_EQ(sent->path, "/api/chat");
  EXPECT_FALSE(sent->version_matters);
  EXPECT_EQ(
      sent->body,
      R"({"model":"m:7b","messages":[{"role":"system","content":"Be brief."},)"
      R"({"role":"user","content":"What is this? é\nAnd this?","images":["/9j/","AA=="]},)"
      R"({"role":"assistant","content":"","thinking":"hm","tool_calls":[{"id":"c1","function":{"name":"look","arguments":{"at":1}}},)"
      R"({"id":"c2","function":{"name":"wait","arguments":{}}}]},)"
      R"({"role":"tool","content":"a cat","tool_name":"wait","tool_call_id":"c2","future":1}],)"
      R"("tools":[{"type":"function","function":{"name":"look","description":"Looks.","parameters":{"type":"object"}}},)"
      R"({"type":"function","function":{"name":"wait","parameters":{"type":"object","properties":{}}}}],)"
      R"("format":{"type":"object","required":["a"]},)"
      R"("options":{"temperature":0.5,"top_p":0.9,"min_p":0.1,"repeat_penalty":1.1,"presence_penalty":1,"frequency_penalty":-0.5,)"
      R"("top_k":40,"seed":7,"num_predict":64,"stop":["END","\n"],"num_ctx":4096,"num_gpu":1},)"
      R"("think":"low","logprobs":true,"top_logprobs":2,"truncate":false,"stream":true,"keep_alive":"5m"})");
  EXPECT_THAT(LossesOf(RichCall()), ElementsAre("messages.role", "options.seed", "raw"));
}

TEST(OllamaClientTest, APromptIsRawUnlessASuffixNeedsTheTemplate) {
  Call call = SimpleCall(Api::kCompletions);
  const auto sent = EncodeOllamaRequest(call, kWhole);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->path, "/api/generate");
  EXPECT_EQ(sent->body,
            R"({"model":"m","prompt":"hi","raw":true,"truncate":false,"stream":false})");

  call.suffix = "!";
  call.adapter = "lora";
  EXPECT_EQ(OllamaBodyOf(call),
            R"({"model":"lora","prompt":"hi","suffix":"!","truncate":false,"stream":false})");
}

// What the rest of a chat of one "hi" is.
std::string RestOf(const Call& call, const EncodeOptions& options = kWhole) {
  constexpr std::string_view kBegin = R"({"model":"m","messages":[{"role":"user","content":"hi"}])";
  constexpr std::string_view kEnd = R"(,"truncate":false,"stream":false})";
  const std::string body = OllamaBodyOf(call, options);
  if (!body.starts_with(kBegin) || !body.ends_with(kEnd)) return body;
  return body.substr(kBegin.size(), body.size() - kBegin.size() - kEnd.size());
}

TEST(OllamaClientTest, APromptIsCutOnlyForThoseWhoAskForIt) {
  Call call = SimpleCall();
  EXPECT_THAT(OllamaBodyOf(call), HasSubstr(R"("truncate":false)"));
  call.sampling.truncate_prompt_tokens = -1;
  EXPECT_THAT(OllamaBodyOf(call), Not(HasSubstr("truncate")));
  call = SimpleCall();
  call.extra = Json(R"({"truncate":true})");
  EXPECT_THAT(OllamaBodyOf(call), HasSubstr(R"("truncate":true)"));
  EXPECT_THAT(LossesOf(call), IsEmpty());

  model::EmbedCall embed{.model = "m", .texts = {"a"}};
  EXPECT_EQ(EncodeOllamaEmbed(embed)->body, R"({"model":"m","input":["a"],"truncate":false})");
  embed.extra = Json(R"({"truncate":true})");
  EXPECT_EQ(EncodeOllamaEmbed(embed)->body, R"({"model":"m","input":["a"],"truncate":true})");
}

TEST(OllamaClientTest, ThinkingIsASwitchOrOneOfThreeLevels) {
  struct Case {
    std::optional<std::string> effort;
    std::optional<bool> enable;
    std::string rest;
    bool lossy = false;
  };
  const Case cases[] = {
      {{}, {}, ""},
      {{}, true, R"(,"think":true)"},
      {{}, false, R"(,"think":false)"},
      {"none", {}, R"(,"think":false)"},
      {"low", {}, R"(,"think":"low")"},
      {"medium", true, R"(,"think":"medium")"},
      {"high", {}, R"(,"think":"high")"},
      {"minimal", {}, R"(,"think":"low")", true},
      {"max", {}, R"(,"think":"high")", true},
      {"high", false, R"(,"think":false)", true},
      {"none", true, R"(,"think":true)", true},
      {"none", false, R"(,"think":false)"},
  };
  for (const Case& c : cases) {
    Call call = SimpleCall();
    call.reasoning.effort = c.effort;
    call.reasoning.enable = c.enable;
    EXPECT_EQ(RestOf(call), c.rest) << c.effort.value_or("unset");
    EXPECT_EQ(LossesOf(call).size(), c.lossy ? 1U : 0U) << c.effort.value_or("unset");
  }
}

TEST(OllamaClientTest, OfConstraintsOnlyJsonIsEnforced) {
  using Kind = Constraint::Kind;
  const auto rest = [](Constraint constraint) {
    Call call = SimpleCall();
    call.constraint = std::move(constraint);
    return RestOf(call, {.dialect = kWhole.dialect, .degrade = true});
  };
  EXPECT_EQ(rest({.kind = Kind::kJsonObject}), R"(,"format":"json")");
  EXPECT_EQ(rest({.schema = json::Value::Of(true)}), R"(,"format":{})");
  EXPECT_THAT(rest({.schema = json::Value::Of(false)}), HasSubstr("unsupported_constraint"));
  EXPECT_THAT(rest({}), HasSubstr("invalid_request"));
  for (const Kind kind : {Kind::kGrammar, Kind::kStructuralTag}) {
    const std::string refusal = rest({.kind = kind, .text = "a", .choices = {"a"}});
    EXPECT_THAT(refusal, HasSubstr("unsupported_constraint: ollama cannot enforce"));
    EXPECT_THAT(refusal, HasSubstr(model::ConstraintName(kind)));
  }
}

TEST(OllamaClientTest, AChoiceIsTheSchemaOfAString) {
  Call call = SimpleCall();
  call.constraint = Constraint{.kind = Constraint::Kind::kChoice, .choices = {"a", "b\"c"}};
  EXPECT_EQ(RestOf(call), R"(,"format":{"type":"string","enum":["a","b\"c"]})");
  EXPECT_TRUE(EncodeOllamaRequest(call, kWhole)->quoted_answer);
  call.constraint->choices.clear();
  EXPECT_THAT(RestOf(call), HasSubstr("invalid_request"));
  call.constraint = Constraint{.schema = *json::Read("{}")};
  EXPECT_FALSE(EncodeOllamaRequest(call, kWhole)->quoted_answer);
}

TEST(OllamaClientTest, ARegexIsAPatternWhereItsMeansAreFew) {
  const std::pair<const char*, const char*> kSaid[] = {
      {"abc", "^(abc)$"},
      {"^abc$", "^(abc)$"},
      {"a|b", "^(a|b)$"},
      {R"(\d{4}-\d{2})", "^([0-9]{4}-[0-9]{2})$"},
      {R"([\d.]+\.\w*)", R"(^([0-9.]+\.[0-9A-Za-z_]*)$)"},
      {"(?:ab)+[a-z]?", "^((ab)+[a-z]?)$"},
      {R"(5\$)", R"(^(5\$)$)"},
      {R"(a\-b\/c)", "^(a-b/c)$"},
  };
  Call call = SimpleCall();
  for (const auto& [regex, pattern] : kSaid) {
    call.constraint = Constraint{.kind = Constraint::Kind::kRegex, .text = regex};
    std::string quoted;
    json::AppendQuoted(quoted, pattern);
    EXPECT_EQ(RestOf(call), ",\"format\":{\"type\":\"string\",\"pattern\":" + quoted + "}")
        << regex;
    EXPECT_TRUE(EncodeOllamaRequest(call, kWhole)->quoted_answer);
  }
  for (const char* regex : {".*", "[^a]", "a\"", "(?=a)", "a+?", "a++", "\\s", "\\\\", "a^", "a$b",
                            "[[a]]", "[a", "\\", "\n", "[]a]", "[a\\-z]"}) {
    call.constraint = Constraint{.kind = Constraint::Kind::kRegex, .text = regex};
    EXPECT_THAT(RestOf(call), HasSubstr("unsupported_constraint: ollama cannot enforce")) << regex;
  }
}

struct Ask {
  const char* name;
  void (*set)(Call& call);
};

TEST(OllamaClientTest, WhatWouldChangeTheAnswerIsRefusedOrWithDegradeLeftOut) {
  const Ask asks[] = {
      {"n", [](Call& c) { c.sampling.n = 2; }},
      {"best_of", [](Call& c) { c.sampling.best_of = 2; }},
      {"beam search", [](Call& c) { c.sampling.beam_width = 2; }},
      {"logit_bias", [](Call& c) { c.sampling.logit_bias = {{"1", 1}}; }},
      {"min_tokens", [](Call& c) { c.sampling.min_tokens = 1; }},
      {"stop_token_ids", [](Call& c) { c.sampling.stop_token_ids = {1}; }},
      {"ignore_eos", [](Call& c) { c.sampling.ignore_eos = true; }},
      {"prompt_logprobs", [](Call& c) { c.sampling.prompt_logprobs = 0; }},
      {"logprobs of the whole", [](Call& c) { c.sampling.logprobs = -1; }},
      {"thinking_token_budget", [](Call& c) { c.reasoning.thinking_budget = 9; }},
      {"parallel_tool_calls", [](Call& c) { c.parallel_tool_calls = false; }},
      {"continue_final_message", [](Call& c) { c.continue_final_message = true; }},
      {"chat_template", [](Call& c) { c.chat_template = "x"; }},
      {"vllm_xargs", [](Call& c) { c.vllm_xargs = Json(R"({"a":1})"); }},
  };
  const EncodeOptions degrade{.dialect = kWhole.dialect, .degrade = true};
  for (const Ask& ask : asks) {
    Call call = SimpleCall();
    ask.set(call);
    EXPECT_THAT(OllamaBodyOf(call),
                HasSubstr(StrCat("unsupported_param: Ollama has no ", ask.name)));
    EXPECT_EQ(RestOf(call, degrade), "") << ask.name;
    EXPECT_THAT(LossesOf(call, degrade), ElementsAre(HasSubstr(ask.name)));
  }
}

TEST(OllamaClientTest, HintsAreLeftOutAndToldAndDefaultsAreNothing) {
  const Ask hints[] = {
      {"priority", [](Call& c) { c.priority = 1; }},
      {"request_id", [](Call& c) { c.request_id = "r"; }},
      {"session_id", [](Call& c) { c.session_id = "s"; }},
      {"user", [](Call& c) { c.user = "u"; }},
      {"return_token_ids", [](Call& c) { c.sampling.return_token_ids = true; }},
      {"include_reasoning", [](Call& c) { c.reasoning.include = false; }},
      {"continuous_usage", [](Call& c) { c.continuous_usage = true; }},
      {"messages.name", [](Call& c) { c.messages[0].name = "ann"; }},
  };
  for (const Ask& hint : hints) {
    Call call = SimpleCall();
    hint.set(call);
    EXPECT_EQ(RestOf(call), "") << hint.name;
    EXPECT_THAT(LossesOf(call), ElementsAre(hint.name));
  }
  Call call = SimpleCall();
  call.sampling.n = 1;
  call.sampling.ignore_eos = false;
  call.sampling.skip_special_tokens = true;
  call.parallel_tool_calls = true;
  call.add_generation_prompt = true;
  call.echo = false;
  EXPECT_EQ(RestOf(call), "");
  EXPECT_THAT(LossesOf(call), IsEmpty());
}

TEST(OllamaClientTest, ToolsThatMustNotBeCalledAreLeftOut) {
  Call call = SimpleCall();
  call.tools = {{"f", "", {}, true}};
  call.tool_choice.kind = model::ToolChoice::Kind::kNone;
  EXPECT_EQ(RestOf(call), "");
  EXPECT_THAT(LossesOf(call), ElementsAre("tools"));

  call.tool_choice.kind = model::ToolChoice::Kind::kRequired;
  EXPECT_THAT(OllamaBodyOf(call), HasSubstr("unsupported_param: Ollama has no tool_choice"));
  call.tool_choice = {};
  EXPECT_THAT(LossesOf(call), ElementsAre("tools.strict"));
}

TEST(OllamaClientTest, MediaMustLieInTheRequest) {
  const Part parts[] = {{.kind = Part::Kind::kImage, .url = "https://h/a.png"},
                        {.kind = Part::Kind::kImage, .url = "data:image/svg+xml,<svg/>"},
                        {.kind = Part::Kind::kAudio, .url = "data:audio/wav;base64,AA=="},
                        {.kind = Part::Kind::kFile, .format = "a.pdf"}};
  for (const Part& part : parts) {
    Call call = SimpleCall();
    call.messages[0].parts.push_back(part);
    EXPECT_THAT(OllamaBodyOf(call), HasSubstr("unsupported_param: Ollama takes "));
  }
}

TEST(OllamaClientTest, ResultsAreNamedAfterTheirCallsByOrderWhenThereAreNoIds) {
  Call call = SimpleCall();
  Message assistant;
  assistant.role = Role::kAssistant;
  assistant.tool_calls = {{"", "f", "{}"}, {"", "g", "{}"}};
  for (int turn = 0; turn < 2; ++turn) {
    call.messages.push_back(assistant);
    for (int result = 0; result < 3; ++result) {
      call.messages.push_back(Message::Text(Role::kTool, "x"));
    }
  }
  const json::Value body = Json(OllamaBodyOf(call));
  const json::View messages = body.Find("messages");
  for (const std::size_t turn : {1U, 5U}) {
    EXPECT_EQ(messages[turn + 1].Find("tool_name").AsString(), "f");
    EXPECT_EQ(messages[turn + 2].Find("tool_name").AsString(), "g");
    EXPECT_FALSE(messages[turn + 3].Find("tool_name").exists());
  }
}

TEST(OllamaClientTest, ArgumentsThatAreNoObjectAreSentAsText) {
  Call call = SimpleCall();
  Message& assistant = call.messages.emplace_back();
  assistant.role = Role::kAssistant;
  assistant.tool_calls = {{"c", "f", "{\"cut"}, {"d", "g", "[1]"}};
  EXPECT_THAT(OllamaBodyOf(call), HasSubstr(R"({"role":"assistant","content":"{\"cut[1]"})"));
  EXPECT_THAT(LossesOf(call), ElementsAre("messages.tool_calls"));
}

TEST(OllamaClientTest, WrongCallsAreRefusedBeforeTheyAreSent) {
  const Ask asks[] = {
      {"default model", [](Call& c) { c.model.clear(); }},
      {"needs messages", [](Call& c) { c.messages.clear(); }},
      {"temperature", [](Call& c) { c.sampling.temperature = 3; }},
      {"max_tokens", [](Call& c) { c.sampling.max_tokens = 0; }},
      {"responses API", [](Call& c) { c.api = Api::kResponses; }},
      {"prompt in tokens", [](Call& c) { c.prompt_token_ids = {1}; }},
      {"extra must be", [](Call& c) { c.extra = Json("[]"); }},
      {"extra_body", [](Call& c) { c.extra = Json(R"({"extra_body":{}})"); }},
      {"twice", [](Call& c) { c.extra = Json(R"({"a":1,"a":2})"); }},
      {"options in extra", [](Call& c) { c.extra = Json(R"({"options":[]})"); }},
  };
  for (const Ask& ask : asks) {
    Call call = SimpleCall();
    ask.set(call);
    EXPECT_THAT(OllamaBodyOf(call), HasSubstr(ask.name));
    EXPECT_FALSE(EncodeOllamaRequest(call, kWhole)) << ask.name;
  }
}

// Equal bytes mean that the server understood the call.
::testing::AssertionResult ComesBack(const Call& call, const EncodeOptions& options) {
  const auto sent = EncodeOllamaRequest(call, options);
  if (!sent) return ::testing::AssertionFailure() << Describe(sent.error());
  const bool chat = call.api == Api::kChat;
  auto read = DecodeOllama(chat ? OllamaApi::kChat : OllamaApi::kGenerate, sent->body);
  if (!read) return ::testing::AssertionFailure() << read.error().message << "\n" << sent->body;
  read->call.budget.context_window = read->window;
  const auto again = EncodeOllamaRequest(read->call, options);
  if (!again) return ::testing::AssertionFailure() << Describe(again.error());
  if (again->body != sent->body || read->stream != options.stream) {
    return ::testing::AssertionFailure() << sent->body << "\n" << again->body;
  }
  return ::testing::AssertionSuccess();
}

TEST(OllamaClientTest, CallsComeBackFromTheServersHalf) {
  Call rich = RichCall();
  rich.extra = {};
  rich.messages.back().extra = {};
  Call completion = SimpleCall(Api::kCompletions);
  completion.sampling = rich.sampling;
  completion.constraint = Constraint{.kind = Constraint::Kind::kJsonObject};
  completion.reasoning.enable = false;
  Call middle = completion;
  middle.suffix = "!";
  for (const Call& call : {rich, completion, middle, SimpleCall()}) {
    EXPECT_TRUE(ComesBack(call, kWhole));
    EXPECT_TRUE(ComesBack(call, kStream));
  }
}

Call AnyCall() {
  Call call = SimpleCall(*rc::gen::element(Api::kChat, Api::kCompletions));
  const auto number = rc::gen::inRange<std::int64_t>(1, 1000);
  const auto share = rc::gen::map(rc::gen::inRange(1, 1001), [](int i) { return i / 1000.0; });
  call.model = "m" + AnyText();
  if (call.api == Api::kCompletions) {
    call.prompt = "p" + AnyText();
    call.suffix = AnyText();
  } else {
    for (const Role role :
         *rc::gen::container<std::vector<Role>>(rc::gen::element(Role::kUser, Role::kAssistant))) {
      call.messages.push_back(Message::Text(role, AnyText()));
      call.messages.back().reasoning = AnyText();
      if (*rc::gen::arbitrary<bool>()) call.messages.back().parts.push_back({.text = AnyText()});
    }
  }
  call.sampling.max_tokens = Maybe(number);
  call.sampling.temperature = Maybe(share);
  call.sampling.top_p = Maybe(share);
  call.sampling.top_k = Maybe(number);
  call.sampling.seed = Maybe(rc::gen::arbitrary<std::int64_t>());
  call.sampling.logprobs = Maybe(rc::gen::inRange<std::int64_t>(0, 21));
  if (*rc::gen::arbitrary<bool>()) call.sampling.stop = {"s" + AnyText()};
  call.budget.context_window = Maybe(number);
  call.reasoning.enable = Maybe(rc::gen::arbitrary<bool>());
  return call;
}

RC_GTEST_PROP(OllamaClientProperty, EveryCallComesBackAndNoBodyHoldsNull, ()) {
  const Call call = AnyCall();
  const EncodeOptions options{kWhole.dialect, *rc::gen::arbitrary<bool>()};
  const ::testing::AssertionResult result = ComesBack(call, options);
  if (!result) RC_FAIL(result.message());
  const auto body = json::Read(OllamaBodyOf(call, options));
  RC_ASSERT(body.has_value());
  RC_ASSERT(!body->has_duplicate_keys());
  for (const json::Member member : body->members()) RC_ASSERT(!member.value.IsNull());
}

TEST(OllamaClientEmbedTest, TextsGoOutAndVectorsComeIn) {
  model::EmbedCall call{.model = "m", .texts = {"a", "é"}, .dimensions = 8};
  call.extra = Json(R"({"truncate":false,"input":"x","n":null})");
  const auto sent = EncodeOllamaEmbed(call);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->path, "/api/embed");
  EXPECT_EQ(sent->body, R"({"model":"m","input":["a","é"],"dimensions":8,"truncate":false})");
  EXPECT_EQ(sent->degradations.size(), 1U);
  const auto read = DecodeOllamaEmbed(OllamaEmbedApi::kEmbed, sent->body);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->texts, call.texts);
  EXPECT_FALSE(EncodeOllamaEmbed(model::EmbedCall{.model = "m"}));

  const std::vector<std::vector<float>> vectors = {{0.5F, -0.25F}, {}};
  const auto back = DecodeOllamaEmbed(EncodeOllamaEmbed("m", vectors, {}, 3));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->model, "m");
  EXPECT_EQ(back->vectors, vectors);
  EXPECT_EQ(back->usage.prompt_tokens, 3);
  EXPECT_FALSE(DecodeOllamaEmbed(R"({"embeddings":[["x"]]})"));
  EXPECT_EQ(DecodeOllamaEmbed(R"({"embeddings":[],"prompt_eval_count":-1})")->usage.prompt_tokens,
            std::nullopt);
  EXPECT_FALSE(DecodeOllamaEmbed("{}"));
}

TEST(OllamaClientModelsTest, TagsAndVersionAreRead) {
  const OllamaModel known{.name = "m:7b", .digest = "ab", .family = "weir"};
  const auto models = DecodeOllamaTags(EncodeOllamaTags(std::span(&known, 1)));
  ASSERT_TRUE(models);
  ASSERT_EQ(models->size(), 1U);
  EXPECT_EQ(models->front().id, "m:7b");
  EXPECT_EQ(models->front().extra.Find("details").Find("family").AsString(), "weir");
  EXPECT_EQ(models->front().extra.Find("digest").AsString(), "ab");
  EXPECT_TRUE(DecodeOllamaTags(R"({"models":null})")->empty());
  EXPECT_EQ(DecodeOllamaVersion(R"({"version":"0.12.11"})").value(), "0.12.11");
  for (const std::string_view body : {"{}", "[]", "<html>", "", R"({"version":1,"models":1})"}) {
    ASSERT_FALSE(DecodeOllamaTags(body)) << body;
    EXPECT_EQ(DecodeOllamaTags(body).error().code, Code::kProtocolError);
    ASSERT_FALSE(DecodeOllamaVersion(body)) << body;
  }
}

}  // namespace
}  // namespace weir::wire
