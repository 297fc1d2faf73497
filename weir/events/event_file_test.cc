#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/events/event.h"

namespace weir::events {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class HandClock final : public Clock {
 public:
  TimePoint Now() const override { return now; }
  std::int64_t WallNanos() const override { return 0; }

  TimePoint now{};
};

class EventFileTest : public testing::Test {
 protected:
  EventFileTest() { fs::create_directories(folder_); }
  ~EventFileTest() override { fs::remove_all(folder_); }

  std::unique_ptr<JsonlSink> Open(JsonlOptions options) {
    options.path = Path("it");
    options.on_failure = [this](const Error& error) { failures_.push_back(error); };
    auto sink = OpenJsonl(clock_, std::move(options));
    EXPECT_TRUE(sink.has_value());
    return *std::move(sink);
  }

  std::string Path(const std::string& name) const { return folder_ / name; }

  int Lines(const std::string& name) const {
    std::ifstream file(Path(name));
    if (!file) return -1;
    std::stringstream text;
    text << file.rdbuf();
    return static_cast<int>(std::ranges::count(text.str(), '\n'));
  }

  const fs::path folder_ =
      fs::path(testing::TempDir()) / ("weir_event_file_" + std::to_string(::getpid()));
  HandClock clock_;
  std::vector<Error> failures_;
};

TEST_F(EventFileTest, LinesAreAppendedToWhatIsThere) {
  for (int i = 0; i < 2; ++i) Open({})->OnEvent("it", {});

  EXPECT_EQ(Lines("it"), 2);
  struct stat status{};
  ::stat(Path("it").c_str(), &status);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(EventFileTest, APathThatCannotBeWrittenIsAnError) {
  const auto sink = OpenJsonl(clock_, {.path = Path("no/folder")});

  ASSERT_FALSE(sink.has_value());
  EXPECT_EQ(sink.error().code, Code::kIoError);
}

TEST_F(EventFileTest, AFullFileIsRotatedAndTheOldestIsDropped) {
  const auto sink = Open({.max_bytes = 130, .keep = 2});  // two lines of 55 bytes
  for (int i = 0; i < 9; ++i) sink->OnEvent("it", {});

  EXPECT_EQ(Lines("it"), 1);
  EXPECT_EQ(Lines("it.1"), 2);
  EXPECT_EQ(Lines("it.2"), 2);
  EXPECT_EQ(Lines("it.3"), -1);
  EXPECT_EQ(sink->lost(), 0U);
}

TEST_F(EventFileTest, NothingIsKeptWhenNothingShallBe) {
  const auto sink = Open({.max_bytes = 130, .keep = 0});
  for (int i = 0; i < 5; ++i) sink->OnEvent("it", {});

  EXPECT_EQ(Lines("it"), 1);
  EXPECT_EQ(Lines("it.1"), -1);
}

// A folder that is not empty stands where the oldest file would go.
TEST_F(EventFileTest, WhereNothingCanBeRenamedTheFileGrowsAndThatIsSaidOnce) {
  for (const std::int64_t keep : {1, 2}) {
    SCOPED_TRACE(keep);
    const std::string in_the_way = Path("it." + std::to_string(keep));
    fs::remove_all(folder_);
    fs::create_directories(in_the_way + "/folder");
    if (keep == 2) std::ofstream(Path("it.1")) << "kept\n";
    failures_.clear();
    const auto sink = Open({.max_bytes = 130, .keep = keep, .retry_after = 5s});
    for (int i = 0; i < 9; ++i) {
      sink->OnEvent("it", {});
      clock_.now += 1s;
    }

    EXPECT_EQ(Lines("it"), 9);
    EXPECT_EQ(sink->lost(), 0U);
    if (keep == 2) EXPECT_EQ(Lines("it.1"), 1);
    ASSERT_EQ(failures_.size(), 1U);
    EXPECT_EQ(failures_[0].code, Code::kIoError);
    EXPECT_THAT(failures_[0].message, testing::HasSubstr(" to " + in_the_way + " failed"));

    fs::remove_all(in_the_way);
    clock_.now += 5s;
    sink->OnEvent("it", {});
    EXPECT_EQ(Lines("it"), 1);
    EXPECT_EQ(Lines("it.1"), 9);
  }
}

TEST_F(EventFileTest, ALineLongerThanTheLimitIsWrittenAllTheSame) {
  const auto sink = Open({.max_bytes = 10, .keep = 3});
  for (int i = 0; i < 2; ++i) sink->OnEvent("it", {});

  EXPECT_EQ(Lines("it") + Lines("it.1"), 2);
}

TEST_F(EventFileTest, TwoWritersRotateOnce) {
  const JsonlOptions options{.max_bytes = 240, .keep = 9};  // four lines
  const auto first = Open(options);
  const auto second = Open(options);
  for (int i = 0; i < 8; ++i) {
    (i % 2 == 0 ? first : second)->OnEvent("it", {});
    clock_.now += 1s;
  }

  EXPECT_EQ(Lines("it"), 4);
  EXPECT_EQ(Lines("it.1"), 4);
  EXPECT_EQ(Lines("it.2"), -1);
}

TEST_F(EventFileTest, AFileThatWasMovedAwayIsMadeAnewWithinASecond) {
  const auto sink = Open({});
  sink->OnEvent("it", {});
  fs::rename(Path("it"), Path("moved"));
  clock_.now += 1s;
  sink->OnEvent("it", {});

  EXPECT_EQ(Lines("moved"), 1);
  EXPECT_EQ(Lines("it"), 1);
}

TEST_F(EventFileTest, TheControlFileIsReadOnceASecond) {
  const auto sink = Open({.control_file = Path("control")});
  const auto count_after = [&](std::string_view control) {
    std::ofstream(Path("control")) << control;
    sink->OnEvent("it", {});
    const int at_once = Lines("it");
    clock_.now += 1s;
    sink->OnEvent("it", {});
    return std::pair(at_once, Lines("it"));
  };

  EXPECT_EQ(count_after("on\n"), std::pair(1, 2));
  EXPECT_EQ(count_after(" OFF\n"), std::pair(3, 3));
  EXPECT_EQ(count_after("offer"), std::pair(3, 4));
  fs::remove(Path("control"));
  clock_.now += 1s;
  sink->OnEvent("it", {});
  EXPECT_EQ(Lines("it"), 5);
}

// A pipe stands for a disk that is full and is emptied again.
TEST_F(EventFileTest, AFailureIsSaidOnceCountedAndTriedAgainLater) {
  ASSERT_EQ(::mkfifo(Path("it").c_str(), 0600), 0);
  int reader = ::open(Path("it").c_str(), O_RDONLY | O_NONBLOCK);
  const auto sink = Open({.retry_after = 5s});
  sink->OnEvent("it", {});
  ::close(reader);

  sink->OnEvent("it", {});
  sink->OnEvent("it", {});
  EXPECT_EQ(sink->lost(), 2U);

  reader = ::open(Path("it").c_str(), O_RDONLY | O_NONBLOCK);
  sink->OnEvent("it", {});
  EXPECT_EQ(sink->lost(), 3U);  // it is too early
  clock_.now += 5s;
  sink->OnEvent("it", {});
  EXPECT_EQ(sink->lost(), 3U);
  char text[256];
  EXPECT_THAT(std::string(text, static_cast<std::size_t>(::read(reader, text, sizeof text))),
              testing::HasSubstr("\"seq\":5,"));
  ::close(reader);

  ASSERT_EQ(failures_.size(), 1U);
  EXPECT_EQ(failures_[0].code, Code::kIoError);
}

}  // namespace
}  // namespace weir::events
