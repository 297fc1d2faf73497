#include "weir/events/line_writer.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/base/text.h"

namespace weir::events {
namespace {

namespace fs = std::filesystem;

class LineWriterTest : public testing::Test {
 protected:
  ~LineWriterTest() override { fs::remove(path_); }

  std::string Text() const {
    std::ifstream file(path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  class FixedClock final : public Clock {
   public:
    TimePoint Now() const override { return {}; }
    std::int64_t WallNanos() const override { return 0; }
  };

  const fs::path path_ = fs::path(testing::TempDir()) / StrCat("weir_lines_", ::getpid());
  FixedClock clock_;
  std::shared_ptr<EventFile> file_ = *EventFile::Open(clock_, {.path = path_.string()});
};

TEST_F(LineWriterTest, EveryLineOfEveryThreadIsThereWholeWhenItEnds) {
  constexpr int kThreads = 4;
  constexpr int kLines = 1000;
  {
    LineWriter writer(file_, {.hold = std::chrono::milliseconds(1)});
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&writer, i] {
        for (int k = 0; k < kLines; ++k) writer.Push(StrCat("line ", i, " ", k, "\n"));
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  const std::string text = Text();
  const std::vector<std::string_view> lines = Split(text, '\n');
  ASSERT_EQ(lines.size(), kThreads * kLines + 1U);
  std::vector<int> next(kThreads);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    const std::vector<std::string_view> words = Split(lines[i], ' ');
    ASSERT_EQ(words.size(), 3U) << lines[i];
    EXPECT_EQ(ParseInt(words[2]), next[static_cast<std::size_t>(*ParseInt(words[1]))]++);
  }
}

TEST_F(LineWriterTest, WhileTooMuchWaitsLinesAreLostAndThatIsSaid) {
  LineWriter writer(file_, {.hold = std::chrono::hours(1), .max_waiting = 8});
  EXPECT_TRUE(writer.Push("1234\n"));
  EXPECT_TRUE(writer.Push("1234\n"));
  EXPECT_FALSE(writer.Push("1\n"));
}

TEST_F(LineWriterTest, ALineLongerThanWhatMayWaitIsWritten) {
  const std::string line = std::string(100, 'x') + "\n";
  {
    LineWriter writer(file_, {.hold = std::chrono::hours(1), .max_waiting = 8});
    EXPECT_TRUE(writer.Push(line));
  }
  EXPECT_EQ(Text(), line);
}

}  // namespace
}  // namespace weir::events
