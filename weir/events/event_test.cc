#include "weir/events/event.h"

#include <cmath>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"

namespace weir::events {
namespace {

using testing::HasSubstr;
using testing::Not;

class FixedClock final : public Clock {
 public:
  TimePoint Now() const override { return TimePoint(); }
  std::int64_t WallNanos() const override { return wall; }

  std::int64_t wall = 1'700'000'000'123'000'000;
};

class JsonlTest : public testing::Test {
 protected:
  void Emit(std::vector<TraceField> fields) { sink_.OnEvent("it", fields); }

  FixedClock clock_;
  std::vector<std::string> lines_;
  bool writable_ = true;
  bool wanted_ = true;
  JsonlSink sink_{clock_,
                  [this](std::string_view line) {
                    if (writable_) lines_.emplace_back(line);
                    return writable_;
                  },
                  true, [this] { return wanted_; }};
};

TEST_F(JsonlTest, AnEventIsOneCompactLineInTheOrderOfItsFields) {
  Emit({{"b", std::int64_t{1}},
        {"a", "x\ny"},
        {"c", 1.5},
        {"d", true},
        {"e", JsonText{R"({"k":[1]})"}}});
  Emit({});

  ASSERT_EQ(lines_.size(), 2U);
  EXPECT_EQ(lines_[0],
            R"({"ts":"2023-11-14T22:13:20.123Z","seq":1,"event":"it","b":1,"a":"x\ny","c":1.5,)"
            R"("d":true,"e":{"k":[1]}})"
            "\n");
  EXPECT_EQ(lines_[1], "{\"ts\":\"2023-11-14T22:13:20.123Z\",\"seq\":2,\"event\":\"it\"}\n");
}

TEST_F(JsonlTest, TimeGoesOnWithinASecondAndBeyond) {
  for (const std::int64_t millis : {0, 7, 876, 877, 61'000}) {
    clock_.wall = 1'700'000'000'123'000'000 + millis * 1'000'000;
    Emit({});
    EXPECT_THAT(lines_.back(), HasSubstr(FormatWallTime(clock_.wall)));
  }
}

TEST_F(JsonlTest, WhatIsNoJsonStillGivesALineOfJson) {
  Emit({{"nan", std::nan("")}, {"many_lines", JsonText{"{\n  \"a\": 1\r\n}"}}, {"no", JsonText{}}});

  EXPECT_EQ(std::ranges::count(lines_[0], '\n'), 1);
  const Result<json::Value> line = json::Read(lines_[0]);
  ASSERT_TRUE(line.has_value()) << lines_[0];
  EXPECT_TRUE(line->Find("nan").IsNull());
  EXPECT_EQ(line->Find("many_lines").Find("a").AsInt64(), 1);
  EXPECT_TRUE(line->Find("no").IsNull());
}

TEST_F(JsonlTest, SpansAreTwoLinesWithTheirErrorByName) {
  const Error error{.code = Code::kHttpStatus, .message = "busy", .http_status = 503};
  SpanRecord span{.name = "engine.http", .id = 7, .parent = 3};
  sink_.OnSpanStart(span);
  span.end = span.start + std::chrono::milliseconds(5);
  span.error = &error;
  sink_.OnSpanEnd(span);

  ASSERT_EQ(lines_.size(), 2U);
  EXPECT_THAT(lines_[0],
              HasSubstr(R"("event":"span.start","span":"engine.http","id":7,"parent":3)"));
  EXPECT_THAT(lines_[1], HasSubstr(R"("duration_ms":5)"));
  EXPECT_THAT(lines_[1], HasSubstr(R"("error":"http_503","message":"busy")"));
}

TEST_F(JsonlTest, SecretsNeverReachALineAndItStaysJson) {
  Emit({{"api_key", "plainword"},
        {"token", std::int64_t{424242}},
        {"key_alone", "sk-0123456789abcdef0123"},
        {"header", "Authorization: Bearer very-secret-token"},
        {"url", "http://user:hunter2@host/"},
        {"request", JsonText{R"({"headers":{"X-Api-Key":"swordfish"},"max_tokens":5})"}},
        {"max_tokens", std::int64_t{7}},
        {"DB_PASSWORD", JsonText{R"(["tiger"])"}}});

  for (const char* secret :
       {"plainword", "424242", "0123456789abcdef", "very-secret", "hunter2", "swordfish", "tiger"})
    EXPECT_THAT(lines_[0], Not(HasSubstr(secret)));
  EXPECT_THAT(lines_[0], HasSubstr(R"("max_tokens":5)"));
  EXPECT_THAT(lines_[0], HasSubstr(R"("max_tokens":7)"));
  EXPECT_TRUE(json::Read(lines_[0]).has_value()) << lines_[0];
}

TEST_F(JsonlTest, ATextThatComesAgainIsWrittenAsTheFirstTime) {
  for (const char* text : {"one", "one", "a\tb", "api_key=x1", "api_key=x1", "", "", "one"}) {
    Emit({{"name", text}, {"api_key", text}});
  }
  ASSERT_EQ(lines_.size(), 8U);
  const auto after_event = [](const std::string& line) { return line.substr(line.find("\"name")); };
  const std::string masked = "\"api_key\":\"***\"}\n";
  EXPECT_EQ(after_event(lines_[0]), "\"name\":\"one\"," + masked);
  EXPECT_EQ(after_event(lines_[1]), after_event(lines_[0]));
  EXPECT_EQ(after_event(lines_[2]), "\"name\":\"a\\tb\"," + masked);
  EXPECT_EQ(after_event(lines_[3]), "\"name\":\"api_key=***\"," + masked);
  EXPECT_EQ(after_event(lines_[4]), after_event(lines_[3]));
  EXPECT_EQ(after_event(lines_[5]), "\"name\":\"\",\"api_key\":\"\"}\n");
  EXPECT_EQ(after_event(lines_[6]), after_event(lines_[5]));
  EXPECT_EQ(after_event(lines_[7]), after_event(lines_[0]));
}

TEST_F(JsonlTest, NoNumberOfFieldNamesMixesThemUp) {
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 600; ++i) {
      const std::string key = "k" + std::to_string(i);
      const std::string secret = key + "_password";
      lines_.clear();
      Emit({{key, "v"}, {secret, "v"}});
      EXPECT_THAT(lines_.at(0), HasSubstr("\"" + key + "\":\"v\",\"" + secret + "\":\"***\"}"));
    }
  }
}

TEST_F(JsonlTest, WhatNobodyWantsIsNeitherMadeNorNumbered) {
  Emit({});
  wanted_ = false;
  Emit({});
  wanted_ = true;
  Emit({});

  ASSERT_EQ(lines_.size(), 2U);
  EXPECT_THAT(lines_[1], HasSubstr("\"seq\":2,"));
}

TEST_F(JsonlTest, LostLinesAreCountedAndTheirNumbersAreMissing) {
  writable_ = false;
  Emit({});
  writable_ = true;
  Emit({});

  EXPECT_EQ(sink_.lost(), 1U);
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_THAT(lines_[0], HasSubstr("\"seq\":2,"));
}

TEST_F(JsonlTest, LinesOfManyThreadsNeverMixAndAreNumberedInOrder) {
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([this] {
        for (int j = 0; j < 50; ++j) Emit({{"text", "of some length"}});
      });
    }
  }

  ASSERT_EQ(lines_.size(), 200U);
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    EXPECT_EQ(json::Read(lines_[i])->Find("seq").AsUint64(), i + 1);
  }
}

}  // namespace
}  // namespace weir::events
