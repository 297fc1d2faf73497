#include "weir/cli/event_lines.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class EventLinesTest : public testing::Test {
 protected:
  EventLinesTest() {
    std::string name = testing::TempDir() + "weir-lines-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/events.jsonl";
  }
  ~EventLinesTest() override { std::filesystem::remove_all(folder_); }

  void Append(std::string_view text) const { std::ofstream(path_, std::ios::app) << text; }
  std::vector<std::string> Read(EventLines& lines) {
    std::vector<std::string> read;
    const TakeLine take = [&](std::string_view line) { read.emplace_back(line); };
    EXPECT_TRUE(lines.ReadWhatIsThere(take).has_value());
    EXPECT_TRUE(lines.FollowRotation(take).has_value());
    return read;
  }

  const Env env_;
  const Session session_{.env = env_, .terminal = Terminal(env_), .config_file = {}, .run = {}};
  std::string folder_;
  std::string path_;
};

TEST_F(EventLinesTest, HalfALineWaitsForItsEnd) {
  Append("one\ntwo\nthr");
  Result<EventLines> lines = EventLines::Open(session_, path_);
  ASSERT_TRUE(lines.has_value());
  EXPECT_THAT(Read(*lines), ElementsAre("one", "two"));
  EXPECT_THAT(Read(*lines), IsEmpty());
  Append("ee\n");
  EXPECT_THAT(Read(*lines), ElementsAre("three"));
}

TEST_F(EventLinesTest, ARotatedFileIsReadToItsEndBeforeTheNewOne) {
  Append("one\n");
  Result<EventLines> lines = EventLines::Open(session_, path_);
  ASSERT_TRUE(lines.has_value());
  EXPECT_THAT(Read(*lines), ElementsAre("one"));
  Append("two\n");
  std::filesystem::rename(path_, path_ + ".1");
  Append("three\n");
  EXPECT_THAT(Read(*lines), ElementsAre("two", "three"));
}

TEST_F(EventLinesTest, AFileThatBeginsAnewIsReadAnew) {
  Append("one\ntwo\n");
  Result<EventLines> lines = EventLines::Open(session_, path_);
  ASSERT_TRUE(lines.has_value());
  EXPECT_THAT(Read(*lines), ElementsAre("one", "two"));
  std::filesystem::resize_file(path_, 0);
  EXPECT_THAT(Read(*lines), IsEmpty());
  Append("new\n");
  EXPECT_THAT(Read(*lines), ElementsAre("new"));
}

TEST_F(EventLinesTest, AFileMayComeLater) {
  EXPECT_FALSE(EventLines::Open(session_, path_).has_value());
  Result<EventLines> lines = EventLines::OpenOrWait(session_, path_);
  ASSERT_TRUE(lines.has_value());
  EXPECT_TRUE(lines->waits_for_file());
  EXPECT_THAT(Read(*lines), IsEmpty());
  Append("one\n");
  EXPECT_THAT(Read(*lines), ElementsAre("one"));
  EXPECT_FALSE(lines->waits_for_file());
}

TEST_F(EventLinesTest, TheRestIsTakenWhenItIsAskedFor) {
  Append("one\ntwo");
  Result<EventLines> lines = EventLines::Open(session_, path_);
  ASSERT_TRUE(lines.has_value());
  EXPECT_THAT(Read(*lines), ElementsAre("one"));
  std::string rest;
  lines->TakeRest([&](std::string_view line) { rest = line; });
  EXPECT_EQ(rest, "two");
}

}  // namespace
}  // namespace weir::cli
