#include "weir/client/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/client/client_testing.h"

namespace weir {
namespace {

using client::ClientOf;
using client::WaitForLoad;
using sim::InstantSim;
using sim::SimServer;

static_assert(std::input_iterator<Stream::Iterator>);
static_assert(std::sentinel_for<std::default_sentinel_t, Stream::Iterator>);
static_assert(!std::is_copy_constructible_v<Stream>);

std::string TextOf(Stream& stream) {
  std::string text;
  for (const model::Delta& piece : stream) text += piece.text;
  return text;
}

TEST(StreamTest, ThePiecesMakeTheReply) {
  SimServer server(InstantSim());
  Client client = ClientOf(server);
  const Result<model::Reply> whole = client.Call("What is a weir?");
  Result<Stream> stream = client.Stream("What is a weir?");
  ASSERT_TRUE(stream);

  const std::string text = TextOf(*stream);

  EXPECT_EQ(text, whole->text());
  ASSERT_TRUE(stream->reply());
  EXPECT_EQ(sim::FirstDifference(*stream->reply(), *whole), "");
  EXPECT_EQ(stream->Next(), nullptr);
  EXPECT_EQ(stream->begin(), stream->end());
}

TEST(StreamTest, AReaderThatIsOnePieceBehindLosesNothing) {
  SimServer server(InstantSim());
  for (const std::size_t ahead : {1, 2, 1000}) {
    Result<Client> client =
        Client::Open({.engines = {{.base_url = server.url()}}, .stream_ahead = ahead});
    ASSERT_TRUE(client);
    Result<Stream> stream = client->Stream("What is a weir?");
    ASSERT_TRUE(stream);
    EXPECT_EQ(TextOf(*stream), *client->Ask("What is a weir?")) << ahead;
  }
}

TEST(StreamTest, LeavingTheLoopHangsUp) {
  SimServer server(InstantSim("[{reply: {text: one two three four, stall_after: 2}}]"));
  Client client = ClientOf(server);
  Result<Stream> stream = client.Stream("hi");
  ASSERT_TRUE(stream);
  WaitForLoad(server, 1);

  for (const model::Delta& piece : *stream) {
    if (!piece.text.empty()) break;
  }

  WaitForLoad(server, 0);
  EXPECT_EQ(stream->reply().error().code, Code::kCancelled);
  EXPECT_EQ(stream->Next(), nullptr);
}

TEST(StreamTest, DestroyingOrReplacingItHangsUp) {
  SimServer server(InstantSim("[{reply: {text: one two three four, stall_after: 2}}]"));
  Client client = ClientOf(server);
  {
    Result<Stream> first = client.Stream("hi");
    Result<Stream> second = client.Stream("hi");
    ASSERT_TRUE(first && second);
    WaitForLoad(server, 2);
    *first = *std::move(second);
    WaitForLoad(server, 1);
    EXPECT_NE(first->Next(), nullptr);
  }
  WaitForLoad(server, 0);
}

TEST(StreamTest, ABrokenStreamGivesItsPiecesAndThenTheError) {
  SimServer server(InstantSim("[{reply: {text: one two three four, drop_after: 2}}]"));
  Client client = ClientOf(server);
  Result<Stream> stream = client.Stream("hi");
  ASSERT_TRUE(stream);

  EXPECT_EQ(TextOf(*stream), "one two");
  ASSERT_FALSE(stream->reply());
  EXPECT_EQ(stream->reply().error().code, Code::kStreamTruncated);
}

TEST(StreamTest, AQuestionThatIsRefusedHasNoStream) {
  SimServer server(InstantSim("[{reply: {error: {status: 400, message: no}}}]"));
  Client client = ClientOf(server);

  const Result<Stream> stream = client.Stream("hi");

  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().http_status, 400);
}

}  // namespace
}  // namespace weir
