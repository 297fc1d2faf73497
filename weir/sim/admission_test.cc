#include "weir/sim/admission.h"

#include <functional>

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/sim/sim_testing.h"

namespace weir::sim {
namespace {

using model::Call;
using ChoiceKind = model::ToolChoice::Kind;
using Stage = Refusal::Stage;

// A server with a window of 100 tokens that serves two models and an adapter of the second.
SimOptions SmallServer(std::string_view dialect = "vllm-latest") {
  SimOptions options = InstantSim();
  options.dialect = wire::DialectByName(dialect).value();
  options.models = {{.served_names = {"first", "alias"}, .max_model_len = 100},
                    {.served_names = {"second"},
                     .max_model_len = 200,
                     .adapters = {{.name = "sql", .path = "/adapters/sql"}}}};
  return options;
}

std::expected<Admitted, Refusal> AdmitCall(const SimOptions& options, const Call& call,
                                           bool stream = false) {
  const Adapters adapters(options.models);
  const Prompt prompt{call.prompt, call.prompt_token_ids};
  return Admit(options, adapters, call, std::span(&prompt, 1), stream);
}

Call Completion(std::string_view prompt) {
  Call call;
  call.api = model::Api::kCompletions;
  call.prompt = prompt;
  return call;
}

std::vector<model::ToolSpec> Tools() { return {{.name = "look", .parameters = {}}}; }

struct AdmissionCase {
  const char* name;
  std::function<void(Call&, SimOptions&)> make;
  std::string message;
  const char* param = "";  // empty: none
  int status = 400;
  Stage stage = Stage::kFront;
  bool stream = false;
};

const AdmissionCase kAdmissionCases[] = {
    {"unknown_model", [](Call& call, SimOptions&) { call.model = "foo"; },
     "The model `foo` does not exist.", "model", 404},
    {"unknown_adapter", [](Call& call, SimOptions&) { call.adapter = "foo"; },
     "The model `foo` does not exist.", "model", 404},
    {"a_model_asked_for_as_an_adapter", [](Call& call, SimOptions&) { call.adapter = "first"; },
     "The model `first` does not exist.", "model", 404},
    {"choice_without_tools",
     [](Call& call, SimOptions&) { call.tool_choice.kind = ChoiceKind::kRequired; },
     "When using `tool_choice`, `tools` must be set. (parameter=tool_choice)", "tool_choice"},
    {"unknown_tool",
     [](Call& call, SimOptions&) {
       call.tools = Tools();
       call.tool_choice = {ChoiceKind::kNamed, "jump"};
     },
     "The tool specified in `tool_choice` does not match any of the specified `tools` "
     "(parameter=tool_choice)",
     "tool_choice"},
    {"tool_and_constraint",
     [](Call& call, SimOptions&) {
       call.tools = Tools();
       call.tool_choice = {ChoiceKind::kNamed, "look"};
       call.constraint.emplace();
     },
     "You can only either use constraints for structured outputs or tools, not both."},
    {"auto_without_the_flag",
     [](Call& call, SimOptions& options) {
       call.tools = Tools();
       options.switches.auto_tool_choice = false;
     },
     "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"},
    {"required_without_the_flag",
     [](Call& call, SimOptions& options) {
       call.tools = Tools();
       call.tool_choice.kind = ChoiceKind::kRequired;
       options.switches.auto_tool_choice = false;
     },
     "tool_choice=\"required\" requires --tool-call-parser to be set"},
    {"named_without_the_flag",
     [](Call& call, SimOptions& options) {
       call.tools = Tools();
       call.tool_choice = {ChoiceKind::kNamed, "look"};
       options.switches.auto_tool_choice = false;
     },
     "tool_choice=function \"look\" requires --tool-call-parser to be set"},
    {"too_many_stops",
     [](Call& call, SimOptions&) { call.sampling.stop = {"a", "b", "c", "d", "e"}; },
     "stop must have at most 4 strings, got 5. (parameter=stop, value=5)", "stop"},
    {"empty_stop", [](Call& call, SimOptions&) { call.sampling.stop = {""}; },
     "stop cannot contain an empty string. (parameter=stop)", "stop"},
    {"chat_template", [](Call& call, SimOptions&) { call.chat_template = "{{ a }}"; },
     "Chat template is passed with request, but --trust-request-chat-template is not set. Refused "
     "request with untrusted chat template."},
    {"prompt_logprobs_of_a_stream",
     [](Call& call, SimOptions&) { call.sampling.prompt_logprobs = 1; },
     "`prompt_logprobs` are not available when `stream=True`. (parameter=prompt_logprobs)",
     "prompt_logprobs", 400, Stage::kFront, true},
    {"beams_of_a_completions_stream",
     [](Call& call, SimOptions&) {
       call = Completion("a");
       call.sampling.beam_width = 2;
     },
     "Streaming is not currently supported with beam search", "", 400, Stage::kFront, true},
    {"thinking_budget_of_a_model_that_does_not_think",
     [](Call& call, SimOptions&) { call.reasoning.thinking_budget = 5; },
     "thinking_token_budget is set but reasoning_config is not configured. Please set "
     "--reasoning-config to use thinking_token_budget. (parameter=thinking_token_budget, value=5)",
     "thinking_token_budget", 400, Stage::kEngine},
    {"too_many_choices", [](Call& call, SimOptions&) { call.sampling.n = 16385; },
     "n must be at most 16384, got 16385. (parameter=n, value=16385)", "n"},
    {"prompt_and_answer_too_long", [](Call& call, SimOptions&) { call.sampling.max_tokens = 95; },
     "This model's maximum context length is 100 tokens. However, you requested 95 output tokens "
     "and your prompt contains at least 6 input tokens, for a total of at least 101 tokens. Please "
     "reduce the length of the input prompt or the number of requested output tokens. "
     "(parameter=input_tokens, value=6)",
     "input_tokens"},
    {"more_than_the_window", [](Call& call, SimOptions&) { call.sampling.max_tokens = 101; },
     "max_tokens=101 cannot be greater than max_model_len=max_total_tokens=100. Please request "
     "fewer output tokens. (parameter=max_tokens, value=101)",
     "max_tokens"},
    {"no_room_left",
     [](Call& call, SimOptions& options) {
       options.models[0].max_model_len = static_cast<std::int64_t>(Render(call, {}).tokens.size());
     },
     "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)", "max_tokens"},
    {"more_min_than_max",
     [](Call& call, SimOptions&) {
       call.sampling.max_tokens = 3;
       call.sampling.min_tokens = 4;
     },
     "min_tokens must be less than or equal to max_tokens=3, got 4. (parameter=min_tokens, "
     "value=4)",
     "min_tokens"},
    {"token_that_does_not_exist",
     [](Call& call, SimOptions&) {
       call = Completion("");
       call.prompt_token_ids = {1, 99'999'999};
     },
     "Token id 99999999 is out of vocabulary (parameter=prompt)", "prompt", 400, Stage::kEngine},
    {"allowed_token_that_does_not_exist",
     [](Call& call, SimOptions&) { call.sampling.allowed_token_ids = {-1}; },
     "allowed_token_ids contains out-of-vocab token id!", "", 400, Stage::kEngine},
    {"bias_of_a_token_that_does_not_exist",
     [](Call& call, SimOptions&) { call.sampling.logit_bias = {{"99999999", 1}}; },
     "token_id 99999999 in logit_bias contains out-of-vocab token id (parameter=logit_bias, "
     "value=99999999)",
     "logit_bias", 400, Stage::kEngine},
    {"too_many_logprobs", [](Call& call, SimOptions&) { call.sampling.logprobs = 50; },
     "Requested sample logprobs of 50, which is greater than max allowed: 20 (parameter=logprobs, "
     "value=50)",
     "logprobs", 400, Stage::kEngine},
    {"too_many_beams", [](Call& call, SimOptions&) { call.sampling.beam_width = 11; },
     "Requested sample logprobs of 22, which is greater than max allowed: 20 (parameter=logprobs, "
     "value=22)",
     "logprobs", 400, Stage::kEngine},
    {"too_many_prompt_logprobs",
     [](Call& call, SimOptions&) { call.sampling.prompt_logprobs = 21; },
     "Requested prompt logprobs of 21, which is greater than max allowed: 20 "
     "(parameter=prompt_logprobs, value=21)",
     "prompt_logprobs", 400, Stage::kEngine},
};

class RefusalTest : public testing::TestWithParam<AdmissionCase> {};

TEST_P(RefusalTest, IsTheServersOwn) {
  SimOptions options = SmallServer();
  Call call = Ask("hi");
  GetParam().make(call, options);

  const auto admitted = AdmitCall(options, call, GetParam().stream);

  ASSERT_FALSE(admitted.has_value());
  EXPECT_EQ(admitted.error().error.message, GetParam().message);
  EXPECT_EQ(admitted.error().error.param.value_or(""), GetParam().param);
  EXPECT_EQ(admitted.error().error.status, GetParam().status);
  EXPECT_EQ(admitted.error().stage, GetParam().stage);
}

INSTANTIATE_TEST_SUITE_P(Admission, RefusalTest, testing::ValuesIn(kAdmissionCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Admission, OlderServersSayLess) {
  Call call = Ask("hi");
  call.sampling.max_tokens = 95;
  const SimOptions old = SmallServer("vllm-0.10");
  const auto tokens = static_cast<std::int64_t>(Render(call, {}).tokens.size());

  const auto both = AdmitCall(old, call);
  Call unknown = Ask("hi");
  unknown.model = "foo";
  const auto model = AdmitCall(old, unknown);

  ASSERT_FALSE(both.has_value() || model.has_value());
  EXPECT_EQ(both.error().error.message,
            StrCat("This model's maximum context length is 100 tokens. However, you requested ",
                   tokens + 95, " tokens (", tokens,
                   " in the messages, 95 in the completion). Please reduce the length of the "
                   "messages or completion."));
  EXPECT_EQ(model.error().error.param, std::nullopt);
}

TEST(Admission, EveryNameOfAModelIsAnsweredByTheFirst) {
  const SimOptions options = SmallServer();
  Call call = Ask("hi");
  const auto name_for = [&](std::string_view asked) {
    call.model = asked;
    return AdmitCall(options, call)->name;
  };

  EXPECT_EQ(name_for(""), "first");
  EXPECT_EQ(name_for("alias"), "first");
  EXPECT_EQ(name_for("second"), "second");
  EXPECT_EQ(name_for("sql"), "sql");
  EXPECT_EQ(AdmitCall(options, call)->model, 1U);
  EXPECT_EQ(AdmitCall(options, call)->adapter, "sql");
}

TEST(Admission, TheRoomIsWhatTheWindowLeaves) {
  const SimOptions options = SmallServer();
  Call call = Ask("hi");
  const auto tokens = static_cast<std::int64_t>(Render(call, {}).tokens.size());

  EXPECT_EQ(AdmitCall(options, call)->rooms.front(), 100 - tokens);
  EXPECT_EQ(AdmitCall(options, Completion("a"))->rooms.front(), 16);
  call.sampling.max_tokens = 7;
  EXPECT_EQ(AdmitCall(options, call)->rooms.front(), 7);
}

TEST(Admission, ATruncatedPromptFits) {
  const SimOptions options = SmallServer();
  Call call = Completion(std::string(2000, 'x') + " the end");
  EXPECT_FALSE(AdmitCall(options, call).has_value());

  call.sampling.truncate_prompt_tokens = 10;
  const auto ten = AdmitCall(options, call);
  call.sampling.truncate_prompt_tokens = -1;
  call.sampling.max_tokens = 16;
  const auto most = AdmitCall(options, call);

  ASSERT_TRUE(ten.has_value() && most.has_value());
  EXPECT_EQ(ten->prompts.front().tokens.size(), 10U);
  EXPECT_EQ(Tokenizer::Decode(ten->prompts.front().tokens, true).ends_with(" the end"), true);
  EXPECT_EQ(most->prompts.front().tokens.size() + 16, 100U);
}

TEST(Admission, SwitchesOpenDoors) {
  SimOptions options = SmallServer();
  options.switches.max_logprobs = -1;
  Call call = Ask("hi");
  call.sampling.logprobs = -1;

  EXPECT_TRUE(AdmitCall(options, call).has_value());
}

TEST(Admission, ATruncatedCompletionKeepsRoomForItsDefaultLength) {
  std::string prompt;
  for (int i = 0; i < 200; ++i) prompt += " river";
  Call call = Completion(prompt);
  call.sampling.truncate_prompt_tokens = -1;

  const auto admitted = AdmitCall(SmallServer(), call);

  ASSERT_TRUE(admitted.has_value()) << admitted.error().error.message;
  EXPECT_EQ(admitted->prompts[0].tokens.size(), 84U);
  EXPECT_EQ(admitted->rooms[0], 16);
}

}  // namespace
}  // namespace weir::sim
