#include "weir/cli/jobs_lines.h"

#include <gtest/gtest.h>

#include "weir/json/reader.h"

namespace weir::cli {
namespace {

using jobs::JobInfo;
using jobs::JobState;

JobInfo Done(std::string result) {
  JobInfo job;
  job.id = 12;
  job.state = JobState::kDone;
  job.row_id = "a";
  job.row = R"({"q":1})";
  job.result = std::move(result);
  return job;
}

JobInfo Failed() {
  JobInfo job = Done("");
  job.state = JobState::kFailed;
  job.error = "timeout";
  job.message = "the clock \"total\" ran out";
  return job;
}

std::string LineOf(const JobInfo& job, bool attempts = false) {
  std::string line;
  AppendJobLine(line, job, attempts);
  return line;
}

std::string CsvOf(const std::vector<JobInfo>& jobs) {
  JobColumns columns;
  for (const JobInfo& job : jobs) EXPECT_TRUE(columns.Learn(job));
  std::string text = columns.Header();
  for (const JobInfo& job : jobs) columns.Append(text, job);
  return text;
}

TEST(JobsLines, AJobThatIsDoneHasItsResultAndWhoMadeIt) {
  JobInfo job = Done(R"({"answer":{"text":"4"}})");
  job.metadata = R"({"provider":"vllm"})";
  EXPECT_EQ(LineOf(job),
            "{\"id\":\"a\",\"job\":12,\"status\":\"ok\",\"result\":{\"answer\":{\"text\":\"4\"}},"
            "\"metadata\":{\"provider\":\"vllm\"}}\n");
}

TEST(JobsLines, AJobThatFailedSaysWhy) {
  EXPECT_EQ(LineOf(Failed()),
            "{\"id\":\"a\",\"job\":12,\"status\":\"failed\",\"error\":{\"name\":\"timeout\","
            "\"message\":\"the clock \\\"total\\\" ran out\"}}\n");
}

TEST(JobsLines, AttemptsAreThereWhenAskedFor) {
  JobInfo job = Done("null");
  EXPECT_EQ(LineOf(job, true),
            "{\"id\":\"a\",\"job\":12,\"status\":\"ok\",\"result\":null,\"attempts\":[]}\n");
  job.tries = R"([{"attempt":1}])";
  EXPECT_EQ(LineOf(job, true),
            "{\"id\":\"a\",\"job\":12,\"status\":\"ok\",\"result\":null,"
            "\"attempts\":[{\"attempt\":1}]}\n");
}

TEST(JobsLines, ColumnsAreWhatAnyResultHas) {
  EXPECT_EQ(CsvOf({Done(R"({"answer":{"text":"4, or five","sure":true},"n":1})"), Failed(),
                   Done(R"({"answer":{"why":[1,2]},"status":"x"})")}),
            "id,status,error,answer.text,answer.sure,n,answer.why,status_\n"
            "a,ok,,\"4, or five\",true,1,,\n"
            "a,failed,timeout,,,,,\n"
            "a,ok,,,,,\"[1,2]\",x\n");
}

TEST(JobsLines, ARowThatBecameSeveralHasSeveralRecordsAndADroppedOneStays) {
  EXPECT_EQ(CsvOf({Done(R"([{"n":1},{"n":2}])"), Done("[]"), Done("null")}),
            "id,status,error,n\na,ok,,1\na,ok,,2\na,ok,,\na,ok,,\n");
}

TEST(JobsLines, TooManyColumnsAreRefused) {
  std::string result = "{";
  for (int i = 0; i <= 10'000; ++i) {
    result += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":1";
  }
  JobColumns columns;
  const Result<void> learned = columns.Learn(Done(result + "}"));
  ASSERT_FALSE(learned);
  EXPECT_NE(learned.error().message.find("--format jsonl"), std::string::npos);
}

TEST(JobsLines, AnswersOfABatchAreLinesOfItsOutputFile) {
  JobInfo job = Done(R"({"batch":{"id":"chatcmpl-1","choices":[]}})");
  job.row = R"({"custom_id":"q-1","method":"POST","url":"/v1/chat/completions","body":{}})";
  std::string line;
  ASSERT_TRUE(AppendBatchLine(line, job));
  const json::Value read = json::Read(line).value();
  EXPECT_EQ(read.Find("custom_id").StringOr(""), "q-1");
  EXPECT_EQ(read.Find("response").Find("status_code").NumberText(), "200");
  EXPECT_EQ(read.Find("response").Find("body").Find("id").StringOr(""), "chatcmpl-1");

  job.state = JobState::kFailed;
  job.error = "timeout";
  line.clear();
  ASSERT_TRUE(AppendBatchLine(line, job));
  const json::Value failed = json::Read(line).value();
  EXPECT_EQ(failed.Find("error").Find("error").Find("type").StringOr(""), "timeout");
  EXPECT_EQ(failed.Find("response").Find("status_code").NumberText(), "500");

  job.error = "http_429";
  line.clear();
  ASSERT_TRUE(AppendBatchLine(line, job));
  const json::Value refused = json::Read(line).value();
  EXPECT_EQ(refused.Find("response").Find("status_code").NumberText(), "429");
}

TEST(JobsLines, WhatIsNoBatchIsNotWrittenAsOne) {
  std::string line;
  const Result<void> no_request = AppendBatchLine(line, Done(R"({"batch":{}})"));
  ASSERT_FALSE(no_request);
  EXPECT_NE(no_request.error().message.find("job 12 (row a)"), std::string::npos);
  JobInfo other = Done(R"({"answer":"4"})");
  other.row = R"({"custom_id":"q-1","body":{}})";
  EXPECT_FALSE(AppendBatchLine(line, other));
  EXPECT_EQ(line, "");
}

}  // namespace
}  // namespace weir::cli
