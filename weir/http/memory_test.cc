// The streams in memory behave as sockets do, so that what is tested over them is true.

#include <boost/asio/error.hpp>
#include <gmock/gmock.h>

#include "weir/http/memory_testing.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;

async::Task<void> ReadInto(ByteStream& stream, std::span<char> room, IoResult& result) {
  result = co_await stream.ReadSome(room);
}

async::Task<void> WriteFrom(ByteStream& stream, std::string_view bytes, IoResult& result) {
  result = co_await stream.Write(bytes);
}

class MemoryStreamTest : public testing::Test {
 public:
  // Runs `script` with both ends; what it has spawned is joined.
  void With(async::Task<void> (*script)(MemoryStreamTest&, async::TaskScope&)) {
    auto run =
        [](MemoryStreamTest& test,
           async::Task<void> (*what)(MemoryStreamTest&, async::TaskScope&)) -> async::Task<void> {
      async::TaskScope scope(test.ctx_);
      co_await what(test, scope);
      co_await scope.Join();
    };
    loop_.Run(run(*this, script));
  }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  std::shared_ptr<StreamScript> script_ =
      std::make_shared<StreamScript>(StreamScript{.capacity = 4});
  StreamPair ends_ = NewMemoryStreams(loop_, script_, std::make_shared<StreamScript>());
  char room_[8] = {};
  IoResult read_;
  IoResult written_;
};

TEST_F(MemoryStreamTest, OperationsOutstandingAtDestructionEndAborted) {
  With([](MemoryStreamTest& test, async::TaskScope& scope) -> async::Task<void> {
    scope.Spawn(ReadInto(*test.ends_.client, test.room_, test.read_));
    scope.Spawn(WriteFrom(*test.ends_.client, "123456", test.written_));
    const Result<void> slept = co_await async::Sleep(test.ctx_, 1s);
    EXPECT_TRUE(slept.has_value());
    test.ends_.client.reset();
  });

  EXPECT_EQ(read_, IoResult(boost::asio::error::operation_aborted, 0));
  EXPECT_EQ(written_, IoResult(boost::asio::error::operation_aborted, 4));
}

TEST_F(MemoryStreamTest, AWriterWaitsForItsReaderAndTheEndComesBehindTheBytes) {
  With([](MemoryStreamTest& test, async::TaskScope& scope) -> async::Task<void> {
    scope.Spawn(WriteFrom(*test.ends_.client, "123456", test.written_));
    const Result<void> slept = co_await async::Sleep(test.ctx_, 1s);
    EXPECT_TRUE(slept.has_value());
    EXPECT_EQ(test.ends_.server->PeekPeer(), ByteStream::Peek::kBytes);
    IoResult read = co_await test.ends_.server->ReadSome(test.room_);
    EXPECT_EQ(read, IoResult(boost::system::error_code(), 4));
    read = co_await test.ends_.server->ReadSome(test.room_);
    EXPECT_EQ(read, IoResult(boost::system::error_code(), 2));
    EXPECT_EQ(test.ends_.server->PeekPeer(), ByteStream::Peek::kQuiet);
    test.ends_.client->ShutdownSend();
    EXPECT_EQ(test.ends_.server->PeekPeer(), ByteStream::Peek::kClosed);
    read = co_await test.ends_.server->ReadSome(test.room_);
    EXPECT_EQ(read, IoResult(boost::asio::error::eof, 0));
    const IoResult back = test.ends_.server->TryWrite("ok");  // the other direction is open
    EXPECT_EQ(back, IoResult(boost::system::error_code(), 2));
  });

  EXPECT_EQ(written_, IoResult(boost::system::error_code(), 6));
}

TEST_F(MemoryStreamTest, ABrokenReadEndsBothDirections) {
  With([](MemoryStreamTest& test, async::TaskScope&) -> async::Task<void> {
    test.script_->fail_at = 1;
    IoResult read = co_await test.ends_.client->ReadSome(test.room_);
    EXPECT_EQ(read, IoResult(boost::asio::error::connection_reset, 0));
    read = co_await test.ends_.server->ReadSome(test.room_);
    EXPECT_EQ(read, IoResult(boost::asio::error::eof, 0));
    const IoResult written = test.ends_.server->TryWrite("lost");
    EXPECT_EQ(written, IoResult(boost::asio::error::broken_pipe, 0));
  });
}

}  // namespace
}  // namespace weir::http
