// What a journal keeps of its word when the disk fails and when its process is killed.

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/store/failing_testing.h"
#include "weir/store/files.h"
#include "weir/store/journal.h"
#include "weir/store/journal_testing.h"

namespace weir::store {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class JournalCrashTest : public testing::Test {
 protected:
  JournalCrashTest() { fs::create_directories(folder_); }
  ~JournalCrashTest() override { fs::remove_all(folder_); }

  std::string Bytes() const { return ReadFile(path_, 64 << 20)->value_or(""); }
  // How many calls of the system a new journal takes until it is open.
  int CallsToOpen() const {
    FailingFileOps ops{FailingOptions()};
    const auto opened = OpenJournal(path_, {.ops = &ops});
    EXPECT_TRUE(opened);
    fs::remove(path_);
    return ops.calls();
  }

  fs::path folder_ =
      fs::temp_directory_path() / ("weir-crash-" + std::to_string(::getpid()) + "-" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
  std::string path_ = (folder_ / "ledger").string();
  FailingFileOps unsynced_{FailingOptions()};  // for a look at what is there
};

// What the owner of a journal knows.
struct Told {
  bool opened = false;
  std::vector<std::string> tried;
  std::vector<std::string> done;  // Append returned success
};

// A run that is resumed: some records are there, more come, and what failed is tried once more
// under another name, so that a double would be seen.
Told Resume(const std::string& path, FileOps& ops) {
  Told told;
  auto opened = OpenJournal(path, {.ops = &ops});
  if (!opened) return told;
  told.opened = true;
  for (const TestRecord& record : opened->records) {
    told.tried.push_back(record.payload);
    told.done.push_back(record.payload);
  }
  for (int i = 0; i < 6; ++i) {
    for (const char* attempt : {"first", "again"}) {
      told.tried.push_back(std::to_string(i) + attempt + std::string(i * 7, '.'));
      if (!opened->journal.Append(1, told.tried.back())) continue;
      told.done.push_back(told.tried.back());
      break;
    }
    // A failure shows in the appends that follow it.
    if (i % 2 == 1) (void)opened->journal.Sync();
  }
  return told;
}

std::vector<std::string> PayloadsOf(const std::vector<TestRecord>& records) {
  std::vector<std::string> payloads;
  payloads.reserve(records.size());
  for (const TestRecord& record : records) payloads.push_back(record.payload);
  return payloads;
}

// Whether `part` is what is left of `whole` when some are left out: none moved, none doubled.
bool IsPartOf(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
  std::size_t found = 0;
  for (const std::string& one : whole) {
    if (found < part.size() && part[found] == one) ++found;
  }
  return found == part.size();
}

struct Start {
  const char* name;
  std::string bytes;
};

const Start kStarts[] = {
    {"none", ""},
    {"torn header", "weir-jou"},
    {"two records", JournalBytes({{1, "old 1"}, {1, "old 2"}})},
    {"torn end",
     JournalBytes({{1, "old 1"}, {1, "old 2"}}) + JournalBytes({{1, "x"}}).substr(15, 9)},
};

// Lets every call fail in turn, in every way: alone, the next one too, or all from then on.
TEST_F(JournalCrashTest, WhateverFailsWhatWasAppendedIsThere) {
  int steps = 0;
  for (const Start& start : kStarts) {
    for (const Failure how : {Failure::kNothingDone, Failure::kHalfDone, Failure::kHalfAndFails,
                              Failure::kDoneAndFails}) {
      for (const int more : {0, 1, 1000}) {
        for (int at = 1;; ++at) {
          SCOPED_TRACE(testing::Message() << start.name << ", way " << static_cast<int>(how)
                                          << ", step " << at << " and " << more);
          if (start.bytes.empty()) fs::remove(path_);
          if (!start.bytes.empty()) {
            ASSERT_TRUE(ReplaceFile(path_, start.bytes, {.durable = false}));
          }
          FailingFileOps ops({.at = at, .until = at + more, .how = how, .error = ENOSPC});
          const Told told = Resume(path_, ops);
          ++steps;

          const auto after = OpenJournal(path_, {.ops = &unsynced_});
          ASSERT_TRUE(after) << after.error().message;
          const std::vector<std::string> there = PayloadsOf(after->records);
          if (told.opened) {
            EXPECT_TRUE(IsPartOf(told.done, there)) << "a record was lost";
            EXPECT_TRUE(IsPartOf(there, told.tried)) << "a record was doubled or made up";
          } else {
            EXPECT_EQ(Bytes(),
                      start.bytes.size() < 15 ? JournalBytes({}) : JournalBytes(after->records));
            EXPECT_EQ(there.size(), start.bytes.size() < 15 ? 0U : 2U);
          }
          if (ops.calls() < at) break;
        }
      }
    }
  }
  EXPECT_GT(steps, 500);
}

// What the first write after the opening does.
struct Step {
  FailingOptions failing;
  bool next_append;  // whether the one after the failure succeeds
  const char* says;
};

TEST_F(JournalCrashTest, AFailedWriteIsCutOffOrEndsTheJournal) {
  const int opening = CallsToOpen();
  const Step steps[] = {
      {{.how = Failure::kNothingDone, .error = ENOSPC}, true, "No space left on device"},
      {{.how = Failure::kHalfDone}, true, "only 10 of 20 bytes"},
      {{.how = Failure::kHalfAndFails}, true, "Input/output error"},
      {{.how = Failure::kDoneAndFails}, true, "Input/output error"},
      {{.until = 1, .how = Failure::kHalfDone}, false, "nor can what was written be cut off"},
      {{.until = 1, .how = Failure::kNothingDone}, false, "nor can what was written be cut off"},
  };
  for (const Step& step : steps) {
    SCOPED_TRACE(step.says);
    fs::remove(path_);
    FailingOptions failing = step.failing;
    failing.at = opening + 1;
    failing.until = failing.at + step.failing.until;
    FailingFileOps ops(failing);
    auto opened = OpenJournal(path_, {.ops = &ops});
    ASSERT_TRUE(opened);

    const Result<void> failed = opened->journal.Append(1, "failing");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Code::kIoError);
    EXPECT_THAT(failed.error().cause, HasSubstr(step.says));
    const Result<void> next = opened->journal.Append(2, "next");
    EXPECT_EQ(next.has_value(), step.next_append);
    if (next) {
      EXPECT_EQ(Bytes(), JournalBytes({{2, "next"}}));
    } else {
      EXPECT_EQ(next.error(), failed.error());
      EXPECT_FALSE(opened->journal.Sync());
      EXPECT_FALSE(opened->journal.SyncIfDue(TimePoint()));
      EXPECT_EQ(opened->journal.SyncDue(), kNever);
    }
  }
}

TEST_F(JournalCrashTest, AFailedSyncEndsTheJournal) {
  FailingFileOps ops({.at = CallsToOpen() + 2});
  auto opened = OpenJournal(path_, {.ops = &ops});
  ASSERT_TRUE(opened);
  ASSERT_TRUE(opened->journal.Append(1, "a"));
  EXPECT_FALSE(opened->journal.Sync());
  EXPECT_FALSE(opened->journal.Sync()) << "the kernel would have said yes";
  EXPECT_FALSE(opened->journal.Append(1, "b"));
}

// A real one: the file may not grow any more, as on a full disk.
TEST_F(JournalCrashTest, AFullDiskLosesNothingAndWritingGoesOnAfterwards) {
  auto opened = OpenJournal(path_);
  ASSERT_TRUE(opened);
  ASSERT_TRUE(opened->journal.Append(1, "before"));
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 100, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Result<void> first = opened->journal.Append(1, std::string(1000, 'x'));
  const Result<void> second = opened->journal.Append(1, std::string(1000, 'y'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);

  EXPECT_FALSE(first);
  EXPECT_FALSE(second);
  ASSERT_TRUE(opened->journal.Append(1, "after"));
  EXPECT_EQ(Bytes(), JournalBytes({{1, "before"}, {1, "after"}}));
}

// Appends numbers from `next` on and tells each one that is in the journal, until it is killed.
[[noreturn]] void AppendForever(const std::string& path, std::uint32_t next, int told) {
  auto opened = OpenJournal(path);
  if (!opened) ::_exit(1);
  std::minstd_rand random(next + 1);
  for (;; ++next) {
    std::string payload = std::to_string(next) + " ";
    payload.append(random() % (random() % 8 == 0 ? 20'000 : 200), 'x');
    if (!opened->journal.Append(1, payload)) ::_exit(2);
    if (::write(told, &next, sizeof(next)) != sizeof(next)) ::_exit(3);
    if (next % 64 == 0 && !opened->journal.Sync()) ::_exit(4);
  }
}

TEST_F(JournalCrashTest, AKilledProcessLosesNoRecordThatItCountsAsWritten) {
  std::minstd_rand random(20);
  std::uint32_t next = 0;
  for (int round = 0; round < 50; ++round) {
    SCOPED_TRACE(round);
    if (round % 10 == 0) {  // otherwise on the file that the last one left
      fs::remove(path_);
      next = 0;
    }
    int told[2];
    ASSERT_EQ(::pipe(told), 0);
    const pid_t child = ::fork();
    if (child == 0) AppendForever(path_, next, told[1]);
    ::close(told[1]);
    std::uint32_t last = 0;
    const std::uint32_t enough = next + random() % 60;
    bool killed = false;
    while (::read(told[0], &last, sizeof(last)) == sizeof(last)) {
      if (last < enough || killed) continue;
      for (volatile int spin = static_cast<int>(random() % 20'000); spin > 0;) spin = spin - 1;
      ASSERT_EQ(::kill(child, SIGKILL), 0);
      killed = true;
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ::close(told[0]);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);

    const auto opened = OpenJournal(path_, {.ops = &unsynced_});
    ASSERT_TRUE(opened) << opened.error().message;
    ASSERT_GT(opened->records.size(), last);
    ASSERT_LE(opened->records.size(), last + 2U) << "one may be written and not told";
    for (std::size_t i = 0; i < opened->records.size(); ++i) {
      ASSERT_TRUE(opened->records[i].payload.starts_with(std::to_string(i) + " "));
    }
    next = static_cast<std::uint32_t>(opened->records.size());
  }
}

}  // namespace
}  // namespace weir::store
