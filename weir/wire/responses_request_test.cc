#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/wire/server_codec.h"
#include "weir/wire/wire_testing.h"

namespace weir::wire {
namespace {

using model::Api;
using model::Call;
using model::Message;
using model::Part;
using model::Role;
using testing::ElementsAre;
using testing::HasSubstr;

IncomingCall Accepted(std::string_view body) {
  auto read = DecodeRequest(Api::kResponses, body, Dialect());
  EXPECT_TRUE(read) << body << (read ? "" : read.error().message);
  return read ? *std::move(read) : IncomingCall();
}

std::string Refused(std::string_view rest) {
  const auto read =
      DecodeRequest(Api::kResponses, StrCat(R"({"input":"hi",)", rest, "}"), Dialect());
  return read ? "accepted" : EncodeError(read.error(), Dialect());
}

// One line per message: role, reasoning, parts, calls, the call that is answered.
std::vector<std::string> Outline(const Call& call) {
  std::vector<std::string> lines;
  for (const Message& message : call.messages) {
    std::string& line = lines.emplace_back(model::RoleName(message.role));
    if (!message.reasoning.empty()) StrAppend(line, " ~", message.reasoning);
    for (const Part& part : message.parts) {
      StrAppend(line, " [", part.text, part.url, part.detail.empty() ? "" : "|", part.detail,
                part.format.empty() ? "" : "|", part.format, "]");
    }
    for (const model::ToolCall& made : message.tool_calls) {
      StrAppend(line, " ", made.id, "=", made.name, made.arguments);
    }
    if (!message.tool_call_id.empty()) StrAppend(line, " @", message.tool_call_id);
  }
  return lines;
}

TEST(ResponsesRequestTest, ATextIsTheUsersAndInstructionsComeFirst) {
  const IncomingCall read =
      Accepted(R"({"model":"m","input":"hi","instructions":"Be brief.","stream":true})");
  EXPECT_EQ(read.call.api, Api::kResponses);
  EXPECT_EQ(read.call.model, "m");
  EXPECT_TRUE(read.stream);
  EXPECT_THAT(Outline(read.call), ElementsAre("system [Be brief.]", "user [hi]"));
  EXPECT_EQ(read.echo->instructions, "Be brief.");
}

TEST(ResponsesRequestTest, ItemsOfOneTurnBecomeOneMessage) {
  const IncomingCall read = Accepted(R"({"input":[
      {"role":"developer","content":"d"},
      {"type":"message","role":"user","content":[
        {"type":"input_text","text":"look"},
        {"type":"input_image","image_url":"http://i","detail":"low"},
        {"type":"input_file","file_data":"data:application/pdf;base64,AA","filename":"a.pdf"}]},
      {"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]},
      {"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[
        {"type":"output_text","text":"I call.","annotations":[],"logprobs":null,"parsed":null}]},
      {"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{}","status":"completed"},
      {"type":"function_call","call_id":"c2","name":"g","arguments":"{\"a\":1}"},
      {"type":"function_call_output","call_id":"c1","output":"one"},
      {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"two"}]},
      {"role":"assistant","content":"a"},
      {"role":"assistant","content":"b"}]})");
  EXPECT_THAT(Outline(read.call),
              ElementsAre("developer [d]",
                          "user [look] [http://i|low] [data:application/pdf;base64,AA|a.pdf]",
                          "assistant ~hm [I call.] c1=f{} c2=g{\"a\":1}", "tool [one] @c1",
                          "tool [two] @c2", "assistant [a]", "assistant [b]"));
  EXPECT_FALSE(read.call.continue_final_message);
}

TEST(ResponsesRequestTest, AnUnfinishedAnswerIsToBeWrittenOn) {
  const Call call = Accepted(R"({"input":[{"role":"user","content":"q"},
      {"type":"message","role":"assistant","status":"incomplete",
       "content":[{"type":"output_text","text":"It is"}]}]})")
                        .call;
  EXPECT_EQ(call.continue_final_message, true);
  EXPECT_EQ(call.add_generation_prompt, false);
}

TEST(ResponsesRequestTest, EveryFieldIsReadAndRepeated) {
  const IncomingCall read = Accepted(R"({"input":"hi","max_output_tokens":9,"temperature":0.5,
      "top_p":0.9,"top_k":3,"seed":4,"stop":["E"],"repetition_penalty":1.1,"presence_penalty":1,
      "frequency_penalty":-1,"ignore_eos":true,"logit_bias":{"1":2},"truncation":"auto",
      "top_logprobs":2,"include":["message.output_text.logprobs"],"max_tool_calls":5,
      "tools":[{"type":"function","name":"f","parameters":{"type":"object"},"strict":true}],
      "tool_choice":{"type":"function","name":"f"},"parallel_tool_calls":false,
      "text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true}},
      "reasoning":{"effort":"low","summary":"auto"},"include_reasoning":false,
      "chat_template_kwargs":{"enable_thinking":true,"k":1},"metadata":{"a":"b"},"store":false,
      "user":"u","service_tier":"flex","priority":-2,"cache_salt":"s","request_id":"resp_r",
      "vllm_xargs":{"x":1},"min_p":0.1,"prompt_cache_key":"p","stream_options":{}})");
  const Call& call = read.call;
  EXPECT_EQ(call.sampling.max_tokens, 9);
  EXPECT_EQ(call.sampling.temperature, 0.5);
  EXPECT_EQ(call.sampling.top_p, 0.9);
  EXPECT_EQ(call.sampling.top_k, 3);
  EXPECT_EQ(call.sampling.seed, 4);
  EXPECT_EQ(call.sampling.stop, std::vector<std::string>{"E"});
  EXPECT_EQ(call.sampling.repetition_penalty, 1.1);
  EXPECT_EQ(call.sampling.presence_penalty, 1);
  EXPECT_EQ(call.sampling.frequency_penalty, -1);
  EXPECT_EQ(call.sampling.ignore_eos, true);
  EXPECT_EQ(call.sampling.logit_bias.at("1"), 2);
  EXPECT_EQ(call.sampling.truncate_prompt_tokens, -1);
  EXPECT_EQ(call.sampling.logprobs, 2);
  EXPECT_EQ(call.tools.at(0).name, "f");
  EXPECT_EQ(call.tools.at(0).parameters, Json(R"({"type":"object"})"));
  EXPECT_EQ(call.tools.at(0).strict, true);
  EXPECT_EQ(call.tool_choice.kind, model::ToolChoice::Kind::kNamed);
  EXPECT_EQ(call.tool_choice.name, "f");
  EXPECT_EQ(call.parallel_tool_calls, false);
  EXPECT_EQ(call.constraint->name, "n");
  EXPECT_EQ(call.constraint->schema, Json(R"({"type":"object"})"));
  EXPECT_EQ(call.constraint->strict, true);
  EXPECT_EQ(call.reasoning.effort, "low");
  EXPECT_EQ(call.reasoning.include, false);
  EXPECT_EQ(call.reasoning.enable, true);
  EXPECT_EQ(call.chat_template_kwargs, Json(R"({"k":1})"));
  EXPECT_EQ(call.priority, -2);
  EXPECT_EQ(call.cache_salt, "s");
  EXPECT_EQ(call.request_id, "resp_r");
  EXPECT_EQ(call.user, "u");
  // The Responses API of vLLM has no min_p.
  EXPECT_EQ(call.extra, Json(R"({"min_p":0.1,"prompt_cache_key":"p"})"));
  const ResponsesEcho& echo = *read.echo;
  EXPECT_EQ(echo.metadata, Json(R"({"a":"b"})"));
  EXPECT_EQ(echo.service_tier, "flex");
  EXPECT_EQ(echo.truncation, "auto");
  EXPECT_EQ(echo.max_tool_calls, 5);
  EXPECT_EQ(echo.top_logprobs, 2);
  EXPECT_FALSE(echo.store);
  EXPECT_EQ(
      json::Write(echo.tools),
      R"([{"name":"f","parameters":{"type":"object"},"strict":true,"type":"function","description":null}])");
  EXPECT_EQ(json::Write(echo.reasoning),
            R"({"effort":"low","generate_summary":null,"summary":"auto"})");
}

TEST(ResponsesRequestTest, WhatWasNotAskedForIsNotThere) {
  const IncomingCall read = Accepted(R"({"input":"hi","top_logprobs":3})");
  EXPECT_FALSE(read.call.sampling.logprobs);
  EXPECT_FALSE(read.echo->top_logprobs);
  EXPECT_TRUE(read.echo->text.IsNull() && read.echo->reasoning.IsNull());
}

TEST(ResponsesRequestTest, FormatsAreConstraints) {
  using Kind = model::Constraint::Kind;
  const auto constraint = [](std::string_view rest) {
    return Accepted(StrCat(R"({"input":"hi",)", rest, "}")).call.constraint;
  };
  EXPECT_FALSE(constraint(R"("text":{"format":{"type":"text"},"verbosity":"low"})"));
  EXPECT_EQ(constraint(R"("text":{"format":{"type":"json_object"}})")->kind, Kind::kJsonObject);
  EXPECT_EQ(constraint(R"("structured_outputs":{"regex":"a+"})")->text, "a+");
}

std::string ErrorAnswer(std::string_view message, std::string_view type, std::string_view param) {
  return StrCat(R"({"error":{"message":")", message, R"(","type":")", type, R"(","param":")", param,
                R"(","code":400}})");
}

std::string Invalid(std::string_view entry, std::string_view param) {
  return ErrorAnswer(StrCat(R"(1 validation error:\n  )", entry), "Bad Request", param);
}

TEST(ResponsesRequestTest, MistakesAreAnsweredInTheServersWords) {
  const std::pair<std::string_view, std::string> cases[] = {
      {R"("max_output_tokens":"x")",
       Invalid(
           R"({'type': 'int_parsing', 'loc': ('body', 'max_output_tokens'), 'msg': 'Input should be a valid integer, unable to parse string as an integer', 'input': 'x'})",
           "body.max_output_tokens")},
      {R"("tools":[{"type":"web_search"}])",
       Invalid(
           R"({'type': 'literal_error', 'loc': ('body', 'tools', 0, 'FunctionTool', 'type'), 'msg': \"Input should be 'function'\", 'input': 'web_search', 'ctx': {'expected': \"'function'\"}})",
           "body.tools.0.FunctionTool.type")},
      {R"("tools":[{"type":"function","function":{"name":"f"}}])",
       Invalid(
           R"({'type': 'missing', 'loc': ('body', 'tools', 0, 'FunctionTool', 'name'), 'msg': 'Field required', 'input': {'type': 'function', 'function': {'name': 'f'}}})",
           "body.tools.0.FunctionTool.name")},
      {R"("service_tier":"fast")",
       Invalid(
           R"({'type': 'literal_error', 'loc': ('body', 'service_tier'), 'msg': \"Input should be 'auto', 'default', 'flex', 'scale' or 'priority'\", 'input': 'fast', 'ctx': {'expected': \"'auto', 'default', 'flex', 'scale' or 'priority'\"}})",
           "body.service_tier")},
      {R"("tool_choice":"required")",
       ErrorAnswer("Tool choice 'required' must be specified with 'tools' parameter. "
                   "(parameter=tool_choice)",
                   "BadRequestError", "tool_choice")},
      {R"("tool_choice":{"type":"function","name":"f"})",
       ErrorAnswer("Tool choice 'function' not found in 'tools' parameter. (parameter=tool_choice)",
                   "BadRequestError", "tool_choice")},
      {R"("background":true,"store":false)",
       ErrorAnswer("background can only be used when `store` is true (parameter=background)",
                   "BadRequestError", "background")},
      {R"("prompt":{"id":"p"})", ErrorAnswer("prompt template is not supported (parameter=prompt)",
                                             "BadRequestError", "prompt")},
      {R"("max_output_tokens":0)",
       ErrorAnswer("max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)",
                   "BadRequestError", "max_tokens")},
      {R"("structured_outputs":{"regex":"a"},"text":{"format":{"type":"text"}})",
       ErrorAnswer("Cannot specify both structured_outputs and text.format "
                   "(parameter=structured_outputs)",
                   "BadRequestError", "structured_outputs")},
  };
  for (const auto& [rest, answer] : cases) EXPECT_EQ(Refused(rest), answer);
}

TEST(ResponsesRequestTest, WrongInputIsNamed) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"model":"m"})", "'loc': ('body', 'input'), 'msg': 'Field required'"},
      {R"({"input":5})", "2 validation errors"},
      {R"({"input":[5]})", "'loc': ('body', 'input', 0), 'msg': 'Input should be a valid dict"},
      {R"({"input":[{"content":"x"}]})", "'loc': ('body', 'input', 0, 'role')"},
      {R"({"input":[{"role":"tool","content":"x"}]})", "or 'developer'"},
      {R"({"input":[{"role":"user"}]})", "'loc': ('body', 'input', 0, 'content')"},
      {R"({"input":[{"type":"item_reference","id":"x"}]})", "'input': 'item_reference'"},
      {R"({"input":[{"type":"function_call","name":"f","arguments":{}}]})", "'call_id'"},
      {R"({"input":[{"type":"reasoning","encrypted_content":"x"}]})", "Encrypted content"},
      {R"({"input":[{"role":"user","content":[{"type":"hologram"}]}]})",
       "Unknown part type: hologram"},
      {R"({"input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]})",
       "no file is stored here"},
      {R"({"input":"hi","text":{"format":{"type":"json_schema"}}})", "'schema'"},
      {R"({"input":"hi","include":["all"]})", "'loc': ('body', 'include', 0)"},
      {R"({"input":"hi","reasoning":{"effort":"huge"}})", "('body', 'reasoning', 'effort')"},
      {R"({"input":"hi","metadata":{"a":1}})", "('body', 'metadata', 'a')"},
      {R"({"input":"hi","tools":{}})", "'msg': 'Input should be a valid list'"},
      {R"([])", "model_attributes_type"},
      {R"({"input":)", "json_invalid"},
  };
  for (const auto& [body, words] : cases) {
    const auto read = DecodeRequest(Api::kResponses, body, Dialect());
    ASSERT_FALSE(read) << body;
    EXPECT_EQ(read.error().status, 400);
    EXPECT_THAT(read.error().message, HasSubstr(words)) << body;
  }
}

TEST(ResponsesRequestTest, CutAnywhereARequestIsA400) {
  constexpr std::string_view kBody =
      R"({"input":[{"role":"user","content":[{"type":"input_text","text":"é"}]}],"tools":[]})";
  EXPECT_TRUE(DecodeRequest(Api::kResponses, kBody, Dialect()));
  for (std::size_t length = 0; length < kBody.size(); ++length) {
    const auto read = DecodeRequest(Api::kResponses, kBody.substr(0, length), Dialect());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().status, 400);
  }
}

}  // namespace
}  // namespace weir::wire
