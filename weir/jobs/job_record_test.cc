#include "weir/jobs/job_record.h"

#include <memory>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/flow/read.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::jobs {
namespace {

using testing::ElementsAre;
using namespace std::chrono_literals;

constexpr std::int64_t kNow = 1'700'000'000'000'000'000;  // 2023-11-14T22:13:20Z

Error Refused() { return {.code = Code::kHttpStatus, .message = "HTTP 503", .http_status = 503}; }

Error NoJson() { return {.code = Code::kInvalidJson, .message = "it ends in the middle"}; }

std::string ProviderNow(std::string_view engine) { return engine == "second" ? "ollama" : "vllm"; }

// After a switch: nobody here has made what was made before it.
std::string ProviderLater(std::string_view /*engine*/) { return "openai"; }

class JobRecordTest : public testing::Test {
 protected:
  void SetUp() override {
    auto flow = flow::ReadFlowText("nodes:\n  - step: say\n    user: '{{ n }}'\n", "flow.yaml");
    ASSERT_TRUE(flow) << flow.error().message;
    auto graph = flow::Graph::Compile(*std::move(flow));
    ASSERT_TRUE(graph) << graph.error().message;
    graph_ = std::make_unique<flow::Graph>(*std::move(graph));
    call_.prompt = "n";
  }

  // A call of "main" that took three seconds, and that `engine` answered after `before`.
  flow::AskedOnce AnsweredBy(std::string engine, std::vector<model::Attempt> before) {
    model::Reply reply;
    reply.info.engine = std::move(engine);
    reply.info.model = "m";
    reply.info.attempts = std::move(before);
    reply.choices.push_back({.text = "yes"});
    reply.usage = {.prompt_tokens = 10, .completion_tokens = 5};
    reply_ = std::move(reply);
    return Asked();
  }
  flow::AskedOnce Asked() const {
    return {.node = graph_->all().front(),
            .engine = "main",
            .call = &call_,
            .reply = &reply_,
            .took = 3s};
  }

  static std::vector<json::Value> Records(const flow::AskedOnce& asked) {
    std::vector<json::Value> records;
    for (const std::string& record : AttemptRecords(asked, ProviderNow, "v1", Numbers(), kNow)) {
      records.push_back(*json::Read(record));
    }
    return records;
  }

  static std::vector<std::string> TextsOf(const std::vector<json::Value>& records,
                                          std::string_view key) {
    std::vector<std::string> texts;
    texts.reserve(records.size());
    for (const json::Value& record : records) texts.emplace_back(record.Find(key).StringOr(""));
    return texts;
  }

  static void ExpectAnswerAtTheEnd(const std::vector<json::Value>& records) {
    for (std::size_t i = 0; i < records.size(); ++i) {
      const json::View record = records[i];
      const bool last = i + 1 == records.size();
      EXPECT_EQ(record.Find("attempt").AsInt64(), static_cast<std::int64_t>(i) + 1);
      EXPECT_EQ(record.Find("success").BoolOr(!last), last);
      EXPECT_EQ(record.Find("error").IsString(), !last);
      EXPECT_EQ(record.Find("raw_text").StringOr(""), last ? "yes" : "");
      EXPECT_EQ(record.Find("usage").Find("prompt_tokens").AsInt64().has_value(), last);
    }
  }

  std::unique_ptr<flow::Graph> graph_;
  model::Call call_;
  Result<model::Reply> reply_ = model::Reply();
};

TEST_F(JobRecordTest, ACallThatSucceedsAfterAFailedTryIsASuccess) {
  const auto records =
      Records(AnsweredBy("main", {{.error = Refused(), .duration = 1s, .waited = 500ms}}));
  ASSERT_EQ(records.size(), 2U);
  ExpectAnswerAtTheEnd(records);
  EXPECT_THAT(TextsOf(records, "error"), ElementsAre("http_503", ""));
  EXPECT_THAT(TextsOf(records, "engine"), ElementsAre("main", "main"));
  EXPECT_THAT(TextsOf(records, "started_at"),
              ElementsAre("2023-11-14T22:13:17.000Z", "2023-11-14T22:13:18.500Z"));
  EXPECT_EQ(records[1].Find("duration_ms").AsInt64(), 1500);
}

TEST_F(JobRecordTest, AnAnswerThatWasAskedForAgainIsASuccess) {
  const auto records =
      Records(AnsweredBy("main", {{.engine = "main", .error = NoJson(), .duration = 4s}}));
  ASSERT_EQ(records.size(), 2U);
  ExpectAnswerAtTheEnd(records);
  EXPECT_THAT(TextsOf(records, "error"), ElementsAre("invalid_json", ""));
  EXPECT_EQ(records[1].Find("duration_ms").AsInt64(), 0) << "no time is negative";
}

TEST_F(JobRecordTest, AnAnswerThatWasNotSureEnoughIsNotTheOneThatCounts) {
  const auto records = Records(AnsweredBy("main", {{.engine = "main", .duration = 1s}}));
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].Find("raw_text").StringOr("none"), "none");
  EXPECT_EQ(records[1].Find("raw_text").StringOr("none"), "yes");
}

TEST_F(JobRecordTest, ATryWithoutANameIsThatOfTheNextEngineThatIsNamed) {
  const auto records = Records(AnsweredBy(
      "second",
      {{.error = Refused()}, {.engine = "main", .error = NoJson()}, {.error = Refused()}}));
  ASSERT_EQ(records.size(), 4U);
  EXPECT_THAT(TextsOf(records, "engine"), ElementsAre("main", "main", "second", "second"));
  EXPECT_THAT(TextsOf(records, "provider"), ElementsAre("vllm", "vllm", "ollama", "ollama"));
}

TEST_F(JobRecordTest, NoTryBeginsBehindTheEndOfItsCall) {
  const auto records = Records(AnsweredBy("main", {{.error = Refused(), .duration = 9s}}));
  EXPECT_EQ(TextsOf(records, "started_at").back(), "2023-11-14T22:13:20.000Z");
}

TEST_F(JobRecordTest, AnEngineThatAnsweredForAnotherIsNamed) {
  const auto records = Records(AnsweredBy(
      "second", {{.engine = "main", .error = Refused(), .duration = 1s}, {.error = Refused()}}));
  ASSERT_EQ(records.size(), 3U);
  ExpectAnswerAtTheEnd(records);
  EXPECT_THAT(TextsOf(records, "engine"), ElementsAre("main", "second", "second"));
  EXPECT_THAT(TextsOf(records, "provider"), ElementsAre("vllm", "ollama", "ollama"));
}

TEST_F(JobRecordTest, ACallThatFailedHasItsError) {
  reply_ = std::unexpected<Error>(Refused());
  const auto records = Records(Asked());
  ASSERT_EQ(records.size(), 1U);
  EXPECT_THAT(TextsOf(records, "error"), ElementsAre("http_503"));
  EXPECT_FALSE(records[0].Find("success").BoolOr(true));
  EXPECT_EQ(records[0].Find("duration_ms").AsInt64(), 3000);
}

TEST_F(JobRecordTest, ACallThatFailedForGoodNamesEveryTryItsModelAndWhatWasPaid) {
  Error error = NoJson();
  model::CallTrail trail;
  trail.info.engine = "second";
  trail.info.model = "m";
  trail.info.attempts = {{.engine = "main", .error = Refused(), .duration = 1s}};
  trail.usage = {.prompt_tokens = 20, .completion_tokens = 9};
  error.trail = std::make_shared<const model::CallTrail>(std::move(trail));
  reply_ = std::unexpected<Error>(std::move(error));
  const auto records = Records(Asked());
  ASSERT_EQ(records.size(), 2U);
  EXPECT_THAT(TextsOf(records, "engine"), ElementsAre("main", "second"));
  EXPECT_THAT(TextsOf(records, "error"), ElementsAre("http_503", "invalid_json"));
  EXPECT_THAT(TextsOf(records, "model"), ElementsAre("", "m"));
  EXPECT_EQ(records[1].Find("duration_ms").AsInt64(), 2000);
  EXPECT_EQ(records[1].Find("usage").Find("completion_tokens").AsInt64(), 9);
}

TEST_F(JobRecordTest, WhatIsReadAgainAfterACrashIsWhatWasWrittenBeforeIt) {
  call_.constraint = model::Constraint{.kind = model::Constraint::Kind::kJsonSchema,
                                       .schema = *json::Read(R"({"type":"string"})")};
  const flow::AskedOnce asked =
      AnsweredBy("second", {{.engine = "main", .error = Refused(), .duration = 1s}});
  Metadata before;
  before.Add(asked, ProviderNow, "v1");
  Metadata after;
  for (const std::string& record : AttemptRecords(asked, ProviderNow, "v1", Numbers(), kNow)) {
    after.AddRecord(record);
  }
  const Assignment switched{.engine = "third", .provider = "openai", .model = "n"};
  EXPECT_EQ(after.Json(&switched, "d"), before.Json(&switched, "d"));
  const json::Value told = *json::Read(after.Json(&switched, "d"));
  EXPECT_EQ(told.Find("provider").StringOr(""), "ollama");
  EXPECT_EQ(told.Find("usage").Find("prompt_tokens").AsInt64(), 10);
  EXPECT_EQ(told.Find("prompt_hash").StringOr("").size(), 16U);
  EXPECT_EQ(told.Find("schema_hash").StringOr("").size(), 16U);

  // The next call, by somebody else, adds to it.
  after.Add(AnsweredBy("third", {}), ProviderLater, "v2");
  const json::Value both = *json::Read(after.Json(&switched, "d"));
  EXPECT_EQ(both.Find("provider").StringOr(""), "openai");
  EXPECT_EQ(both.Find("usage").Find("completion_tokens").AsInt64(), 10);
}

class AgentRecordTest : public JobRecordTest {
 protected:
  void Load(std::string_view submit) {
    auto flow = flow::ReadFlowText(
        StrCat("nodes:\n  - {agent: fix, system: You fix., user: 'Fix {{ n }}', tools: [read_file]",
               submit, "}\n"),
        "flow.yaml");
    ASSERT_TRUE(flow) << flow.error().message;
    graph_ = std::make_unique<flow::Graph>(*flow::Graph::Compile(*std::move(flow)));
  }
  // The record of a turn.
  json::Value Turn(std::vector<model::ToolCall> calls, std::string text = "") {
    model::Reply reply;
    reply.choices.push_back({.text = std::move(text), .tool_calls = std::move(calls)});
    reply_ = std::move(reply);
    flow::AskedOnce asked = Asked();
    asked.call = nullptr;
    Metadata metadata;
    metadata.Add(asked, ProviderNow, "v1");
    metadata_ = *json::Read(metadata.Json(nullptr, "d"));
    return Records(asked).front();
  }

  json::Value metadata_;
};

TEST_F(AgentRecordTest, ATurnThatCallsToolsHasItsCallsAsRawText) {
  Load("");
  const json::Value record = Turn({{.name = "read_file", .arguments = R"({"path":"a"})"},
                                   {.name = "read_file", .arguments = "no JSON"}},
                                  "I look.");
  const json::Value calls = *json::Read(record.Find("raw_text").StringOr(""));
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].Find("name").StringOr(""), "read_file");
  EXPECT_EQ(calls[0].Find("arguments").StringOr(""), R"({"path":"a"})");
  EXPECT_EQ(calls[1].Find("arguments").StringOr(""), "no JSON");
  EXPECT_EQ(record.Find("text").StringOr(""), "I look.");
  EXPECT_FALSE(record.Find("parsed").exists());
}

TEST_F(AgentRecordTest, WhatIsHandedInIsParsedOnceItObeysTheSchema) {
  Load(", submit: {type: object, required: [n], properties: {n: {type: integer}}}");
  const auto parsed = [&](std::string arguments) {
    const json::Value record = Turn({{.name = "submit_result", .arguments = std::move(arguments)}});
    EXPECT_NE(record.Find("raw_text").StringOr(""), "");
    const json::View value = record.Find("parsed");
    return value.exists() ? json::Write(value) : "none";
  };
  EXPECT_EQ(parsed(R"({"n":4})"), R"({"n":4})");
  EXPECT_EQ(parsed(R"({"m":4})"), "none");
}

TEST_F(AgentRecordTest, WhatIsHandedInAsATextIsParsedToo) {
  Load(", submit: {type: object, properties: {n: {type: integer}}}");
  EXPECT_EQ(json::Write(Turn({}, R"({"n":4})").Find("parsed")), R"({"n":4})");
  EXPECT_EQ(json::Write(Turn({}, R"({"name":"submit_result","arguments":{"n":5}})").Find("parsed")),
            R"({"n":5})");
  for (const char* words : {"", "It is done.", R"({"n":)"}) {
    EXPECT_FALSE(Turn({}, words).Find("parsed").exists()) << words;
  }
}

TEST_F(AgentRecordTest, HashesAreOfThePromptsOfTheFlowAndOfTheSubmission) {
  Load(", submit: {type: object, properties: {n: {type: integer}}}");
  const json::Value one = Turn({{.name = "read_file", .arguments = "{}"}});
  const json::Value other = Turn({{.name = "submit_result", .arguments = "{}"}});
  Load("");
  const json::Value usual = Turn({});
  for (const std::string_view key : {"prompt_hash", "schema_hash"}) {
    EXPECT_EQ(one.Find(key).StringOr("").size(), 16U) << key;
    EXPECT_EQ(one.Find(key).StringOr(""), other.Find(key).StringOr("")) << key;
    EXPECT_TRUE(metadata_.Find(key).IsString()) << key;
  }
  EXPECT_EQ(usual.Find("prompt_hash").StringOr(""), one.Find("prompt_hash").StringOr("none"));
  EXPECT_NE(usual.Find("schema_hash").StringOr(""), one.Find("schema_hash").StringOr(""));
  EXPECT_EQ(usual.Find("schema_hash").StringOr("").size(), 16U);
}

}  // namespace
}  // namespace weir::jobs
