#include "weir/flow/history.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/flow/ledger.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/store/journal.h"

namespace weir::flow {
namespace {

// A ledger in a file, round by round.
class HistoryTest : public testing::Test {
 protected:
  HistoryTest() {
    Result<store::Journal> journal = store::Journal::Open(
        path_, {}, [](std::string_view, std::uint8_t) { return Result<void>(); });
    EXPECT_TRUE(journal);
    journal_.emplace(*std::move(journal));
    Append(kHeaderRecord, EncodeHeader());
  }
  ~HistoryTest() override { std::filesystem::remove(path_); }

  void Append(std::uint8_t type, const std::string& payload) {
    EXPECT_TRUE(journal_->Append(type, payload));
  }
  void Answered(std::uint64_t row, std::string_view text, int took) {
    Finished finished = Record(row, took);
    finished.outcome = json::Value::Of(text);
    Append(kFinishedRecord, EncodeFinished(finished));
  }
  void Failed(std::uint64_t row, int took) {
    Finished finished = Record(row, took);
    finished.outcome = Error{.code = Code::kHttpStatus, .message = "boom"};
    Append(kFinishedRecord, EncodeFinished(finished));
  }
  void Note(std::uint64_t rows) { Append(kNoteRecord, EncodeNote({.rows = rows})); }
  void EndRound() {
    ends_.push_back(journal_->bytes());
    Append(kAgainRecord, EncodeNote({}));
  }

  // As "ANSWER FAILURES TOOK".
  std::string Find(History& history, std::uint64_t row) const {
    const Result<const Past*> past = history.Find(0, row, "", 0);
    EXPECT_TRUE(past) << past.error().message;
    if (!past || *past == nullptr) return "nothing";
    const Past& known = **past;
    EXPECT_EQ(known.agents.turns, static_cast<std::uint64_t>(*known.prompt_tokens));
    EXPECT_EQ(known.confidences.size(), static_cast<std::size_t>(*known.prompt_tokens));
    const std::string answer =
        known.answer ? json::Write(std::get<json::Value>(known.answer->outcome)) : "none";
    return StrCat(answer, " ", known.failures, " ", *known.prompt_tokens);
  }
  History Open() const { return {store::SystemFileOps(), path_, ends_}; }

 private:
  static Finished Record(std::uint64_t row, int took) {
    Finished finished{.row = row};
    finished.prompt_tokens = took;
    finished.agents.ended = finished.agents.turns = static_cast<std::uint64_t>(took);
    finished.confidences.assign(static_cast<std::size_t>(took), 0.5);
    return finished;
  }

  const std::string path_ =
      StrCat(std::filesystem::temp_directory_path().string(), "/weir-history-", ::getpid());
  std::optional<store::Journal> journal_;
  std::vector<std::uint64_t> ends_;
};

TEST_F(HistoryTest, WhatARowTookIsNotAddedUpTwice) {
  for (const int took : {1, 2, 3}) {  // each with what came before
    Failed(0, took);
    Note(1);
    EndRound();
  }
  History history = Open();
  EXPECT_EQ(Find(history, 0), "none 3 3");
  EXPECT_EQ(Find(history, 1), "nothing");
}

TEST_F(HistoryTest, WhatWasSentBackHasTheNewAnswerAndTookBoth) {
  Answered(0, "old", 2);
  EndRound();
  Answered(0, "new", 3);
  EndRound();
  History history = Open();
  EXPECT_EQ(Find(history, 0), "\"new\" 0 3");
}

TEST_F(HistoryTest, ALaterRoundThatIsReadFirstStillCounts) {
  Answered(0, "first", 1);
  Note(1);
  Answered(1, "old", 1);
  Answered(2, "old", 1);
  Note(3);
  EndRound();
  Answered(1, "new", 2);
  Failed(2, 2);
  Note(3);
  EndRound();
  History history = Open();
  EXPECT_EQ(Find(history, 0), "\"first\" 0 1");
  EXPECT_EQ(Find(history, 1), "\"new\" 0 2");
  EXPECT_EQ(Find(history, 2), "none 1 2") << "the old answer is of another input";
}

}  // namespace
}  // namespace weir::flow
