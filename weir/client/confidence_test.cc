// Confidence from end to end: replies of a server with crafted log-probabilities, over a socket.

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/client/wiring.h"
#include "weir/engine/choose_engine.h"
#include "weir/engine/surety_engine.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/sim/sim_testing.h"

namespace weir::client {
namespace {

using model::Reply;
using testing::DoubleEq;

struct Written {
  std::string text;
  double logprob;
};

void WriteTokens(json::Writer& out, const std::vector<Written>& tokens) {
  out.BeginArray();
  for (const Written& token : tokens) {
    out.BeginObject();
    out.Field("token", token.text);
    out.Key("logprob");
    out.Double(token.logprob);
    out.Key("bytes");
    out.BeginArray();
    for (const char c : token.text) out.Int(static_cast<unsigned char>(c));
    out.EndArray();
    out.Key("top_logprobs");
    out.BeginArray();
    out.EndArray();
    out.EndObject();
  }
  out.EndArray();
}

// A reply of vLLM's chat API. `message` is the JSON of the members of its message.
std::string ChatReply(std::string_view message, const std::vector<Written>& tokens) {
  std::string logprobs;
  json::Writer out(logprobs);
  WriteTokens(out, tokens);
  return StrCat(R"({"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"sim-model",)",
                R"("choices":[{"index":0,"message":{"role":"assistant",)", message,
                R"(},"logprobs":{"content":)", logprobs,
                R"(},"finish_reason":"stop","stop_reason":null}],)",
                R"("usage":{"prompt_tokens":5,"total_tokens":9,"completion_tokens":4}})");
}

// A script whose answers are these bodies, one after the other.
std::string ScriptOf(const std::vector<std::string>& bodies) {
  std::string script;
  json::Writer out(script);
  out.BeginArray();
  for (const std::string& body : bodies) {
    out.BeginObject();
    out.Key("times");
    out.Int(1);
    out.Key("reply");
    out.BeginObject();
    out.Field("garbage", body);
    out.EndObject();
    out.EndObject();
  }
  out.EndArray();
  return script;
}

class ConfidenceTest : public testing::TestWithParam<const char*> {
 protected:
  void Serve(const std::string& script) {
    sim::SimOptions options = sim::InstantSim(script);
    options.dialect = *wire::DialectByName(GetParam());
    server_.emplace(std::move(options));
    const config::Config config = *config::Parse(
        StrCat("engines: {main: {base_url: ", server_->url(), "}}"), "weir.yaml", Env());
    transport_ = BuildTransport(config.engines.front(), Env());
    std::unique_ptr<model::Engine> http = *BuildEngine(config.engines.front(), *transport_, {});
    engine_ = engine::NewSuretyEngine(engine::NewChooseEngine(std::move(http)));
  }
  model::Confidence Sure(const model::Call& call) {
    const Result<Reply> reply = loop_.Run(engine_->Call(ctx_, call));
    if (!reply || !reply->choices[0].confidence) {
      ADD_FAILURE() << (reply ? "no confidence" : reply.error().message);
      return {};
    }
    return *reply->choices[0].confidence;
  }

  static model::Call Reporting() {
    model::Call call = sim::Ask("hi");
    call.confidence.report = true;
    return call;
  }

  std::optional<sim::SimServer> server_;
  async::Loop loop_;
  async::Context ctx_{loop_};
  std::unique_ptr<http::Client> transport_;
  std::unique_ptr<model::Engine> engine_;
};

TEST_P(ConfidenceTest, OfAReplyAndOfAFieldExactly) {
  Serve(ScriptOf(
      {ChatReply(R"("content":"{\"city\": \"Zürich\", \"days\": 3}")", {{R"({"city)", -0.5},
                                                                        {R"(": ")", -1.0},
                                                                        {"Z", -0.25},
                                                                        {"ü", -0.75},
                                                                        {R"(rich",)", -0.5},
                                                                        {R"( "days":)", -0.125},
                                                                        {" 3", -2.0},
                                                                        {"}", -0.0625},
                                                                        {"<|im_end|>", -7.0}})}));
  const model::Confidence sure = Sure(Reporting());
  EXPECT_EQ(sure.tokens, 8);
  EXPECT_THAT(sure.mean, DoubleEq(std::exp(-5.1875 / 8)));
  EXPECT_THAT(sure.p10, DoubleEq(std::exp(-2.0)));
  EXPECT_THAT(sure.lowest, DoubleEq(std::exp(-2.0)));
  ASSERT_EQ(sure.fields.size(), 2U);
  EXPECT_EQ(sure.fields[0].at, "/city");
  EXPECT_THAT(sure.fields[0].confidence, DoubleEq(std::exp(-0.5)));
  EXPECT_EQ(sure.fields[1].at, "/days");
  EXPECT_THAT(sure.fields[1].confidence, DoubleEq(std::exp(-2.0)));
}

// R-CNF-02.
TEST_P(ConfidenceTest, OfTheNameAndTheArgumentsOfACallExactly) {
  Serve(ScriptOf({ChatReply(
      R"("content":null,"tool_calls":[{"id":"c1","type":"function","function":{)"
      R"("name":"get_weather","arguments":"{\"city\": \"Paris\", \"at\": {\"hour\": 12}}"}}])",
      {{"<tool_call>", -9.0},
       {"\n{\"name\": \"", -0.5},
       {"get", -0.25},
       {"_weather", -1.25},
       {R"(", "arguments": {"city":")", -0.5},
       {"Paris", -0.125},
       {R"(","at":{"hour":)", -0.5},
       {"1", -3.0},
       {"2}}}", -1.0},
       {"\n</tool_call>", -9.0}})}));
  const model::Confidence sure = Sure(Reporting());
  ASSERT_EQ(sure.tools.size(), 1U);
  const model::ToolConfidence& tool = sure.tools[0];
  EXPECT_EQ(tool.name, "get_weather");
  EXPECT_THAT(*tool.of_name, DoubleEq(std::exp(-0.75)));
  ASSERT_EQ(tool.arguments.size(), 2U);
  EXPECT_EQ(tool.arguments[0].at, "/city");
  EXPECT_THAT(tool.arguments[0].confidence, DoubleEq(std::exp(-0.125)));
  EXPECT_EQ(tool.arguments[1].at, "/at/hour");
  EXPECT_THAT(tool.arguments[1].confidence, DoubleEq(std::exp(-2.0)));
  EXPECT_EQ(sure.tokens, 7);
}

TEST_P(ConfidenceTest, OfWhatTheSimulatorWritesWithTheseProbabilities) {
  Serve(R"([{match: {contains: hi}, times: 1, reply: {text: One two three., probability: 0.25}},
            {reply: {tool_calls: [{name: get_weather, arguments: {city: Paris}, probability: 0.5}],
                     probability: 0.75}}])");
  constexpr double kFloat = 1e-6;  // the simulator counts in float
  EXPECT_NEAR(Sure(Reporting()).mean, 0.25, kFloat);
  model::Call call = Reporting();
  call.tools = {{.name = "get_weather", .parameters = *json::Read(R"({"type":"object"})")}};
  call.tool_choice.kind = model::ToolChoice::Kind::kAuto;
  const model::Confidence sure = Sure(call);
  ASSERT_EQ(sure.tools.size(), 1U);
  EXPECT_NEAR(sure.tools[0].of_name.value_or(0), 0.5, kFloat);
  ASSERT_EQ(sure.tools[0].arguments.size(), 1U);
  EXPECT_EQ(sure.tools[0].arguments[0].at, "/city");
  EXPECT_NEAR(sure.tools[0].arguments[0].confidence, 0.75, kFloat);
}

// R-CNF-03, -05: one that is not sure is asked again, with another temperature and seed.
TEST_P(ConfidenceTest, AnUnsureReplyIsAskedAgainWithOtherSampling) {
  Serve(ScriptOf({ChatReply(R"("content":"maybe")", {{"maybe", -2.0}}),
                  ChatReply(R"("content":"surely")", {{"surely", -0.125}})}));
  model::Call call = sim::Ask("hi");
  call.confidence.threshold = 0.6;
  call.sampling.temperature = 0.5;
  call.sampling.seed = 7;
  const Result<Reply> reply = loop_.Run(engine_->Call(ctx_, call));
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->text(), "surely");
  EXPECT_EQ(reply->usage.total_tokens, 18);
  EXPECT_EQ(reply->info.attempts.size(), 1U);
  const std::string log = server_->Get("/sim/requests").body;
  const json::Value requests = *json::Read(log);
  std::vector<std::string> bodies;
  for (const json::View request : requests.items()) {
    if (request.Find("method").AsString() == "POST") {
      bodies.emplace_back(*request.Find("body").AsString());
    }
  }
  ASSERT_EQ(bodies.size(), 2U) << log;
  EXPECT_THAT(bodies[0], testing::HasSubstr(R"("temperature":0.5,"seed":7,)"));
  EXPECT_THAT(bodies[0], testing::HasSubstr(R"("logprobs":true,"top_logprobs":0)"));
  EXPECT_THAT(bodies[1], testing::HasSubstr(R"("temperature":0.8,"seed":8,)"));
}

// R-SMP-02, -03.
TEST_P(ConfidenceTest, BestOfIsTheLikeliestOfManyAndBeamsComeBestFirst) {
  Serve("[]");
  model::Call call = sim::Ask("hi");
  call.sampling.best_of = 4;
  call.sampling.max_tokens = 12;
  call.sampling.seed = 1;
  call.confidence.report = true;
  const Result<Reply> reply = loop_.Run(engine_->Call(ctx_, call));
  ASSERT_TRUE(reply) << reply.error().message;
  ASSERT_EQ(reply->choices.size(), 1U);
  ASSERT_EQ(reply->others.size(), 3U);
  double last = reply->choices[0].confidence->mean;
  for (const model::Choice& other : reply->others) {
    EXPECT_LE(other.confidence->mean, last);
    last = other.confidence->mean;
  }
  call = sim::Ask("hi");
  call.sampling.beam_width = 3;
  call.sampling.max_tokens = 6;
  const Result<Reply> beams = loop_.Run(engine_->Call(ctx_, call));
  ASSERT_TRUE(beams) << beams.error().message;
  EXPECT_EQ(beams->choices.size(), 3U);
}

INSTANTIATE_TEST_SUITE_P(Dialects, ConfidenceTest, testing::Values("vllm-0.10", "vllm-latest"),
                         [](const auto& info) {
                           return std::string(info.param) == "vllm-0.10" ? "Old" : "Latest";
                         });

}  // namespace
}  // namespace weir::client
