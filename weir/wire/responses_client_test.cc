#include "weir/wire/responses_client.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/wire/responses_server.h"
#include "weir/wire/wire_testing.h"

namespace weir::wire {
namespace {

using model::Delta;
using model::Finish;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = EventDecoder::Kind;

struct Stream {
  model::Reply reply;
  bool finished = false;
  std::optional<Error> error;
};

Stream Collect(const std::vector<std::string>& events) {
  ResponsesDecoder decoder;
  model::Assembler assembler;
  Stream stream;
  Delta delta;
  for (const std::string& event : events) {
    const auto kind = decoder.Decode(event, delta);
    if (!kind) {
      stream.error = kind.error();
      break;
    }
    if (*kind == Kind::kDelta) assembler.Add(delta);
  }
  stream.finished = decoder.finished();
  stream.reply = std::move(assembler).Finish(decoder.info());
  return stream;
}

// Thoughts, text, two calls and the count of tokens, as our own server answers.
struct Answer {
  std::vector<Delta> deltas;
  model::Usage usage;
  model::ReplyInfo info;
  ResponsesEcho echo;
};

Answer SomeAnswer(Finish finish) {
  Answer answer;
  answer.deltas.resize(7);
  answer.deltas[0].reasoning = "I should ";
  answer.deltas[1].reasoning = "look.";
  answer.deltas[2].text = "Let me \"see\"";
  answer.deltas[3].text = " é\n";
  answer.deltas[4].tool_calls = {{0, "call_a", "look", ""}};
  answer.deltas[5].tool_calls = {{0, "", "", R"({"at": 1})"}};
  answer.deltas[6].tool_calls = {{1, "call_b", "wait", "{}"}};
  answer.deltas[6].finish = finish;
  for (Delta& delta : answer.deltas) delta.has_choice = true;
  answer.deltas[2].tokens = {{.text = "Let me \"see\"", .logprob = -0.5}};
  answer.usage.prompt_tokens = 11;
  answer.usage.completion_tokens = 7;
  answer.usage.total_tokens = 18;
  answer.usage.cached_tokens = 4;
  answer.usage.reasoning_tokens = 3;
  answer.info.id = "resp_9f0c";
  answer.info.model = "m";
  answer.info.created = 7;
  answer.echo.top_logprobs = 0;
  return answer;
}

void ExpectAnswer(const model::Reply& reply, Finish finish) {
  ASSERT_EQ(reply.choices.size(), 1U);
  const model::Choice& choice = reply.choices[0];
  EXPECT_EQ(choice.reasoning, "I should look.");
  EXPECT_EQ(choice.text, "Let me \"see\" é\n");
  const model::ToolCall look{"call_a", "look", R"({"at": 1})"};
  const model::ToolCall wait{"call_b", "wait", "{}"};
  EXPECT_THAT(choice.tool_calls, ElementsAre(look, wait));
  EXPECT_EQ(choice.finish, finish);
  EXPECT_EQ(choice.finish_text, model::FinishName(finish));
  ASSERT_EQ(choice.tokens.size(), 1U);
  EXPECT_EQ(choice.tokens[0].logprob, -0.5);
  EXPECT_EQ(reply.info.id, "resp_9f0c");
  EXPECT_EQ(reply.info.model, "m");
  EXPECT_EQ(reply.info.created, 7);
  EXPECT_EQ(reply.usage.prompt_tokens, 11);
  EXPECT_EQ(reply.usage.completion_tokens, 7);
  EXPECT_EQ(reply.usage.total_tokens, 18);
  EXPECT_EQ(reply.usage.cached_tokens, 4);
  EXPECT_EQ(reply.usage.reasoning_tokens, 3);
}

TEST(ResponsesClient, WholeReplyOfOurServerComesBack) {
  for (const Finish finish : {Finish::kToolCalls, Finish::kLength}) {
    Answer answer = SomeAnswer(finish);
    model::Assembler assembler;
    for (const Delta& delta : answer.deltas) assembler.Add(delta);
    model::Reply reply = std::move(assembler).Finish(answer.info);
    reply.usage = answer.usage;
    const auto decoded = DecodeResponse(EncodeResponse(reply, answer.echo, {}));
    ASSERT_TRUE(decoded) << Describe(decoded.error());
    ExpectAnswer(*decoded, finish);
  }
}

std::vector<std::string> EventsOfAnswer(Finish finish) {
  const Answer answer = SomeAnswer(finish);
  ResponsesEncoder encoder(answer.echo, {}, answer.info);
  std::string out;
  encoder.Begin(out);
  for (const Delta& delta : answer.deltas) encoder.Append(delta, out);
  encoder.AppendEnd(answer.usage, out);
  return EventsOf(out);
}

TEST(ResponsesClient, StreamOfOurServerComesBack) {
  for (const Finish finish : {Finish::kToolCalls, Finish::kLength}) {
    const Stream stream = Collect(EventsOfAnswer(finish));
    EXPECT_TRUE(stream.finished);
    EXPECT_FALSE(stream.error);
    ExpectAnswer(stream.reply, finish);
  }
}

TEST(ResponsesClient, StreamCutAtAnyEventIsNotFinishedAndHoldsABeginning) {
  const std::vector<std::string> events = EventsOfAnswer(Finish::kToolCalls);
  const std::string whole = "Let me \"see\" é\n";
  for (std::size_t end = 0; end < events.size(); ++end) {
    const Stream stream = Collect({events.begin(), events.begin() + static_cast<long>(end)});
    EXPECT_FALSE(stream.finished) << end;
    EXPECT_FALSE(stream.error) << end;
    EXPECT_TRUE(whole.starts_with(stream.reply.text())) << end;
  }
}

// Each event is left out in turn: what a server announces as done makes up for lost pieces.
TEST(ResponsesClient, LostPiecesOfCallsAreMadeUpForAtTheirEnd) {
  const std::vector<std::string> events = EventsOfAnswer(Finish::kToolCalls);
  for (std::size_t lost = 0; lost < events.size(); ++lost) {
    if (!events[lost].contains("function_call_arguments.delta")) continue;
    std::vector<std::string> rest = events;
    rest.erase(rest.begin() + static_cast<long>(lost));
    ExpectAnswer(Collect(rest).reply, Finish::kToolCalls);
  }
}

TEST(ResponsesClient, ServerThatOnlySaysWhatIsDoneIsUnderstood) {
  std::vector<std::string> done;
  for (const std::string& event : EventsOfAnswer(Finish::kToolCalls)) {
    if (event.contains("output_item.done") || event.contains("response.completed")) {
      done.push_back(event);
    }
  }
  EXPECT_EQ(done.size(), 5U);
  const Stream stream = Collect(done);
  EXPECT_TRUE(stream.finished);
  ExpectAnswer(stream.reply, Finish::kToolCalls);
}

TEST(ResponsesClient, AnAnswerThatStandsInTheLastEventAloneIsTaken) {
  std::vector<std::string> last;
  for (const std::string& event : EventsOfAnswer(Finish::kToolCalls)) {
    if (event.contains("response.completed")) last.push_back(event);
  }
  const Stream stream = Collect(last);
  EXPECT_TRUE(stream.finished);
  ExpectAnswer(stream.reply, Finish::kToolCalls);
}

TEST(ResponsesClient, CallsAreKnownByPlaceOrById) {
  const std::vector<std::string> by_place = {
      R"({"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"a","name":"f","arguments":""}})",
      R"({"type":"response.function_call_arguments.delta","output_index":0,"delta":"{"})",
      R"({"type":"response.function_call_arguments.delta","output_index":0,"delta":"}"})",
      R"({"type":"response.completed","response":{"status":"completed"}})"};
  const std::vector<std::string> by_id = {
      R"({"type":"response.output_item.added","item":{"type":"function_call","call_id":"fc_a","name":"f","arguments":"","status":"in_progress"}})",
      R"({"type":"response.function_call_arguments.delta","item_id":"fc_a","delta":"{}"})",
      R"({"type":"response.output_item.done","item":{"type":"function_call","call_id":"fc_a","name":"f","arguments":"{}"}})",
      R"({"type":"response.completed","response":{}})"};
  for (const auto& events : {by_place, by_id}) {
    const Stream stream = Collect(events);
    ASSERT_EQ(stream.reply.choices[0].tool_calls.size(), 1U);
    EXPECT_EQ(stream.reply.choices[0].tool_calls[0].name, "f");
    EXPECT_EQ(stream.reply.choices[0].tool_calls[0].arguments, "{}");
    EXPECT_EQ(stream.reply.choices[0].finish, Finish::kToolCalls);
  }
}

TEST(ResponsesClient, SummariesAreThoughtsAndParagraphs) {
  const std::vector<std::string> events = {
      R"({"type":"response.reasoning_summary_part.added","item_id":"r","summary_index":0})",
      R"({"type":"response.reasoning_summary_text.delta","item_id":"r","delta":"One."})",
      R"({"type":"response.reasoning_summary_text.done","item_id":"r","text":"One."})",
      R"({"type":"response.reasoning_summary_part.added","item_id":"r","summary_index":1})",
      R"({"type":"response.reasoning_summary_text.done","item_id":"r","text":"Two."})",
      R"({"type":"response.output_item.done","item":{"id":"r","type":"reasoning","summary":[{"text":"One."},{"text":"Two."}]}})",
      R"({"type":"response.refusal.delta","item_id":"m","delta":"No."})",
      R"({"type":"response.refusal.done","item_id":"m","refusal":"No."})",
      R"({"type":"response.unheard_of","x":1})",
      R"({"type":"response.incomplete","response":{"incomplete_details":{"reason":"content_filter"}}})",
      "[DONE]"};
  const Stream stream = Collect(events);
  ASSERT_EQ(stream.reply.choices.size(), 1U);
  EXPECT_EQ(stream.reply.choices[0].reasoning, "One.\n\nTwo.");
  EXPECT_EQ(stream.reply.choices[0].refusal, "No.");
  EXPECT_EQ(stream.reply.choices[0].finish, Finish::kContentFilter);
}

TEST(ResponsesClient, WholeReplyKeepsWhatItDoesNotKnow) {
  const auto reply = DecodeResponse(
      R"({"id":"r","object":"response","created_at":12.5,"status":"completed","model":"m","tools":[],)"
      R"("service_tier":"flex","output":[{"type":"web_search_call","id":"w"},)"
      R"({"type":"reasoning","summary":[{"text":"a"},{"text":"b"}]},{"type":"message","content":[)"
      R"({"type":"output_text","text":"x"},{"type":"refusal","refusal":"no"}]}],)"
      R"("usage":{"input_tokens":1,"output_tokens":2,"input_tokens_details":{"cached_tokens":0}}})");
  ASSERT_TRUE(reply) << Describe(reply.error());
  EXPECT_EQ(reply->info.created, 12);
  EXPECT_EQ(reply->choices[0].reasoning, "a\n\nb");
  EXPECT_EQ(reply->choices[0].text, "x");
  EXPECT_EQ(reply->choices[0].refusal, "no");
  EXPECT_EQ(reply->choices[0].finish, Finish::kStop);
  EXPECT_EQ(reply->choices[0].extra, Json(R"({"items":[{"type":"web_search_call","id":"w"}]})"));
  EXPECT_EQ(reply->extra, Json(R"({"service_tier":"flex"})"));
  EXPECT_EQ(reply->usage.cached_tokens, 0);
  EXPECT_FALSE(reply->usage.total_tokens);
}

TEST(ResponsesClient, NumbersThatCannotBeCountsAreUnknown) {
  const auto reply = DecodeResponse(
      R"({"output":[{"type":"message","content":[{"type":"output_text","text":"x"}]}],"usage":{)"
      R"("input_tokens":-1,"output_tokens":9007199254740993,"total_tokens":7,)"
      R"("input_tokens_details":{"cached_tokens":-2},)"
      R"("output_tokens_details":{"reasoning_tokens":-3}}})");
  ASSERT_TRUE(reply) << Describe(reply.error());
  EXPECT_EQ(reply->usage.prompt_tokens, std::nullopt);
  EXPECT_EQ(reply->usage.completion_tokens, std::nullopt);
  EXPECT_EQ(reply->usage.total_tokens, 7);
  EXPECT_EQ(reply->usage.cached_tokens, std::nullopt);
  EXPECT_EQ(reply->usage.reasoning_tokens, std::nullopt);
}

TEST(ResponsesClient, WhatIsNoAnswerIsTheErrorItStandsFor) {
  struct Case {
    std::string_view body;
    Code code;
    int status;
    std::string_view words;
  };
  const Case cases[] = {
      {"<html><title>Hi</title>", Code::kProtocolError, 0, "HTML"},
      {R"({"id":)", Code::kProtocolError, 0, "not JSON"},
      {"{}", Code::kProtocolError, 0, "no output"},
      {R"({"error":{"message":"boo"}})", Code::kProtocolError, 0, "with an error in it"},
      {R"({"status":"queued","output":[]})", Code::kProtocolError, 0, "still queued"},
      {R"({"status":"completed","output":[]})", Code::kEmptyModelResponse, 0, "without any"},
      {R"({"object":"response","status":"failed","error":{"code":"rate_limit_exceeded","message":"slow"}})",
       Code::kHttpStatus, 429, "slow"},
      {R"({"output":[],"status":"failed","error":{"code":"invalid_image_url","message":"bad"}})",
       Code::kHttpStatus, 400, "bad"},
      {R"({"output":[],"status":"failed","error":null})", Code::kHttpStatus, 500, "without a"},
      {R"({"output":[],"status":"failed","error":{"code":"context_length_exceeded","message":"x"}})",
       Code::kContextLength, 400, "x"},
  };
  for (const Case& c : cases) {
    const auto reply = DecodeResponse(c.body);
    ASSERT_FALSE(reply) << c.body;
    EXPECT_EQ(reply.error().code, c.code) << c.body;
    EXPECT_EQ(reply.error().http_status, c.status) << c.body;
    EXPECT_THAT(reply.error().message, HasSubstr(c.words));
  }
}

TEST(ResponsesClient, ErrorEventsAreErrors) {
  struct Case {
    std::string_view event;
    Code code;
    int status;
  };
  const Case cases[] = {
      {R"({"type":"error","code":"rate_limit_exceeded","message":"slow","param":null})",
       Code::kHttpStatus, 429},
      {R"({"type":"error","error":{"type":"invalid_request_error","code":null,"message":"x"}})",
       Code::kHttpStatus, 400},
      {R"({"type":"response.failed","response":{"error":{"code":"server_error","message":"x"}}})",
       Code::kHttpStatus, 500},
      {R"({"error":{"message":"x","type":"BadRequestError","code":400}})", Code::kHttpStatus, 400},
      {"nonsense", Code::kProtocolError, 0},
      {"[]", Code::kProtocolError, 0},
      {R"({"a":1})", Code::kProtocolError, 0},
  };
  for (const Case& c : cases) {
    ResponsesDecoder decoder;
    Delta delta;
    const auto kind = decoder.Decode(c.event, delta);
    ASSERT_FALSE(kind) << c.event;
    EXPECT_EQ(kind.error().code, c.code) << c.event;
    EXPECT_EQ(kind.error().http_status, c.status) << c.event;
    EXPECT_FALSE(decoder.finished());
  }
}

// Streams of another maker's server, as they came over the wire. Its chunks never split an event.
TEST(ResponsesClient, RecordedStreamsAreRead) {
  const char* const suites = std::getenv("WEIR_SUITES");
  if (suites == nullptr) GTEST_SKIP() << "WEIR_SUITES IS NOT SET: no recording was read";
  int read = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(suites) / "recordings")) {
    if (!entry.path().filename().string().starts_with("responses-stream")) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    std::vector<std::string> events;
    for (const std::string& event : EventsOf(bytes)) {
      events.push_back(event.ends_with('\r') ? event.substr(0, event.size() - 1) : event);
    }
    const Stream stream = Collect(events);
    EXPECT_FALSE(stream.error) << entry.path();
    EXPECT_TRUE(stream.finished) << entry.path();
    ASSERT_EQ(stream.reply.choices.size(), 1U) << entry.path();
    const auto last = json::Read(events.back());
    ASSERT_TRUE(last);
    const json::View item = last->Find("response").Find("output")[0];
    EXPECT_EQ(stream.reply.text(), item.Find("content")[0].Find("text").StringOr("?"));
    EXPECT_GT(stream.reply.usage.prompt_tokens.value_or(0), 0);
    EXPECT_TRUE(stream.reply.usage.cached_tokens.has_value());
    EXPECT_TRUE(stream.reply.info.id.starts_with("resp_"));
    ++read;
  }
  EXPECT_GT(read, 0);
}

}  // namespace
}  // namespace weir::wire
