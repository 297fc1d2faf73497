#include "weir/wire/responses_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/wire/wire_testing.h"

namespace weir::wire {
namespace {

using model::Delta;
using model::Finish;
using testing::ElementsAre;
using testing::HasSubstr;

model::ReplyInfo ResponseInfo() {
  model::ReplyInfo info;
  info.id = "resp_9f0c";
  info.model = "m";
  info.created = 7;
  return info;
}

model::Usage SomeUsage() {
  model::Usage usage;
  usage.prompt_tokens = 11;
  usage.completion_tokens = 2;
  usage.total_tokens = 13;
  return usage;
}

Delta Piece(std::string text, std::string reasoning = {}, Finish finish = Finish::kNone) {
  Delta delta;
  delta.has_choice = true;
  delta.text = std::move(text);
  delta.reasoning = std::move(reasoning);
  delta.finish = finish;
  return delta;
}

Delta CallPiece(std::int64_t index, std::string id, std::string name, std::string arguments) {
  Delta delta;
  delta.has_choice = true;
  delta.tool_calls.push_back({index, std::move(id), std::move(name), std::move(arguments)});
  return delta;
}

std::string StreamOf(const std::vector<Delta>& deltas, const ResponsesEcho& echo = {}) {
  ResponsesEncoder encoder(echo, Dialect(), ResponseInfo());
  std::string out;
  encoder.Begin(out);
  for (const Delta& delta : deltas) encoder.Append(delta, out);
  encoder.AppendEnd(SomeUsage(), out);
  return out;
}

model::Reply ReplyOf(const std::vector<Delta>& deltas) {
  model::Assembler assembler;
  for (const Delta& delta : deltas) assembler.Add(delta);
  model::Reply reply = std::move(assembler).Finish(ResponseInfo());
  reply.usage = SomeUsage();
  return reply;
}

// The types of the events, without "response.".
std::vector<std::string> TypesOf(std::string_view stream) {
  std::vector<std::string> types;
  for (const std::string& event : EventsOf(stream)) {
    types.emplace_back(Json(event).Find("type").StringOr("").substr(9));
  }
  return types;
}

constexpr std::string_view kUsage =
    R"({"input_tokens":11,"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0,"input_tokens_per_turn":[],"cached_tokens_per_turn":[]},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":0,"tool_output_tokens":0,"output_tokens_per_turn":[],"tool_output_tokens_per_turn":[]},"total_tokens":13})";

// A response without a request of its own.
std::string Response(std::string_view status, std::string_view output, std::string_view usage,
                     std::string_view details = "null", std::string_view error = "null") {
  return StrCat(
      R"({"id":"resp_9f0c","created_at":7,"error":)", error, R"(,"incomplete_details":)", details,
      R"(,"instructions":null,"metadata":null,"model":"m","object":"response","output":[)", output,
      R"(],"parallel_tool_calls":true,"temperature":1.0,"tool_choice":"none","tools":[],"top_p":1.0,"background":false,"max_output_tokens":null,"max_tool_calls":null,"previous_response_id":null,"prompt":null,"reasoning":null,"service_tier":"auto","status":")",
      status, R"(","text":null,"top_logprobs":null,"truncation":"disabled","usage":)", usage,
      R"(,"user":null,"input_messages":null,"output_messages":null})");
}

constexpr std::string_view kThought =
    R"({"id":"rs_9f0c_0","summary":[],"type":"reasoning","content":[{"text":"hm","type":"reasoning_text"}],"encrypted_content":null,"status":"completed"})";
constexpr std::string_view kMessage =
    R"({"id":"msg_9f0c_1","content":[{"annotations":[],"text":"Hi é","type":"output_text","logprobs":null}],"role":"assistant","status":"completed","type":"message"})";
constexpr std::string_view kCall =
    R"({"arguments":"{\"a\":1}","call_id":"c1","name":"f","type":"function_call","id":"fc_9f0c_2","status":"completed"})";

TEST(ResponseTest, ItemsComeInTheOrderOfTheirKinds) {
  const model::Reply reply =
      ReplyOf({CallPiece(0, "c1", "f", "{\"a\":1}"), Piece("Hi é", "hm", Finish::kToolCalls)});
  EXPECT_EQ(EncodeResponse(reply, {}, Dialect()),
            Response("completed", StrCat(kThought, ",", kMessage, ",", kCall), kUsage));
}

TEST(ResponseTest, ACutAnswerIsIncompleteInItsLastItem) {
  const std::string body =
      EncodeResponse(ReplyOf({Piece("Hi", "hm", Finish::kLength)}), {}, Dialect());
  const json::Value response = Json(body);
  EXPECT_EQ(response.Find("status").StringOr(""), "incomplete");
  EXPECT_EQ(json::Write(response.Find("incomplete_details")), R"({"reason":"max_output_tokens"})");
  EXPECT_EQ(response.Find("output")[0].Find("status").StringOr(""), "completed");
  EXPECT_EQ(response.Find("output")[1].Find("status").StringOr(""), "incomplete");
}

TEST(ResponseTest, WhatWasAskedComesBack) {
  const auto read = DecodeRequest(model::Api::kResponses, R"({"input":"hi","instructions":"i",
      "temperature":0,"top_p":0.5,"max_output_tokens":5,"metadata":{"k":"v"},"user":"u",
      "tools":[{"type":"function","name":"f"}],"reasoning":{"effort":"high"},
      "text":{"format":{"type":"json_object"}},"previous_response_id":"resp_0",
      "include":["message.output_text.logprobs"],"top_logprobs":1})",
                                  Dialect());
  ASSERT_TRUE(read);
  model::Reply reply = ReplyOf({Piece("A")});
  reply.choices[0].tokens.push_back(
      {.text = "A", .logprob = -0.5, .bytes = {65}, .top = {{"A", -99999, {65}}}});
  const json::Value response = Json(EncodeResponse(reply, *read->echo, Dialect()));
  const std::pair<std::string_view, std::string_view> expected[] = {
      {"instructions", R"("i")"},
      {"temperature", "0.0"},
      {"top_p", "0.5"},
      {"max_output_tokens", "5"},
      {"metadata", R"({"k":"v"})"},
      {"user", R"("u")"},
      {"tool_choice", R"("auto")"},
      {"tools",
       R"([{"name":"f","parameters":null,"strict":null,"type":"function","description":null}])"},
      {"reasoning", R"({"effort":"high","generate_summary":null,"summary":null})"},
      {"text", R"({"format":{"type":"json_object"},"verbosity":null})"},
      {"previous_response_id", R"("resp_0")"},
      {"top_logprobs", "1"},
  };
  for (const auto& [key, text] : expected) EXPECT_EQ(json::Write(response.Find(key)), text);
  EXPECT_EQ(
      json::Write(response.Find("output")[0].Find("content")[0].Find("logprobs")),
      R"([{"token":"A","bytes":[65],"logprob":-0.5,"top_logprobs":[{"token":"A","bytes":[65],"logprob":-9999.0}]}])");
}

TEST(ResponseTest, AnIdThatIsNotKeptIsNotFound) {
  EXPECT_EQ(
      EncodeError(ResponseNotFound("resp_1"), Dialect()),
      R"({"error":{"message":"Response with id 'resp_1' not found.","type":"invalid_request_error","param":"response_id","code":404}})");
}

TEST(ResponseTest, TheRefusalOfBackgroundWorkNamesARemedyThatHelps) {
  EXPECT_THAT(RefuseBackground(false).message,
              testing::HasSubstr("VLLM_ENABLE_RESPONSES_API_STORE=1"));
  EXPECT_THAT(RefuseBackground(true).message, testing::HasSubstr("ask without `background`"));
  EXPECT_EQ(RefuseBackground(true).status, 400);
}

TEST(ResponsesEncoderTest, AStreamIsExactlyThis) {
  const std::string stream =
      StreamOf({Piece("", "hm"), Piece("Hi "), Piece("é"), CallPiece(0, "c1", "f", ""),
                CallPiece(0, "", "", "{\"a\":1}"), Piece("", "", Finish::kToolCalls)});
  const std::pair<std::string_view, std::string> events[] = {
      {"created", StrCat(R"("response":)", Response("in_progress", "", "null"))},
      {"in_progress", StrCat(R"("response":)", Response("in_progress", "", "null"))},
      {"output_item.added",
       R"("item":{"id":"rs_9f0c_0","summary":[],"type":"reasoning","content":[],"encrypted_content":null,"status":"in_progress"},"output_index":0)"},
      {"content_part.added",
       R"("content_index":0,"item_id":"rs_9f0c_0","output_index":0,"part":{"text":"","type":"reasoning_text"})"},
      {"reasoning_text.delta",
       R"("content_index":0,"delta":"hm","item_id":"rs_9f0c_0","output_index":0)"},
      {"reasoning_text.done",
       R"("content_index":0,"item_id":"rs_9f0c_0","output_index":0,"sequence_number":5,"text":"hm")"},
      {"content_part.done",
       R"("content_index":0,"item_id":"rs_9f0c_0","output_index":0,"part":{"text":"hm","type":"reasoning_text"})"},
      {"output_item.done", StrCat(R"("item":)", kThought, R"(,"output_index":0)")},
      {"output_item.added",
       R"("item":{"id":"msg_9f0c_1","content":[],"role":"assistant","status":"in_progress","type":"message"},"output_index":1)"},
      {"content_part.added",
       R"("content_index":0,"item_id":"msg_9f0c_1","output_index":1,"part":{"annotations":[],"text":"","type":"output_text","logprobs":[]})"},
      {"output_text.delta",
       R"("content_index":0,"delta":"Hi ","item_id":"msg_9f0c_1","logprobs":[],"output_index":1)"},
      {"output_text.delta",
       R"("content_index":0,"delta":"é","item_id":"msg_9f0c_1","logprobs":[],"output_index":1)"},
      {"output_text.done",
       R"("content_index":0,"item_id":"msg_9f0c_1","logprobs":[],"output_index":1,"sequence_number":12,"text":"Hi é")"},
      {"content_part.done",
       R"("content_index":0,"item_id":"msg_9f0c_1","output_index":1,"part":{"annotations":[],"text":"Hi é","type":"output_text","logprobs":null})"},
      {"output_item.done", StrCat(R"("item":)", kMessage, R"(,"output_index":1)")},
      {"output_item.added",
       R"("item":{"arguments":"","call_id":"c1","name":"f","type":"function_call","id":"fc_9f0c_2","status":"in_progress"},"output_index":2)"},
      {"function_call_arguments.delta",
       R"("delta":"{\"a\":1}","item_id":"fc_9f0c_2","output_index":2)"},
      {"function_call_arguments.done",
       R"("arguments":"{\"a\":1}","item_id":"fc_9f0c_2","name":"f","output_index":2)"},
      {"output_item.done", StrCat(R"("item":)", kCall, R"(,"output_index":2)")},
      {"completed",
       StrCat(R"("response":)",
              Response("completed", StrCat(kThought, ",", kMessage, ",", kCall), kUsage))},
  };
  std::string expected;
  int sequence = 0;
  for (const auto& [type, members] : events) {
    StrAppend(expected, "event: response.", type, "\ndata: {", members);
    if (!type.ends_with("text.done")) StrAppend(expected, ",\"sequence_number\":", sequence);
    StrAppend(expected, ",\"type\":\"response.", type, "\"}\n\n");
    ++sequence;
  }
  EXPECT_EQ(stream, expected);
}

TEST(ResponsesEncoderTest, CallsFollowOneAnother) {
  EXPECT_THAT(TypesOf(StreamOf({CallPiece(0, "a", "f", "{}"), CallPiece(1, "b", "g", "{}"),
                                CallPiece(0, "", "", "late")})),
              ElementsAre("created", "in_progress", "output_item.added",
                          "function_call_arguments.delta", "function_call_arguments.done",
                          "output_item.done", "output_item.added", "function_call_arguments.delta",
                          "function_call_arguments.done", "output_item.done", "completed"));
}

TEST(ResponsesEncoderTest, AnEmptyAnswerHasNoItems) {
  const std::string stream = StreamOf({Piece("", "", Finish::kStop)});
  EXPECT_THAT(TypesOf(stream), ElementsAre("created", "in_progress", "completed"));
  EXPECT_THAT(stream, testing::Not(HasSubstr("[DONE]")));
}

TEST(ResponsesEncoderTest, ACutAnswerEndsIncomplete) {
  const std::string stream = StreamOf({Piece("Hi", "", Finish::kLength)});
  const std::vector<std::string> events = EventsOf(stream);
  EXPECT_EQ(TypesOf(stream).back(), "incomplete");
  EXPECT_EQ(json::Write(Json(events.back()).Find("response").Find("incomplete_details")),
            R"({"reason":"max_output_tokens"})");
  EXPECT_EQ(Json(events[events.size() - 2]).Find("item").Find("status").StringOr(""), "incomplete");
}

TEST(ResponsesEncoderTest, AFailureKeepsWhatHadCome) {
  ResponsesEncoder encoder({}, Dialect(), ResponseInfo());
  std::string out;
  encoder.Begin(out);
  encoder.Append(Piece("Hi"), out);
  out.clear();
  encoder.AppendError({.status = 500, .message = "Internal server error"}, out);
  constexpr std::string_view kCut =
      R"({"id":"msg_9f0c_0","content":[{"annotations":[],"text":"Hi","type":"output_text","logprobs":null}],"role":"assistant","status":"incomplete","type":"message"})";
  EXPECT_EQ(out, StrCat("event: response.failed\ndata: {\"response\":",
                        Response("failed", kCut, "null", "null",
                                 R"({"code":"server_error","message":"Internal server error"})"),
                        ",\"sequence_number\":5,\"type\":\"response.failed\"}\n\n"));
}

TEST(ResponsesEncoderTest, LogprobsTravelWithTheirText) {
  Delta delta = Piece("A");
  delta.tokens.push_back({.text = "A", .logprob = -0.5, .bytes = {65}, .top = {{"A", -0.5, {65}}}});
  ResponsesEcho echo;
  EXPECT_THAT(StreamOf({delta}, echo), HasSubstr(R"("logprobs":[],"output_index":0)"));
  echo.top_logprobs = 1;
  EXPECT_THAT(
      StreamOf({delta}, echo),
      HasSubstr(
          R"("delta":"A","item_id":"msg_9f0c_0","logprobs":[{"token":"A","logprob":-0.5,"top_logprobs":[{"token":"A","logprob":-0.5}]}],)"));
}

RC_GTEST_PROP(ResponsesEncoderLaw, TheLastEventHoldsTheWholeResponse,
              (const std::vector<std::string>& thoughts, const std::vector<std::string>& texts,
               const std::vector<std::string>& calls)) {
  std::vector<Delta> deltas;
  for (const std::string& text : thoughts) deltas.push_back(Piece("", text));
  for (const std::string& text : texts) deltas.push_back(Piece(text));
  std::int64_t index = 0;
  for (const std::string& text : calls) deltas.push_back(CallPiece(index++, "", "f", text));
  const Finish finish = *rc::gen::element(Finish::kStop, Finish::kLength, Finish::kAbort);
  deltas.push_back(Piece("", "", finish));

  const std::vector<std::string> events = EventsOf(StreamOf(deltas));

  for (std::size_t i = 0; i < events.size(); ++i) {
    RC_ASSERT(Json(events[i]).Find("sequence_number").AsInt64() == static_cast<std::int64_t>(i));
  }
  RC_ASSERT(json::Write(Json(events.back()).Find("response")) ==
            EncodeResponse(ReplyOf(deltas), {}, Dialect()));
}

}  // namespace
}  // namespace weir::wire
