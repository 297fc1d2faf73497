#include "weir/cli/jobs_show.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"

namespace weir::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

jobs::JobInfo Failed(jobs::JobId id, const std::string& error) {
  jobs::JobInfo job;
  job.id = id;
  job.state = jobs::JobState::kFailed;
  job.key = "abc";
  job.row_id = "r" + std::to_string(id);
  job.row = R"({"q":"why"})";
  job.attempts = 2;
  job.crashes = 1;
  job.error = error;
  job.message = "the server said no";
  job.tries =
      R"([{"attempt":1,"node":"answer","engine":"fast","started_at":"2026-01-31T12:00:00.000Z",)"
      R"("duration_ms":850,"success":false,"error":"http_503","message":"busy"},)"
      R"({"attempt":2,"node":"answer","engine":"fast","duration_ms":20,"success":true,)"
      R"("repaired":true}])";
  return job;
}

TEST(JobsShow, OneJobIsToldWithItsAttempts) {
  EXPECT_EQ(JobText(Failed(7, "http_503"), "lint", {.width = 100}),
            "job 7 of queue lint: failed\n"
            "row id      r7\n"
            "key         abc\n"
            "tried       2 times, and 1 worker died with it\n"
            "error       http_503: the server said no\n"
            "what to do  the server was busy or broken: try again once it is well\n"
            "row         {\"q\":\"why\"}\n"
            "\n"
            "try  node    engine  began                       took  outcome\n"
            "1    answer  fast    2026-01-31T12:00:00.000Z  850 ms  http_503: busy\n"
            "2    answer  fast                               20 ms  ok, its JSON was mended\n");
}

TEST(JobsShow, WhatALineCannotHoldIsSpread) {
  jobs::JobInfo job = Failed(7, "timeout");
  job.row = R"({"question":"a text that is longer than the terminal is wide"})";
  EXPECT_THAT(JobText(job, "lint", {.width = 50}),
              HasSubstr("row         {\n              \"question\": \"a text"));
}

TEST(JobsShow, NothingOfARowMovesTheCursor) {
  jobs::JobInfo job = Failed(7, "timeout");
  job.row_id = "\033[2J";
  job.message = "line\r\033]0;title\007";
  EXPECT_THAT(JobText(job, "lint", {.width = 100}), Not(HasSubstr("\033")));
  DeadLetters letters;
  letters.Add(job);
  EXPECT_THAT(letters.Text("lint", {.width = 100}), Not(HasSubstr("\033")));
}

TEST(JobsShow, AsJsonAJobIsOneDocument) {
  const json::Value read = json::Read(JobJson(Failed(7, "http_503"), "lint")).value();
  EXPECT_EQ(read.Find("state").StringOr(""), "failed");
  EXPECT_EQ(read.Find("row").Find("q").StringOr(""), "why");
  EXPECT_TRUE(read.Find("result").IsNull());
  EXPECT_EQ(read.Find("error").Find("name").StringOr(""), "http_503");
  EXPECT_EQ(read.Find("attempts").size(), 2U);
}

TEST(DeadLetters, AreCountedByErrorWithTheFirstAndWhatToDo) {
  DeadLetters letters;
  letters.Add(Failed(3, "timeout"));
  letters.Add(Failed(5, "quarantined"));
  letters.Add(Failed(6, "quarantined"));
  EXPECT_EQ(letters.jobs(), 3);
  EXPECT_EQ(
      letters.Text("lint", {.width = 100}),
      "quarantined: 2 jobs\n"
      "  job 5 (row r5): the server said no\n"
      "  workers died while they had it: look at the row and at the log of the workers before "
      "you try it again\n"
      "  one of them: weir jobs status --job 5; again: weir jobs retry -q lint --error "
      "quarantined\n"
      "\n"
      "timeout: 1 job\n"
      "  job 3 (row r3): the server said no\n"
      "  the server was too slow: raise the clock that the message names, or find out why\n"
      "  one of them: weir jobs status --job 3; again: weir jobs retry -q lint --error "
      "timeout\n");
  EXPECT_THAT(
      letters.Text("lint", {.width = 100, .store = " --store sqlite:x.db"}),
      HasSubstr("--job 3 --store sqlite:x.db; again: weir jobs retry -q lint --error timeout "
                "--store sqlite:x.db\n"));
  const json::Value read = json::Read(letters.Json("lint")).value();
  EXPECT_EQ(read.Find("failed").AsInt64(), 3);
  EXPECT_EQ(read.Find("errors")[0].Find("example").Find("job").AsInt64(), 5);
}

TEST(DeadLetters, EveryErrorHasAnAdvice) {
  EXPECT_THAT(AdviceFor("http_429"), HasSubstr("--rate"));
  EXPECT_THAT(AdviceFor("http_422"), HasSubstr("refused"));
  EXPECT_THAT(AdviceFor("http_502"), HasSubstr("busy or broken"));
  EXPECT_THAT(AdviceFor("something else"), HasSubstr("docs/errors.md"));
}

}  // namespace
}  // namespace weir::cli
