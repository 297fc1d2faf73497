#include "weir/flow/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

Finished Answer(std::size_t pass, std::uint64_t row, std::string_view json = "{\"a\":1.50}") {
  return {.pass = pass, .row = row, .node = 3, .outcome = *json::Read(json)};
}

Finished Whole() {
  Finished finished = Answer(1, 70'000);
  finished.child = "2.0";
  finished.origin = 69'999;
  finished.prompt_tokens = 12;
  finished.completion_tokens = 300'000;
  finished.cached_tokens = 0;
  finished.cost = 0.00125;
  finished.agents = {.ended = 2, .turns = 300, .tool_calls = 7, .denied = 1};
  finished.confidences = {0.1, 1, 0};
  finished.thoughts = json::Value::Of("because");
  return finished;
}

Finished FailedNode() {
  Finished finished = Answer(0, 5);
  finished.outcome = Error{.code = Code::kContextLength,
                           .message = "too long",
                           .http_status = 400,
                           .retry_after = std::chrono::milliseconds(250),
                           .cause = "8193 tokens"};
  return finished;
}

void ExpectSame(const Finished& a, const Finished& b) {
  EXPECT_EQ(a.pass, b.pass);
  EXPECT_EQ(a.row, b.row);
  EXPECT_EQ(a.child, b.child);
  EXPECT_EQ(a.node, b.node);
  EXPECT_EQ(a.origin, b.origin);
  EXPECT_EQ(a.prompt_tokens, b.prompt_tokens);
  EXPECT_EQ(a.completion_tokens, b.completion_tokens);
  EXPECT_EQ(a.cached_tokens, b.cached_tokens);
  EXPECT_EQ(a.cost, b.cost);
  EXPECT_EQ(a.agents, b.agents);
  EXPECT_EQ(a.confidences, b.confidences);
  EXPECT_EQ(json::Write(a.thoughts), json::Write(b.thoughts));
  ASSERT_EQ(a.outcome.index(), b.outcome.index());
  if (a.outcome.index() == 0) {
    EXPECT_EQ(json::Write(std::get<0>(a.outcome)), json::Write(std::get<0>(b.outcome)));
  } else {
    EXPECT_EQ(std::get<1>(a.outcome), std::get<1>(b.outcome));
  }
}

TEST(LedgerTest, WhatWasFinishedComesBack) {
  for (const Finished& finished : {Answer(0, 0), Answer(0, 1, "null"), Answer(9, 127, "\"text\""),
                                   Answer(0, ~0ULL, "[[],{}]"), Whole(), FailedNode()}) {
    const Result<Finished> read = DecodeFinished(EncodeFinished(finished));
    ASSERT_TRUE(read) << read.error().message;
    ExpectSame(finished, *read);
  }
}

TEST(LedgerTest, WhatHasNoFiguresIsWrittenAsItAlwaysWas) {
  constexpr std::string_view kOld(
      "\x00\xac\x02\x01\x31\x02\x00\x16\x0c\x05\x00\x00\x00\x00\x00\x00\xd0\x3f{\"a\":1}", 25);
  const Result<Finished> read = DecodeFinished(kOld);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->completion_tokens, 5);
  EXPECT_EQ(read->cost, 0.25);
  EXPECT_EQ(read->agents, AgentStats());
  EXPECT_EQ(EncodeFinished(*read), kOld);
}

TEST(LedgerTest, ARecordOfALaterVersionIsRefused) {
  for (const char* flags : {"\x80\x02", "\x80\x80\x01"}) {
    EXPECT_FALSE(DecodeFinished(StrCat(std::string(5, '\0'), flags, "null"))) << flags;
  }
}

TEST(LedgerTest, EveryCodeOfAnErrorComesBack) {
  for (int code = 0; code <= static_cast<int>(Code::kInternal); ++code) {
    Finished finished = Answer(0, 0);
    finished.outcome = Error{.code = static_cast<Code>(code), .message = "m"};
    const Result<Finished> read = DecodeFinished(EncodeFinished(finished));
    ASSERT_TRUE(read);
    EXPECT_EQ(std::get<Error>(read->outcome).code, static_cast<Code>(code));
  }
}

TEST(LedgerTest, KeysInMessagesStayOutOfIt) {
  Finished finished = Answer(0, 0);
  finished.outcome = Error{.code = Code::kHttpStatus, .message = "refused: Bearer abcdef123456"};

  EXPECT_THAT(EncodeFinished(finished), testing::Not(HasSubstr("abcdef123456")));
}

TEST(LedgerTest, ANoteComesBack) {
  const Note note{.pass = 2,
                  .rows = 1'000'000,
                  .input_checksum = 0xFFFFFFFF,
                  .finished = true,
                  .outputs = {{"extract", {10, 1, 200, 200}}, {"errors", {1, 1, 5, 5}}},
                  .totals = "{\"rows\":7}"};

  const Result<Note> read = DecodeNote(EncodeNote(note));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, note);
}

TEST(LedgerTest, APayloadThatIsCutIsRefusedAtEveryByte) {
  for (const Finished& finished : {Whole(), FailedNode()}) {
    const std::string payload = EncodeFinished(finished);
    for (std::size_t size = 0; size < payload.size(); ++size) {
      EXPECT_FALSE(DecodeFinished(std::string_view(payload).substr(0, size))) << size;
    }
  }
  const std::string note = EncodeNote({.outputs = {{"a", {}}}, .totals = "{}"});
  for (std::size_t size = 0; size < note.size(); ++size) {
    EXPECT_FALSE(DecodeNote(std::string_view(note).substr(0, size))) << size;
  }
}

TEST(LedgerTest, OnlyWhatIsBehindTheLastNoteIsKept) {
  LedgerReader reader;
  ASSERT_TRUE(reader.Take(EncodeHeader(), kHeaderRecord));
  for (const std::uint64_t row : {0, 2, 1, 3}) {
    ASSERT_TRUE(reader.Take(EncodeFinished(Answer(0, row)), kFinishedRecord));
  }
  ASSERT_TRUE(reader.Take(EncodeNote({.rows = 1}), kNoteRecord));
  ASSERT_TRUE(reader.Take(EncodeFinished(Answer(0, 4)), kFinishedRecord));
  ASSERT_TRUE(reader.Take(EncodeNote({.rows = 3}), kNoteRecord));

  EXPECT_EQ((*reader.LastNote())->rows, 3U);
  const auto behind = reader.Behind();
  ASSERT_TRUE(behind);
  ASSERT_EQ(behind->size(), 2U);
  EXPECT_EQ((*behind)[0].row, 3U);
  EXPECT_EQ((*behind)[1].row, 4U);

  ASSERT_TRUE(reader.Take(EncodeNote({.pass = 1}), kNoteRecord));
  EXPECT_THAT(*reader.Behind(), IsEmpty());
}

TEST(LedgerTest, WhatIsNoLedgerIsRefused) {
  const std::pair<std::string, std::uint8_t> firsts[] = {
      {EncodeFinished(Whole()), kFinishedRecord},
      {"{\"format\":2}", kHeaderRecord},
      {"{\"format\"", kHeaderRecord},
      {"", kHeaderRecord},
  };
  for (const auto& [payload, type] : firsts) {
    LedgerReader reader;
    const Result<void> taken = reader.Take(payload, type);
    ASSERT_FALSE(taken) << payload;
    EXPECT_EQ(taken.error().code, Code::kIoError);
  }
  LedgerReader reader;
  ASSERT_TRUE(reader.Take(EncodeHeader(), kHeaderRecord));
  EXPECT_FALSE(reader.Take("", kNoteRecord));
  EXPECT_FALSE(reader.Take("\x01\x01{}", 9));
}

}  // namespace
}  // namespace weir::flow
