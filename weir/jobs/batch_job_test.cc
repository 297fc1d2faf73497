#include "weir/jobs/batch_job.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/http/conversation.h"
#include "weir/http/memory_testing.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::jobs {
namespace {

using namespace std::chrono_literals;
using async::Task;
using testing::ElementsAre;
using testing::HasSubstr;

std::string Request(std::string_view id) {
  return StrCat(R"({"custom_id":")", id,
                R"(","method":"POST","url":"/v1/completions","body":{"prompt":"hi"}})", "\n");
}

std::string Good(std::string_view id) {
  return wire::EncodeBatchResult(
      {.id = "1", .custom_id = std::string(id), .body = StrCat("\"of ", id, "\"")});
}

std::string Expired(std::string_view id) {
  return wire::EncodeBatchResult(
      {.id = "1",
       .custom_id = std::string(id),
       .error = wire::BatchError{.code = "batch_expired", .message = "late"}});
}

// A provider with one kind of batch; what it does wrong is told to it.
class Provider final : public http::Handler {
 public:
  Task<void> Handle(http::Exchange& exchange) override {
    const http::RequestHead& head = exchange.head();
    asked.push_back(StrCat(head.method, " ", head.target));
    const http::Headers headers{{"Retry-After", retry_after}};
    const std::string body = Answer(head.method, head.target, exchange.body());
    if (lost_) co_return exchange.Abort();
    (void)co_await exchange.Respond(status_, headers, body);
  }

  std::vector<std::string> asked;
  std::vector<std::string> uploads;
  std::vector<wire::BatchObject> batches;
  std::string retry_after = "0";
  int lost_creations = 0;    // whose answer does not come, though they were done
  int failed_creations = 0;  // that answer 503 and are not done
  int refused_creations = 0;
  int failed_looks = 0;
  std::vector<std::string> statuses = {"completed"};  // of a batch, look after look
  std::string output;
  std::string errors;

 private:
  std::string Answer(std::string_view method, std::string_view target, const std::string& body) {
    status_ = 200;
    lost_ = false;
    if (target == "/v1/files") {
      uploads.push_back(body);
      return R"({"id":"file-in","object":"file"})";
    }
    if (target == "/v1/files/file-out/content") return output;
    if (target == "/v1/files/file-bad/content") return errors;
    if (method == "POST" && target == "/v1/batches") return Create(body);
    if (target.starts_with("/v1/batches?")) {
      std::vector<std::string> items;
      for (auto one = batches.rbegin(); one != batches.rend(); ++one) {
        items.push_back(wire::EncodeBatch(*one));
      }
      return wire::EncodePage(items, "", "", false);
    }
    wire::BatchObject& batch = batches.back();
    if (target.ends_with("/cancel")) batch.status = "cancelling";
    if (method == "GET" && failed_looks-- > 0) return Status(503);
    if (method == "GET") {
      batch.status = statuses[std::min(looks_, statuses.size() - 1)];
      ++looks_;
    }
    if (batch.ended() && !output.empty()) batch.output_file_id = "file-out";
    if (batch.ended() && !errors.empty()) batch.error_file_id = "file-bad";
    return wire::EncodeBatch(batch);
  }

  std::string Create(const std::string& body) {
    if (failed_creations-- > 0) return Status(503);
    if (refused_creations-- > 0) return Status(400);
    const json::Value order = json::Read(body).value();
    wire::BatchObject& batch = batches.emplace_back();
    batch.id = StrCat("batch_", batches.size());
    batch.endpoint = order.Find("endpoint").StringOr("");
    batch.input_file_id = order.Find("input_file_id").StringOr("");
    batch.created_at = 1000;
    for (const auto& [key, value] : order.Find("metadata").members()) {
      batch.metadata.emplace(key, value.StringOr(""));
    }
    looks_ = 0;
    lost_ = lost_creations-- > 0;
    return wire::EncodeBatch(batch);
  }

  std::string Status(int code) {
    status_ = code;
    return R"({"error":{"message":"no","type":"t"}})";
  }

  int status_ = 200;
  bool lost_ = false;
  std::size_t looks_ = 0;
};

class BatchFilesTest : public testing::Test {
 public:
  BatchFilesTest() {
    std::string name = testing::TempDir() + "batch_job_XXXXXX";
    folder_ = ::mkdtemp(name.data());
    in_ = folder_ + "/in.jsonl";
    out_ = folder_ + "/out.jsonl";
  }
  ~BatchFilesTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string folder_;
  std::string in_;
  std::string out_;
};

class BatchJobTest : public BatchFilesTest {
 public:
  using Script = Task<void> (*)(BatchJobTest&);

  void Write(const std::string& path, std::string_view text) { std::ofstream(path) << text; }
  std::string ReadFile(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  void Begin(std::string_view requests) {
    Write(in_, requests);
    const BatchInput input = CheckBatchFile(in_).value();
    ASSERT_TRUE(input.problems.empty());
    state_ = {};
    state_.input = in_;
    state_.digest = input.digest;
    state_.requests = input.requests;
    state_.endpoint = input.endpoint;
    state_.rounds.push_back(NewRound(in_, input.requests, 1000));
  }

  // Runs `script` with a job of `state_`, on virtual time.
  void With(Script script) {
    auto run = [](BatchJobTest& test, Script what) -> Task<void> {
      http::ServerState server({}, test.provider_);
      async::TaskScope peers(test.ctx_);
      {
        const auto peer = [&test, &server](std::unique_ptr<http::ByteStream> stream, int) {
          return Converse(test.ctx_, server, std::move(stream));
        };
        http::Client client({}, std::make_unique<http::MemoryDialer>(peers, peer));
        const auto api =
            BatchApi::Make({.base_url = "http://provider/v1"}, client,
                           {.retry = {.max_retries = 1, .base_delay = 1s}, .pages = 3});
        BatchJob job(**api, test.out_, test.state_);
        test.job_ = &job;
        co_await what(test);
        test.state_ = job.state();
      }
      co_await peers.Join();
    };
    loop_.Run(run(*this, script));
  }

  static Task<void> Converse(async::Context ctx, http::ServerState& server,
                             std::unique_ptr<http::ByteStream> stream) {
    http::Conversation conversation(ctx, server, std::move(stream));
    co_await conversation.Run();
  }

  static Task<void> SubmitIt(BatchJobTest& test) {
    test.done_ = co_await test.job_->Submit(test.ctx_);
  }
  static Task<void> CollectIt(BatchJobTest& test) {
    test.done_ = co_await test.job_->Submit(test.ctx_);
    if (!test.done_) co_return;
    const auto waited = co_await test.job_->Wait(test.ctx_, test.watcher_);
    if (!waited) co_return test.Note(waited.error());
    test.ended_after_ = test.loop_.Now() - TimePoint();
    const auto collected = co_await test.job_->Collect(test.ctx_);
    if (!collected) co_return test.Note(collected.error());
    test.collected_ = *collected;
  }
  void Note(const Error& error) { done_ = Result<void>(std::unexpect, error); }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  Provider provider_;
  BatchState state_;
  BatchJob* job_ = nullptr;
  Result<void> done_;
  BatchJob::Collected collected_;
  Duration ended_after_{};
  BatchJob::Watcher watcher_;
};

TEST_F(BatchJobTest, TheOutputHasTheOrderOfTheInput) {
  Begin(Request("c") + Request("a") + "\n" + Request("b"));
  provider_.output = Good("a") + Good("b");
  provider_.errors = wire::EncodeBatchResult({.custom_id = "c", .status = 400});

  With(CollectIt);

  ASSERT_TRUE(done_.has_value()) << Describe(done_.error());
  EXPECT_EQ(ReadFile(out_), provider_.errors + Good("a") + Good("b"));
  EXPECT_EQ(collected_.counts.good, 2U);
  EXPECT_EQ(collected_.counts.failed, 1U);
  EXPECT_EQ(collected_.counts.missing, 0U);
  ASSERT_EQ(provider_.uploads.size(), 1U);
  EXPECT_THAT(provider_.uploads[0], HasSubstr(ReadFile(in_)));
  EXPECT_THAT(provider_.uploads[0], HasSubstr("filename=\"in.jsonl\""));
}

TEST_F(BatchJobTest, ALostAnswerToTheCreationDoesNotMakeTwoBatches) {
  Begin(Request("a"));
  provider_.lost_creations = 1;

  With(SubmitIt);

  ASSERT_TRUE(done_.has_value()) << Describe(done_.error());
  EXPECT_EQ(provider_.batches.size(), 1U);
  EXPECT_EQ(state_.last().batch_id, "batch_1");
  EXPECT_EQ(provider_.batches[0].metadata.at(kBatchKey), state_.last().key);
}

TEST_F(BatchJobTest, ACreationThatWasNotDoneIsAskedForAgain) {
  Begin(Request("a"));
  provider_.failed_creations = 2;

  With(SubmitIt);

  ASSERT_TRUE(done_.has_value()) << Describe(done_.error());
  EXPECT_EQ(provider_.batches.size(), 1U);
  EXPECT_THAT(provider_.asked,
              ElementsAre("POST /v1/files", "POST /v1/batches", "GET /v1/batches?limit=100",
                          "POST /v1/batches", "GET /v1/batches?limit=100", "POST /v1/batches"));
}

TEST_F(BatchJobTest, ARefusalIsNotAskedForAgain) {
  Begin(Request("a"));
  provider_.refused_creations = 1;
  With(SubmitIt);
  ASSERT_FALSE(done_.has_value());
  EXPECT_EQ(done_.error().http_status, 400);
  EXPECT_FALSE(state_.last().ordered);
  EXPECT_EQ(provider_.asked.size(), 2U);
}

// What a process that was killed behind each of these steps has left is gone on with.
TEST_F(BatchJobTest, WhoComesAfterAKillGoesOn) {
  Begin(Request("a"));
  provider_.output = Good("a");
  With(SubmitIt);
  const BatchState submitted = state_;
  struct Left {
    const char* name;
    bool file;
    bool ordered;
    bool batch;
    std::vector<std::string> asked;
  };
  const Left lefts[] = {
      {"uploaded", true, false, false, {"POST /v1/batches"}},
      {"ordered", true, true, false, {"GET /v1/batches?limit=100"}},
      {"created", true, true, true, {}},
  };
  for (const Left& left : lefts) {
    SCOPED_TRACE(left.name);
    state_ = submitted;
    state_.last().ordered = left.ordered;
    if (!left.batch) state_.last().batch_id = "";
    provider_.asked.clear();

    With(SubmitIt);

    ASSERT_TRUE(done_.has_value());
    EXPECT_EQ(provider_.asked, left.asked);
    const BatchState kept = ReadBatchState(out_).value().value();
    EXPECT_FALSE(kept.last().batch_id.empty());
  }
  EXPECT_EQ(provider_.uploads.size(), 1U);
}

TEST_F(BatchJobTest, TheServerSaysHowLongToWaitForTheNextLook) {
  Begin(Request("a"));
  provider_.output = Good("a");
  provider_.retry_after = "100";
  provider_.statuses = {"in_progress", "in_progress", "completed"};
  With(CollectIt);
  ASSERT_TRUE(done_.has_value()) << Describe(done_.error());
  EXPECT_GE(ended_after_, 200s);
}

TEST_F(BatchJobTest, WaitsGrowUpToTheLongest) {
  Begin(Request("a"));
  provider_.output = Good("a");
  provider_.statuses.assign(20, "in_progress");
  provider_.statuses.emplace_back("completed");
  With(CollectIt);
  ASSERT_TRUE(done_.has_value());
  EXPECT_GE(ended_after_, 9 * 60s);
  EXPECT_LE(ended_after_, 20 * 60s);
}

TEST_F(BatchJobTest, AServerThatIsAwayForAWhileEndsNoWait) {
  Begin(Request("a"));
  provider_.output = Good("a");
  provider_.failed_looks = 10;
  int missed = 0;
  watcher_.missed = [&](const Error& error) { missed += error.http_status == 503 ? 1 : 0; };
  With(CollectIt);
  ASSERT_TRUE(done_.has_value()) << Describe(done_.error());
  EXPECT_EQ(missed, 5) << "each look is two requests here";
}

TEST_F(BatchJobTest, AServerThatStaysAwayEndsTheWait) {
  Begin(Request("a"));
  provider_.failed_looks = 1000;
  With(CollectIt);
  ASSERT_FALSE(done_.has_value());
  EXPECT_EQ(done_.error().http_status, 503);
}

TEST_F(BatchJobTest, OnlyWhatIsMissingOfAnExpiredBatchIsSentAgain) {
  Begin(Request("a") + Request("b") + Request("c"));
  provider_.statuses = {"expired"};
  provider_.output = Good("b");
  provider_.errors = Expired("a");
  With(CollectIt);
  ASSERT_TRUE(done_.has_value()) << Describe(done_.error());
  EXPECT_EQ(collected_.counts.good, 1U);
  EXPECT_EQ(collected_.counts.missing, 2U);
  EXPECT_THAT(ReadFile(out_), HasSubstr(Expired("a") + Good("b")));
  EXPECT_THAT(ReadFile(out_), HasSubstr(R"("custom_id":"c","response":null)"));

  With([](BatchJobTest& test) -> Task<void> {
    EXPECT_EQ(test.job_->SendMissing(2000).value(), 2U);
    co_return;
  });
  provider_.statuses = {"completed"};
  provider_.output = Good("c") + Good("a");
  provider_.errors = "";
  With(CollectIt);

  ASSERT_TRUE(done_.has_value()) << Describe(done_.error());
  EXPECT_EQ(ReadFile(out_), Good("a") + Good("b") + Good("c"));
  EXPECT_EQ(provider_.batches.size(), 2U);
  EXPECT_THAT(provider_.uploads[1], HasSubstr(Request("a") + Request("c")));
  EXPECT_THAT(provider_.uploads[1], testing::Not(HasSubstr("\"b\"")));
  With([](BatchJobTest& test) -> Task<void> {
    EXPECT_FALSE(test.job_->SendMissing(2000).has_value()) << "nothing is missing any more";
    co_return;
  });
}

// A limit of the provider, for instance: what was collected before is there, and what is missing
// can be sent once more.
TEST_F(BatchJobTest, ARefusedRoundBehindAnotherIsForgotten) {
  const auto send_missing = [](BatchJobTest& test) -> Task<void> {
    EXPECT_EQ(test.job_->SendMissing(2000).value(), 1U);
    co_return;
  };
  const auto drop = [](BatchJobTest& test) -> Task<void> {
    EXPECT_EQ((co_await test.job_->DropRefused(test.ctx_)).value(), true);
  };
  for (const bool collected : {true, false}) {
    SCOPED_TRACE(collected ? "collected" : "sent again at once");
    Begin(Request("a") + Request("b"));
    provider_.statuses = {"expired"};
    provider_.output = Good("a");
    With(CollectIt);
    With(send_missing);
    provider_.statuses = {"failed"};
    provider_.output = "";
    With(SubmitIt);
    provider_.batches.back().errors.push_back({.code = "token_limit_exceeded", .message = "later"});
    if (collected) {
      With(CollectIt);
      ASSERT_FALSE(done_.has_value());
      EXPECT_THAT(done_.error().message, HasSubstr("token_limit_exceeded: later"));
      EXPECT_THAT(done_.error().message, HasSubstr("--resubmit-missing"));
    } else {
      With(drop);
    }
    EXPECT_TRUE(state_.collected);
    EXPECT_EQ(state_.rounds.size(), 1U);
    With(CollectIt);
    ASSERT_TRUE(done_.has_value()) << Describe(done_.error());
    EXPECT_EQ(collected_.counts.missing, 1U);
    With(send_missing);
    provider_.statuses = {"completed"};
    provider_.output = Good("b");
    With(CollectIt);
    ASSERT_TRUE(done_.has_value()) << Describe(done_.error());
    EXPECT_EQ(ReadFile(out_), Good("a") + Good("b"));
    std::filesystem::remove_all(BatchFolder(out_));
  }
}

TEST_F(BatchJobTest, AnOnlyRoundIsNotForgotten) {
  Begin(Request("a"));
  provider_.statuses = {"failed"};
  With(SubmitIt);
  With([](BatchJobTest& test) -> Task<void> {
    EXPECT_EQ((co_await test.job_->DropRefused(test.ctx_)).value(), false);
  });
  EXPECT_EQ(state_.rounds.size(), 1U);
}

TEST_F(BatchJobTest, AnswersAreNotMergedByOtherRequestsThanThoseThatWereSent) {
  Begin(Request("a") + Request("b"));
  const std::string sent = ReadFile(in_);
  provider_.output = Good("b") + Good("a");
  With(SubmitIt);
  for (const bool there : {true, false}) {
    if (there) {
      Write(in_, Request("a"));
    } else {
      std::filesystem::remove(in_);
    }
    With(CollectIt);
    ASSERT_FALSE(done_.has_value());
    EXPECT_EQ(done_.error().code, Code::kConfigError);
    EXPECT_THAT(done_.error().message, HasSubstr(in_));
    EXPECT_THAT(done_.error().message, HasSubstr("weir batch collect batch_1 -o FILE"));
    EXPECT_FALSE(std::filesystem::exists(out_));
    EXPECT_TRUE(state_.last().fetched) << "what was paid for is here";
  }
  Write(in_, sent);
  With(CollectIt);
  ASSERT_TRUE(done_.has_value()) << Describe(done_.error());
  EXPECT_EQ(ReadFile(out_), Good("a") + Good("b"));
}

TEST_F(BatchJobTest, ABatchThatWasRefusedSaysWhyAndWhere) {
  Begin(Request("a"));
  provider_.statuses = {"failed"};
  With(SubmitIt);
  provider_.batches[0].errors.push_back(
      {.code = "model_mismatch", .message = "two models", .param = {}, .line = 7});
  With(CollectIt);
  ASSERT_FALSE(done_.has_value());
  EXPECT_THAT(done_.error().message, HasSubstr("in.jsonl:7: model_mismatch: two models"));
  EXPECT_FALSE(std::filesystem::exists(out_));
}

TEST_F(BatchJobTest, TooLargeAFileIsNotSent) {
  Begin(Request("a"));
  With([](BatchJobTest& test) -> Task<void> {
    http::Client client({}, http::NewSystemDialer({}));
    const auto api = BatchApi::Make({}, client, {.max_file_bytes = 10});
    const auto sent = co_await (*api)->Upload(test.ctx_, test.in_, "in.jsonl");
    EXPECT_FALSE(sent.has_value());
    EXPECT_THAT(sent.error().message, HasSubstr("at most 10"));
  });
}

TEST_F(BatchFilesTest, MistakesAreToldByLine) {
  std::ofstream(in_) << Request("a") << "{\n" << Request("a");
  const BatchInput input = CheckBatchFile(in_).value();
  EXPECT_EQ(input.requests, 3U);
  const std::string told = TellProblems("in.jsonl", input.problems);
  EXPECT_THAT(told, HasSubstr("in.jsonl:2: invalid_json_line: "));
  EXPECT_THAT(told, HasSubstr("in.jsonl:3: duplicate_custom_id: "));
  EXPECT_EQ(CheckBatchFile(in_, {.max_requests = 2}).value().problems[0].code, "too_many_tasks");
  EXPECT_EQ(CheckBatchFile(in_, {.max_bytes = 20}).value().problems.back().code, "file_too_large");
  EXPECT_EQ(CheckBatchFile("/nowhere").error().code, Code::kConfigError);
}

TEST_F(BatchFilesTest, TheDigestIsOfEveryByte) {
  const auto digest = [&](std::string_view text) {
    std::ofstream(in_, std::ios::trunc) << text;
    return DigestFile(in_).value();
  };
  const std::string one = digest("ab\nc\n");
  EXPECT_EQ(digest("ab\nc\n"), one);
  for (const char* other : {"a\nbc\n", "ab\nd\n", "ab\n\nc\n", "abc\n", "ab\r\nc\n"}) {
    EXPECT_NE(digest(other), one) << other;
  }
}

TEST_F(BatchFilesTest, TheStateIsReadAsItWasWritten) {
  BatchState state;
  state.input = "in.jsonl";
  state.endpoint = "/v1/completions";
  state.metadata = {{"a", "b"}};
  state.engine = "e";
  state.rounds.push_back(NewRound("in.jsonl", 7, 12));
  state.last().ordered = true;
  ASSERT_TRUE(WriteBatchState(out_, state).has_value());
  const BatchState read = ReadBatchState(out_).value().value();
  EXPECT_EQ(read.endpoint, state.endpoint);
  EXPECT_EQ(read.metadata, state.metadata);
  EXPECT_EQ(read.last().key, state.last().key);
  EXPECT_EQ(read.last().requests, 7U);
  EXPECT_EQ(read.last().since, 12);
  EXPECT_TRUE(read.last().ordered);
  EXPECT_FALSE(read.collected);

  EXPECT_EQ(ReadBatchState(out_ + ".other").value(), std::nullopt);
  std::ofstream(BatchStatePath(out_), std::ios::trunc) << "{}";
  EXPECT_EQ(ReadBatchState(out_).error().code, Code::kConfigError);
}

TEST_F(BatchFilesTest, AnAnswerIsNotReplacedByItsAbsence) {
  std::ofstream(out_, std::ios::trunc) << Good("a") << "nonsense\n" << Expired("b");
  const std::string later = out_ + ".later";
  std::ofstream(later, std::ios::trunc) << Expired("a") << Good("b");
  BatchResults results;
  ASSERT_TRUE(results.Add(out_).has_value());
  EXPECT_FALSE(results.IsAnswered("b"));
  ASSERT_TRUE(results.Add(later).has_value());
  EXPECT_TRUE(results.IsAnswered("a") && results.IsAnswered("b"));
  EXPECT_FALSE(results.IsAnswered("c"));
  EXPECT_EQ(results.strays(), 1U);
  EXPECT_FALSE(results.Add("/nowhere").has_value());
}

}  // namespace
}  // namespace weir::jobs
