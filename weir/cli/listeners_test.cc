#include "weir/cli/listeners.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::cli {
namespace {

class ListenersTest : public testing::Test {
 protected:
  ListenersTest() {
    std::string name = testing::TempDir() + "weir-listeners-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    config_.file = folder_ + "/events.jsonl";
  }
  ~ListenersTest() override { std::filesystem::remove_all(folder_); }

  std::string Text(const std::string& path) const {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  // What stands in the file of an event that has all that may be a payload.
  json::Value Written(std::string_view event) {
    std::filesystem::remove(config_.file);
    {
      Result<Listeners> listeners = Listeners::Open(loop_, config_, "", session_);
      EXPECT_TRUE(listeners.has_value());
      const TraceField fields[] = {
          {"engine", "fast"},
          {"request", JsonText{R"({"messages":[{"role":"user","content":"one two three"}]})"}},
          {"body", "one two three"}};
      listeners->sinks().at(0)->OnEvent(event, fields);
    }
    const Result<json::Value> line = json::Read(Text(config_.file));
    EXPECT_TRUE(line.has_value());
    return line ? *line : json::Value();
  }
  static std::string_view Content(const json::Value& line) {
    return line.Find("request").Find("messages")[0].Find("content").StringOr("");
  }

  const Env env_;
  Session session_{.env = env_, .terminal = Terminal(env_), .config_file = {}, .run = {}};
  async::Loop loop_;
  config::EventsConfig config_;
  std::string folder_;
};

TEST_F(ListenersTest, PayloadsAreWrittenUnlessTheConfigurationSaysNo) {
  for (const std::string_view event : {"llm:request:debug", "llm:request:raw", "it"}) {
    config_.payloads = true;
    json::Value line = Written(event);
    EXPECT_EQ(Content(line), "one two three") << event;
    EXPECT_EQ(line.Find("body").StringOr(""), "one two three") << event;

    config_.payloads = false;
    line = Written(event);
    EXPECT_EQ(line.Find("engine").StringOr(""), "fast") << event;
    EXPECT_EQ(line.Find("request").exists(), event == "it") << event;
    EXPECT_EQ(line.Find("body").exists(), event == "it") << event;
  }
}

TEST_F(ListenersTest, TextsOfDebugEventsAreCutAndRawOnesAreNot) {
  config_.max_payload_chars = 7;
  EXPECT_EQ(Content(Written("llm:request:debug")), "one two...(truncated 6 chars)");
  EXPECT_EQ(Content(Written("llm:request:raw")), "one two three");
  EXPECT_EQ(Written("llm:request:raw").Find("body").StringOr(""), "one two three");
}

// A lock holds up the thread that writes: the file is full, and it wants to rotate it.
TEST_F(ListenersTest, HowManyEventsAreLostIsSaidAtTheEnd) {
  constexpr int kLines = 9;
  const std::string text(3 << 20, 'x');
  std::ofstream(config_.file) << "full\n";
  config_.max_bytes = 1;
  config_.keep = kLines;
  std::string said;
  {
    Result<Listeners> listeners = Listeners::Open(loop_, config_, "", session_);
    ASSERT_TRUE(listeners.has_value());
    const int lock = ::open(config_.file.c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_EQ(::flock(lock, LOCK_EX), 0);
    const TraceField fields[] = {{"text", std::string_view(text)}};
    for (int i = 0; i < kLines; ++i) listeners->sinks().at(0)->OnEvent("it", fields);
    testing::internal::CaptureStderr();
    listeners->Finish(session_.terminal);
    said = testing::internal::GetCapturedStderr();
    ::close(lock);
  }
  std::int64_t written = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::string lines = Text(entry.path());
    if (lines != "full\n") written += std::ranges::count(lines, '\n');
  }
  EXPECT_LT(written, kLines);
  EXPECT_THAT(said, testing::HasSubstr(StrCat(
                        "events are missing in their file: ", kLines - written, " came faster")));
}

}  // namespace
}  // namespace weir::cli
