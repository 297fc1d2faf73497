#include "weir/client/client.h"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/client/client_testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using client::ClientOf;
using client::WaitForLoad;
using sim::InstantSim;
using sim::SimServer;
using testing::HasSubstr;

constexpr std::string_view kStalls = "[{reply: {text: one two three four, stall_after: 2}}]";

std::string ErrorOf(const Result<Client>& client) {
  return client ? "opened" : client.error().message;
}

TEST(ClientTest, AnAnswerIsTheSameByEveryFunction) {
  SimServer server(InstantSim("[{reply: {text: one two three}}]"));
  Client client = ClientOf(server);

  EXPECT_EQ(*client.Ask("hi"), "one two three");
  EXPECT_EQ(client.Call(sim::Ask("hi"))->text(), "one two three");
  EXPECT_EQ(*client.AskAsync(std::string("hi")).get(), "one two three");
  EXPECT_EQ(client.CallAsync({{model::Message::Text(model::Role::kUser, "hi")}}).get()->text(),
            "one two three");
  EXPECT_EQ(client.Stream(std::string_view("hi"))->reply()->text(), "one two three");
}

// R-PFX-02 for the library.
TEST(ClientTest, WhatWasWarmedUpIsInTheCacheOfTheFirstQuestion) {
  SimServer server(InstantSim());
  Client client = ClientOf(server);
  std::string rules;
  for (int i = 0; i < 40; ++i) weir::StrAppend(rules, "Rule ", i, " says what to do. ");
  const Result<model::Usage> warm = client.WarmUp("hi", {}, {.system = rules});
  ASSERT_TRUE(warm) << warm.error().message;
  EXPECT_GT(warm->prompt_tokens.value_or(0), 200);
  EXPECT_EQ(warm->completion_tokens, 1);

  const Result<model::Reply> reply = client.Call("What is rule 7?", {.system = rules});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_GT(reply->usage.cached_tokens.value_or(0), 200);

  const Result<model::Usage> nothing = client.WarmUp("hi");
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, Code::kInvalidRequest);
}

// R-WIRE-10 for the library: whole calls, streams and futures of 64 threads.
TEST(ClientTest, ManyThreadsShareOneClient) {
  SimServer server(InstantSim("[{reply: {text: one two three}}]"));
  Result<Client> client = Client::Open({.engines = {{.base_url = server.url()}}, .threads = 3});
  ASSERT_TRUE(client);
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 64; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 4; ++turn) {
        std::future<Result<std::string>> later = client->AskAsync("hi");
        if (client->Ask("hi").value_or("") == "one two three") ++right;
        std::string text;
        if (Result<Stream> stream = client->Stream("hi")) {
          for (const model::Delta& piece : *stream) text += piece.text;
        }
        if (text == "one two three") ++right;
        if (later.get().value_or("") == "one two three") ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(right, 64 * 4 * 3);
}

TEST(ClientTest, DestroyingAClientEndsWhatRuns) {
  SimServer server(InstantSim(kStalls));
  std::optional<Client> client = ClientOf(server);
  std::future<Result<std::string>> later = client->AskAsync("hi");
  Result<Stream> stream = client->Stream("hi");
  ASSERT_TRUE(stream);
  Session session = client->OpenSession();
  WaitForLoad(server, 2);

  client.reset();

  EXPECT_EQ(later.get().error().code, Code::kCancelled);
  EXPECT_EQ(stream->reply().error().code, Code::kCancelled);
  EXPECT_EQ(session.Ask("hi").error().message, "the client of this call was destroyed");
  EXPECT_EQ(session.Stream("hi").error().code, Code::kCancelled);
}

TEST(ClientTest, AnotherClientMayTakeItsPlace) {
  SimServer first(InstantSim(kStalls));
  SimServer second(InstantSim("[{reply: {text: second}}]"));
  Client client = ClientOf(first);
  std::future<Result<std::string>> later = client.AskAsync("hi");

  client = ClientOf(second);

  EXPECT_EQ(later.get().error().code, Code::kCancelled);
  EXPECT_EQ(*client.Ask("hi"), "second");
}

TEST(CancelTest, EndsTheCallsThatRunAndThoseThatCome) {
  SimServer server(InstantSim(kStalls));
  Client client = ClientOf(server);
  const Cancel cancel;
  const CallOptions options{.cancel = cancel};
  std::vector<std::future<Result<std::string>>> later;
  for (int i = 0; i < 5; ++i) later.push_back(client.AskAsync("hi", options));
  Result<Stream> stream = client.Stream("hi", options);
  ASSERT_TRUE(stream);
  WaitForLoad(server, 6);

  std::thread([&cancel] { cancel.Request(); }).join();

  for (auto& future : later) EXPECT_EQ(future.get().error().code, Code::kCancelled);
  EXPECT_EQ(stream->reply().error().code, Code::kCancelled);
  EXPECT_TRUE(cancel.requested());
  EXPECT_EQ(client.Ask("hi", options).error().code, Code::kCancelled);
  WaitForLoad(server, 0);
}

TEST(CancelTest, WatchesAreCalledOnceAndNotAfterTheirEnd) {
  const Cancel cancel;
  int early = 0;
  int late = 0;
  int gone = 0;
  const Cancel::Watch watch(cancel, [&] { ++early; });
  {
    const Cancel::Watch short_lived(cancel, [&] { ++gone; });
  }

  cancel.Request();
  cancel.Request();
  const Cancel::Watch after(cancel, [&] { ++late; });

  EXPECT_EQ(early, 1);
  EXPECT_EQ(late, 1);
  EXPECT_EQ(gone, 0);
}

TEST(ClientTest, ACallMayHaveItsOwnTimeAndWords) {
  SimServer server(
      InstantSim("[{match: {system: Be brief}, reply: {text: brief}}, "
                 "{match: {model: sql}, reply: {text: adapted}}, "
                 "{match: {last_user: wait}, reply: {stall_after: 0}}]"));
  Client client = ClientOf(server);

  EXPECT_EQ(*client.Ask("hi", {.system = "Be brief."}), "brief");
  EXPECT_EQ(*client.Ask("hi", {.adapter = "sql"}), "adapted");
  model::Sampling two;
  two.max_tokens = 2;
  EXPECT_EQ(client.Call("hi", {.sampling = two})->usage.completion_tokens, 2);
  const Result<std::string> late = client.Ask("wait", {.timeout = 20ms});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kTimeout);
  EXPECT_THAT(late.error().message, HasSubstr("20 ms"));
}

TEST(EnginesInCode, AreChosenByNameByRoleAndAsFallback) {
  SimServer good(InstantSim("[{reply: {text: good}}]"));
  SimServer broken(
      InstantSim("[{reply: {error: {status: 400}}}, {reply: {error: {status: 500}}}]"));
  Result<Client> client = Client::Open(
      {.engines = {{.name = "first", .kind = "sim", .settings = "sim: {pace: instant, seed: 3}"},
                   {.name = "good", .base_url = good.url(), .settings = "roles: [fast]"},
                   {.name = "nobody",
                    .base_url = "http://127.0.0.1:1",
                    .fallback = {"good"},
                    .settings = "retry: {max_retries: 0}"}}});
  ASSERT_TRUE(client) << client.error().message;

  EXPECT_EQ(client->Call("hi")->info.engine, "first");
  EXPECT_EQ(*client->Ask("hi", {.engine = "good"}), "good");
  EXPECT_EQ(*client->Ask("hi", {.engine = "fast"}), "good");
  EXPECT_EQ(*client->Ask("hi", {.engine = "nobody"}), "good");
  EXPECT_THAT(client->Ask("hi", {.engine = "goo"}).error().message,
              HasSubstr("did you mean 'good'?"));
}

TEST(EnginesInCode, TakeTextsAsTheyAre) {
  sim::SimOptions guarded = InstantSim("[{reply: {text: let in}}]");
  guarded.api_keys = {"k${HOME}$$x"};
  SimServer server(std::move(guarded));
  Result<Client> client =
      Client::Open({.engines = {{.base_url = server.url(), .api_key = "k${HOME}$$x"}}});
  ASSERT_TRUE(client) << client.error().message;

  EXPECT_EQ(*client->Ask("hi"), "let in");
}

TEST(EnginesInCode, WhatIsWrongIsSaid) {
  EXPECT_THAT(ErrorOf(Client::Open({.engines = {{.kind = "tgi"}}})), HasSubstr("kind"));
  EXPECT_THAT(ErrorOf(Client::Open({.engines = {{}, {}}})), HasSubstr("two called 'default'"));
  EXPECT_THAT(ErrorOf(Client::Open({.engines = {{.settings = "retry"}}})),
              HasSubstr("must hold keys and values"));
  EXPECT_THAT(ErrorOf(Client::Open({.engines = {{.settings = "retri: {}"}}})),
              HasSubstr("did you mean 'retry'?"));
  EXPECT_THAT(ErrorOf(Client::Open({.engines = {{.fallback = {"other"}}}})), HasSubstr("other"));
  EXPECT_THAT(ErrorOf(Client::Open({.engine = "nowhere"})), HasSubstr("no engine 'nowhere'"));
  EXPECT_THAT(ErrorOf(Client::Open({.engine = "sim", .threads = 0})), HasSubstr("threads is 0"));
  EXPECT_THAT(ErrorOf(Client::Open({.engine = "sim", .stream_ahead = 0})),
              HasSubstr("stream_ahead"));
}

}  // namespace
}  // namespace weir
