#include "weir/http/socket_stream.h"

#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/async/scope.h"

namespace weir::http {
namespace {

using boost::asio::local::stream_protocol;

// One end is a stream, the other a bare descriptor.
class SocketStreamTest : public testing::Test {
 protected:
  SocketStreamTest() { Connect(); }
  ~SocketStreamTest() override { Connect(nullptr); }

  void Connect() {
    int both[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, both), 0);
    Connect(NewUnixStream(loop_, UnixSocket(loop_.io(), stream_protocol(), both[0])), both[1]);
    read_.clear();
    ended_ = {};
  }
  void Connect(std::unique_ptr<ByteStream> stream, int peer = -1) {
    stream_ = std::move(stream);
    if (peer_ >= 0) ::close(peer_);
    peer_ = peer;
  }

  void Say(std::string_view text) const {
    EXPECT_EQ(::send(peer_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  std::string Heard() const {
    std::string bytes(1 << 16, '\0');
    const ssize_t got = ::recv(peer_, bytes.data(), bytes.size(), 0);
    return bytes.substr(0, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
  // What comes, until it ends; how is put into `ended_`.
  async::Task<void> ReadAll() {
    char bytes[8];
    for (;;) {
      const auto [error, count] = co_await stream_->ReadSome(bytes);
      if (error) {
        ended_ = error;
        co_return;
      }
      read_.append(bytes, count);
      ++reads_;
    }
  }
  // Each of them is waited for alone.
  async::Task<void> Drip(std::string_view text) {
    for (const char byte : text) {
      const int before = reads_;
      Say(std::string_view(&byte, 1));
      while (reads_ == before) (void)co_await async::Sleep(ctx_, std::chrono::milliseconds(1));
    }
  }

  async::Task<void> Write(std::size_t much) {
    const std::string bytes(much, 'x');
    const IoResult written = co_await stream_->Write(bytes);
    EXPECT_EQ(written, IoResult(boost::system::error_code(), much));
  }
  async::Task<void> Hear(std::size_t much) {
    for (std::size_t heard = 0; heard < much;) {
      const std::size_t now = Heard().size();
      heard += now;
      if (now == 0) (void)co_await async::Sleep(ctx_, std::chrono::milliseconds(1));
    }
  }
  async::Task<void> TalkOn() {
    co_await Drip("piece by piece, ");
    Say("and at last many bytes at once");
  }
  async::Task<void> Converse() {
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(stream_->TryWrite("question"), IoResult(boost::system::error_code(), 8));
      EXPECT_EQ(Heard(), "question");
      co_await Drip(i == 1 ? "a long stream|" : "answer|");
    }
  }
  async::Task<void> CloseBehind(std::string_view dripped) {
    co_await Drip(dripped);
    stream_->Close();
    EXPECT_FALSE(ended_);  // it ends from the loop, not from inside Close()
    EXPECT_EQ(::send(peer_, "x", 1, MSG_NOSIGNAL), -1);
  }
  async::Task<void> WriteBehind(std::string_view dripped, std::size_t much) {
    co_await Drip(dripped);
    async::TaskScope scope(ctx_);
    scope.Spawn(Write(much));
    co_await Drip("and it goes on meanwhile");
    co_await Hear(much);
    co_await scope.Join();
  }
  // What is said is read to its end while `task` runs; then our peer ends.
  void RunReading(async::Task<void> task) { loop_.Run(WhileReading(std::move(task))); }
  async::Task<void> WhileReading(async::Task<void> task) {
    async::TaskScope scope(ctx_);
    scope.Spawn(ReadAll());
    co_await task;
    ::shutdown(peer_, SHUT_WR);
    co_await scope.Join();
  }

  async::Loop loop_;
  async::Context ctx_{loop_};
  int peer_ = -1;
  std::unique_ptr<ByteStream> stream_;
  std::string read_;
  int reads_ = 0;
  boost::system::error_code ended_;
};

TEST_F(SocketStreamTest, APeerThatTalksOnIsReadToItsEnd) {
  RunReading(TalkOn());

  EXPECT_EQ(read_, "piece by piece, and at last many bytes at once");
  EXPECT_EQ(ended_, boost::asio::error::eof);
}

TEST_F(SocketStreamTest, QuestionsAndAnswersGoOnBehindAStream) {
  RunReading(Converse());

  EXPECT_EQ(read_, "answer|a long stream|answer|");
}

TEST_F(SocketStreamTest, ClosingEndsARead) {
  for (const std::string_view dripped : {"", "a stream of many pieces"}) {
    Connect();
    RunReading(CloseBehind(dripped));

    EXPECT_EQ(ended_, boost::asio::error::operation_aborted);
  }
}

TEST_F(SocketStreamTest, AWriteWaitsForThePeerThatTalksOn) {
  for (const std::string_view dripped : {"", "a stream of many pieces"}) {
    Connect();
    RunReading(WriteBehind(dripped, 3 << 20));

    EXPECT_EQ(read_, std::string(dripped) + "and it goes on meanwhile");
  }
}

}  // namespace
}  // namespace weir::http
