#include <set>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/sim/core.h"
#include "weir/sim/tokens.h"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
using async::Context;
using async::Loop;
using async::Task;
using model::Call;
using model::Finish;
using model::Reply;

SimOptions Instant(std::string_view script = "") {
  SimOptions options;
  options.instant = true;
  options.models[0].adapters = {"sql"};
  options.models[0].max_model_len = 2048;
  options.script = LoadScript(script, "s.yaml").value_or(Script());
  return options;
}

Call Ask(std::string_view question) {
  Call call;
  call.messages.push_back(model::Message::Text(model::Role::kUser, std::string(question)));
  return call;
}

// An engine on a loop whose time is virtual.
class Bench {
 public:
  explicit Bench(SimOptions options = Instant())
      : core(NewSimCore(std::move(options)).value()), engine(NewSimEngine(core)) {}

  Result<Reply> Whole(const Call& call) { return loop.Run(engine->Call(ctx, call)); }
  Result<Reply> Streamed(const Call& call) { return loop.Run(Drain(call)); }
  std::string Text(const Call& call) {
    const Result<Reply> reply = Whole(call);
    return reply ? reply->text() : Describe(reply.error());
  }

  Loop loop{Loop::Time::kVirtual};
  Context ctx{loop};
  std::shared_ptr<SimCore> core;
  std::unique_ptr<model::Engine> engine;

 private:
  Task<Result<Reply>> Drain(const Call& call) {
    auto stream = co_await engine->Stream(ctx, call);
    if (!stream) co_return Fail(stream.error());
    co_return co_await model::Collect(ctx, **stream);
  }
};

std::string FirstDifference(const Reply& a, const Reply& b) {
  if (a.choices.size() != b.choices.size()) return "choices";
  for (std::size_t i = 0; i < a.choices.size(); ++i) {
    const model::Choice& x = a.choices[i];
    const model::Choice& y = b.choices[i];
    if (x.text != y.text) return StrCat("text: ", x.text, " | ", y.text);
    if (x.finish != y.finish || x.finish_text != y.finish_text) return "finish";
    if (!(x.stop_reason == y.stop_reason)) return "stop reason";
    if (x.tool_calls != y.tool_calls) return "tool calls";
    if (x.token_ids != y.token_ids) return "token ids";
    if (x.tokens.size() != y.tokens.size()) return "tokens";
    for (std::size_t t = 0; t < x.tokens.size(); ++t) {
      if (x.tokens[t].text != y.tokens[t].text) return "token text";
      if (x.tokens[t].logprob != y.tokens[t].logprob) return "logprob";
      if (x.tokens[t].text_offset != y.tokens[t].text_offset) return "offset";
    }
  }
  if (a.usage.completion_tokens != b.usage.completion_tokens) return "completion tokens";
  return a.usage.prompt_tokens != b.usage.prompt_tokens ? "prompt tokens" : "";
}

TEST(SimEngine, SaysTheSameAgainWhateverCameBetween) {
  Bench one;
  Bench other;

  const std::string first = one.Text(Ask("How do tides work?"));
  (void)other.Text(Ask("Something else"));

  EXPECT_EQ(other.Text(Ask("How do tides work?")), first);
  EXPECT_EQ(one.Text(Ask("How do tides work?")), first);
  EXPECT_TRUE(first.contains("tides")) << first;
}

TEST(SimEngine, WhatDecidesTheAnswerChangesIt) {
  std::set<std::string> texts;
  Bench bench;
  Call call = Ask("How do tides work?");
  texts.insert(bench.Text(call));
  call.adapter = "sql";
  texts.insert(bench.Text(call));
  call.sampling.seed = 7;
  texts.insert(bench.Text(call));
  call.sampling.temperature = 0.5;
  texts.insert(bench.Text(call));
  call.messages.push_back(model::Message::Text(model::Role::kUser, "And the moon?"));
  texts.insert(bench.Text(call));
  SimOptions seeded = Instant();
  seeded.seed = 1;
  texts.insert(Bench(seeded).Text(call));

  EXPECT_EQ(texts.size(), 6U);
}

TEST(SimEngine, GreedyAnswersIgnoreTheSeedOfTheCall) {
  Bench bench;
  Call call = Ask("How do tides work?");
  call.sampling.temperature = 0;
  const std::string without = bench.Text(call);
  call.sampling.seed = 7;

  EXPECT_EQ(bench.Text(call), without);
}

TEST(SimEngine, AnswersHaveNaturalLengthAndExactUsage) {
  Bench bench;
  for (int i = 0; i < 50; ++i) {
    Call call = Ask(StrCat("Question number ", i));
    const Result<Reply> reply = bench.Whole(call);
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->choices[0].finish, Finish::kStop);
    EXPECT_EQ(reply->usage.completion_tokens, CountTokens(reply->text()) + 1);  // the end token
    EXPECT_GE(*reply->usage.completion_tokens, 20);
    EXPECT_LE(*reply->usage.completion_tokens, 130);
    EXPECT_EQ(reply->usage.total_tokens,
              *reply->usage.prompt_tokens + *reply->usage.completion_tokens);
  }
}

TEST(SimEngine, LengthLimits) {
  Bench bench;
  Call call = Ask("Tell me about rivers");
  const std::string full = bench.Text(call);

  call.sampling.max_tokens = 5;
  const Result<Reply> cut = bench.Whole(call);
  call.sampling.max_tokens = 400;
  call.sampling.min_tokens = 300;
  const Result<Reply> stretched = bench.Whole(call);
  call.sampling.ignore_eos = true;
  const Result<Reply> endless = bench.Whole(call);

  EXPECT_EQ(cut->choices[0].finish, Finish::kLength);
  EXPECT_EQ(cut->usage.completion_tokens, 5);
  EXPECT_TRUE(full.starts_with(cut->text()));
  EXPECT_EQ(stretched->choices[0].finish, Finish::kStop);
  EXPECT_GE(*stretched->usage.completion_tokens, 300);
  EXPECT_TRUE(stretched->text().starts_with(full));
  EXPECT_EQ(endless->choices[0].finish, Finish::kLength);
  EXPECT_EQ(endless->usage.completion_tokens, 400);
}

TEST(SimEngine, StopTextsCutBeforeThemselvesAndAreHeldBack) {
  Bench bench;
  Call call = Ask("Tell me about rivers");
  const std::string full = bench.Text(call);
  const std::string stop = full.substr(20, 9);
  call.sampling.stop = {"no such text at all", stop};

  const Result<Reply> whole = bench.Whole(call);
  const Result<Reply> streamed = bench.Streamed(call);
  call.sampling.include_stop_in_output = true;
  const Result<Reply> inclusive = bench.Whole(call);

  EXPECT_EQ(whole->text(), full.substr(0, full.find(stop)));
  EXPECT_EQ(whole->choices[0].finish, Finish::kStop);
  EXPECT_EQ(whole->choices[0].stop_reason.StringOr(""), stop);
  EXPECT_EQ(FirstDifference(*whole, *streamed), "");
  EXPECT_EQ(inclusive->text(), full.substr(0, full.find(stop) + stop.size()));
}

TEST(SimEngine, StopTokens) {
  Bench bench;
  Call call = Ask("Tell me about rivers");
  const std::string full = bench.Text(call);
  const std::size_t second = TokenEnd(full, 0);
  const std::string token = full.substr(second, TokenEnd(full, second) - second);
  call.sampling.stop_token_ids = {TokenId(token)};

  const Result<Reply> reply = bench.Whole(call);

  EXPECT_EQ(reply->text(), full.substr(0, second));
  EXPECT_EQ(reply->choices[0].stop_reason.AsInt64(), TokenId(token));
  EXPECT_EQ(reply->usage.completion_tokens, 2);
}

TEST(SimEngine, ChoicesDiffer) {
  Bench bench;
  Call call = Ask("Tell me about rivers");
  call.sampling.n = 3;

  const Result<Reply> reply = bench.Whole(call);

  ASSERT_EQ(reply->choices.size(), 3U);
  EXPECT_NE(reply->choices[0].text, reply->choices[1].text);
  EXPECT_NE(reply->choices[1].text, reply->choices[2].text);
  EXPECT_EQ(FirstDifference(*reply, *bench.Streamed(call)), "");
}

TEST(SimEngine, Constraints) {
  Bench bench;
  Call call = Ask("Which?");
  call.constraint =
      model::Constraint{.kind = model::Constraint::Kind::kChoice, .choices = {"yes", "no"}};
  EXPECT_THAT(bench.Text(call), testing::AnyOf("yes", "no"));

  call.constraint = model::Constraint{.kind = model::Constraint::Kind::kJsonObject};
  EXPECT_TRUE(json::Read(bench.Text(call)).value_or(json::Value()).IsObject());

  call.constraint = model::Constraint{
      .schema = *json::Read(R"({"type":"object","properties":{"age":{"type":"integer"}}})")};
  EXPECT_TRUE(json::Read(bench.Text(call))->Find("age").AsInt64().has_value());

  for (const auto kind : {model::Constraint::Kind::kRegex, model::Constraint::Kind::kGrammar}) {
    call.constraint = model::Constraint{.kind = kind, .text = "a+"};
    const Result<Reply> refused = bench.Whole(call);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Code::kUnsupportedConstraint);
  }
}

TEST(SimEngine, ToolsAreCalledWithArgumentsOfTheirSchema) {
  Bench bench;
  Call call = Ask("Weather in Paris?");
  call.tools.push_back(
      {.name = "weather",
       .parameters = *json::Read(R"({"type":"object","properties":{"city":{"const":"Paris"}}})")});
  EXPECT_TRUE(bench.Whole(call)->choices[0].tool_calls.empty());

  call.tool_choice.kind = model::ToolChoice::Kind::kRequired;
  const Result<Reply> required = bench.Whole(call);
  call.tool_choice = {model::ToolChoice::Kind::kNamed, "weather"};
  const Result<Reply> named = bench.Whole(call);

  ASSERT_EQ(required->choices[0].tool_calls.size(), 1U);
  EXPECT_EQ(required->choices[0].tool_calls[0].name, "weather");
  EXPECT_EQ(required->choices[0].tool_calls[0].arguments, R"({"city":"Paris"})");
  EXPECT_EQ(required->choices[0].finish, Finish::kToolCalls);
  EXPECT_EQ(named->choices[0].finish, Finish::kStop);
  EXPECT_EQ(FirstDifference(*named, *bench.Streamed(call)), "");
}

TEST(SimEngine, RefusalsAreTheServersOwn) {
  Bench bench;
  Call unknown = Ask("hi");
  unknown.model = "nope";
  Call too_long = Ask("hi");
  too_long.sampling.max_tokens = 2048;
  Call greedy_logprobs = Ask("hi");
  greedy_logprobs.sampling.prompt_logprobs = 1;

  EXPECT_EQ(Name(bench.Whole(unknown).error()), "http_404");
  EXPECT_TRUE(bench.Whole(unknown).error().message.contains("The model `nope` does not exist."));
  EXPECT_EQ(ClassOf(bench.Whole(too_long).error()), ErrorClass::kContextLength);
  EXPECT_EQ(Name(bench.Streamed(greedy_logprobs).error()), "http_400");
}

SimOptions Paced() {
  SimOptions options = Instant();
  options.instant = false;
  options.ttft = Spread::Fixed(100ms);
  options.itl = Spread::Fixed(10ms);
  return options;
}

TEST(SimEngine, TokensComeAtTheirTime) {
  Bench bench(Paced());
  Call call = Ask("hi");
  call.sampling.max_tokens = 11;
  const TimePoint start = bench.loop.Now();

  const Result<Reply> reply = bench.Streamed(call);

  EXPECT_EQ(reply->info.first_token, 100ms);
  EXPECT_EQ(bench.loop.Now() - start, 200ms);
}

Task<void> AskAndNote(Bench& bench, Call& call, std::vector<Duration>& done) {
  const Result<Reply> reply = co_await bench.engine->Call(bench.ctx, call);
  if (reply) done.push_back(bench.loop.Now().time_since_epoch());
}

Task<void> AskAtOnce(Bench& bench, Call& call, int count, std::vector<Duration>& done) {
  async::TaskScope scope(bench.ctx);
  for (int i = 0; i < count; ++i) scope.Spawn(AskAndNote(bench, call, done));
  co_await scope.Join();
}

TEST(SimEngine, MoreThanMaxNumSeqsWaitInOrder) {
  SimOptions options = Paced();
  options.max_num_seqs = 2;
  Bench bench(options);
  Call call = Ask("hi");
  call.sampling.max_tokens = 1;
  std::vector<Duration> done;

  bench.loop.Run(AskAtOnce(bench, call, 5, done));

  EXPECT_THAT(done, testing::ElementsAre(100ms, 100ms, 200ms, 200ms, 300ms));
}

TEST(SimEngine, OneTooManyInTheQueueIsRefused) {
  SimOptions options = Paced();
  options.max_num_seqs = 1;
  options.max_waiting = 1;
  Bench bench(options);
  Call call = Ask("hi");
  std::vector<Duration> done;

  bench.loop.Run(AskAtOnce(bench, call, 3, done));

  EXPECT_EQ(done.size(), 2U);
}

TEST(SimEngine, ScriptedAnswers) {
  Bench bench(Instant(R"(
- {match: {contains: one}, reply: {text: "First.", finish: content_filter}}
- {match: {last_user: call}, reply: {tool_calls: [{name: look, arguments: {a: 1}}]}}
- {match: {contains: busy}, reply: {error: {status: 429, retry_after: 3, message: slow}}, times: 1}
- {match: {contains: busy, call_number: 2}, reply: {text: "Second time."}}
- {match: {contains: page}, reply: {html: "<html>starting</html>"}}
- {match: {contains: junk}, reply: {garbage: "{\"cut"}}
- {match: {contains: drop}, reply: {text: "a b c d", drop_after: 2}}
- {match: {contains: late}, reply: {text: "late", delay: 2s, ttft: 1s}}
)"));
  Call one = Ask("one");
  Call tool = Ask("call it");
  Call busy = Ask("busy?");
  Call page = Ask("page");
  Call junk = Ask("junk");
  Call drop = Ask("drop");
  Call late = Ask("late");

  EXPECT_EQ(bench.Text(one), "First.");
  EXPECT_EQ(bench.Whole(one)->choices[0].finish, Finish::kContentFilter);
  EXPECT_EQ(bench.Whole(tool)->choices[0].tool_calls[0].arguments, R"({"a":1})");
  EXPECT_EQ(bench.Whole(tool)->choices[0].finish, Finish::kToolCalls);
  const Result<Reply> first_busy = bench.Whole(busy);
  EXPECT_EQ(Name(first_busy.error()), "http_429");
  EXPECT_EQ(first_busy.error().retry_after, 3s);
  EXPECT_NE(bench.Text(busy), "Second time.");  // the rule counts from when it was reached
  EXPECT_EQ(bench.Text(busy), "Second time.");
  EXPECT_EQ(bench.Whole(page).error().code, Code::kProtocolError);
  EXPECT_EQ(bench.Whole(junk).error().code, Code::kProtocolError);
  EXPECT_EQ(bench.Streamed(junk).error().code, Code::kProtocolError);
  EXPECT_EQ(bench.Whole(drop).error().code, Code::kConnectionError);
  EXPECT_EQ(bench.Streamed(drop).error().code, Code::kStreamTruncated);
  const TimePoint start = bench.loop.Now();
  EXPECT_EQ(bench.Text(late), "late");
  EXPECT_EQ(bench.loop.Now() - start, 3s);
}

TEST(SimEngine, AStallLastsUntilTheCallerGivesUp) {
  Bench bench(Instant("[{reply: {text: a b c, stall_after: 1}}]"));
  bench.ctx = bench.ctx.WithTimeout(1h);

  EXPECT_EQ(bench.Streamed(Ask("hi")).error().code, Code::kTimeout);
  EXPECT_EQ(bench.loop.Now().time_since_epoch(), 1h);
}

TEST(SimEngine, DescribesModelsAndAdapters) {
  Bench bench;

  const Result<model::EngineInfo> info = bench.loop.Run(bench.engine->Describe(bench.ctx));

  EXPECT_EQ(info->kind, "sim");
  ASSERT_EQ(info->models.size(), 2U);
  EXPECT_EQ(info->models[0].max_model_len, 2048);
  EXPECT_EQ(info->models[1].parent, "sim-model");
}

rc::Gen<Call> Calls() {
  return rc::gen::exec([] {
    Call call = Ask(*rc::gen::string<std::string>());
    if (*rc::gen::arbitrary<bool>()) {
      call.api = model::Api::kCompletions;
      call.prompt = StrCat("x", *rc::gen::string<std::string>());
      call.messages.clear();
      call.echo = *rc::gen::arbitrary<bool>();
    }
    model::Sampling& sampling = call.sampling;
    sampling.n = *rc::gen::inRange(1, 4);
    if (*rc::gen::arbitrary<bool>()) sampling.max_tokens = *rc::gen::inRange(1, 200);
    if (*rc::gen::arbitrary<bool>()) sampling.logprobs = *rc::gen::inRange(0, 5);
    if (*rc::gen::arbitrary<bool>()) sampling.seed = *rc::gen::inRange(0, 9);
    sampling.stop = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>(" the", "e", ". A", "more t", "garden", "ä"));
    sampling.return_token_ids = *rc::gen::arbitrary<bool>();
    sampling.include_stop_in_output = *rc::gen::arbitrary<bool>();
    sampling.ignore_eos = *rc::gen::arbitrary<bool>() && sampling.max_tokens;
    return call;
  });
}

RC_GTEST_PROP(SimEngine, StreamedEqualsWhole, ()) {
  const Call call = *Calls();
  Bench bench;

  const Result<Reply> whole = bench.Whole(call);
  const Result<Reply> streamed = bench.Streamed(call);

  RC_ASSERT(whole.has_value());
  RC_ASSERT(streamed.has_value());
  RC_ASSERT(FirstDifference(*whole, *streamed) == "");
}

}  // namespace
}  // namespace weir::sim
