// What a run folder keeps of its word when the disk fails, when its process is killed, and when
// bytes are missing: the run goes on, and in the end its files are those of a run that nothing
// happened to.

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/flow/folder_testing.h"
#include "weir/store/failing_testing.h"
#include "weir/store/journal.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;
using store::FailingFileOps;
using store::Failure;

using Files = std::map<std::string, std::string>;

class FolderCrashTest : public testing::Test {
 protected:
  FolderCrashTest() { fs::create_directories(root_); }
  ~FolderCrashTest() override { fs::remove_all(root_); }

  std::string Path(const std::string& name) const { return (root_ / name).string(); }

  ScriptOptions Options(store::FileOps& ops, OutputFormat format = OutputFormat::kJsonLines) const {
    ScriptOptions options;
    options.rows = 4;
    options.folder.format = format;
    options.folder.max_lines_per_file = 3;
    options.folder.flush_every = Duration::zero();  // a note with every row, where it can be
    options.folder.ops = &ops;
    return options;
  }
  Files Whole(const ScriptOptions& options) {
    ScriptedRun run(graph_, Path("whole"), options);
    const Result<void> went = run.Go();
    EXPECT_TRUE(went) << went.error().message;
    return FilesBelow(Path("whole"));
  }

  // Thousands of runs: on a disk in memory, where there is one.
  const fs::path root_ =
      (fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) /
      ("weir-folder-" + std::to_string(::getpid()) + "-" +
       testing::UnitTest::GetInstance()->current_test_info()->name());
  const Graph graph_ = FolderGraph();
  FailingFileOps good_{store::FailingOptions()};
};

// Files without what is of no account: a half-written file that was to replace another.
Files Compared(Files files) {
  std::erase_if(files, [](const auto& file) { return file.first.ends_with(".part"); });
  return files;
}

// Lets every call fail in turn, in every way: alone, or all from then on.
TEST_F(FolderCrashTest, WhateverFailsTheRunGoesOnAndEndsTheSame) {
  for (const OutputFormat format : {OutputFormat::kJsonLines, OutputFormat::kCsv}) {
    const Files whole = Whole(Options(good_, format));
    fs::remove_all(Path("whole"));
    for (const Failure how : {Failure::kNothingDone, Failure::kHalfDone, Failure::kHalfAndFails,
                              Failure::kDoneAndFails}) {
      if (format == OutputFormat::kCsv && how != Failure::kHalfAndFails) continue;
      for (const int more : {0, 100'000}) {
        int ended_well = 0;
        for (int at = 1; ended_well < 3; ++at) {
          SCOPED_TRACE(testing::Message()
                       << "way " << static_cast<int>(how) << ", step " << at << " and " << more);
          fs::remove_all(Path("run"));
          FailingFileOps ops({.at = at, .until = at + more, .how = how, .error = ENOSPC});
          const ScriptOptions options = Options(ops, format);
          ScriptedRun broken(graph_, Path("run"), options);
          if (const Result<void> went = broken.Go(); !went) {
            EXPECT_EQ(went.error().code, Code::kIoError) << went.error().message;
          }
          if (ops.calls() < at) ++ended_well;

          ScriptedRun mended(graph_, Path("run"), Options(good_, format));
          const Result<void> went = mended.Go();
          ASSERT_TRUE(went) << went.error().message;
          ASSERT_EQ(Compared(FilesBelow(Path("run"))), whole);
        }
      }
    }
  }
}

// The same process that saw the disk fail knows what was answered.
TEST_F(FolderCrashTest, WhatWasAnsweredIsNotAskedAgain) {
  const Files whole = Whole(Options(good_));
  for (int at = 1; at < 120; ++at) {
    SCOPED_TRACE(at);
    fs::remove_all(Path("run"));
    FailingFileOps ops({.at = at, .until = 100'000, .how = Failure::kHalfAndFails});
    ScriptedRun broken(graph_, Path("run"), Options(ops));
    (void)broken.Go();
    broken.UseDisk(good_);
    const Result<void> went = broken.Go();
    ASSERT_TRUE(went) << went.error().message;
    ASSERT_EQ(broken.asked_again(), 0);
    ASSERT_EQ(Compared(FilesBelow(Path("run"))), whole);
  }
}

// A run that died before it was done, with files that are longer than its last note knows.
TEST_F(FolderCrashTest, ALedgerThatIsCutAtAnyByteGoesOnFromThere) {
  const Files whole = Whole(Options(good_));
  ScriptedRun run(graph_, Path("died"), Options(good_));
  ASSERT_FALSE(run.Go(6));  // in the second pass
  std::ofstream(Path("died/label/001.jsonl"), std::ios::app) << "{\"half a li";
  std::ofstream(Path("died/label/017.jsonl")) << "of nobody";
  std::ofstream(Path("died/attempts.jsonl"), std::ios::app) << "torn";
  const auto size = static_cast<std::uint64_t>(fs::file_size(Path("died/ledger")));
  const std::uint64_t header = 15 + 13 + std::string_view("{\"format\":1}").size();

  for (std::uint64_t cut = header; cut <= size; ++cut) {
    fs::remove_all(Path("run"));
    fs::copy(Path("died"), Path("run"), fs::copy_options::recursive);
    fs::resize_file(Path("run/ledger"), cut);
    ScriptedRun again(graph_, Path("run"), Options(good_));
    const Result<void> went = again.Go();
    ASSERT_TRUE(went) << "cut at " << cut << " of " << size << ": " << went.error().message;
    ASSERT_EQ(Compared(FilesBelow(Path("run"))), whole) << "cut at " << cut;
  }
}

TEST_F(FolderCrashTest, ALedgerWithoutItsBeginningIsRefused) {
  ScriptedRun run(graph_, Path("run"), Options(good_));
  ASSERT_FALSE(run.Go(3));
  for (const std::uint64_t size : {0, 7, 15, 20}) {
    fs::resize_file(Path("run/ledger"), size);
    ScriptedRun again(graph_, Path("run"), Options(good_));
    const Result<void> went = again.Go();
    ASSERT_FALSE(went);
    EXPECT_THAT(went.error().message, testing::HasSubstr("ledger is empty"));
  }
}

TEST_F(FolderCrashTest, AKilledRunLosesNothing) {
  ScriptOptions options = Options(good_);
  options.rows = 60;
  options.folder.flush_every = std::chrono::milliseconds(1);
  const Files whole = Whole(options);
  std::minstd_rand random(7);
  for (int round = 0; round < 6; ++round) {
    SCOPED_TRACE(round);
    fs::remove_all(Path("run"));
    for (int kills = 0;; ++kills) {
      const pid_t child = ::fork();
      if (child == 0) {
        ScriptedRun run(graph_, Path("run"), options);
        ::_exit(run.Go() ? 0 : 1);
      }
      for (volatile int spin = static_cast<int>(random() % 4'000'000); spin > 0;) spin = spin - 1;
      if (kills < 20) ::kill(child, SIGKILL);
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      if (WIFSIGNALED(status)) continue;
      ASSERT_EQ(WEXITSTATUS(status), 0);
      break;
    }
    ASSERT_EQ(Compared(FilesBelow(Path("run"))), whole);
  }
}

}  // namespace
}  // namespace weir::flow
