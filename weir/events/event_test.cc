#include "weir/events/event.h"

#include <fstream>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

#include "weir/json/reader.h"

namespace weir::events {
namespace {

class FixedClock final : public Clock {
 public:
  TimePoint Now() const override { return TimePoint(); }
  std::int64_t WallNanos() const override { return 1'700'000'000'123'000'000; }
};

class JsonlTest : public testing::Test {
 protected:
  FixedClock clock_;
  std::vector<std::string> lines_;
  JsonlSink sink_{clock_, [this](std::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(JsonlTest, AnEventIsOneCompactLineInTheOrderOfItsFields) {
  Event event{.name = "it"};
  event.fields.emplace_back("b", json::Value::Of(1));
  event.fields.emplace_back("a", json::Value::Of("x\ny"));
  sink_.Emit(event);

  EXPECT_EQ(lines_, std::vector<std::string>{
                        R"({"ts":"2023-11-14T22:13:20.123Z","seq":1,"event":"it","b":1,"a":"x\ny"})"
                        "\n"});
}

TEST_F(JsonlTest, SpansAreTwoLinesWithTheirErrorByName) {
  const Error error{.code = Code::kHttpStatus, .message = "busy", .http_status = 503};
  SpanRecord span{.name = "engine.http", .id = 7, .parent = 3};
  sink_.OnSpanStart(span);
  span.end = span.start + std::chrono::milliseconds(5);
  span.error = &error;
  sink_.OnSpanEnd(span);

  ASSERT_EQ(lines_.size(), 2U);
  EXPECT_NE(lines_[0].find(R"("event":"span.start","span":"engine.http","id":7,"parent":3)"),
            std::string::npos);
  EXPECT_NE(lines_[1].find(R"("duration_ms":5)"), std::string::npos);
  EXPECT_NE(lines_[1].find(R"("error":"http_503","message":"busy")"), std::string::npos);
}

TEST_F(JsonlTest, SecretsNeverReachALineAndItStaysJson) {
  Event event{.name = "it"};
  event.fields.emplace_back("api_key", json::Value::Of("sk-0123456789abcdef0123"));
  event.fields.emplace_back("detail", json::Value::Of("Authorization: Bearer very-secret-token"));
  sink_.Emit(event);

  EXPECT_EQ(lines_[0].find("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(lines_[0].find("very-secret"), std::string::npos);
  EXPECT_TRUE(json::Read(lines_[0]).has_value()) << lines_[0];
}

TEST_F(JsonlTest, LinesOfManyThreadsNeverMixAndAreNumberedInOrder) {
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([this] {
        for (int j = 0; j < 50; ++j) sink_.Emit(Event{.name = "it"});
      });
    }
  }

  ASSERT_EQ(lines_.size(), 200U);
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    EXPECT_EQ(json::Read(lines_[i])->Find("seq").AsUint64(), i + 1);
  }
}

TEST(OpenJsonl, AppendsAndReportsAPathThatCannotBeWritten) {
  const FixedClock clock;
  const std::string path = testing::TempDir() + "/weir_events_test.jsonl";
  std::remove(path.c_str());
  for (int i = 0; i < 2; ++i) {
    const auto sink = OpenJsonl(clock, path);
    ASSERT_TRUE(sink.has_value());
    (*sink)->Emit(Event{.name = "it"});
  }
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  EXPECT_EQ(std::ranges::count(all, '\n'), 2);
  std::remove(path.c_str());

  EXPECT_EQ(OpenJsonl(clock, "/nonexistent/folder/x").error().code, Code::kIoError);
}

}  // namespace
}  // namespace weir::events
