#include "weir/store/journal.h"

#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/store/failing_testing.h"
#include "weir/store/files.h"
#include "weir/store/journal_format.h"
#include "weir/store/journal_testing.h"

namespace weir::store {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;

class JournalTest : public testing::Test {
 protected:
  JournalTest() { fs::create_directories(folder_); }
  ~JournalTest() override { fs::remove_all(folder_); }

  void Put(std::string_view bytes) const {
    ASSERT_TRUE(ReplaceFile(path_, bytes, {.durable = false}));
  }
  std::string Bytes() const { return ReadFile(path_, 64 << 20)->value_or(""); }
  std::string OpenError(const JournalOptions& options = {}) const {
    const auto opened = OpenJournal(path_, options);
    if (opened) return "";
    EXPECT_EQ(opened.error().code, Code::kIoError);
    return opened.error().message;
  }

  fs::path folder_ =
      fs::temp_directory_path() / ("weir-journal-" + std::to_string(::getpid()) + "-" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
  std::string path_ = (folder_ / "ledger").string();
  FailingFileOps unsynced_{FailingOptions()};  // for tests that open many
};

// All kinds of lengths, and a payload that itself looks like a journal.
const std::vector<TestRecord> kRecords = {{1, "row 0"},
                                          {2, ""},
                                          {255, std::string(9, '\0')},
                                          {1, JournalBytes({{3, "inner"}})},
                                          {7, "z"}};

TEST_F(JournalTest, WhatWasAppendedIsReadInOrder) {
  for (const TestRecord& record : kRecords) {
    auto opened = OpenJournal(path_);
    ASSERT_TRUE(opened);
    ASSERT_TRUE(opened->journal.Append(record.type, record.payload));
    EXPECT_EQ(opened->journal.bytes(), fs::file_size(path_));
  }
  const auto opened = OpenJournal(path_);
  ASSERT_TRUE(opened);
  EXPECT_THAT(opened->records, ElementsAreArray(kRecords));
  EXPECT_EQ(opened->journal.cut_bytes(), 0U);
  EXPECT_EQ(Bytes(), JournalBytes(kRecords));
}

// docs/formats/journal.md
TEST_F(JournalTest, TheExampleOfTheFormatIsRight) {
  constexpr std::string_view kRecord("\1\0\0\0\1\xA9\x55\x62\x67\x61\x0F\x4F\x4E\x1B", 14);
  EXPECT_EQ(JournalBytes({{1, "a"}}), std::string("weir-journal 1\n").append(kRecord));
}

TEST_F(JournalTest, ARecordLongerThanOneReadIsReadWhole) {
  const std::vector<TestRecord> records = {
      {1, std::string(700'000, 'a')}, {2, "small"}, {3, std::string(300'000, 'b')}};
  Put(JournalBytes(records));
  const auto opened = OpenJournal(path_);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->records, records);
}

TEST_F(JournalTest, CutAnywhereItHasTheRecordsBeforeTheCut) {
  const std::string bytes = JournalBytes(kRecords);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    SCOPED_TRACE(cut);
    std::vector<TestRecord> expected;
    std::size_t whole = cut < kJournalHeader.size() ? 0 : kJournalHeader.size();
    for (const TestRecord& record : kRecords) {
      expected.push_back(record);
      const std::size_t end = JournalBytes(expected).size();
      if (end <= cut) whole = end;
      if (end > cut) expected.pop_back();
      if (end > cut) break;
    }
    Put(std::string_view(bytes).substr(0, cut));

    auto opened = OpenJournal(path_, {.ops = &unsynced_});
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->records, expected);
    EXPECT_EQ(opened->journal.cut_bytes(), cut - whole);
    ASSERT_TRUE(opened->journal.Append(9, "more"));
    expected.push_back({9, "more"});
    EXPECT_EQ(Bytes(), JournalBytes(expected));
  }
}

// A byte of the last record is one of a torn end; any other one is an error that changes nothing.
TEST_F(JournalTest, AnyFlippedByteIsDetected) {
  const std::string bytes = JournalBytes(kRecords);
  std::vector<TestRecord> all_but_one = kRecords;
  all_but_one.pop_back();
  const std::size_t last = JournalBytes(all_but_one).size();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int mask : {0x01, 0x80, 0xFF}) {
      SCOPED_TRACE(testing::Message() << "byte " << at << " mask " << mask);
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ mask);
      Put(damaged);

      const auto opened = OpenJournal(path_, {.ops = &unsynced_});
      if (at >= last) {
        ASSERT_TRUE(opened) << opened.error().message;
        EXPECT_EQ(opened->records, all_but_one);
      } else {
        EXPECT_FALSE(opened);
        EXPECT_EQ(Bytes(), damaged);
      }
    }
  }
}

TEST_F(JournalTest, ADamagedMiddleIsNamedWithItsPlaceAndTheWayOut) {
  std::string bytes = JournalBytes(kRecords);
  const std::size_t second = JournalBytes({kRecords[0]}).size();
  const std::size_t third = JournalBytes({kRecords[0], kRecords[1]}).size();
  bytes[second] ^= 1;
  Put(bytes);
  const std::string error = OpenError();
  EXPECT_THAT(error, HasSubstr("damaged at byte " + std::to_string(second)));
  EXPECT_THAT(error, HasSubstr("follows at byte " + std::to_string(third)));
  EXPECT_THAT(error, HasSubstr("1 records before"));
  EXPECT_THAT(error, HasSubstr("truncate -s " + std::to_string(second) + " " + path_));
}

TEST_F(JournalTest, ZerosAtTheEndAreCutOff) {
  const std::vector<TestRecord> records = {{1, "a"}};
  Put(JournalBytes(records) + std::string(100'000, '\0'));
  const auto opened = OpenJournal(path_);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->records, records);
  EXPECT_EQ(opened->journal.cut_bytes(), 100'000U);
}

TEST_F(JournalTest, ATornRecordThatHoldsAJournalIsCutOff) {
  std::string bytes = JournalBytes({{1, JournalBytes({{1, "inner"}, {1, "other"}}) + "tail"}});
  bytes.pop_back();
  Put(bytes);
  const auto opened = OpenJournal(path_);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_THAT(opened->records, IsEmpty());
}

TEST_F(JournalTest, AFileThatIsNoneIsRefusedAndKept) {
  for (const std::string_view other :
       {"x", "{\"row\":1}\n", "weir-journal 2\n", "weir-journal 10\nrecord", "weir-cassette 1\n"}) {
    Put(other);
    EXPECT_NE(OpenError(), "") << other;
    EXPECT_EQ(Bytes(), other);
  }
  Put("weir-journal 2\n");
  EXPECT_THAT(OpenError(), HasSubstr("another version than 1"));
}

TEST_F(JournalTest, WhatCannotBeOpenedIsAnError) {
  path_ = folder_.string();
  EXPECT_THAT(OpenError(), HasSubstr("cannot open"));
  path_ = (folder_ / "none/ledger").string();
  EXPECT_THAT(OpenError(), HasSubstr("cannot open"));
}

TEST_F(JournalTest, ARecordThatMayNotBeIsRefusedAndTheNextIsNot) {
  auto opened = OpenJournal(path_, {.max_record_bytes = 4});
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->journal.Append(0, "a").error().code, Code::kInvalidRequest);
  EXPECT_EQ(opened->journal.Append(1, "12345").error().code, Code::kInvalidRequest);
  EXPECT_TRUE(opened->journal.Append(1, "1234"));
  EXPECT_EQ(Bytes(), JournalBytes({{1, "1234"}}));
}

TEST_F(JournalTest, ARecordLongerThanTheLimitIsAnErrorAndNotATornEnd) {
  const std::string bytes = JournalBytes({{1, "1234"}, {1, "12345"}});
  Put(bytes);
  EXPECT_THAT(OpenError({.max_record_bytes = 4}), HasSubstr("has 5 bytes, and 4 are allowed"));
  EXPECT_EQ(Bytes(), bytes);
}

TEST_F(JournalTest, TheReaderOfRecordsCanEndIt) {
  const std::string bytes = JournalBytes(kRecords) + "torn";
  Put(bytes);
  const auto opened = Journal::Open(path_, {}, [](std::string_view, std::uint8_t type) {
    return type == 2 ? Result<void>(Fail(Code::kConfigError, "of another flow")) : Result<void>();
  });
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message, "of another flow");
  EXPECT_EQ(Bytes(), bytes);
}

TEST_F(JournalTest, ASecondWriterIsToldWhoTheFirstIs) {
  auto first = OpenJournal(path_);
  ASSERT_TRUE(first);
  const std::string error = OpenError();
  EXPECT_THAT(error, HasSubstr("in use by the process " + std::to_string(::getpid())));
  const auto none = [](std::string_view, std::uint8_t) { return Result<void>(); };
  bool in_use = false;
  EXPECT_FALSE(Journal::Open(path_, {}, none, &in_use));
  EXPECT_TRUE(in_use);
  in_use = false;
  EXPECT_FALSE(Journal::Open(folder_.string(), {}, none, &in_use)) << "a folder";
  EXPECT_FALSE(in_use);
  first = Fail(Code::kCancelled, "");
  EXPECT_EQ(OpenError(), "");
}

TEST_F(JournalTest, OneSyncIsForAllRecordsOfItsTime) {
  FailingFileOps ops{FailingOptions()};
  auto opened = OpenJournal(path_, {.sync_within = std::chrono::milliseconds(200), .ops = &ops});
  ASSERT_TRUE(opened);
  Journal& journal = opened->journal;
  const int before = ops.syncs();
  const TimePoint start = TimePoint() + std::chrono::hours(1);
  const auto syncs_at = [&](int millis) {
    EXPECT_TRUE(journal.SyncIfDue(start + std::chrono::milliseconds(millis)));
    return ops.syncs() - before;
  };

  EXPECT_EQ(journal.SyncDue(), kNever);
  EXPECT_EQ(syncs_at(0), 0) << "nothing was appended";
  ASSERT_TRUE(journal.Append(1, "a"));
  EXPECT_LE(journal.SyncDue(), start);
  EXPECT_EQ(syncs_at(1), 1) << "the first after a silence does not wait";
  EXPECT_EQ(journal.SyncDue(), kNever);
  ASSERT_TRUE(journal.Append(1, "b"));
  ASSERT_TRUE(journal.Append(1, "c"));
  EXPECT_EQ(journal.SyncDue(), start + std::chrono::milliseconds(201));
  EXPECT_EQ(syncs_at(200), 1);
  EXPECT_EQ(syncs_at(201), 2);
  EXPECT_EQ(syncs_at(900), 2);
  ASSERT_TRUE(journal.Append(1, "d"));
  ASSERT_TRUE(journal.Sync());
  EXPECT_EQ(syncs_at(1900), 3) << "Sync() had done it";
}

TEST_F(JournalTest, ManyThreadsAppendWholeRecords) {
  constexpr int kThreads = 4;
  constexpr int kEach = 200;
  {
    auto opened = OpenJournal(path_);
    ASSERT_TRUE(opened);
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&journal = opened->journal, t] {
        for (int i = 0; i < kEach; ++i) {
          EXPECT_TRUE(journal.Append(static_cast<std::uint8_t>(t + 1), std::to_string(i)));
          if (i % 50 == t) EXPECT_TRUE(journal.Sync());
        }
      });
    }
  }
  const auto opened = OpenJournal(path_);
  ASSERT_TRUE(opened) << opened.error().message;
  std::vector<int> next(kThreads + 1);
  for (const TestRecord& record : opened->records) {
    ASSERT_EQ(record.payload, std::to_string(next[record.type]++));
  }
  EXPECT_THAT(next, ElementsAre(0, kEach, kEach, kEach, kEach));
}

}  // namespace
}  // namespace weir::store
