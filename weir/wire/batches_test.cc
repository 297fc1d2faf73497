#include "weir/wire/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/wire/batch_check.h"

namespace weir::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

BatchObject Sample() {
  BatchObject batch;
  batch.id = "batch_1";
  batch.endpoint = "/v1/completions";
  batch.input_file_id = "file-1";
  batch.status = "failed";
  batch.error_file_id = "file-2";
  batch.errors.push_back(
      {.code = "invalid_json_line", .message = "No.", .param = "url", .line = 7});
  batch.errors.push_back({.code = "empty_file", .message = "Nothing.", .param = {}, .line = {}});
  batch.counts = {.total = 3, .completed = 2, .failed = 1};
  batch.created_at = 100;
  batch.times = {{"expires_at", 200}, {"failed_at", 150}};
  batch.metadata = {{"a", "b\"c"}};
  return batch;
}

TEST(Batches, ABatchIsReadAsItWasWritten) {
  const BatchObject batch = DecodeBatch(EncodeBatch(Sample())).value();
  EXPECT_EQ(EncodeBatch(batch), EncodeBatch(Sample()));
  EXPECT_EQ(batch.errors[0].line, 7);
  EXPECT_EQ(batch.errors[1].line, std::nullopt);
  EXPECT_EQ(batch.times.at("failed_at"), 150);
  EXPECT_EQ(batch.metadata.at("a"), "b\"c");
  EXPECT_TRUE(batch.ended());
}

TEST(Batches, AFileIsReadAsItWasWritten) {
  const FileObject file{.id = "file-1",
                        .filename = "a.jsonl",
                        .purpose = "batch",
                        .bytes = 12,
                        .created_at = 5,
                        .expires_at = 9};
  EXPECT_EQ(EncodeFile(DecodeFile(EncodeFile(file)).value()), EncodeFile(file));
}

TEST(Batches, APageHasItsBatchesInOrder) {
  BatchObject second = Sample();
  second.id = "batch_2";
  const BatchPage page =
      DecodeBatchPage(EncodePage({EncodeBatch(Sample()), EncodeBatch(second)}, "1", "2", true))
          .value();
  ASSERT_EQ(page.batches.size(), 2U);
  EXPECT_EQ(page.batches[1].id, "batch_2");
  EXPECT_TRUE(page.more);
}

TEST(Batches, WhatIsNoAnswerOfTheApiIsAnError) {
  for (const std::string_view body : {"", "<html>", "[]", "{}", R"({"id":"a"})"}) {
    const auto batch = DecodeBatch(body);
    ASSERT_FALSE(batch.has_value()) << body;
    EXPECT_EQ(batch.error().code, Code::kProtocolError);
    EXPECT_FALSE(DecodeBatchPage(body).has_value()) << body;
  }
  EXPECT_FALSE(DecodeFile("{}").has_value());
}

TEST(Batches, AResultSaysWhoAnswered) {
  const auto verdict = [](const BatchResult& result) {
    return ReadBatchVerdict(Trim(EncodeBatchResult(result)));
  };
  const auto good = verdict({.id = "1", .custom_id = "a", .body = "{}"});
  EXPECT_TRUE(good->answered && good->good);
  EXPECT_EQ(good->custom_id, "a");
  const auto refused = verdict({.id = "1", .custom_id = "a", .status = 400});
  EXPECT_TRUE(refused->answered && !refused->good);
  const auto lost = verdict({.id = "1",
                             .custom_id = "a",
                             .error = BatchError{.code = "batch_expired", .message = "late"}});
  EXPECT_FALSE(lost->answered || lost->good);
  EXPECT_EQ(ReadBatchVerdict("{}"), std::nullopt);
  EXPECT_EQ(ReadBatchVerdict("{"), std::nullopt);
}

std::string Line(std::string_view custom_id, std::string_view url = "/v1/completions",
                 std::string_view body = R"({"model":"m"})") {
  return StrCat(R"({"custom_id":")", custom_id, R"(","method":"POST","url":")", url, R"(","body":)",
                body, "}");
}

struct Wrong {
  std::string line;
  std::string_view code;
};

TEST(BatchCheck, EachMistakeHasItsCodeAndLine) {
  const Wrong wrongs[] = {
      {"{", "invalid_json_line"},
      {"[1]", "invalid_json_line"},
      {R"({"method":"POST","url":"/v1/completions","body":{}})", "missing_required_parameter"},
      {R"({"custom_id":7,"method":"POST","url":"/v1/completions","body":{}})", "invalid_request"},
      {R"({"custom_id":"x","method":"GET","url":"/v1/completions","body":{}})", "invalid_method"},
      {Line("x", "/v1/completions", "[]"), "invalid_request"},
      {Line("x", "/v1/completions", R"({"stream":true})"), "invalid_request"},
      {Line("a"), "duplicate_custom_id"},
      {Line("x", "/v1/nothing"), "invalid_url"},
      {Line("x", "/v1/embeddings"), "url_mismatch"},
  };
  for (const Wrong& wrong : wrongs) {
    SCOPED_TRACE(wrong.line);
    BatchChecker checker({});
    EXPECT_EQ(checker.Add(Line("a")), "a");
    EXPECT_EQ(checker.Add(""), std::nullopt);
    EXPECT_EQ(checker.Add(wrong.line), std::nullopt);
    checker.Finish();
    ASSERT_EQ(checker.errors().size(), 1U);
    EXPECT_EQ(checker.errors()[0].code, wrong.code);
    EXPECT_EQ(checker.errors()[0].line, 3);
  }
}

TEST(BatchCheck, AGoodFileHasNoErrors) {
  BatchChecker checker({});
  EXPECT_EQ(checker.Add(Line("a")), "a");
  EXPECT_EQ(checker.Add(Line("b", "/v1/completions", R"({"model":"n"})")), "b");
  EXPECT_EQ(checker.Add(" \r"), std::nullopt);
  checker.Finish();
  EXPECT_TRUE(checker.errors().empty());
  EXPECT_EQ(checker.requests(), 2U);
  EXPECT_EQ(checker.endpoint(), "/v1/completions");
  EXPECT_EQ(checker.model(), "m");
  EXPECT_EQ(checker.mixed_models(), 2);
}

TEST(BatchCheck, LimitsAreOfTheWholeFile) {
  BatchChecker none({});
  none.Finish();
  ASSERT_EQ(none.errors().size(), 1U);
  EXPECT_EQ(none.errors()[0].code, "empty_file");

  BatchChecker many({.endpoint = "", .max_requests = 2, .max_errors = 2});
  for (const char* id : {"a", "b", "c"}) many.Add(Line(id));
  for (int i = 0; i < 5; ++i) many.Add("{");
  many.Finish();
  ASSERT_EQ(many.errors().size(), 3U);
  EXPECT_EQ(many.errors()[0].code, "too_many_tasks");
  EXPECT_THAT(many.errors()[0].message, HasSubstr("8 requests"));
  EXPECT_EQ(many.errors()[0].line, std::nullopt);
}

}  // namespace
}  // namespace weir::wire
