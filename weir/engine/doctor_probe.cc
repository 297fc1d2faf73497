// The live steps: what the model makes of a question, a constraint, a tool.

#include "weir/base/text.h"
#include "weir/engine/doctor_facts.h"
#include "weir/engine/doctor_steps.h"
#include "weir/engine/verifier.h"
#include "weir/json/reader.h"

namespace weir::engine {
namespace {

constexpr std::int64_t kQuestionTokens = 256;  // thoughts about it included
constexpr std::int64_t kProbeTokens = 64;
constexpr std::int64_t kThinkingTokens = 1024;  // for a model that thinks first
constexpr double kProbeTemperature = 0.7;       // greedy answers could obey by chance alike

constexpr std::string_view kQuestion = "What is 17 + 25? Answer with the number only.";
constexpr std::string_view kProse =
    "Describe the sea at dusk in two flowing sentences of plain English prose. Do not write JSON, "
    "lists or numbers.";
constexpr std::string_view kSchema =
    R"({"type":"object","properties":{"mood":{"enum":["calm","stormy"]},"waves":{"type":"boolean"}},)"
    R"("required":["mood","waves"],"additionalProperties":false})";
constexpr std::string_view kPattern = "(calm|stormy)-[0-9]{3}";
constexpr std::string_view kToolQuestion = "What is the weather in Paris now? Use the tool.";
constexpr std::string_view kToolSchema =
    R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})";

model::Call NewCall(const Examination& found, std::string_view prompt, std::int64_t max_tokens) {
  model::Call call;
  call.model = found.model;
  call.messages.push_back(model::Message::Text(model::Role::kUser, std::string(prompt)));
  call.sampling.max_tokens = max_tokens;
  model::Timeouts timeouts = found.options.http.upstream.timeouts;
  timeouts.first_token = found.options.probe_limit;
  call.timeouts = timeouts;
  return call;
}

async::Task<Result<model::Reply>> AskStreamed(async::Context ctx, model::Engine& engine,
                                              model::Call call) {
  WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream, co_await engine.Stream(ctx, call));
  co_return co_await model::Collect(ctx, *stream);
}

std::string CallRemedy(const Error& error) {
  if (error.code == Code::kTimeout) {
    return "the server lists its models but does not answer: is it overloaded or asleep, or does "
           "its engine hang? See the server's log";
  }
  if (error.http_status == 404) {
    return "does the model answer chats at all? One for embeddings does not: try `weir embed`";
  }
  return {};
}

async::Task<std::optional<model::Reply>> ProbeCall(async::Context ctx, Examination& found,
                                                   model::Engine& engine) {
  model::Call call = NewCall(found, kQuestion, kQuestionTokens);
  const TimePoint start = ctx.Now();
  Result<model::Reply> reply = co_await AskStreamed(ctx, engine, std::move(call));
  if (!reply) {
    // What was broken off says nothing of the server.
    if (reply.error().code != Code::kCancelled) {
      found.Fail("call", reply.error(), CallRemedy(reply.error()));
    }
    co_return std::nullopt;
  }
  std::string what = StrCat("a question is answered in ", Took(ctx.Now() - start));
  if (reply->info.first_token > Duration::zero()) {
    StrAppend(what, ", first token after ", Took(reply->info.first_token));
  }
  if (reply->usage.completion_tokens) {
    StrAppend(what, ", ", *reply->usage.completion_tokens, " tokens");
  }
  found.Ok("call", what);
  co_return *std::move(reply);
}

void JudgeReasoning(Examination& found, const model::Reply& reply) {
  if (reply.choices.empty()) return found.Skip("reasoning", "the answer had no choices");
  const model::Choice& choice = reply.choices.front();
  found.thinks = !choice.reasoning.empty() || HoldsThoughts(choice.text);
  if (HoldsThoughts(choice.text)) {
    found.Warn("reasoning", "thoughts stand in the answer itself",
               "start the server with the --reasoning-parser of its model (deepseek_r1, qwen3, "
               "...), so that they come apart from it");
  } else if (choice.reasoning.empty()) {
    found.Ok("reasoning", "no thoughts were seen");
  } else if (Trim(choice.text).empty() && choice.finish == model::Finish::kStop) {
    found.Warn("reasoning", "all of the answer came as thoughts",
               "the server's --reasoning-parser is not the one of its model, or thinking is "
               "switched off in the template and not in the parser");
  } else {
    found.Ok("reasoning", "thoughts come apart from the answer");
  }
}

struct ConstraintProbe {
  std::string_view step;
  std::string_view what;  // for a person
  model::Constraint constraint;
};

std::vector<ConstraintProbe> ConstraintProbes() {
  using Kind = model::Constraint::Kind;
  model::Constraint schema{.kind = Kind::kJsonSchema};
  schema.schema = json::Read(kSchema).value();
  model::Constraint regex{.kind = Kind::kRegex};
  regex.text = kPattern;
  return {{"constraint", "JSON schema", std::move(schema)}, {"regex", "regex", std::move(regex)}};
}

// Counts one answer.
void Count(ProbeCount& count, const Verifier& verifier, const model::Reply& reply) {
  const bool cut = !reply.choices.empty() && reply.choices.front().text.empty() &&
                   reply.choices.front().finish == model::Finish::kLength;
  if (cut) {
    ++count.cut;
  } else if (verifier.Check(reply.text())) {
    ++count.obeyed;
  } else {
    ++count.broke;
    count.example = reply.text();
  }
}

async::Task<void> ProbeConstraint(async::Context ctx, Examination& found, model::Engine& engine,
                                  const ConstraintProbe& probe) {
  schema::Cache schemas;
  const Result<Verifier> verifier = Verifier::Make(probe.constraint, schemas);
  if (!verifier) co_return found.Fail(probe.step, verifier.error());
  model::Call call = NewCall(found, kProse, found.thinks ? kThinkingTokens : kProbeTokens);
  call.sampling.temperature = kProbeTemperature;
  call.constraint = probe.constraint;
  ProbeCount count;
  for (int i = 0; i < kProbeTries; ++i) {
    const Result<model::Reply> reply = co_await engine.Call(ctx, call);
    if (reply) {
      Count(count, *verifier, *reply);
      continue;
    }
    const Code code = reply.error().code;
    if (code == Code::kUnsupportedConstraint || code == Code::kUnsupportedParam) {
      co_return found.Skip(probe.step, reply.error().message);
    }
    co_return found.Fail(probe.step, reply.error());
  }
  found.Add(JudgeProbe(probe.step, probe.what, count, found.options.http.kind));
}

// The server does not take tools at all.
void JudgeToolRefusal(Examination& found, const Error& error) {
  const Finding refusal = Failure("tools", error);
  if (error.message.find("--enable-auto-tool-choice") != std::string::npos ||
      error.message.find("--tool-call-parser") != std::string::npos) {
    found.Warn("tools", "the server refuses every call that offers tools",
               "start it with --enable-auto-tool-choice and the --tool-call-parser of its model "
               "(hermes, llama3_json, mistral, qwen3_coder, ...)",
               refusal.detail);
  } else if (error.http_status / 100 == 4) {
    found.Note("tools", refusal.what, "choose another model for calls that offer tools");
  } else {
    found.Add(refusal);
  }
}

async::Task<void> ProbeTools(async::Context ctx, Examination& found, model::Engine& engine) {
  const std::int64_t tokens = found.thinks ? kThinkingTokens : kQuestionTokens;
  model::Call call = NewCall(found, kToolQuestion, tokens);
  model::ToolSpec tool{.name = "get_weather", .description = "The weather in a city now."};
  tool.parameters = json::Read(kToolSchema).value();
  call.tools.push_back(std::move(tool));
  call.tool_choice.kind = model::ToolChoice::Kind::kAuto;
  const Result<model::Reply> reply = co_await engine.Call(ctx, call);
  if (!reply) co_return JudgeToolRefusal(found, reply.error());
  if (reply->choices.empty()) co_return found.Skip("tools", "the answer had no choices");
  const model::Choice& choice = reply->choices.front();
  if (choice.tool_calls.empty()) {
    if (HoldsToolCall(choice.text)) {
      co_return found.Warn("tools", "the call of a tool stands in the answer as text",
                           "the server's --tool-call-parser is not the one of its model: hermes, "
                           "llama3_json, mistral, qwen3_coder, ...",
                           Truncate(choice.text, kProbeTokens));
    }
    co_return found.Note("tools", "tools are taken; the model chose to answer without one");
  }
  const model::ToolCall& made = choice.tool_calls.front();
  const Result<json::Value> arguments = json::Read(made.arguments);
  if (!arguments || !arguments->IsObject()) {
    co_return found.Warn("tools", "a tool is called, but its arguments are no JSON object",
                         "try another --tool-call-parser, or `strict: true` for the tools",
                         Truncate(made.arguments, kProbeTokens));
  }
  found.Ok("tools", StrCat("a tool is called: ", made.name));
}

// Whether the context ends before this step; what is left of it is then skipped. A step for which
// there was no time is no step that is well.
bool EndsBefore(std::string_view step, const async::Context& ctx, Examination& found) {
  constexpr std::string_view kOver = "the time given (--timeout) is over";
  if (ctx.cancelled()) {
    found.SkipRest("cancelled");
  } else if (ctx.Now() >= ctx.deadline) {
    found.Fail(step, {.code = Code::kTimeout, .message = std::string(kOver)},
               "give more time, or ask nothing: --no-probe");
    found.SkipRest(std::string(kOver));
  } else {
    return false;
  }
  return true;
}

}  // namespace

async::Task<void> Probe(async::Context ctx, Examination& found, model::Engine& engine) {
  const std::optional<model::Reply> reply = co_await ProbeCall(ctx, found, engine);
  if (!reply) co_return found.SkipRest(ctx.cancelled() ? "cancelled" : "the model does not answer");
  JudgeReasoning(found, *reply);
  const std::vector<ConstraintProbe> probes = ConstraintProbes();
  for (const ConstraintProbe& probe : probes) {
    if (EndsBefore(probe.step, ctx, found)) co_return;
    if (found.options.http.send_constraint != SendConstraint::kAsIs) {
      found.Skip(probe.step,
                 "the configuration does not send it as it is (`structured.format`, "
                 "`defaults.guided_json`)");
    } else {
      co_await ProbeConstraint(ctx, found, engine, probe);
    }
  }
  if (EndsBefore("tools", ctx, found)) co_return;
  co_await ProbeTools(ctx, found, engine);
}

}  // namespace weir::engine
