#include "weir/async/readiness.h"

#include <functional>
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
  struct Written {
    std::size_t left = 1 << 20;
    int tries = 0;
    bool closed = false;
  };
  static Task<void> WriteAll(ReadyDescriptor& to, Written& written) {
    const std::string much(written.left, 'x');
    while (written.left > 0) {
      if (!co_await to.Until(Side::kWrite)) {
        written.closed = true;
        co_return;
      }
      ++written.tries;
      const ssize_t sent = ::send(to.get(), much.data(), written.left, 0);
      if (sent < static_cast<ssize_t>(written.left)) to.Tried(Side::kWrite);
      if (sent > 0) written.left -= static_cast<std::size_t>(sent);
    }
  }

  using Step = std::function<void()>;
  // All tasks at once, and each of the steps in a later turn of the loop.
  template <typename... Tasks>
  void RunWith(std::vector<Step> steps, Tasks... tasks) {
    std::vector<Task<void>> all;
    (all.push_back(std::move(tasks)), ...);
    loop_.Run(Together(ctx_, std::move(steps), std::move(all)));
  }
  static Task<void> Together(Context ctx, std::vector<Step> steps, std::vector<Task<void>> tasks) {
    TaskScope scope(ctx);
    for (Task<void>& task : tasks) scope.Spawn(std::move(task));
    for (const Step& step : steps) {
      (void)co_await Sleep(ctx, std::chrono::milliseconds(1));
      step();
    }
    co_await scope.Join();
  }

  // `say` in each of many turns, one upon another, and `end` behind them.
  static constexpr std::size_t kTurns = 400;
  Task<void> Trickle(Step say, Step end, std::vector<Task<void>> tasks) {
    TaskScope scope(ctx_);
    for (Task<void>& task : tasks) scope.Spawn(std::move(task));
    for (std::size_t i = 0; i < kTurns; ++i) {
      (void)co_await Sleep(ctx_, Duration::zero());
      say();
    }
    end();
    co_await scope.Join();
  }

  Loop loop_;
  Context ctx_{loop_};
};

TEST_F(ReadinessTest, WhatComesIsReadUntilTheEnd) {
  Pair pair;
  ReadyDescriptor socket(loop_.readiness(), pair.ours);
  std::vector<std::string> reads;
  RunWith({[&] { pair.Say("one"); }, [&] { pair.Say("two"); }, [&] { pair.End(); }},
          ReadAll(socket, reads));

  EXPECT_EQ(reads, (std::vector<std::string>{"one", "two", ""}));
}

// The end came with the last bytes: nothing will tell of it again.
TEST_F(ReadinessTest, AnEndThatCameWithTheLastBytesIsSeenBehindAShortRead) {
  Pair pair;
  ReadyDescriptor socket(loop_.readiness(), pair.ours);
  std::vector<std::string> reads;
  const Step last = [&] {
    pair.Say("last");
    pair.End();
  };
  RunWith({last}, ReadAll(socket, reads));

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
  std::vector<std::string> reads;
  Written written;
  const Step close = [&] {
    socket.Close();
    EXPECT_TRUE(reads.empty());  // nobody is woken from inside Close()
    EXPECT_FALSE(written.closed);
  };
  RunWith({close}, ReadAll(socket, reads), WriteAll(socket, written));

  EXPECT_EQ(reads, (std::vector<std::string>{"closed"}));
  EXPECT_TRUE(written.closed);
  EXPECT_EQ(socket.get(), -1);
}

TEST_F(ReadinessTest, AWriterWaitsForRoomThoughThePeerSaysNoMore) {
  Pair pair;
  ReadyDescriptor socket(loop_.readiness(), pair.ours);
  ASSERT_EQ(::shutdown(pair.theirs, SHUT_WR), 0);
  Written written;
  const Step drain = [&pair, bytes = std::vector<char>(1 << 16)]() mutable {
    while (::recv(pair.theirs, bytes.data(), bytes.size(), 0) > 0) {
    }
  };
  RunWith(std::vector<Step>(100, drain), WriteAll(socket, written));

  EXPECT_EQ(written.left, 0U);
  EXPECT_LT(written.tries, 1000);  // it sleeps between them
}

struct Woken {
  std::size_t woken = 0;
  std::size_t closed = 0;
};

using Sockets = std::vector<std::unique_ptr<ReadyDescriptor>>;

// The first that is woken ends them all.
Task<void> EndAllOnce(Sockets& sockets, std::size_t own, Woken& out) {
  sockets[own]->Tried(Side::kRead);
  if (!co_await sockets[own]->Until(Side::kRead)) {
    ++out.closed;
    co_return;
  }
  if (++out.woken > 1) co_return;
  for (std::unique_ptr<ReadyDescriptor>& socket : sockets) socket.reset();
}

// A turn of the loop hears of many at once.
class ReadinessBatchTest : public ReadinessTest {
 protected:
  static constexpr std::size_t kPairs = 200;

  ReadinessBatchTest() {
    for (std::size_t i = 0; i < kPairs; ++i) {
      pairs_.push_back(std::make_unique<Pair>());
      sockets_.push_back(std::make_unique<ReadyDescriptor>(loop_.readiness(), pairs_.back()->ours));
    }
  }

  std::vector<std::unique_ptr<Pair>> pairs_;
  Sockets sockets_;
};

TEST_F(ReadinessBatchTest, OneThatIsWokenMayEndTheOthers) {
  Woken woken;
  std::vector<Task<void>> tasks;
  tasks.reserve(kPairs);
  for (std::size_t i = 0; i < kPairs; ++i) tasks.push_back(EndAllOnce(sockets_, i, woken));
  const Step say = [&] {
    for (const std::unique_ptr<Pair>& pair : pairs_) pair->Say("x");
  };
  loop_.Run(Together(ctx_, {say}, std::move(tasks)));

  EXPECT_EQ(woken.woken, 1U);
  EXPECT_EQ(woken.closed, kPairs - 1);
}

TEST_F(ReadinessBatchTest, MoreThanABatchIsHeardOf) {
  std::vector<std::vector<std::string>> reads(kPairs);
  std::vector<Task<void>> tasks;
  tasks.reserve(kPairs);
  for (std::size_t i = 0; i < kPairs; ++i) tasks.push_back(ReadAll(*sockets_[i], reads[i]));
  const Step say = [&] {
    for (const std::unique_ptr<Pair>& pair : pairs_) {
      pair->Say("x");
      pair->End();
    }
  };
  loop_.Run(Together(ctx_, {say}, std::move(tasks)));

  for (const std::vector<std::string>& read : reads) {
    EXPECT_EQ(read, (std::vector<std::string>{"x", ""}));
  }
}

class LaggardsTest : public ReadinessBatchTest {
 protected:
  LaggardsTest() {
    for (const std::unique_ptr<ReadyDescriptor>& socket : sockets_) socket->MayLag(true);
  }
};

TEST_F(LaggardsTest, WhatComesIsReadUntilTheEnd) {
  std::vector<std::string> reads;
  Pair& pair = *pairs_[0];
  RunWith({[&] { pair.Say("one"); }, [&] { pair.Say("two"); }, [&] { pair.End(); }},
          ReadAll(*sockets_[0], reads));

  std::string all;
  for (const std::string& read : reads) all += read;
  EXPECT_EQ(all, "onetwo");
  EXPECT_EQ(reads.back(), "");
}

// Each turn of the loop one of them is spoken to; were they heard of at once, there would be as
// many reads.
TEST_F(LaggardsTest, ThoseThatTrickleAreHeardOfTogether) {
  std::vector<std::string> reads;
  const Step say = [&] { pairs_[0]->Say("x"); };
  const Step end = [&] { pairs_[0]->End(); };
  std::vector<Task<void>> tasks;
  tasks.push_back(ReadAll(*sockets_[0], reads));
  loop_.Run(Trickle(say, end, std::move(tasks)));

  std::string all;
  for (const std::string& read : reads) all += read;
  EXPECT_EQ(all, std::string(kTurns, 'x'));
  EXPECT_LT(reads.size(), kTurns * 3 / 4);
}

TEST_F(LaggardsTest, MoreThanABatchIsHeardOf) {
  std::vector<std::vector<std::string>> reads(kPairs);
  std::vector<Task<void>> tasks;
  tasks.reserve(kPairs);
  for (std::size_t i = 0; i < kPairs; ++i) tasks.push_back(ReadAll(*sockets_[i], reads[i]));
  const Step say = [&] {
    for (const std::unique_ptr<Pair>& pair : pairs_) pair->Say("x");
  };
  const Step end = [&] {
    for (const std::unique_ptr<Pair>& pair : pairs_) pair->End();
  };
  loop_.Run(Together(ctx_, {say, say, say, end}, std::move(tasks)));

  for (const std::vector<std::string>& read : reads) {
    std::string all;
    for (const std::string& piece : read) all += piece;
    EXPECT_EQ(all, "xxx");
    EXPECT_EQ(read.back(), "");
  }
}

// What came while both sets heard of it, or neither rested, is not lost.
TEST_F(LaggardsTest, OneMayGoBackAndForthWhileItIsReadAndWritten) {
  std::vector<std::string> reads;
  ReadyDescriptor& socket = *sockets_[0];
  Written written;
  bool may = true;
  const Step turn = [&, bytes = std::vector<char>(1 << 16)]() mutable {
    while (::recv(pairs_[0]->theirs, bytes.data(), bytes.size(), 0) > 0) {
    }
    pairs_[0]->Say("x");
    socket.MayLag(may = !may);
  };
  std::vector<Step> steps(100, turn);
  steps.emplace_back([&] { pairs_[0]->End(); });
  RunWith(std::move(steps), ReadAll(socket, reads), WriteAll(socket, written));

  std::string all;
  for (const std::string& read : reads) all += read;
  EXPECT_EQ(all, std::string(100, 'x'));
  EXPECT_EQ(written.left, 0U);
}

TEST_F(LaggardsTest, AClosedOneIsNotHeardOfThoughADuplicateIsOpen) {
  const int copy = ::fcntl(pairs_[0]->ours, F_DUPFD_CLOEXEC, 0);
  ASSERT_GE(copy, 0);
  sockets_[0].reset();
  pairs_[0]->Say("to nobody");
  RunWith({[] {}, [] {}});
  ::close(copy);
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
  RunWith({[] {}});
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

// The first of a loop may come when there are no descriptors left for its epoll. Only a loop of its
// own is touched meanwhile: the check of a fixture's type under UBSan takes descriptors itself.
TEST(ReadinessWithoutDescriptors, TheFirstFailsAndALaterOneDoesNot) {
  Loop loop;
  Pair first;
  Pair second;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const ReadyDescriptor failed(loop.readiness(), first.ours);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);

  EXPECT_EQ(failed.failure(), EMFILE);
  const ReadyDescriptor fine(loop.readiness(), second.ours);
  EXPECT_EQ(fine.failure(), 0);
}

}  // namespace
}  // namespace weir::async
