#include "weir/jobs/job_answers.h"

#include <filesystem>
#include <memory>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/flow/read.h"
#include "weir/json/reader.h"

namespace weir::jobs {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr JobId kJob = 12;

class JobAnswersTest : public testing::Test {
 protected:
  JobAnswersTest() {
    char name[] = "/tmp/weir-answers-XXXXXX";
    folder_ = ::mkdtemp(name);
    journal_ = *AnswerJournal::Open({.folder = folder_, .name = "w"});
    auto flow = flow::ReadFlowText(
        "nodes:\n  - {agent: fix, user: fix it, tools: [read_file]}\n"
        "  - {step: say, user: '{{ fix }}'}\n",
        "flow.yaml");
    EXPECT_TRUE(flow) << flow.error().message;
    graph_ = std::make_unique<flow::Graph>(*flow::Graph::Compile(*std::move(flow)));
    answers_ = std::make_unique<JobAnswers>(
        loop_, *journal_,
        JobAnswers::Options{.folder = folder_,
                            .provider_of = [](std::string_view) { return std::string("vllm"); },
                            .variant = {},
                            .name_of = {},
                            .on_call = {}});
    answers_->Begin(kJob, {});
  }
  ~JobAnswersTest() override { std::filesystem::remove_all(folder_); }

  void BeginAgent(std::string child = "") {
    flow::Finished blank;
    blank.row = kJob;
    blank.child = std::move(child);
    blank.node = 0;
    ASSERT_TRUE(answers_->Asking(blank));
  }
  void Note(Result<model::Reply> reply, std::string_view row_id, const model::Call* call,
            std::size_t node) {
    ASSERT_TRUE(answers_->NoteCall({.row_id = row_id,
                                    .row = kJob,
                                    .node = graph_->all()[node],
                                    .engine = "e",
                                    .call = call,
                                    .reply = &reply,
                                    .took = {}}));
  }
  void TurnAnswered(std::string_view row_id = "a@1@12") {
    Note(model::Reply(), row_id, nullptr, 0);
  }
  void TurnFailed() { Note(Fail(Code::kStreamTruncated, "it broke"), "a@1@12", nullptr, 0); }
  void StepAnswered() { Note(model::Reply(), "a@1@12", &call_, 1); }

  // {attempt, turn} of each record; turn 0: it has none.
  std::vector<std::pair<std::int64_t, std::int64_t>> Numbered() const {
    std::vector<std::pair<std::int64_t, std::int64_t>> numbers;
    for (const std::string& attempt : answers_->At(kJob).attempts) {
      const json::Value record = *json::Read(attempt);
      numbers.emplace_back(record.Find("attempt").AsInt64().value_or(-1),
                           record.Find("turn").AsInt64().value_or(0));
    }
    return numbers;
  }

  std::string folder_;
  async::Loop loop_;
  std::unique_ptr<AnswerJournal> journal_;
  std::unique_ptr<flow::Graph> graph_;
  model::Call call_;
  std::unique_ptr<JobAnswers> answers_;
};

TEST_F(JobAnswersTest, TheTurnsOfAnAgentAreOneTry) {
  BeginAgent();
  for (int i = 0; i < 3; ++i) TurnAnswered();
  StepAnswered();
  EXPECT_THAT(Numbered(), ElementsAre(Pair(1, 1), Pair(1, 2), Pair(1, 3), Pair(2, 0)));
}

TEST_F(JobAnswersTest, ATurnThatFailedIsTriedAgain) {
  BeginAgent();
  TurnAnswered();
  TurnFailed();
  TurnAnswered();
  TurnAnswered();
  EXPECT_THAT(Numbered(), ElementsAre(Pair(1, 1), Pair(1, 2), Pair(2, 2), Pair(2, 3)));
}

TEST_F(JobAnswersTest, AnAgentThatBeginsAnewCountsItsTurnsAnew) {
  BeginAgent();
  TurnAnswered();
  TurnAnswered();
  BeginAgent();
  TurnAnswered();
  EXPECT_THAT(Numbered(), ElementsAre(Pair(1, 1), Pair(1, 2), Pair(2, 1)));
}

TEST_F(JobAnswersTest, AgentsOnChildrenOfARowAreApart) {
  BeginAgent("0");
  TurnAnswered("a@1@12.0");
  BeginAgent("1.0");
  TurnAnswered("a@1@12.1.0");
  TurnAnswered("a@1@12.0");
  BeginAgent("1.0");
  TurnAnswered("a@1@12.0");
  TurnAnswered("a@1@12.1.0");
  EXPECT_THAT(Numbered(), ElementsAre(Pair(1, 1), Pair(2, 1), Pair(1, 2), Pair(1, 3), Pair(3, 1)));
}

TEST_F(JobAnswersTest, RecordsOfAnEarlierClaimAreCountedOn) {
  BegunBefore before;
  before.attempts = {R"({"attempt":1,"turn":1})", R"({"attempt":1,"turn":2})"};
  answers_->Forget(kJob);
  answers_->Begin(kJob, std::move(before));
  StepAnswered();
  EXPECT_EQ(Numbered().back(), std::pair(std::int64_t{2}, std::int64_t{0}));
}

}  // namespace
}  // namespace weir::jobs
