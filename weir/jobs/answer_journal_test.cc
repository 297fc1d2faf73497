#include "weir/jobs/answer_journal.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/store/failing_testing.h"

namespace weir::jobs {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint32_t kRow = 77;  // the checksum of some row

flow::Finished AnswerOf(JobId job, std::size_t node, std::string_view text) {
  flow::Finished finished;
  finished.row = static_cast<std::uint64_t>(job);
  finished.node = node;
  finished.input = kRow;
  finished.outcome = json::Value::Of(text);
  return finished;
}

class AnswerJournalTest : public testing::Test {
 protected:
  AnswerJournalTest() {
    char name[] = "/tmp/weir-answers-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~AnswerJournalTest() override { fs::remove_all(folder_); }

  std::unique_ptr<AnswerJournal> Open(const std::string& name, std::uint64_t segment = 16 << 20) {
    auto journal = AnswerJournal::Open({.folder = folder_, .name = name, .segment_bytes = segment});
    EXPECT_TRUE(journal) << journal.error().message;
    return *std::move(journal);
  }
  // What a kill leaves: the files of a journal as they are now.
  void Die(const std::string& name) {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      const std::string file = entry.path().filename().string();
      if (!file.starts_with(name)) continue;
      fs::copy_file(entry.path(), folder_ + "/dead-" + file, fs::copy_options::overwrite_existing);
    }
  }
  std::size_t Files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  std::string folder_;
};

TEST_F(AnswerJournalTest, AnotherWorkerFindsWhatOneWasAnswered) {
  const auto first = Open("a");
  const std::vector<std::string> attempts = {R"({"attempt":1})"};
  ASSERT_TRUE(first->Asked(AnswerOf(5, 0, "")));
  ASSERT_TRUE(first->Answered(AnswerOf(5, 0, "yes"), attempts));
  ASSERT_TRUE(first->Asked(AnswerOf(5, 1, "")));
  ASSERT_TRUE(first->Asked(AnswerOf(6, 0, "")));

  const auto second = Open("b");
  const Result<BegunBefore> found = second->Look(5, kRow);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->answers.size(), 1U);
  EXPECT_EQ(json::View(std::get<json::Value>(found->answers[0].outcome)).StringOr(""), "yes");
  EXPECT_THAT(found->attempts, ElementsAre(R"({"attempt":1})"));
  EXPECT_EQ(found->in_flight, 1);
  EXPECT_EQ(second->Look(6, kRow)->in_flight, 1);
  EXPECT_THAT(second->Look(7, kRow)->answers, IsEmpty());
}

TEST_F(AnswerJournalTest, AnAnswerOfAnotherRowIsNone) {
  const auto journal = Open("a");
  ASSERT_TRUE(journal->Answered(AnswerOf(5, 0, "yes"), {}));
  EXPECT_THAT(journal->Look(5, kRow + 1)->answers, IsEmpty());
}

TEST_F(AnswerJournalTest, AFailureIsAskedAgainButItsAttemptsAreKept) {
  const auto journal = Open("a");
  flow::Finished failed = AnswerOf(5, 0, "");
  failed.outcome = Error{.code = Code::kTimeout, .message = "too slow"};
  const std::vector<std::string> attempts = {R"({"attempt":1,"success":false})"};
  ASSERT_TRUE(journal->Asked(failed));
  ASSERT_TRUE(journal->Answered(failed, attempts));
  const Result<BegunBefore> found = journal->Look(5, kRow);
  EXPECT_THAT(found->answers, IsEmpty());
  EXPECT_EQ(found->attempts.size(), 1U);
  EXPECT_EQ(found->in_flight, 0);
}

TEST_F(AnswerJournalTest, AJobThatEndedIsForgottenEverywhere) {
  const auto dead = Open("a");
  ASSERT_TRUE(dead->Answered(AnswerOf(5, 0, "yes"), {}));
  const auto alive = Open("b");
  ASSERT_EQ(alive->Look(5, kRow)->answers.size(), 1U);
  const std::vector<JobId> ended = {5};
  ASSERT_TRUE(alive->Ended(ended));
  EXPECT_THAT(alive->Look(5, kRow)->answers, IsEmpty());
}

TEST_F(AnswerJournalTest, FilesGoWhenAllTheirJobsHaveEnded) {
  {
    const auto journal = Open("a", 200);
    std::vector<JobId> jobs;
    for (JobId job = 1; job <= 20; ++job) {
      ASSERT_TRUE(journal->Answered(AnswerOf(job, 0, std::string(50, 'x')), {}));
      jobs.push_back(job);
    }
    EXPECT_GT(Files(), 5U);
    ASSERT_TRUE(journal->Ended(jobs));
    EXPECT_LE(Files(), 2U);
  }
  EXPECT_EQ(Files(), 0U);
}

TEST_F(AnswerJournalTest, ADeadWorkersFilesGoOnceItsJobsAreOver) {
  const auto dead = Open("a");
  ASSERT_TRUE(dead->Answered(AnswerOf(5, 0, "yes"), {}));
  Die("a");
  const auto alive = Open("b");
  bool open = true;
  const auto is_open = [&](JobId) { return Result<bool>(open); };
  EXPECT_EQ(alive->Tidy(is_open).value_or(-1), 0);
  EXPECT_EQ(Open("c")->Look(5, kRow)->answers.size(), 2U);  // the dead one's and the live one's
  open = false;
  // The file of the worker that is alive stays, whatever its jobs are.
  EXPECT_EQ(alive->Tidy(is_open).value_or(-1), 1);
  EXPECT_EQ(dead->Look(5, kRow)->answers.size(), 1U);
}

TEST_F(AnswerJournalTest, AnEndThatWasTornIsNotThere) {
  const auto first = Open("a");
  ASSERT_TRUE(first->Answered(AnswerOf(5, 0, "yes"), {}));
  ASSERT_TRUE(first->Answered(AnswerOf(5, 1, "no"), {}));
  const std::string path = folder_ + "/a-0001.answers";
  const std::string whole = [&] {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();
  std::size_t least = 2;
  for (std::size_t bytes = whole.size(); bytes > 0; --bytes) {
    std::ofstream(folder_ + "/torn-0001.answers", std::ios::binary) << whole.substr(0, bytes);
    const auto second = Open("b");
    fs::rename(path, folder_ + "/hidden");
    const Result<BegunBefore> found = second->Look(5, kRow);
    fs::rename(folder_ + "/hidden", path);
    ASSERT_TRUE(found) << found.error().message;
    ASSERT_LE(found->answers.size(), least);
    least = found->answers.size();
  }
  EXPECT_EQ(least, 0U);
}

TEST_F(AnswerJournalTest, AFullDiskIsSaid) {
  int failures = 0;
  for (int at = 1; at <= 12; ++at) {
    store::FailingFileOps ops({.at = at, .until = 1000, .error = 28});
    auto journal = AnswerJournal::Open({.folder = folder_, .name = StrCat("f", at), .ops = &ops});
    if (!journal) {
      EXPECT_EQ(journal.error().code, Code::kIoError);
      ++failures;
      continue;
    }
    const Result<void> asked = (*journal)->Asked(AnswerOf(5, 0, ""));
    const Result<void> answered = (*journal)->Answered(AnswerOf(5, 0, "yes"), {});
    if (!answered) EXPECT_EQ(answered.error().code, Code::kIoError);
    failures += asked && answered ? 0 : 1;
    if (asked && answered) break;
  }
  EXPECT_GT(failures, 3);
}

TEST_F(AnswerJournalTest, WhoHasTheNameOfADeadOneLeavesItsFilesAlone) {
  const std::string old = folder_ + "/a-0003.answers";
  {
    const auto first = Open("x");
    ASSERT_TRUE(first->Answered(AnswerOf(5, 0, "yes"), {}));
  }
  fs::rename(folder_ + "/x-0001.answers", old);
  const auto second = Open("a", 100);
  const std::vector<JobId> ended = {6};
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(second->Answered(AnswerOf(6, 0, std::string(100, 'x')), {}));
  }
  ASSERT_TRUE(second->Ended(ended));
  EXPECT_TRUE(fs::exists(old));
  EXPECT_EQ(second->Look(5, kRow)->answers.size(), 1U);
}

TEST_F(AnswerJournalTest, ACallInFlightIsToldOfUntilItIsCounted) {
  const auto first = Open("a");
  ASSERT_TRUE(first->Asked(AnswerOf(5, 0, "")));
  const auto second = Open("b");
  EXPECT_EQ(second->Look(5, kRow)->in_flight, 1);
  EXPECT_EQ(second->Look(5, kRow)->in_flight, 1);
  ASSERT_TRUE(second->Counted(5, second->Look(5, kRow)->asked));
  EXPECT_EQ(second->Look(5, kRow)->in_flight, 0);
  EXPECT_EQ(Open("c")->Look(5, kRow)->in_flight, 0);
  ASSERT_TRUE(first->Asked(AnswerOf(5, 0, "")));
  EXPECT_EQ(second->Look(5, kRow)->in_flight, 1);
}

TEST_F(AnswerJournalTest, AnAnswerInTheNextFileIsOne) {
  const auto journal = Open("a", 1);
  ASSERT_TRUE(journal->Asked(AnswerOf(5, 0, "")));
  ASSERT_TRUE(journal->Answered(AnswerOf(5, 0, "yes"), {}));
  const Result<BegunBefore> found = journal->Look(5, kRow);
  EXPECT_EQ(found->in_flight, 0);
  EXPECT_EQ(found->answers.size(), 1U);
}

TEST_F(AnswerJournalTest, ADamagedFileHidesNothingElse) {
  const auto journal = Open("a");
  ASSERT_TRUE(journal->Answered(AnswerOf(5, 0, "yes"), {}));
  std::ofstream(folder_ + "/bad-0001.answers") << "no journal at all";
  const Result<BegunBefore> found = journal->Look(5, kRow);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->answers.size(), 1U);
  EXPECT_EQ(found->complaints.size(), 1U);
  EXPECT_THAT(journal->Look(5, kRow)->complaints, IsEmpty());
}

TEST_F(AnswerJournalTest, AFileThatCannotBeReadIsLeftToAPerson) {
  const auto dead = Open("a");
  ASSERT_TRUE(dead->Answered(AnswerOf(5, 0, "yes"), {}));
  ASSERT_TRUE(dead->Answered(AnswerOf(6, 0, "no"), {}));
  Die("a");
  const std::string damaged = folder_ + "/dead-a-0001.answers";
  constexpr int kInTheFirstRecord = 40;
  {
    std::fstream file(damaged, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(kInTheFirstRecord);
    file.put('\xEE');
  }
  const std::string newer = folder_ + "/newer-0001.answers";
  {
    constexpr std::uint8_t kTypeOfANewerWeir = 200;
    const auto keep_none = [](std::string_view, std::uint8_t) { return Result<void>(); };
    auto journal = store::Journal::Open(newer, {}, keep_none);
    ASSERT_TRUE(journal) << journal.error().message;
    ASSERT_TRUE(journal->Append(kTypeOfANewerWeir, "what was paid for"));
  }
  const auto alive = Open("b");
  const auto is_open = [](JobId) { return Result<bool>(false); };
  EXPECT_EQ(alive->Tidy(is_open).value_or(-1), 0);
  EXPECT_TRUE(fs::exists(damaged));
  EXPECT_TRUE(fs::exists(newer));
  EXPECT_EQ(alive->Look(5, kRow)->complaints.size(), 2U) << "which name the files";
}

TEST_F(AnswerJournalTest, TwoWorkersOfOneNameKeepFilesOfTheirOwn) {
  const auto first = Open("a");
  const auto second = AnswerJournal::Open({.folder = folder_, .name = "a"});
  // Another file is begun beside it, so both keep what they know.
  ASSERT_TRUE(second);
  ASSERT_TRUE((*second)->Answered(AnswerOf(9, 0, "mine"), {}));
  EXPECT_EQ(first->Look(9, kRow)->answers.size(), 1U);
}

}  // namespace
}  // namespace weir::jobs
