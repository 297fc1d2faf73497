#include "weir/store/files.h"

#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace weir::store {
namespace {

namespace fs = std::filesystem;

class FilesTest : public testing::Test {
 protected:
  FilesTest() { fs::create_directories(folder_); }
  ~FilesTest() override { fs::remove_all(folder_); }

  std::string Path(const char* name) const { return (folder_ / name).string(); }
  std::size_t Count() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_ =
      fs::temp_directory_path() / ("weir-files-" + std::to_string(::getpid()) + "-" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(FilesTest, WhatIsWrittenIsRead) {
  ASSERT_TRUE(ReplaceFile(Path("a"), "one"));
  ASSERT_TRUE(ReplaceFile(Path("a"), std::string(1 << 20, 'x')));
  EXPECT_EQ(ReadFile(Path("a"), 1 << 20)->value(), std::string(1 << 20, 'x'));
  EXPECT_EQ(Count(), 1U) << "something was left beside the file";
}

TEST_F(FilesTest, AMissingFileIsNoError) {
  const auto read = ReadFile(Path("none"), 10);
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->has_value());
}

TEST_F(FilesTest, AFileThatIsTooLongIsRefused) {
  ASSERT_TRUE(ReplaceFile(Path("a"), "12345"));
  EXPECT_FALSE(ReadFile(Path("a"), 4));
}

TEST_F(FilesTest, AFolderInItsPlaceIsAnErrorThatLeavesNothing) {
  fs::create_directory(Path("a"));
  EXPECT_FALSE(ReplaceFile(Path("a"), "x"));
  EXPECT_FALSE(ReplaceFile(Path("missing/a"), "x"));
  EXPECT_EQ(Count(), 1U);
}

TEST_F(FilesTest, AWriteThatFailsInTheMiddleKeepsTheOldFile) {
  ASSERT_TRUE(ReplaceFile(Path("a"), "old"));
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 100, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Result<void> written = ReplaceFile(Path("a"), std::string(1000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(written);
  EXPECT_EQ(ReadFile(Path("a"), 100)->value(), "old");
  EXPECT_EQ(Count(), 1U);
}

}  // namespace
}  // namespace weir::store
