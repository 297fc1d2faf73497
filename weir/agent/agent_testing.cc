#include "weir/agent/agent_testing.h"

#include <utility>

#include "weir/base/text.h"

namespace weir::agent {
namespace {

using model::Delta;
using model::Finish;
using model::ScriptedAnswer;

ScriptedAnswer AnswerOf(Delta delta, Finish finish) {
  delta.has_choice = true;
  delta.finish = finish;
  delta.finish_text = model::FinishName(finish);
  ScriptedAnswer answer;
  answer.pieces.push_back(std::move(delta));
  return answer;
}

}  // namespace

ScriptedAnswer Calls(std::initializer_list<Wanted> calls) {
  Delta delta;
  std::int64_t index = 0;
  for (const Wanted& call : calls) {
    delta.tool_calls.push_back({.index = index,
                                .id = StrCat("id", index),
                                .name = call.name,
                                .arguments = call.arguments});
    ++index;
  }
  return AnswerOf(std::move(delta), Finish::kToolCalls);
}

ScriptedAnswer Submits(std::string_view summary) {
  return Calls({{"submit_result", StrCat(R"({"status":"success","summary":")", summary, R"("})")}});
}

ScriptedAnswer Ends(Finish finish, std::string text) {
  Delta delta;
  delta.text = std::move(text);
  return AnswerOf(std::move(delta), finish);
}

ScriptedAnswer Unsure(ScriptedAnswer answer, double logprob) {
  Delta& delta = answer.pieces.front();
  for (const model::ToolCallDelta& call : delta.tool_calls) {
    const auto add = [&](std::string text, double its_logprob) {
      delta.tokens.push_back({.text = std::move(text), .logprob = its_logprob});
    };
    add("{\"name\": \"", 0);
    add(call.name, logprob);
    add("\", \"arguments\": ", 0);
    add(call.arguments, 0);
    add("}", 0);
  }
  return answer;
}

ScriptedAnswer Costs(ScriptedAnswer answer, std::int64_t prompt, std::int64_t completion) {
  model::Usage usage;
  usage.prompt_tokens = prompt;
  usage.completion_tokens = completion;
  answer.pieces.back().usage = usage;
  return answer;
}

}  // namespace weir::agent
