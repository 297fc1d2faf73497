#include "weir/engine/choose_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/engine/answers.h"
#include "weir/engine/answers_testing.h"
#include "weir/wire/codec.h"
#include "weir/wire/wire_testing.h"

namespace weir::engine {
namespace {

using model::Api;
using model::Choice;
using model::Degradation;
using model::Reply;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

auto TextIs(const std::string& text) { return Field(&Choice::text, text); }

// Four candidates; "best" is the likeliest in the mean, although "short" has the highest sum.
Reply FourCandidates() {
  Reply reply = ReplyOf({Likely({{"worst", 0.1}, {".", 0.2}}, 0), Likely({{"short", 0.6}}, 1),
                         Likely({{"be", 0.9}, {"st", 0.9}, {".", 0.7}, {"", 0.7}}, 2),
                         Likely({{"middle", 0.5}, {".", 0.5}}, 3)});
  return reply;
}

class ChooseTest : public testing::Test {
 protected:
  ChooseTest() { call_ = wire::SimpleCall(); }

  std::unique_ptr<model::Engine> Choosing(Result<Reply> reply) {
    next_ = std::make_shared<ReplyingEngine>(std::deque{std::move(reply)});
    return NewChooseEngine(next_);
  }
  Result<Reply> Call(Result<Reply> reply) {
    const auto engine = Choosing(std::move(reply));
    return loop_.Run(engine->Call(ctx_, call_));
  }
  const model::Sampling& asked() const { return next_->asked.at(0).sampling; }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  model::Call call_;
  std::shared_ptr<ReplyingEngine> next_;
};

// R-SMP-02.
TEST_F(ChooseTest, TheLikeliestCandidateIsTheReplyAndTheOthersAreThere) {
  call_.sampling.best_of = 4;
  const Result<Reply> reply = Call(FourCandidates());
  ASSERT_TRUE(reply);
  EXPECT_THAT(reply->choices, ElementsAre(TextIs("best.")));
  EXPECT_THAT(reply->others, ElementsAre(TextIs("short"), TextIs("middle."), TextIs("worst.")));
  EXPECT_EQ(reply->choices[0].index, 0);
  EXPECT_EQ(reply->others[2].index, 3);
  EXPECT_THAT(reply->choices[0].tokens, IsEmpty());
  EXPECT_THAT(reply->others[0].tokens, IsEmpty());
  EXPECT_FALSE(reply->choices[0].confidence);
  EXPECT_EQ(reply->usage.total_tokens, 14);
  EXPECT_THAT(reply->info.degradations, IsEmpty());
  EXPECT_EQ(asked().n, 4);
  EXPECT_EQ(asked().logprobs, 0);
  EXPECT_FALSE(asked().best_of);
}

TEST_F(ChooseTest, SeveralOfManyAreNumberedAnew) {
  call_.sampling.best_of = 4;
  call_.sampling.n = 2;
  const Result<Reply> reply = Call(FourCandidates());
  EXPECT_THAT(reply->choices, ElementsAre(TextIs("best."), TextIs("short")));
  EXPECT_EQ(reply->choices[1].index, 1);
  EXPECT_EQ(reply->others.size(), 2U);
}

TEST_F(ChooseTest, TokensStayForWhomAskedForThem) {
  call_.sampling.best_of = 4;
  call_.sampling.logprobs = 3;
  const Result<Reply> reply = Call(FourCandidates());
  EXPECT_EQ(reply->choices[0].tokens.size(), 4U);
  EXPECT_EQ(asked().logprobs, 3);
  call_.sampling.logprobs.reset();
  call_.confidence.report = true;
  const Result<Reply> sure = Call(FourCandidates());
  EXPECT_EQ(sure->choices[0].tokens.size(), 4U);
  EXPECT_THAT(sure->others[1].confidence->mean, DoubleEq(0.5));
}

TEST_F(ChooseTest, AnApiThatGivesOneAnswerIsAskedForEach) {
  next_ = std::make_shared<ReplyingEngine>(std::deque<Result<Reply>>{
      ReplyOf({Likely({{"worst", 0.1}})}), ReplyOf({Likely({{"best", 0.9}})}),
      ReplyOf({Likely({{"middle", 0.5}})})});
  const auto engine = NewChooseEngine(next_, false);
  call_.sampling.best_of = 3;
  call_.sampling.seed = 7;
  const Result<Reply> reply = loop_.Run(engine->Call(ctx_, call_));
  ASSERT_TRUE(reply);
  EXPECT_THAT(reply->choices, ElementsAre(TextIs("best")));
  EXPECT_THAT(reply->others, ElementsAre(TextIs("middle"), TextIs("worst")));
  EXPECT_EQ(reply->usage.completion_tokens, 12);
  ASSERT_EQ(next_->asked.size(), 3U);
  for (std::int64_t i = 0; i < 3; ++i) {
    const model::Sampling& sent = next_->asked[static_cast<std::size_t>(i)].sampling;
    EXPECT_FALSE(sent.n || sent.best_of);
    EXPECT_EQ(sent.seed, 7 + i);
    EXPECT_EQ(sent.logprobs, 0);
  }
}

TEST_F(ChooseTest, SeveralAnswersOfTheResponsesApiComeAsTheyWereAskedFor) {
  next_ = std::make_shared<ReplyingEngine>(std::deque<Result<Reply>>{
      ReplyOf({Likely({{"a", 1}})}), Fail(Code::kTimeout, "late"), ReplyOf({Likely({{"c", 1}})})});
  const auto engine = NewChooseEngine(next_);
  call_.api = Api::kResponses;
  call_.sampling.n = 3;
  const Result<Reply> reply = loop_.Run(engine->Call(ctx_, call_));
  ASSERT_TRUE(reply);
  EXPECT_THAT(reply->choices, ElementsAre(TextIs("a"), TextIs("c")));
  EXPECT_EQ(reply->choices[1].index, 1);
  EXPECT_THAT(reply->info.degradations,
              ElementsAre(Field(&Degradation::why, HasSubstr("3 answers were asked for, and 2"))));
  ASSERT_TRUE(loop_.Run(engine->Stream(ctx_, call_)));
  call_.sampling.n = 65;
  EXPECT_EQ(loop_.Run(engine->Call(ctx_, call_)).error().code, Code::kInvalidRequest);
}

TEST_F(ChooseTest, WhenNoneOfThemComesTheFirstErrorIsTold) {
  next_ = std::make_shared<ReplyingEngine>(std::deque<Result<Reply>>{
      Fail(Code::kTimeout, "late"), Fail(Code::kConnectionError, "away")});
  const auto engine = NewChooseEngine(next_, false);
  call_.sampling.n = 2;
  EXPECT_EQ(loop_.Run(engine->Call(ctx_, call_)).error().code, Code::kTimeout);
}

TEST_F(ChooseTest, AsManyAsAreWantedLeaveNothingToChoose) {
  call_.sampling.best_of = 4;
  call_.sampling.n = 4;
  const Result<Reply> reply = Call(FourCandidates());
  EXPECT_EQ(reply->choices.size(), 4U);
  EXPECT_EQ(reply->choices[0].text, "worst.");
  EXPECT_EQ(asked().n, 4);
  EXPECT_FALSE(asked().logprobs);
  EXPECT_FALSE(asked().best_of);
  call_.sampling.best_of = 1;
  call_.sampling.n.reset();
  ASSERT_TRUE(Call(ReplyOf({Likely({{"a", 1}})})));
  EXPECT_FALSE(asked().n);
}

TEST_F(ChooseTest, FewerThanAreWantedIsRefused) {
  call_.sampling.best_of = 2;
  call_.sampling.n = 3;
  const Result<Reply> reply = Call(FourCandidates());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kInvalidRequest);
  EXPECT_THAT(next_->asked, IsEmpty());
}

TEST_F(ChooseTest, WithoutLogprobsTheFirstStaysAndThatIsSaid) {
  Reply reply = FourCandidates();
  for (Choice& choice : reply.choices) choice.tokens.clear();
  call_.sampling.best_of = 4;
  const Result<Reply> got = Call(reply);
  EXPECT_THAT(got->choices, ElementsAre(TextIs("worst.")));
  ASSERT_EQ(got->info.degradations.size(), 1U);
  EXPECT_EQ(got->info.degradations[0].what, "best_of");
  EXPECT_THAT(got->info.degradations[0].why, HasSubstr("could not be ranked"));
}

TEST_F(ChooseTest, OneWithoutLogprobsIsTheLast) {
  Reply reply = FourCandidates();
  reply.choices[2].tokens.clear();
  call_.sampling.best_of = 4;
  const Result<Reply> got = Call(reply);
  EXPECT_EQ(got->text(), "short");
  EXPECT_EQ(got->others.back().text, "best.");
}

TEST_F(ChooseTest, AServerThatWritesFewerCandidatesIsTold) {
  call_.sampling.best_of = 4;
  const Result<Reply> reply = Call(ReplyOf({Likely({{"only", 0.5}})}));
  EXPECT_EQ(reply->text(), "only");
  ASSERT_EQ(reply->info.degradations.size(), 1U);
  EXPECT_EQ(reply->info.degradations[0].why, "4 candidates were asked for, and 1 came");
}

TEST_F(ChooseTest, AnEchoedPromptDoesNotRank) {
  call_ = wire::SimpleCall(Api::kCompletions);
  call_.sampling.best_of = 2;
  call_.echo = true;
  Reply reply = ReplyOf(
      {Likely({{"prompt", 0.9}, {" a", 0.1}}, 0), Likely({{"prompt", 0.1}, {" b", 0.2}}, 1)});
  reply.usage.prompt_tokens = 1;
  EXPECT_EQ(Call(reply)->text(), "prompt b");
}

TEST_F(ChooseTest, ConfidenceAsksForLogprobsAndIsFilledIn) {
  call_.confidence.report = true;
  const Result<Reply> reply = Call(ReplyOf({Likely({{"a", 0.5}, {"b", 0.125}})}));
  EXPECT_EQ(asked().logprobs, 0);
  EXPECT_FALSE(asked().n);
  EXPECT_DOUBLE_EQ(reply->choices[0].confidence->mean, 0.25);
  call_.confidence = {.threshold = 0.6};
  EXPECT_TRUE(Call(ReplyOf({Likely({{"a", 0.5}})}))->choices[0].confidence);
}

TEST_F(ChooseTest, WithoutLogprobsThereIsNoConfidenceAndThatIsSaid) {
  call_.confidence.report = true;
  const Result<Reply> reply = Call(ReplyOf({Choice{.text = "a"}}));
  EXPECT_FALSE(reply->choices[0].confidence);
  ASSERT_EQ(reply->info.degradations.size(), 1U);
  EXPECT_EQ(reply->info.degradations[0].what, "confidence");
}

// R-SMP-03: the server has ranked them.
TEST_F(ChooseTest, BeamsPassInTheirOrder) {
  call_.sampling.beam_width = 4;
  const Result<Reply> reply = Call(FourCandidates());
  EXPECT_EQ(reply->choices.size(), 4U);
  EXPECT_EQ(reply->choices[0].text, "worst.");
  EXPECT_THAT(reply->others, IsEmpty());
  EXPECT_EQ(asked().beam_width, 4);
  EXPECT_FALSE(asked().logprobs);
}

TEST_F(ChooseTest, OtherCallsPassAsTheyAre) {
  ASSERT_TRUE(Call(ReplyOf({Likely({{"a", 0.5}})})));
  EXPECT_FALSE(asked().logprobs);
}

TEST_F(ChooseTest, AStreamIsGatheredAndThatIsSaid) {
  call_.sampling.best_of = 4;
  const auto engine = Choosing(FourCandidates());
  const auto run = [](async::Context ctx, model::Engine& its,
                      const model::Call& call) -> async::Task<Result<Reply>> {
    WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream, co_await its.Stream(ctx, call));
    co_return co_await model::Collect(ctx, *stream);
  };
  const Result<Reply> reply = loop_.Run(run(ctx_, *engine, call_));
  ASSERT_TRUE(reply);
  EXPECT_THAT(reply->choices, ElementsAre(TextIs("best.")));
  EXPECT_EQ(reply->usage.total_tokens, 14);
  ASSERT_EQ(reply->info.degradations.size(), 1U);
  EXPECT_EQ(reply->info.degradations[0].what, "stream");
  EXPECT_TRUE(reply->info.degradations[0].routine);

  call_.sampling.best_of.reset();
  call_.confidence.report = true;
  EXPECT_FALSE(loop_.Run(run(ctx_, *engine, call_)));
  EXPECT_EQ(next_->streamed.at(0).sampling.logprobs, 0);
}

TEST_F(ChooseTest, AStreamKnowsAtItsEndHowSureItWas) {
  call_.confidence.report = true;
  Reply reply = ReplyOf({Likely({{"a", 0.5}, {"b", 0.5}}), Likely({{"c", 0.25}})});
  reply.choices[1].index = 1;
  class Streaming final : public model::Engine {
   public:
    explicit Streaming(Reply reply) : reply_(std::move(reply)) {}
    async::Task<Result<Reply>> Call(async::Context, const model::Call&) override {
      co_return reply_;
    }
    async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(async::Context,
                                                                    const model::Call&) override {
      co_return NewBufferedStream(reply_);
    }
    async::Task<Result<model::EngineInfo>> Describe(async::Context) override {
      co_return model::EngineInfo();
    }

   private:
    const Reply reply_;
  };
  const auto engine = NewChooseEngine(std::make_shared<Streaming>(reply));
  const auto run = [](async::Context ctx, model::Engine& its,
                      const model::Call& call) -> async::Task<Result<Reply>> {
    WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream, co_await its.Stream(ctx, call));
    EXPECT_THAT(stream->info().confidences, IsEmpty());
    co_return co_await model::Collect(ctx, *stream);
  };
  const Result<Reply> collected = loop_.Run(run(ctx_, *engine, call_));
  ASSERT_TRUE(collected);
  ASSERT_EQ(collected->choices.size(), 2U);
  ASSERT_TRUE(collected->choices[0].confidence);
  EXPECT_DOUBLE_EQ(collected->choices[0].confidence->mean, 0.5);
  ASSERT_TRUE(collected->choices[1].confidence);
  EXPECT_DOUBLE_EQ(collected->choices[1].confidence->mean, 0.25);
  EXPECT_THAT(collected->info.confidences, IsEmpty());
}

TEST_F(ChooseTest, WhoCannotSendSeveralSaysWhatForTheyWere) {
  call_.sampling.best_of = 4;
  const Result<Reply> reply = Call(Fail(Code::kUnsupportedParam, "the Responses API has no n"));
  EXPECT_EQ(reply.error().message,
            "the Responses API has no n; best_of asks for its candidates with n");
}

// What stands on the wire, in every dialect.
struct OnTheWire {
  Api api;
  std::string_view dialect;
  std::string_view body;
};

const OnTheWire kBestOf[] = {
    {Api::kChat, "vllm-0.6", R"("n":3,"logprobs":true,"top_logprobs":0})"},
    {Api::kChat, "vllm-0.10", R"("n":3,"logprobs":true,"top_logprobs":0})"},
    {Api::kChat, "vllm-0.12", R"("n":3,"logprobs":true,"top_logprobs":0})"},
    {Api::kChat, "vllm-latest", R"("n":3,"logprobs":true,"top_logprobs":0})"},
    {Api::kChat, "openai", R"("n":3,"logprobs":true,"top_logprobs":0})"},
    {Api::kCompletions, "vllm-0.6", R"("n":3,"logprobs":0})"},
    {Api::kCompletions, "vllm-0.10", R"("n":3,"logprobs":0})"},
    {Api::kCompletions, "vllm-0.12", R"("n":3,"logprobs":0})"},
    {Api::kCompletions, "vllm-latest", R"("n":3,"logprobs":0})"},
    {Api::kCompletions, "openai", R"("n":3,"logprobs":0})"},
};

TEST_F(ChooseTest, CandidatesAreAskedForWithTheseBytes) {
  for (const OnTheWire& c : kBestOf) {
    call_ = wire::SimpleCall(c.api);
    call_.sampling.best_of = 3;
    ASSERT_TRUE(Call(ReplyOf({Likely({{"a", 0.5}})})));
    const auto sent =
        wire::EncodeRequest(next_->asked.at(0), {.dialect = *wire::DialectByName(c.dialect)});
    ASSERT_TRUE(sent) << c.dialect;
    const std::string head = c.api == Api::kChat
                                 ? R"({"model":"m","messages":[{"role":"user","content":"hi"}],)"
                                 : R"({"model":"m","prompt":"hi",)";
    EXPECT_EQ(sent->body, head + std::string(c.body)) << c.dialect;
    EXPECT_THAT(sent->degradations, IsEmpty()) << c.dialect;
  }
}

const OnTheWire kBeams[] = {
    {Api::kChat, "vllm-0.6", R"("n":3,"use_beam_search":true})"},
    {Api::kChat, "vllm-0.10", R"("n":3,"use_beam_search":true})"},
    {Api::kChat, "vllm-0.12", R"("n":3,"use_beam_search":true})"},
    {Api::kCompletions, "vllm-latest", R"("n":3,"use_beam_search":true})"},
};

TEST_F(ChooseTest, BeamsAreAskedForWithTheseBytes) {
  for (const OnTheWire& c : kBeams) {
    call_ = wire::SimpleCall(c.api);
    call_.sampling.beam_width = 3;
    ASSERT_TRUE(Call(FourCandidates()));
    const auto sent =
        wire::EncodeRequest(next_->asked.at(0), {.dialect = *wire::DialectByName(c.dialect)});
    ASSERT_TRUE(sent) << c.dialect;
    EXPECT_THAT(sent->body, testing::EndsWith(c.body)) << c.dialect;
  }
  const auto old =
      wire::EncodeRequest(next_->asked.at(0), {.dialect = wire::DialectOfVersion("0.6.2")});
  EXPECT_THAT(old->body, testing::EndsWith(R"("n":3,"best_of":3,"use_beam_search":true})"));
  const auto openai =
      wire::EncodeRequest(next_->asked.at(0), {.dialect = *wire::DialectByName("openai")});
  EXPECT_EQ(openai.error().code, Code::kUnsupportedParam);
}

}  // namespace
}  // namespace weir::engine
