#include "weir/async/readiness.h"

#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/async/context.h"
#include "weir/async/scope.h"

namespace weir::async {
namespace {

using Side = ReadyDescriptor::Side;

struct Pair {
  Pair() {
    int both[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both), 0);
    ours = both[0];
    theirs = both[1];
  }
  ~Pair() { End(); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  void Say(std::string_view text) const {
    EXPECT_EQ(::send(theirs, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  void End() {
    if (theirs >= 0) ::close(std::exchange(theirs, -1));
  }

  int ours = -1;  // whoever it is given to closes it
  int theirs = -1;
};

class ReadinessTest : public testing::Test {
 protected:
  // What comes until the end, in reads of up to 100 bytes, each noted by `read`.
  static Task<void> ReadAll(ReadyDescriptor& from, std::vector<std::string>& reads) {
    char bytes[100];
    for (;;) {
      if (!co_await from.Until(Side::kRead)) {
        reads.emplace_back("closed");
        co_return;
      }
      const ssize_t got = ::recv(from.get(), bytes, sizeof(bytes), 0);
      if (got < static_cast<ssize_t>(sizeof(bytes))) from.Tried(Side::kRead);
      if (got < 0) continue;
      reads.emplace_back(bytes, static_cast<std::size_t>(got));
      if (got == 0) co_return;
    }
  }
  static Task<void> Then(Context ctx, std::move_only_function<void()> work) {
    (void)co_await Sleep(ctx, std::chrono::milliseconds(1));
    work();
  }

  Loop loop_;
  Context ctx_{loop_};
};

TEST_F(ReadinessTest, WhatComesIsReadUntilTheEnd) {
  Pair pair;
  ReadyDescriptor socket(loop_.readiness(), pair.ours);
  std::vector<std::string> reads;
  auto run = [&](Context ctx) -> Task<void> {
    TaskScope scope(ctx);
    scope.Spawn(ReadAll(socket, reads));
    co_await Then(ctx, [&] { pair.Say("one"); });
    co_await Then(ctx, [&] { pair.Say("two"); });
    co_await Then(ctx, [&] { pair.End(); });
    co_await scope.Join();
  };
  loop_.Run(run(ctx_));

  EXPECT_EQ(reads, (std::vector<std::string>{"one", "two", ""}));
}

// The end came with the last bytes: nothing will tell of it again.
TEST_F(ReadinessTest, AnEndThatCameWithTheLastBytesIsSeenBehindAShortRead) {
  Pair pair;
  ReadyDescriptor socket(loop_.readiness(), pair.ours);
  std::vector<std::string> reads;
  auto run = [&](Context ctx) -> Task<void> {
    TaskScope scope(ctx);
    scope.Spawn(ReadAll(socket, reads));
    co_await Then(ctx, [&] {
      pair.Say("last");
      pair.End();
    });
    co_await scope.Join();
  };
  loop_.Run(run(ctx_));

  EXPECT_EQ(reads, (std::vector<std::string>{"last", ""}));
}

TEST_F(ReadinessTest, AnEndBeforeTheFirstLookIsSeenBehindAShortRead) {
  Pair pair;
  ReadyDescriptor socket(loop_.readiness(), pair.ours);
  pair.Say("last");
  pair.End();
  std::vector<std::string> reads;
  loop_.Run(ReadAll(socket, reads));

  EXPECT_EQ(reads, (std::vector<std::string>{"last", ""}));
}

TEST_F(ReadinessTest, ClosingWakesWhoReadsAndWhoWrites) {
  Pair pair;
  ReadyDescriptor socket(loop_.readiness(), pair.ours);
  socket.Tried(Side::kWrite);
  const std::string much(1 << 20, 'x');
  std::vector<std::string> reads;
  bool writes = true;
  auto write = [&]() -> Task<void> {
    while (writes) {
      writes = co_await socket.Until(Side::kWrite);
      if (writes && ::send(socket.get(), much.data(), much.size(), 0) < 0) {
        socket.Tried(Side::kWrite);
      }
    }
  };
  auto run = [&](Context ctx) -> Task<void> {
    TaskScope scope(ctx);
    scope.Spawn(ReadAll(socket, reads));
    scope.Spawn(write());
    co_await Then(ctx, [&] { socket.Close(); });
    EXPECT_TRUE(reads.empty() || reads.back() == "closed");
    co_await scope.Join();
  };
  loop_.Run(run(ctx_));

  EXPECT_EQ(reads, (std::vector<std::string>{"closed"}));
  EXPECT_FALSE(writes);
  EXPECT_EQ(socket.get(), -1);
}

TEST_F(ReadinessTest, AWriterWaitsForRoomThoughThePeerSaysNoMore) {
  Pair pair;
  ReadyDescriptor socket(loop_.readiness(), pair.ours);
  ASSERT_EQ(::shutdown(pair.theirs, SHUT_WR), 0);
  const std::string much(1 << 20, 'x');
  std::size_t left = much.size();
  int tries = 0;
  auto write = [&]() -> Task<void> {
    while (left > 0 && co_await socket.Until(Side::kWrite)) {
      ++tries;
      const ssize_t sent = ::send(socket.get(), much.data(), left, 0);
      if (sent < static_cast<ssize_t>(left)) socket.Tried(Side::kWrite);
      if (sent > 0) left -= static_cast<std::size_t>(sent);
    }
  };
  auto run = [&](Context ctx) -> Task<void> {
    TaskScope scope(ctx);
    scope.Spawn(write());
    std::vector<char> bytes(1 << 16);
    while (left > 0) {
      co_await Then(ctx, [] {});
      while (::recv(pair.theirs, bytes.data(), bytes.size(), 0) > 0) {
      }
    }
    co_await scope.Join();
  };
  loop_.Run(run(ctx_));

  EXPECT_EQ(left, 0U);
  EXPECT_LT(tries, 1000);  // it sleeps between them
}

// A turn of the loop hears of many at once; the first of them takes the others away.
TEST_F(ReadinessTest, OneThatIsWokenMayEndTheRestOfTheBatch) {
  constexpr std::size_t kPairs = 200;
  std::vector<std::unique_ptr<Pair>> pairs;
  std::vector<std::unique_ptr<ReadyDescriptor>> sockets;
  for (std::size_t i = 0; i < kPairs; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    sockets.push_back(std::make_unique<ReadyDescriptor>(loop_.readiness(), pairs.back()->ours));
  }
  std::size_t woken = 0;
  std::size_t closed = 0;
  auto wait = [&](std::size_t i) -> Task<void> {
    sockets[i]->Tried(Side::kRead);
    if (!co_await sockets[i]->Until(Side::kRead)) {
      ++closed;
      co_return;
    }
    if (++woken > 1) co_return;
    for (std::unique_ptr<ReadyDescriptor>& socket : sockets) socket.reset();
  };
  auto run = [&](Context ctx) -> Task<void> {
    TaskScope scope(ctx);
    for (std::size_t i = 0; i < kPairs; ++i) scope.Spawn(wait(i));
    co_await Then(ctx, [&] {
      for (const std::unique_ptr<Pair>& pair : pairs) pair->Say("x");
    });
    co_await scope.Join();
  };
  loop_.Run(run(ctx_));

  EXPECT_EQ(woken, 1U);
  EXPECT_EQ(closed, kPairs - 1);
}

TEST_F(ReadinessTest, MoreThanABatchIsHeardOf) {
  constexpr std::size_t kPairs = 200;
  std::vector<std::unique_ptr<Pair>> pairs;
  std::vector<std::unique_ptr<ReadyDescriptor>> sockets;
  std::vector<std::vector<std::string>> reads(kPairs);
  for (std::size_t i = 0; i < kPairs; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    sockets.push_back(std::make_unique<ReadyDescriptor>(loop_.readiness(), pairs.back()->ours));
  }
  auto run = [&](Context ctx) -> Task<void> {
    TaskScope scope(ctx);
    for (std::size_t i = 0; i < kPairs; ++i) scope.Spawn(ReadAll(*sockets[i], reads[i]));
    co_await Then(ctx, [&] {
      for (const std::unique_ptr<Pair>& pair : pairs) {
        pair->Say("x");
        pair->End();
      }
    });
    co_await scope.Join();
  };
  loop_.Run(run(ctx_));

  for (const std::vector<std::string>& read : reads) {
    EXPECT_EQ(read, (std::vector<std::string>{"x", ""}));
  }
}

// While a duplicate is open the system goes on telling of it.
TEST_F(ReadinessTest, AClosedOneIsNotHeardOfThoughADuplicateIsOpen) {
  Pair pair;
  const int copy = ::fcntl(pair.ours, F_DUPFD_CLOEXEC, 0);
  ASSERT_GE(copy, 0);
  {
    const ReadyDescriptor socket(loop_.readiness(), pair.ours);
  }
  pair.Say("to nobody");
  loop_.Run(Then(ctx_, [] {}));
  ::close(copy);
}

TEST_F(ReadinessTest, ADescriptorThatCannotBeWatchedSaysWhy) {
  const int file = ::open("/", O_RDONLY | O_CLOEXEC);
  ReadyDescriptor folder(loop_.readiness(), file);

  EXPECT_EQ(folder.get(), -1);
  EXPECT_EQ(folder.failure(), EPERM);
  std::vector<std::string> reads;
  loop_.Run(ReadAll(folder, reads));
  EXPECT_EQ(reads, (std::vector<std::string>{"closed"}));
}

// The first of a loop may come when there are no descriptors left for its epoll.
TEST_F(ReadinessTest, WithoutDescriptorsTheFirstFailsAndALaterOneDoesNot) {
  Pair first;
  Pair second;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const ReadyDescriptor failed(loop_.readiness(), first.ours);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);

  EXPECT_EQ(failed.failure(), EMFILE);
  const ReadyDescriptor fine(loop_.readiness(), second.ours);
  EXPECT_EQ(fine.failure(), 0);
}

}  // namespace
}  // namespace weir::async
