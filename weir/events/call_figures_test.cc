#include "weir/events/call_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"

namespace weir::events {
namespace {

using testing::HasSubstr;
using testing::Not;

class CallFiguresTest : public testing::Test {
 protected:
  void Tell(std::string_view name, std::vector<TraceField> fields) {
    figures_.OnEvent(name, fields);
  }
  std::string Page() const {
    std::string page;
    registry_.AppendText(page);
    return page;
  }

  MetricsRegistry registry_;
  CallFigures figures_{registry_, 2};
};

TEST_F(CallFiguresTest, ARequestIsInFlightUntilItsResponseAndThenCounted) {
  Tell("llm:request", {{"engine", "qwen"}});
  EXPECT_THAT(Page(), HasSubstr("weir_requests_in_flight{engine=\"qwen\"} 1.0\n"));
  Tell("llm:response", {{"engine", "qwen"},
                        {"model", "m"},
                        {"status", "ok"},
                        {"duration_ms", std::int64_t{1500}},
                        {"ttft_ms", 40.0},
                        {"prompt_tokens", std::int64_t{7}},
                        {"completion_tokens", std::int64_t{3}}});
  const std::string page = Page();
  EXPECT_THAT(page, HasSubstr("weir_requests_in_flight{engine=\"qwen\"} 0.0\n"));
  EXPECT_THAT(
      page,
      HasSubstr("weir_requests_total{engine=\"qwen\",error=\"\",model=\"m\",status=\"ok\"} 1.0\n"));
  EXPECT_THAT(page,
              HasSubstr("weir_request_duration_seconds_sum{engine=\"qwen\",model=\"m\"} 1.5"));
  EXPECT_THAT(page, HasSubstr("weir_first_token_seconds_count{engine=\"qwen\",model=\"m\"} 1"));
  EXPECT_THAT(page,
              HasSubstr("weir_tokens_total{engine=\"qwen\",kind=\"input\",model=\"m\"} 7.0\n"));
}

TEST_F(CallFiguresTest, TheModelOfAnAnswerStandsInForOneThatNobodyNamed) {
  Tell("llm:response", {{"engine", "e"}, {"response_model", "served"}, {"status", "ok"}});
  Tell("llm:response",
       {{"engine", "e"}, {"model", "asked"}, {"response_model", "served"}, {"status", "ok"}});
  for (const char* model : {"served", "asked"}) {
    EXPECT_THAT(Page(), HasSubstr(StrCat("weir_requests_total{engine=\"e\",error=\"\",model=\"",
                                         model, "\",status=\"ok\"} 1.0\n")));
  }
}

TEST_F(CallFiguresTest, WhatTheServerDidNotCountIsNotCounted) {
  Tell("llm:response", {{"engine", "e"}, {"status", "error"}, {"error", "timeout"}});
  EXPECT_THAT(Page(), Not(HasSubstr("weir_tokens_total")));
  EXPECT_THAT(Page(), HasSubstr("error=\"timeout\""));
}

TEST_F(CallFiguresTest, RetriesFallbacksAndRepairsAreCounted) {
  Tell("provider:retry", {{"error", "http_503"}});
  Tell("engine:fallback", {{"from", "a"}, {"to", "b"}});
  Tell("verify:repair", {{"engine", "a"}});
  Tell("verify:retry", {{"error", "invalid_json"}});
  const std::string page = Page();
  EXPECT_THAT(page, HasSubstr("weir_retries_total{error=\"http_503\"} 1.0\n"));
  EXPECT_THAT(page, HasSubstr("weir_fallbacks_total{from=\"a\",to=\"b\"} 1.0\n"));
  EXPECT_THAT(page, HasSubstr("weir_repairs_total{engine=\"a\"} 1.0\n"));
  EXPECT_THAT(page, HasSubstr("weir_answer_retries_total{error=\"invalid_json\"} 1.0\n"));
}

TEST_F(CallFiguresTest, ManyModelsBecomeOneSeries) {
  for (int i = 0; i < 9; ++i) Tell("llm:response", {{"engine", "e"}, {"model", StrCat("m", i)}});
  EXPECT_THAT(Page(), HasSubstr("weir_requests_total{engine=\"e\",error=\"\",model=\"other\","
                                "status=\"\"} 7.0\n"));
}

}  // namespace
}  // namespace weir::events
