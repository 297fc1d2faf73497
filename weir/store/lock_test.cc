#include "weir/store/lock.h"

#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/store/files.h"

namespace weir::store {
namespace {

namespace fs = std::filesystem;

class LockTest : public testing::Test {
 protected:
  LockTest() { fs::create_directories(folder_); }
  ~LockTest() override { fs::remove_all(folder_); }

  LockAttempt Try(LockMode mode = LockMode::kExclusive) const {
    Result<LockAttempt> attempt = FileLock::TryAcquire(path_, mode);
    EXPECT_TRUE(attempt) << attempt.error().message;
    return attempt ? *std::move(attempt) : LockAttempt();
  }

  fs::path folder_ =
      fs::temp_directory_path() / ("weir-lock-" + std::to_string(::getpid()) + "-" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
  std::string path_ = (folder_ / "lock").string();
};

TEST_F(LockTest, OneHoldsItAndTheOtherLearnsWho) {
  LockAttempt first = Try();
  ASSERT_TRUE(first.lock);
  EXPECT_EQ(ReadFile(path_, 100)->value(), std::to_string(::getpid()) + "\n");

  const LockAttempt second = Try();
  EXPECT_FALSE(second.lock);
  EXPECT_EQ(second.holder, ::getpid());
  EXPECT_FALSE(Try(LockMode::kShared).lock);

  first.lock.reset();
  EXPECT_EQ(ReadFile(path_, 100)->value(), "") << "the pid outlived the lock";
  EXPECT_TRUE(Try().lock);
}

TEST_F(LockTest, ItMovesWithItsOwner) {
  LockAttempt attempt = Try();
  {
    const FileLock lock = *std::move(attempt.lock);
    EXPECT_FALSE(Try().lock);
  }
  EXPECT_TRUE(Try().lock);
}

TEST_F(LockTest, SharedOnesStandTogetherAgainstAnExclusiveOne) {
  LockAttempt first = Try(LockMode::kShared);
  LockAttempt second = Try(LockMode::kShared);
  ASSERT_TRUE(first.lock);
  ASSERT_TRUE(second.lock);

  EXPECT_FALSE(Try().lock);
  first.lock.reset();
  EXPECT_FALSE(Try().lock);
  second.lock.reset();
  EXPECT_TRUE(Try().lock);
}

TEST_F(LockTest, ThePidOfADeadHolderIsNotNamedForOneThatShares) {
  ASSERT_TRUE(ReplaceFile(path_, "999999\n"));
  const LockAttempt shared = Try(LockMode::kShared);
  ASSERT_TRUE(shared.lock);
  EXPECT_NE(Try().holder, 999999);
}

TEST_F(LockTest, TheKernelReleasesItWhenItsHolderIsKilled) {
  int held[2];
  ASSERT_EQ(::pipe(held), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const Result<LockAttempt> attempt = FileLock::TryAcquire(path_);
    const char answer = attempt && attempt->lock ? 'y' : 'n';
    if (::write(held[1], &answer, 1) == 1) ::pause();
    ::_exit(1);
  }
  char answer = 0;
  ASSERT_EQ(::read(held[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  const LockAttempt refused = Try();
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ::close(held[0]);
  ::close(held[1]);

  EXPECT_FALSE(refused.lock);
  EXPECT_EQ(refused.holder, child);
  EXPECT_TRUE(Try().lock);
}

TEST_F(LockTest, AProgramThatIsStartedDoesNotInheritIt) {
  const LockAttempt attempt = Try();
  ASSERT_TRUE(attempt.lock);
  int found = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (fs::read_symlink(entry.path(), gone).string() != path_) continue;
    ++found;
    const int fd = std::stoi(entry.path().filename().string());
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(found, 1);
}

TEST_F(LockTest, WhatCannotBeOpenedIsAnError) {
  const Result<LockAttempt> attempt = FileLock::TryAcquire((folder_ / "none/lock").string());
  ASSERT_FALSE(attempt);
  EXPECT_EQ(attempt.error().code, Code::kIoError);
}

struct Listed {
  const char* name;
  std::string_view locks;
  pid_t holder;
};

class ProcLocksTest : public testing::TestWithParam<Listed> {};

TEST_P(ProcLocksTest, NamesTheHolder) {
  EXPECT_EQ(FlockHolderIn(GetParam().locks, makedev(0xfd, 0x10), 4242), GetParam().holder);
}

constexpr Listed kListed[] = {
    {"nothing", "", 0},
    {"the_file", "1: FLOCK  ADVISORY  WRITE 17 fd:10:4242 0 EOF\n", 17},
    {"among_others",
     "1: POSIX  ADVISORY  READ  5 fd:10:4242 128 128\n2: FLOCK  ADVISORY  WRITE 6 fd:10:4243 0 "
     "EOF\n"
     "3: FLOCK  ADVISORY  READ  7 fd:10:4242 0 EOF\n",
     7},
    {"the_device_decides",
     "1: FLOCK  ADVISORY  WRITE 8 00:2a:4242 0 EOF\n2: FLOCK  ADVISORY  WRITE 9 fd:10:4242 0 EOF\n",
     9},
    {"another_device_has_to_do", "1: FLOCK  ADVISORY  WRITE 8 00:2a:4242 0 EOF\n", 8},
    {"a_waiter_is_no_holder",
     "1: FLOCK  ADVISORY  WRITE 8 fd:10:4242 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 9 fd:10:4242 0 "
     "EOF\n",
     8},
    {"another_container", "1: FLOCK  ADVISORY  WRITE 0 fd:10:4242 0 EOF\n", 0},
    {"no_pid", "1: FLOCK  ADVISORY  WRITE -1 fd:10:4242 0 EOF\n", 0},
    {"short_lines", "1: FLOCK\nFLOCK ADVISORY\n1: FLOCK ADVISORY WRITE 1 fd:4242 0\n", 0},
};

INSTANTIATE_TEST_SUITE_P(Store, ProcLocksTest, testing::ValuesIn(kListed),
                         [](const auto& about) { return std::string(about.param.name); });

}  // namespace
}  // namespace weir::store
