#include <set>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/sim/sim_testing.h"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
using async::Task;
using model::Call;
using model::Finish;
using model::Reply;
using testing::ElementsAre;

TEST(SimEngine, SaysTheSameAgainWhateverCameBetween) {
  SimInside one;
  SimInside other;

  const std::string first = one.Text(Ask("How do tides work?"));
  (void)other.Text(Ask("Something else"));

  EXPECT_EQ(other.Text(Ask("How do tides work?")), first);
  EXPECT_EQ(one.Text(Ask("How do tides work?")), first);
}

TEST(SimEngine, WhatDecidesTheAnswerChangesIt) {
  std::set<std::string> texts;
  SimInside sim;
  Call call = Ask("How do tides work?");
  texts.insert(sim.Text(call));
  call.adapter = "sql";
  texts.insert(sim.Text(call));
  call.sampling.seed = 7;
  texts.insert(sim.Text(call));
  call.sampling.temperature = 0.5;
  texts.insert(sim.Text(call));
  call.messages.push_back(model::Message::Text(model::Role::kUser, "And the moon?"));
  texts.insert(sim.Text(call));
  SimOptions seeded = InstantSim();
  seeded.seed = 1;
  texts.insert(SimInside(seeded).Text(call));

  EXPECT_EQ(texts.size(), 6U);
}

TEST(SimEngine, GreedyAnswersIgnoreTheSeedOfTheCall) {
  SimInside sim;
  Call call = Ask("How do tides work?");
  call.sampling.temperature = 0;
  const std::string without = sim.Text(call);
  call.sampling.seed = 7;

  EXPECT_EQ(sim.Text(call), without);
}

TEST(SimEngine, TheServersOptionSaysHowManyLogprobsAreTooMany) {
  Call call = Ask("How do tides work?");
  call.sampling.logprobs = 30;
  call.sampling.max_tokens = 2;
  SimOptions generous = InstantSim();
  generous.switches.max_logprobs = 30;

  EXPECT_THAT(SimInside().Text(call), testing::HasSubstr("max allowed: 20"));
  const Result<Reply> reply = SimInside(generous).Whole(call);
  ASSERT_TRUE(reply.has_value()) << Describe(reply.error());
  EXPECT_GE(reply->choices[0].tokens[0].top.size(), 30U);
  call.sampling.logprobs = -1;
  EXPECT_THAT(SimInside(generous).Text(call), testing::HasSubstr("max allowed: 30"));
}

TEST(SimEngine, ARuleThatNamesAPathIsForTheApiOfTheCall) {
  SimInside sim(InstantSim(R"([{match: {path: /v1/completions}, reply: {text: written}},
                               {match: {path: /v1/responses}, reply: {text: responded}},
                               {match: {path: /v1/chat/completions}, reply: {text: said}}])"));
  Call call = Ask("hi");
  EXPECT_EQ(sim.Text(call), "said");
  EXPECT_EQ(sim.Streamed(call)->text(), "said");
  call.api = model::Api::kResponses;
  EXPECT_EQ(sim.Text(call), "responded");
  call = {.api = model::Api::kCompletions, .prompt = "hi"};
  EXPECT_EQ(sim.Text(call), "written");
}

TEST(SimEngine, ARefusalIsToldWholeAndInAStream) {
  SimInside sim(InstantSim("[{reply: {refusal: I will not.}}]"));
  Call call = Ask("Do it");
  call.sampling.n = 2;

  for (const Result<Reply>& reply : {sim.Whole(call), sim.Streamed(call)}) {
    ASSERT_TRUE(reply.has_value()) << Describe(reply.error());
    ASSERT_EQ(reply->choices.size(), 2U);
    for (const model::Choice& choice : reply->choices) {
      EXPECT_EQ(choice.refusal, "I will not.");
      EXPECT_EQ(choice.text, "");
    }
  }
}

TEST(SimEngine, TheFinishOfEveryAnswerIsCounted) {
  SimInside sim;
  Call call = Ask("How do tides work?");
  call.sampling.n = 3;
  call.sampling.max_tokens = 2;
  ASSERT_TRUE(sim.Whole(call).has_value());

  EXPECT_THAT(sim.core->MetricsText(0), testing::ContainsRegex("finished_reason=.length.[^\n]* 3"));
}

TEST(SimEngine, AStreamThatAsksForIdsBeginsWithThoseOfThePrompt) {
  SimInside sim;
  Call call = Ask("How do tides work?");
  call.sampling.return_token_ids = true;
  const Result<Reply> whole = sim.Whole(call);
  const Result<Reply> streamed = sim.Streamed(call);

  ASSERT_TRUE(whole.has_value() && streamed.has_value());
  EXPECT_GT(whole->prompt_token_ids.size(), 3U);
  EXPECT_EQ(json::Write(streamed->extra.Find("prompt_token_ids")),
            json::Write(whole->prompt_token_ids));
}

TEST(SimEngine, AnswersHaveNaturalLengthAndExactUsage) {
  SimInside sim;
  std::int64_t written = 0;
  constexpr int kCalls = 50;
  for (int i = 0; i < kCalls; ++i) {
    Call call = Ask(StrCat("Question number ", i));
    call.sampling.return_token_ids = true;
    const Result<Reply> reply = sim.Whole(call);
    ASSERT_TRUE(reply.has_value()) << Describe(reply.error());
    const model::Choice& choice = reply->choices[0];
    EXPECT_EQ(choice.finish, Finish::kStop);
    EXPECT_EQ(choice.token_ids.back(), kEndToken);
    const std::vector<TokenId> ids(choice.token_ids.begin(), choice.token_ids.end());
    EXPECT_EQ(Tokenizer::Decode(ids, true), choice.text);
    EXPECT_EQ(reply->usage.completion_tokens, static_cast<std::int64_t>(ids.size()));
    EXPECT_EQ(reply->usage.total_tokens,
              *reply->usage.prompt_tokens + *reply->usage.completion_tokens);
    written += *reply->usage.completion_tokens;
  }
  EXPECT_GE(written / kCalls, 20);
  EXPECT_LE(written / kCalls, 500);
}

TEST(SimEngine, LimitsCutTheSameText) {
  SimInside sim;
  Call call = Ask("Tell me about rivers");
  call.sampling.ignore_eos = true;
  call.sampling.max_tokens = 200;
  const std::string full = sim.Text(call);
  std::string shorter;
  for (const std::int64_t most : {1, 2, 5, 17, 100}) {
    call.sampling.max_tokens = most;
    const Result<Reply> cut = sim.Whole(call);
    ASSERT_TRUE(cut.has_value());
    EXPECT_EQ(cut->choices[0].finish, Finish::kLength);
    EXPECT_EQ(cut->usage.completion_tokens, most);
    EXPECT_TRUE(full.starts_with(cut->text()));
    EXPECT_TRUE(cut->text().starts_with(shorter));
    shorter = cut->text();
  }
}

TEST(SimEngine, RoomForNothingIsRefusedUnlessTheEchoIsAllThatIsWanted) {
  SimInside sim;
  Call call = Ask("Tell me about rivers");
  call.sampling.max_tokens = 0;
  EXPECT_EQ(sim.Whole(call).error().code, Code::kInvalidRequest);
  Call echo;
  echo.api = model::Api::kCompletions;
  echo.prompt = "A river";
  echo.echo = true;
  echo.sampling.max_tokens = 0;
  EXPECT_EQ(sim.Whole(echo)->text(), "A river");
}

TEST(SimEngine, NoEndBeforeMinTokensAndNoneAtAllWithIgnoreEos) {
  SimInside sim;
  Call call = Ask("Tell me about rivers");
  call.sampling.max_tokens = 1500;
  call.sampling.min_tokens = 700;
  const Result<Reply> stretched = sim.Whole(call);
  call.sampling.min_tokens.reset();
  call.sampling.max_tokens = 900;
  call.sampling.ignore_eos = true;
  const Result<Reply> endless = sim.Whole(call);

  ASSERT_TRUE(stretched.has_value() && endless.has_value());
  EXPECT_GE(*stretched->usage.completion_tokens, 700);
  EXPECT_EQ(endless->choices[0].finish, Finish::kLength);
  EXPECT_EQ(endless->usage.completion_tokens, 900);
}

TEST(SimEngine, StopTextsCutBeforeThemselvesAndAreHeldBack) {
  SimInside sim;
  Call call = Ask("Tell me about rivers");
  const std::string full = sim.Text(call);
  const std::string stop = full.substr(20, 9);
  call.sampling.stop = {"no such text at all", stop};

  const Result<Reply> whole = sim.Whole(call);
  const Result<Reply> streamed = sim.Streamed(call);
  call.sampling.include_stop_in_output = true;
  const Result<Reply> inclusive = sim.Whole(call);

  ASSERT_TRUE(whole.has_value() && streamed.has_value() && inclusive.has_value());
  EXPECT_EQ(whole->text(), full.substr(0, full.find(stop)));
  EXPECT_EQ(whole->choices[0].finish, Finish::kStop);
  EXPECT_EQ(whole->choices[0].stop_reason.StringOr(""), stop);
  EXPECT_EQ(FirstDifference(*whole, *streamed), "");
  EXPECT_EQ(inclusive->text(), full.substr(0, full.find(stop) + stop.size()));
}

TEST(SimEngine, StopTokensEndTheAnswerAndAreCounted) {
  SimInside sim;
  Call call = Ask("Tell me about rivers");
  call.sampling.return_token_ids = true;
  const Result<Reply> full = sim.Whole(call);
  ASSERT_TRUE(full.has_value());
  const std::vector<std::int64_t> ids = full->choices[0].token_ids;
  const std::int64_t stop = ids[6];
  const auto first = std::ranges::find(ids, stop) - ids.begin();
  call.sampling.stop_token_ids = {stop};

  const Result<Reply> reply = sim.Whole(call);

  ASSERT_TRUE(reply.has_value());
  const std::vector<TokenId> before(ids.begin(), ids.begin() + first);
  EXPECT_EQ(reply->text(), Tokenizer::Decode(before, true));
  EXPECT_EQ(reply->choices[0].finish, Finish::kStop);
  EXPECT_EQ(reply->choices[0].stop_reason.AsInt64(), stop);
  EXPECT_EQ(reply->usage.completion_tokens, first + 1);
}

TEST(SimEngine, ChoicesDifferAndTheFirstIsTheAnswerToN1) {
  SimInside sim;
  Call call = Ask("Tell me about rivers");
  const std::string alone = sim.Text(call);
  call.sampling.n = 3;

  const Result<Reply> reply = sim.Whole(call);
  const Result<Reply> streamed = sim.Streamed(call);

  ASSERT_TRUE(reply.has_value() && streamed.has_value());
  ASSERT_EQ(reply->choices.size(), 3U);
  EXPECT_NE(reply->choices[0].text, reply->choices[1].text);
  EXPECT_NE(reply->choices[1].text, reply->choices[2].text);
  EXPECT_EQ(FirstDifference(*reply, *streamed), "");
  EXPECT_EQ(reply->choices[0].text, alone);
}

TEST(SimEngine, EchoRepeatsThePromptBeforeTheSameAnswer) {
  SimInside sim;
  Call call;
  call.api = model::Api::kCompletions;
  call.prompt = "Once upon a time";
  call.sampling.logprobs = 1;
  const Result<Reply> plain = sim.Whole(call);
  call.echo = true;
  const Result<Reply> echoed = sim.Whole(call);

  ASSERT_TRUE(plain.has_value() && echoed.has_value());
  EXPECT_EQ(echoed->text(), StrCat(call.prompt, plain->text()));
  const std::vector<model::Token>& tokens = echoed->choices[0].tokens;
  const auto size = static_cast<std::size_t>(Tokenizer::Count(call.prompt));
  ASSERT_EQ(tokens.size(), size + plain->choices[0].tokens.size());
  EXPECT_FALSE(tokens[0].logprob.has_value());
  std::string text;
  for (const model::Token& token : tokens) {
    EXPECT_EQ(token.text_offset, static_cast<std::int64_t>(text.size()));
    text += token.text;
  }
  EXPECT_EQ(text, echoed->text());
  EXPECT_EQ(echoed->usage.completion_tokens, plain->usage.completion_tokens);
}

TEST(SimEngine, AlternativesAreAProbabilityAtMost) {
  SimInside sim;
  Call call = Ask("Tell me about rivers");
  const std::string without = sim.Text(call);
  call.sampling.logprobs = 5;

  const Result<Reply> reply = sim.Whole(call);

  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->text(), without);
  for (const model::Token& token : reply->choices[0].tokens) {
    ASSERT_EQ(token.top.size(), 5U);
    EXPECT_EQ(token.top[0].text, token.text);
    EXPECT_EQ(token.top[0].logprob, token.logprob);
    double sum = 0;
    for (const model::TopToken& top : token.top) sum += std::exp(top.logprob);
    EXPECT_LE(sum, 1.0001);
  }
}

TEST(SimEngine, BeamsComeBestFirstAndOnlyAtTheEnd) {
  SimInside sim;
  Call call = Ask("Tell me about rivers");
  call.sampling.beam_width = 3;
  call.sampling.max_tokens = 12;

  const Result<Reply> whole = sim.Whole(call);
  const Result<Reply> streamed = sim.Streamed(call);

  ASSERT_TRUE(whole.has_value() && streamed.has_value());
  ASSERT_EQ(whole->choices.size(), 3U);
  EXPECT_EQ(FirstDifference(*whole, *streamed), "");
  for (const model::Choice& choice : whole->choices) {
    if (choice.finish == Finish::kLength) continue;
    EXPECT_EQ(choice.finish, Finish::kStop);
    EXPECT_EQ(choice.stop_reason.AsInt64(), kEndToken);
  }
}

Call WeatherCall(model::ToolChoice choice) {
  Call call = Ask("Hello there");
  call.tools.push_back(
      {.name = "weather",
       .parameters = *json::Read(
           R"({"type":"object","properties":{"city":{"const":"Paris"}},"required":["city"]})")});
  call.tool_choice = std::move(choice);
  return call;
}

TEST(SimEngine, ToolsAreCalledAsTheChoiceSays) {
  using Kind = model::ToolChoice::Kind;
  SimInside sim;
  const Result<Reply> none = sim.Whole(WeatherCall({Kind::kNone, ""}));
  const Result<Reply> required = sim.Whole(WeatherCall({Kind::kRequired, ""}));
  const Call by_name = WeatherCall({Kind::kNamed, "weather"});
  const Result<Reply> named = sim.Whole(by_name);
  const Result<Reply> streamed = sim.Streamed(by_name);
  Call asked = WeatherCall({});
  asked.messages = Ask("What is the weather in Paris?").messages;
  const Result<Reply> automatic = sim.Whole(asked);

  ASSERT_TRUE(none && required && named && streamed && automatic);
  EXPECT_TRUE(none->choices[0].tool_calls.empty());
  for (const Result<Reply>* reply : {&required, &named, &automatic}) {
    ASSERT_EQ((*reply)->choices[0].tool_calls.size(), 1U);
    const model::ToolCall& call = (*reply)->choices[0].tool_calls[0];
    EXPECT_EQ(call.name, "weather");
    EXPECT_EQ(json::Read(call.arguments)->Find("city").StringOr(""), "Paris");
  }
  EXPECT_EQ(required->choices[0].finish, Finish::kToolCalls);
  EXPECT_EQ(automatic->choices[0].finish, Finish::kToolCalls);
  EXPECT_EQ(named->choices[0].finish, Finish::kStop);
  EXPECT_EQ(FirstDifference(*named, *streamed), "");
}

TEST(SimEngine, AModelThatReasonsThinksBeforeItAnswers) {
  SimOptions options = InstantSim();
  options.models[0].reasons = true;
  SimInside sim(options);
  Call call = Ask("How do tides work?");
  const Result<Reply> whole = sim.Whole(call);
  const Result<Reply> streamed = sim.Streamed(call);
  call.reasoning.thinking_budget = 5;
  const Result<Reply> short_thoughts = sim.Whole(call);
  call.reasoning = {.include = false};
  const Result<Reply> hidden = sim.Whole(call);
  call.reasoning = {.enable = false};
  const Result<Reply> thoughtless = sim.Whole(call);

  ASSERT_TRUE(whole && streamed && short_thoughts && hidden && thoughtless);
  EXPECT_FALSE(whole->choices[0].reasoning.empty());
  EXPECT_FALSE(whole->text().empty());
  EXPECT_EQ(FirstDifference(*whole, *streamed), "");
  EXPECT_LE(*short_thoughts->usage.reasoning_tokens, 6);
  EXPECT_EQ(hidden->choices[0].reasoning, "");
  EXPECT_EQ(thoughtless->choices[0].reasoning, "");
}

SimOptions Paced() {
  SimOptions options = InstantSim();
  options.engine.latency = {
      .pace = Latency::Pace::kFixed, .ttft = Spread::Fixed(100ms), .itl = Spread::Fixed(10ms)};
  return options;
}

TEST(SimEngine, TokensComeAtTheirTime) {
  SimInside sim(Paced());
  Call call = Ask("hi");
  call.sampling.max_tokens = 11;
  call.sampling.ignore_eos = true;
  const TimePoint start = sim.loop.Now();

  const Result<Reply> reply = sim.Streamed(call);

  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->info.first_token, 100ms);
  EXPECT_EQ(sim.loop.Now() - start, 200ms);
}

TEST(SimEngine, ThePaceDoesNotChangeTheWords) {
  SimOptions modelled = InstantSim();
  modelled.engine.latency.pace = Latency::Pace::kModelled;
  const Call call = Ask("How do tides work?");

  const std::string instant = SimInside().Text(call);

  EXPECT_EQ(SimInside(Paced()).Text(call), instant);
  EXPECT_EQ(SimInside(modelled).Text(call), instant);
}

Task<void> AskAndNote(SimInside& sim, Call& call, std::vector<Duration>& done,
                      std::vector<Error>& refused) {
  const Result<Reply> reply = co_await sim.engine->Call(sim.ctx, call);
  if (reply) {
    done.push_back(sim.loop.Now().time_since_epoch());
  } else {
    refused.push_back(reply.error());
  }
}

Task<void> AskAtOnce(SimInside& sim, Call& call, int count, std::vector<Duration>& done,
                     std::vector<Error>& refused) {
  async::TaskScope scope(sim.ctx);
  for (int i = 0; i < count; ++i) scope.Spawn(AskAndNote(sim, call, done, refused));
  co_await scope.Join();
}

TEST(SimEngine, MoreThanMaxNumSeqsWaitInOrder) {
  SimOptions options = Paced();
  options.engine.max_num_seqs = 2;
  SimInside sim(options);
  Call call = Ask("hi");
  call.sampling.max_tokens = 1;
  std::vector<Duration> done;
  std::vector<Error> refused;

  sim.loop.Run(AskAtOnce(sim, call, 5, done, refused));

  EXPECT_THAT(done, ElementsAre(100ms, 100ms, 200ms, 200ms, 300ms));
  EXPECT_TRUE(refused.empty());
}

TEST(SimEngine, OneTooManyInTheQueueIsRefused) {
  SimOptions options = Paced();
  options.engine.max_num_seqs = 1;
  options.engine.max_num_queued = 2;
  SimInside sim(options);
  Call call = Ask("hi");
  std::vector<Duration> done;
  std::vector<Error> refused;

  sim.loop.Run(AskAtOnce(sim, call, 3, done, refused));

  EXPECT_EQ(done.size(), 2U);
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(Name(refused[0]), "http_503");
  EXPECT_TRUE(refused[0].message.contains("The engine is currently busy")) << refused[0].message;
}

TEST(SimEngine, ScriptedAnswers) {
  SimInside sim(InstantSim(R"(
- {match: {contains: one}, reply: {text: "First.", finish: content_filter}}
- {match: {last_user: call}, reply: {tool_calls: [{name: look, arguments: {a: 1}}]}}
- {match: {contains: busy}, reply: {error: {status: 429, retry_after: 3, message: slow}}, times: 1}
- {match: {contains: busy, call_number: 2}, reply: {text: "Second time."}}
- {match: {contains: late}, reply: {text: "late", delay: 2s, ttft: 1s}}
)"));
  const Result<Reply> one = sim.Whole(Ask("one"));
  const Result<Reply> tool = sim.Whole(Ask("call it"));
  const Result<Reply> first_busy = sim.Whole(Ask("busy?"));

  ASSERT_TRUE(one && tool);
  EXPECT_EQ(one->text(), "First.");
  EXPECT_EQ(one->choices[0].finish, Finish::kContentFilter);
  EXPECT_EQ(tool->choices[0].tool_calls[0].arguments, R"({"a":1})");
  EXPECT_EQ(tool->choices[0].finish, Finish::kToolCalls);
  EXPECT_EQ(Name(first_busy.error()), "http_429");
  EXPECT_EQ(first_busy.error().retry_after, 3s);
  EXPECT_NE(sim.Text(Ask("busy?")), "Second time.");  // the rule counts from when it was reached
  EXPECT_EQ(sim.Text(Ask("busy?")), "Second time.");
  const TimePoint start = sim.loop.Now();
  EXPECT_EQ(sim.Text(Ask("late")), "late");
  EXPECT_EQ(sim.loop.Now() - start, 3s);
}

TEST(SimEngine, ScriptedFaultsAreErrorsOfTheConnection) {
  SimInside sim(InstantSim(R"(
- {match: {contains: page}, reply: {html: "<html>starting</html>"}}
- {match: {contains: junk}, reply: {garbage: "{\"cut"}}
- {match: {contains: drop}, reply: {text: "a b c d", drop_after: 2}}
)"));

  EXPECT_EQ(sim.Whole(Ask("page")).error().code, Code::kProtocolError);
  EXPECT_EQ(sim.Whole(Ask("junk")).error().code, Code::kProtocolError);
  EXPECT_EQ(sim.Streamed(Ask("junk")).error().code, Code::kProtocolError);
  EXPECT_EQ(sim.Whole(Ask("drop")).error().code, Code::kConnectionError);
  EXPECT_EQ(sim.Streamed(Ask("drop")).error().code, Code::kStreamTruncated);
}

TEST(SimEngine, AStallLastsUntilTheCallerGivesUp) {
  SimInside sim(InstantSim("[{reply: {text: a b c, stall_after: 1}}]"));
  sim.ctx = sim.ctx.WithTimeout(1h);

  EXPECT_EQ(sim.Streamed(Ask("hi")).error().code, Code::kTimeout);
  EXPECT_EQ(sim.loop.Now().time_since_epoch(), 1h);
}

TEST(SimEngine, DescribesModelsAndAdapters) {
  SimInside sim;

  const Result<model::EngineInfo> info = sim.loop.Run(sim.engine->Describe(sim.ctx));

  EXPECT_EQ(info->kind, "sim");
  ASSERT_EQ(info->models.size(), 2U);
  EXPECT_EQ(info->models[0].max_model_len, 2048);
  EXPECT_EQ(info->models[1].id, "sql");
  EXPECT_EQ(info->models[1].root, "/adapters/sql");
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
    if (*rc::gen::arbitrary<bool>()) sampling.top_k = *rc::gen::inRange(2, 50);
    sampling.stop = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>(" the", "e", ". A", "more t", "garden", "ä"));
    if (sampling.stop.size() > 4) sampling.stop.resize(4);
    sampling.return_token_ids = *rc::gen::arbitrary<bool>();
    sampling.include_stop_in_output = *rc::gen::arbitrary<bool>();
    sampling.ignore_eos = *rc::gen::arbitrary<bool>() && sampling.max_tokens;
    return call;
  });
}

RC_GTEST_PROP(SimEngine, StreamedEqualsWhole, ()) {
  const Call call = *Calls();
  SimInside sim;

  const Result<Reply> whole = sim.Whole(call);
  const Result<Reply> streamed = sim.Streamed(call);

  RC_ASSERT(whole.has_value());
  RC_ASSERT(streamed.has_value());
  RC_ASSERT(FirstDifference(*whole, *streamed) == "");
}

}  // namespace
}  // namespace weir::sim
