#include "weir/client/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/client/client_testing.h"
#include "weir/client/typed.h"

namespace weir {
namespace {

using client::ClientOf;
using sim::InstantSim;
using sim::SimServer;
using testing::HasSubstr;

constexpr std::string_view kTalk =
    "[{match: {last_user: fail}, reply: {error: {status: 400}}}, "
    " {match: {last_user: cut}, reply: {text: one two three, drop_after: 1}}, "
    " {match: {turn: 1}, reply: {text: first}}, "
    " {match: {turn: 2}, reply: {text: second}}, "
    " {match: {turn: 3, system: Be kind}, reply: {text: kind third}}]";

std::vector<std::string> TextsOf(const Session& session) {
  std::vector<std::string> texts;
  for (const model::Message& message : session.messages()) texts.push_back(message.AllText());
  return texts;
}

TEST(SessionTest, WhoAsksForATextIsToldOfARefusal) {
  SimServer server(InstantSim("[{reply: {refusal: I cannot help with that.}}]"));
  Client client = ClientOf(server);
  Session session = client.OpenSession();
  const Result<std::string> refused = session.Ask("a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kContentFilter);
  EXPECT_THAT(refused.error().message, HasSubstr("I cannot help with that."));
  EXPECT_TRUE(session.messages().empty()) << "it can be asked again";
}

TEST(SessionTest, RemembersWhatWasSaid) {
  SimServer server(InstantSim(kTalk));
  Client client = ClientOf(server);
  Session session = client.OpenSession();

  EXPECT_EQ(*session.Ask("a"), "first");
  EXPECT_EQ(session.Stream("b")->reply()->text(), "second");
  EXPECT_EQ(session.Execute("c", CallOptions{.system = "Be kind."})->text(), "kind third");

  EXPECT_THAT(TextsOf(session),
              testing::ElementsAre("a", "first", "b", "second", "c", "kind third"));
  EXPECT_GT(session.usage().completion_tokens, 3);
}

TEST(SessionTest, WhatIsAskedWhileAStreamIsOpenStays) {
  SimServer server(
      InstantSim("[{match: {last_user: s}, reply: {text: streamed}}, {reply: {text: asked}}]"));
  Client client = ClientOf(server);
  Session session = client.OpenSession();
  Result<Stream> first = session.Stream("s1");
  Result<Stream> second = session.Stream("s2");
  ASSERT_TRUE(first && second);

  EXPECT_EQ(*session.Ask("a"), "asked");
  EXPECT_EQ(second->reply()->text(), "streamed");
  EXPECT_EQ(first->reply()->text(), "streamed");
  EXPECT_EQ(first->reply()->text(), "streamed");

  EXPECT_THAT(TextsOf(session),
              testing::ElementsAre("a", "asked", "s2", "streamed", "s1", "streamed"));
}

TEST(SessionTest, WhatAToolAsksStays) {
  SimServer server(
      InstantSim("[{match: {tool_result: noon}, reply: {text: It is noon.}}, "
                 "{reply: {tool_calls: [{name: clock, arguments: {}}]}}]"));
  Client client = ClientOf(server);
  Session* asker = nullptr;
  Session session = client.OpenSession({.tools = {Tool::Of("clock", "Tells the time.", [&] {
                                          if (asker != nullptr)
                                            (void)std::exchange(asker, nullptr)->Ask("Inner?");
                                          return std::string("noon");
                                        })}});
  asker = &session;

  EXPECT_EQ(*session.Ask("Outer?"), "It is noon.");

  EXPECT_THAT(TextsOf(session), testing::ElementsAre("Inner?", "", "noon", "It is noon.", "Outer?",
                                                     "", "noon", "It is noon."));
}

TEST(SessionTest, GoesOnFromAnEarlierConversation) {
  SimServer server(InstantSim(kTalk));
  Client client = ClientOf(server);
  Session first = client.OpenSession({.run = {.call = {.system = "Be kind."}}});
  ASSERT_TRUE(first.Ask("a") && first.Ask("b"));

  Session second =
      client.OpenSession({.messages = first.messages(), .run = {.call = {.system = "Be kind."}}});

  EXPECT_EQ(*second.Ask("c"), "kind third");
}

TEST(SessionTest, ForgetsAQuestionThatFailed) {
  SimServer server(InstantSim(kTalk));
  Client client = ClientOf(server);
  Session session = client.OpenSession();

  EXPECT_FALSE(session.Ask("fail"));
  EXPECT_FALSE(session.Stream("fail"));
  EXPECT_FALSE(session.Stream("cut")->reply());
  {
    const Result<Stream> unread = session.Stream("a");
  }

  EXPECT_TRUE(session.messages().empty());
  EXPECT_EQ(*session.Ask("a"), "first");
}

TEST(SessionTest, UseAfterCloseIsAnError) {
  SimServer server(InstantSim(kTalk));
  Client client = ClientOf(server);
  Session session = client.OpenSession();
  ASSERT_TRUE(session.Ask("a"));

  session.Close();
  session.Close();

  EXPECT_TRUE(session.closed());
  for (const Error& error :
       {session.Ask("b").error(), session.Execute("b").error(), session.Stream("b").error()}) {
    EXPECT_EQ(error.code, Code::kInvalidRequest);
    EXPECT_THAT(error.message, HasSubstr("the session is closed; open another one"));
  }
  EXPECT_THAT(TextsOf(session), testing::ElementsAre("a", "first"));
}

TEST(SessionTest, MayBeMovedAndOutliveItsStreams) {
  SimServer server(InstantSim(kTalk));
  Client client = ClientOf(server);
  std::optional<Session> session = client.OpenSession();
  ASSERT_TRUE(session->Ask("a"));
  Session moved = *std::move(session);
  Result<Stream> stream = moved.Stream("b");
  session.reset();

  EXPECT_TRUE(stream->reply());
  EXPECT_EQ(moved.messages().size(), 4U);
}

TEST(SessionTest, RunsItsTools) {
  SimServer server(
      InstantSim("[{match: {tool_result: noon}, reply: {text: It is noon.}}, "
                 "{reply: {tool_calls: [{name: clock, arguments: {}}]}}]"));
  Client client = ClientOf(server);
  Session session = client.OpenSession(
      {.tools = {Tool::Of("clock", "Tells the time.", [] { return std::string("noon"); })}});

  EXPECT_EQ(*session.Ask("What time is it?"), "It is noon.");
  EXPECT_EQ(session.messages().size(), 4U);
  EXPECT_EQ(session.Stream("And now?").error().code, Code::kInvalidRequest);
}

}  // namespace
}  // namespace weir
