#include <thread>

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/sim/sim_testing.h"
#include "weir/wire/codec.h"
#include "weir/wire/wire_testing.h"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
using model::Api;
using testing::HasSubstr;

SimOptions Instant(std::string_view script = "") {
  SimOptions options = InstantSim(script);
  options.models[0].max_model_len = 100;
  return options;
}

std::string Body(std::string_view more = "") {
  return StrCat(R"({"messages":[{"role":"user","content":"hi"}])", more, "}");
}

// What differs from run to run, made equal.
std::string Masked(std::string text) {
  for (std::size_t at = 0; (at = text.find("\"created\":", at)) != text.npos;) {
    at += 10;
    const std::size_t end = text.find_first_not_of("0123456789", at);
    text.replace(at, end - at, "1");
  }
  return text;
}

TEST(SimHttp, ShortReplyIsTheExactChunkSequence) {
  SimServer server(Instant("[{reply: {text: Hi you}}]"));

  const HttpAnswer answer = server.Send(
      "POST", kChatPath, Body(R"(,"stream":true,"stream_options":{"include_usage":true})"),
      "content-type: application/json; charset=utf-8\r\nx-request-id: 7\r\n");

  const std::string start =
      R"({"id":"chatcmpl-7","object":"chat.completion.chunk","created":1,"model":"sim-model",)";
  const std::vector<TokenId> tokens = Tokenizer::Encode("Hi you");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.head, HasSubstr("content-type: text/event-stream; charset=utf-8\r\n"));
  EXPECT_THAT(answer.head, HasSubstr("server: uvicorn\r\n"));
  const std::vector<std::string> events = wire::EventsOf(Masked(answer.body));
  ASSERT_EQ(events.size(), tokens.size() + 4);
  EXPECT_EQ(events[0], start + R"("choices":[{"index":0,"delta":{"role":"assistant","content":""},)"
                               R"("logprobs":null,"finish_reason":null}],"prompt_token_ids":null,)"
                               R"("prompt_text":null})");
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    EXPECT_EQ(
        events[i + 1],
        StrCat(start, R"("choices":[{"index":0,"delta":{"content":")", Tokenizer::Piece(tokens[i]),
               R"("},"logprobs":null,"finish_reason":null,"token_ids":null}]})"));
  }
  EXPECT_EQ(events[events.size() - 3],
            start + R"("choices":[{"index":0,"delta":{"content":""},"logprobs":null,)"
                    R"("finish_reason":"stop","stop_reason":null,"token_ids":null}]})");
  EXPECT_THAT(events[events.size() - 2],
              HasSubstr(StrCat(R"("completion_tokens":)", tokens.size() + 1)));
  EXPECT_EQ(events.back(), "[DONE]");
}

// Both doors, whole and streamed, say the same.
TEST(SimHttp, SaysWhatTheInProcessDoorSays) {
  SimServer server(Instant());
  async::Loop loop;
  async::Context ctx(loop);
  const auto engine = NewSimEngine(NewSimCore(Instant()).value());
  for (const Api api : {Api::kChat, Api::kCompletions}) {
    SCOPED_TRACE(model::ApiName(api));
    model::Call call = wire::SimpleCall(api);
    call.adapter = "sql";
    call.sampling.n = 2;
    call.sampling.logprobs = 2;
    call.sampling.stop = {"more", "ide"};
    call.sampling.temperature = 0.7;

    const Result<model::Reply> inside = loop.Run(engine->Call(ctx, call));
    const auto whole = wire::EncodeRequest(call, {});
    const auto outside = wire::DecodeReply(api, server.Post(whole->path, whole->body).body);
    const auto stream = wire::EncodeRequest(call, {.stream = true});
    wire::ChunkDecoder decoder(api);
    model::Assembler assembler;
    for (const std::string& event : wire::EventsOf(server.Post(stream->path, stream->body).body)) {
      model::Delta delta;
      ASSERT_TRUE(decoder.Decode(event, delta).has_value()) << event;
      assembler.Add(delta);
    }
    const model::Reply streamed = std::move(assembler).Finish({});

    ASSERT_TRUE(inside.has_value() && outside.has_value());
    for (const model::Reply* reply : {&*outside, &streamed}) {
      ASSERT_EQ(reply->choices.size(), 2U);
      for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(reply->choices[i].text, inside->choices[i].text);
        EXPECT_EQ(reply->choices[i].finish, inside->choices[i].finish);
        EXPECT_EQ(reply->choices[i].stop_reason, inside->choices[i].stop_reason);
        EXPECT_EQ(reply->choices[i].tokens.size(), inside->choices[i].tokens.size());
      }
      EXPECT_EQ(reply->usage.prompt_tokens, inside->usage.prompt_tokens);
      EXPECT_EQ(reply->usage.completion_tokens, inside->usage.completion_tokens);
    }
    EXPECT_EQ(outside->info.model, "sql");
  }
}

struct FaceCase {
  const char* name;
  std::string_view method;
  std::string_view path;
  std::string body;
  int status;
  std::string_view answer;
};

const FaceCase kFaceCases[] = {
    {"health", "GET", "/health", "", 200, ""},
    {"ping", "POST", "/ping", "", 200, ""},
    {"version", "GET", "/version", "", 200, R"({"version":"0.28.0"})"},
    {"load", "GET", "/load?x=1", "", 200, R"({"server_load":0})"},
    {"unknown_path", "GET", "/v1/nope", "", 404, R"({"detail":"Not Found"})"},
    {"wrong_method", "GET", kChatPath, "", 405, R"({"detail":"Method Not Allowed"})"},
    {"unknown_model", "POST", kChatPath, Body(R"(,"model":"foo","stream":true)"), 404,
     R"({"error":{"message":"The model `foo` does not exist.","type":"NotFoundError",)"
     R"("param":"model","code":404}})"},
    {"late_error_of_a_stream", "POST", kChatPath,
     Body(R"(,"logprobs":true,"top_logprobs":21,"stream":true)"), 200,
     "data: {\"error\": {\"message\": \"Requested sample logprobs of 21, which is greater than "
     "max allowed: 20 (parameter=logprobs, value=21)\", \"type\": \"BadRequestError\", "
     "\"param\": \"logprobs\", \"code\": 400}}\n\n"
     "data: [DONE]\n\n"},
    {"late_error_of_a_whole_reply", "POST", kChatPath,
     Body(R"(,"logprobs":true,"top_logprobs":21)"), 400,
     R"({"error":{"message":"Requested sample logprobs of 21, which is greater than max allowed: )"
     R"~(20 (parameter=logprobs, value=21)","type":"BadRequestError","param":"logprobs",)~"
     R"("code":400}})"},
};

class SimHttpTest : public testing::TestWithParam<FaceCase> {};

TEST_P(SimHttpTest, Answers) {
  SimServer server(Instant());

  const HttpAnswer answer = server.Send(GetParam().method, GetParam().path, GetParam().body);

  EXPECT_EQ(answer.status, GetParam().status);
  EXPECT_EQ(answer.body, GetParam().answer);
  EXPECT_FALSE(answer.cut);
}

INSTANTIATE_TEST_SUITE_P(Sim, SimHttpTest, testing::ValuesIn(kFaceCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(SimHttp, BadBodies) {
  SimServer server(Instant());

  const HttpAnswer broken = server.Post(kChatPath, "{");
  const HttpAnswer plain = server.Send("POST", kChatPath, Body(), "content-type: text/plain\r\n");
  const HttpAnswer none = server.Post(kChatPath, "{}");

  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(broken.body, HasSubstr("JSON decode error"));
  EXPECT_EQ(plain.status, 400);
  EXPECT_THAT(plain.body, HasSubstr("Unsupported Media Type: Only 'application/json' is allowed"));
  EXPECT_EQ(none.status, 400);
  EXPECT_THAT(none.body, HasSubstr("Field required"));
}

TEST(SimHttp, TheKeyGuardsWhatTheRealOneGuards) {
  SimOptions options = Instant();
  options.api_keys = {"k", "second"};
  SimServer server(options);

  for (const std::string_view path : {"/v1/models", "/v1/nope", "/v2/x", "/inference/x"}) {
    const HttpAnswer answer = server.Get(path);
    EXPECT_EQ(answer.status, 401) << path;
    EXPECT_EQ(answer.body, R"({"error":"Unauthorized"})");
  }
  for (const std::string_view path : {"/health", "/version", "/load", "/ping"}) {
    EXPECT_EQ(server.Get(path).status, 200) << path;
  }
  EXPECT_EQ(server.Send("GET", "/v1/models", "", "authorization: bearer k\r\n").status, 200);
  EXPECT_EQ(server.Send("GET", "/v1/models", "", "authorization: Bearer second\r\n").status, 200);
  EXPECT_EQ(server.Send("GET", "/v1/models", "", "authorization: Bearer kk\r\n").status, 401);
}

TEST(SimHttp, ModelsAreCards) {
  SimServer server(Instant());

  const auto models = wire::DecodeModels(server.Get("/v1/models").body);

  ASSERT_TRUE(models.has_value());
  ASSERT_EQ(models->size(), 2U);
  EXPECT_EQ((*models)[0].max_model_len, 100);
  EXPECT_EQ((*models)[1].id, "sql");
  EXPECT_EQ((*models)[1].parent, "sim-model");
}

TEST(SimHttp, CompletionsOfManyPrompts) {
  SimServer server(Instant());
  const auto ask = [&](std::string_view prompt) {
    const HttpAnswer answer = server.Post("/v1/completions", StrCat(R"({"prompt":)", prompt, "}"));
    return wire::DecodeReply(Api::kCompletions, answer.body).value();
  };

  const model::Reply both = ask(R"(["one","two"])");

  ASSERT_EQ(both.choices.size(), 2U);
  EXPECT_EQ(both.choices[0].text, ask(R"("one")").text());
  EXPECT_EQ(both.choices[1].text, ask(R"("two")").text());
  EXPECT_EQ(both.usage.completion_tokens,
            *ask(R"("one")").usage.completion_tokens + *ask(R"("two")").usage.completion_tokens);
  EXPECT_EQ(ask("[[1,2,3]]").usage.prompt_tokens, 3);
}

TEST(SimHttp, ScriptedFaults) {
  SimServer server(Instant(R"(
- {match: {contains: busy}, reply: {error: {status: 429, retry_after: 3}}}
- {match: {contains: page}, reply: {html: "<html>"}}
- {match: {contains: junk}, reply: {garbage: "data: {oops\n\n"}}
- {match: {contains: drop}, reply: {text: one two three four, drop_after: 2}}
)"));
  const auto ask = [&](std::string_view word, std::string_view more) {
    return server.Post(
        kChatPath, StrCat(R"({"messages":[{"role":"user","content":")", word, R"("}])", more, "}"));
  };
  constexpr std::string_view kStream = R"(,"stream":true)";

  const HttpAnswer busy = ask("busy", kStream);
  EXPECT_EQ(busy.status, 429);
  EXPECT_THAT(busy.head, HasSubstr("retry-after: 3\r\n"));
  const HttpAnswer page = ask("page", "");
  EXPECT_EQ(page.body, "<html>");
  EXPECT_THAT(page.head, HasSubstr("content-type: text/html"));
  EXPECT_EQ(ask("junk", kStream).body, "data: {oops\n\n");
  const HttpAnswer cut = ask("drop", kStream);
  EXPECT_TRUE(cut.cut);
  const std::vector<TokenId> words = Tokenizer::Encode("one two three four");
  const auto delta = [&](std::size_t i) {
    return StrCat(R"({"content":")", Tokenizer::Piece(words[i]), R"("})");
  };
  EXPECT_THAT(cut.body, HasSubstr(delta(1)));
  EXPECT_FALSE(cut.body.contains(delta(2)));
  EXPECT_TRUE(ask("drop", "").cut);
}

// Its place is free again, or the second request would wait for a day.
TEST(SimHttp, AClientThatLeavesFreesItsPlace) {
  SimOptions options = Instant(R"([{match: {contains: slow}, reply: {text: a, ttft: 1440m}}])");
  options.engine.max_num_seqs = 1;
  SimServer server(options);
  const std::string body = R"({"messages":[{"role":"user","content":"slow"}],"stream":true})";
  const std::string request =
      StrCat("POST ", kChatPath, " HTTP/1.1\r\nhost: sim\r\ncontent-type: application/json\r\n",
             "content-length: ", body.size(), "\r\n\r\n", body);
  const int socket = server.Connect();
  ASSERT_GT(::send(socket, request.data(), request.size(), MSG_NOSIGNAL), 0);
  char head[4096];
  ASSERT_GT(::recv(socket, head, sizeof head, 0), 0);  // it has begun

  ::close(socket);

  EXPECT_EQ(server.Post(kChatPath, Body()).status, 200);
}

// A client that has sent its request and reads when it likes.
class SlowReader {
 public:
  SlowReader(const SimServer& server, std::string_view id, std::string_view question)
      : socket_(server.Connect()) {
    const std::string body =
        StrCat(R"({"messages":[{"role":"user","content":")", question, R"("}],"stream":true})");
    const std::string request = StrCat(
        "POST ", kChatPath, " HTTP/1.1\r\nhost: sim\r\nconnection: close\r\nx-request-id: ", id,
        "\r\ncontent-type: application/json\r\ncontent-length: ", body.size(), "\r\n\r\n", body);
    (void)::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
  }
  ~SlowReader() { ::close(socket_); }
  SlowReader(const SlowReader&) = delete;
  SlowReader& operator=(const SlowReader&) = delete;

  // Everything up to `mark`, or to the end.
  const std::string& ReadUntil(std::string_view mark) {
    char buffer[4096];
    while (!seen_.contains(mark)) {
      const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      seen_.append(buffer, static_cast<std::size_t>(got));
    }
    return seen_;
  }

 private:
  int socket_;
  std::string seen_;
};

TEST(SimHttp, AListOfIdsAbortsThoseOnly) {
  SimServer server(Instant(R"([{match: {contains: slow}, reply: {text: a b c, itl: 1440m}}])"));
  SlowReader a(server, "a", "slow");
  SlowReader b(server, "b", "slow");
  a.ReadUntil(R"("content":"a")");
  b.ReadUntil(R"("content":"a")");

  const HttpAnswer none = server.Post("/abort_requests", R"({"request_ids":["chatcmpl-c"]})");
  const HttpAnswer one = server.Post("/abort_requests", R"({"request_ids":["chatcmpl-a"]})");

  EXPECT_EQ(none.body, R"({"status":"aborted","aborted":0})");
  EXPECT_EQ(one.body, R"({"status":"aborted","aborted":1})");
  EXPECT_THAT(a.ReadUntil("[DONE]"), HasSubstr(R"("finish_reason":"abort")"));
  EXPECT_EQ(server.Post("/abort_requests", "").body, R"({"status":"aborted","aborted":1})");
  EXPECT_THAT(b.ReadUntil("[DONE]"), HasSubstr(R"("finish_reason":"abort")"));
}

TEST(SimHttp, WaitingToPauseOrSleepLetsWhatRunsEnd) {
  for (const std::string_view path : {"/pause?mode=wait", "/sleep?level=1&mode=wait"}) {
    SCOPED_TRACE(path);
    SimServer server(Instant(R"([{match: {contains: slow}, reply: {text: a b c, itl: 20ms}}])"));
    SlowReader slow(server, "1", "slow");
    slow.ReadUntil(R"("content":"a")");

    EXPECT_EQ(server.Post(path, "").status, 200);

    EXPECT_THAT(slow.ReadUntil("[DONE]"), HasSubstr(R"("finish_reason":"stop")"));
    EXPECT_EQ(server.Get("/is_paused").body, R"({"is_paused":true})");
    SlowReader late(server, "2", "hi");
    EXPECT_EQ(server.Post("/wake_up", "").status, 200);
    EXPECT_THAT(late.ReadUntil("[DONE]"), HasSubstr("[DONE]"));
  }
}

TEST(SimHttp, UsageTellsWhatTheCacheGaveAndGot) {
  SimServer server(InstantSim("[{reply: {text: ok}}]"));
  std::string words;
  for (int i = 0; i < 80; ++i) words += "word ";
  const auto ask = [&](std::string_view more) {
    return server
        .Post(kChatPath,
              StrCat(R"({"messages":[{"role":"user","content":")", words, R"("}])", more, "}"))
        .body;
  };
  const std::string first = ask("");
  const std::int64_t prompt = *wire::DecodeReply(Api::kChat, first)->usage.prompt_tokens;
  const std::int64_t kept = prompt / 16 * 16;
  ASSERT_GE(kept, 64);

  EXPECT_THAT(first, HasSubstr(StrCat(R"("prompt_tokens_details":{"cached_tokens":0,)",
                                      R"("created_cache_tokens":)", kept,
                                      R"(,"multimodal_tokens":null})")));
  EXPECT_THAT(ask(R"(,"stream":true,"stream_options":{"include_usage":true})"),
              HasSubstr(StrCat(R"("prompt_tokens_details":{"cached_tokens":)", kept,
                               R"(,"created_cache_tokens":0})")));
}

TEST(SimHttp, AResponseGoesOnFromAnEarlierOne) {
  SimServer server(Instant(R"(
- {match: {last_user: again, contains: Ada}, reply: {text: "You are Ada."}}
- {match: {last_user: again}, reply: {text: "Who are you?"}}
- {match: {contains: Ada}, reply: {text: "Hello."}}
)"));
  constexpr std::string_view kPath = "/v1/responses";
  const auto go_on = [&](std::string_view id, std::string_view more = "") {
    return server.Post(
        kPath, StrCat(R"({"input":"again","previous_response_id":")", id, R"(")", more, "}"));
  };
  const auto named = [&](std::string_view id, std::string_view more) {
    return server.Send("POST", kPath, StrCat(R"({"input":"I am Ada")", more, "}"),
                       StrCat("content-type: application/json\r\nx-request-id: ", id, "\r\n"));
  };
  EXPECT_EQ(named("whole", "").status, 200);
  EXPECT_EQ(named("stream", R"(,"stream":true)").status, 200);
  EXPECT_EQ(named("forgotten", R"(,"store":false)").status, 200);

  const HttpAnswer second = go_on("resp_whole");
  EXPECT_THAT(second.body, HasSubstr("You are Ada."));
  EXPECT_THAT(second.body, HasSubstr(R"("previous_response_id":"resp_whole")"));
  EXPECT_THAT(go_on("resp_stream", R"(,"stream":true)").body, HasSubstr("You are Ada."));
  EXPECT_THAT(server.Get("/v1/responses/resp_stream").body, HasSubstr("Hello."));
  EXPECT_THAT(server.Post(kPath, R"({"input":"again"})").body, HasSubstr("Who are you?"));
  EXPECT_EQ(go_on("resp_forgotten").status, 404);
  EXPECT_EQ(go_on("resp_never").status, 404);
}

TEST(SimHttp, WorkInTheBackgroundIsRefusedWithWhatHelps) {
  constexpr std::string_view kAsk = R"({"input":"hi","background":true})";
  SimOptions forgetful = Instant();
  forgetful.switches.responses_store = false;

  const HttpAnswer kept = SimServer(Instant()).Post("/v1/responses", kAsk);
  const HttpAnswer forgot = SimServer(forgetful).Post("/v1/responses", kAsk);

  EXPECT_EQ(kept.status, 400);
  EXPECT_THAT(kept.body, HasSubstr("ask without `background`"));
  EXPECT_EQ(forgot.status, 400);
  EXPECT_THAT(forgot.body, HasSubstr("VLLM_ENABLE_RESPONSES_API_STORE=1"));
}

SimOptions Thinking() {
  SimOptions options = Instant("[{reply: {reasoning: Hm so it is, text: Yes.}}]");
  options.models[0].reasons = true;
  return options;
}

TEST(SimHttp, ThoughtsThatAreNotShownLeaveNoTokensBehind) {
  SimServer server(Thinking());
  constexpr std::string_view kAll =
      R"(,"include_reasoning":false,"logprobs":true,"return_token_ids":true)";

  const model::Reply whole =
      wire::DecodeReply(Api::kChat, server.Post(kChatPath, Body(kAll)).body).value();
  const HttpAnswer stream = server.Post(kChatPath, Body(StrCat(kAll, R"(,"stream":true)")));

  EXPECT_EQ(whole.text(), "Yes.");
  EXPECT_TRUE(whole.choices[0].tokens.empty());
  EXPECT_TRUE(whole.choices[0].token_ids.empty());
  const std::size_t words = Tokenizer::Encode("Yes.").size();
  EXPECT_EQ(wire::EventsOf(stream.body).size(), words + 3);  // the role, the end, [DONE]
  EXPECT_FALSE(stream.body.contains(R"("token_ids":[)"));
}

TEST(SimHttp, AnAbortBeforeTheFirstTokenTellsTheRolesAndTheUsage) {
  SimServer server(Instant(R"([{reply: {text: a, ttft: 1440m}}])"));
  const auto ask = [&](std::string_view path, std::string_view body) {
    HttpAnswer answer;
    std::thread client([&] { answer = server.Post(path, body); });
    while (server.Post("/abort_requests", "").body.contains(R"("aborted":0)")) {
    }
    client.join();
    return wire::EventsOf(answer.body);
  };
  constexpr std::string_view kMore =
      R"("n":2,"stream":true,"stream_options":{"include_usage":true}})";

  const auto chat =
      ask(kChatPath, StrCat(R"({"messages":[{"role":"user","content":"a"}],)", kMore));
  const auto text = ask("/v1/completions", StrCat(R"({"prompt":"a",)", kMore));

  ASSERT_EQ(chat.size(), 4U);
  EXPECT_THAT(chat[0], HasSubstr(R"({"index":0,"delta":{"role":"assistant","content":""})"));
  EXPECT_THAT(chat[1], HasSubstr(R"({"index":1,"delta":{"role":"assistant","content":""})"));
  EXPECT_THAT(chat[2], HasSubstr(R"("completion_tokens":0)"));
  EXPECT_EQ(chat[3], "[DONE]");
  ASSERT_EQ(text.size(), 2U);
  EXPECT_THAT(text[0], HasSubstr(R"("choices":[],"usage")"));
}

TEST(SimHttp, ARuleThatNamesAPathReachesEveryRoom) {
  SimServer server(Instant(R"(
- {match: {path: /v1/embeddings, contains: busy}, reply: {error: {status: 429, retry_after: 3}}}
- {match: {path: /v1/embeddings, contains: drop}, reply: {faults: [reset]}}
- {match: {path: /tokenize}, times: 1, reply: {error: {status: 400, message: no, param: prompt}}}
- {match: {path: /health}, times: 1, reply: {error: {status: 503}}}
- {match: {path: /v1/completions}, reply: {text: completed}}
- {match: {path: /v1/models}, times: 1, reply: {html: "<html>"}}
- {reply: {text: anything else}}
)"));
  const auto embed = [&](std::string_view input) {
    return server.Post("/v1/embeddings", StrCat(R"({"input":")", input, R"("})"));
  };

  const HttpAnswer busy = embed("busy");
  EXPECT_EQ(busy.status, 429);
  EXPECT_THAT(busy.head, HasSubstr("retry-after: 3\r\n"));
  EXPECT_TRUE(embed("drop").cut);
  EXPECT_EQ(embed("free").status, 200);
  EXPECT_THAT(server.Post("/tokenize", R"({"prompt":"a"})").body,
              HasSubstr(R"("message":"no","type":"BadRequestError","param":"prompt")"));
  EXPECT_EQ(server.Post("/tokenize", R"({"prompt":"a"})").status, 200);
  EXPECT_EQ(server.Get("/health").status, 503);
  EXPECT_EQ(server.Get("/health").status, 200);
  EXPECT_EQ(server.Get("/v1/models").body, "<html>");
  EXPECT_THAT(server.Post("/v1/completions", R"({"prompt":"a"})").body, HasSubstr("completed"));
  EXPECT_THAT(server.Post(kChatPath, Body()).body, HasSubstr("anything else"));
}

TEST(SimHttp, ControlsRefuseWhatTheyDoNotKnow) {
  SimServer server(Instant());

  EXPECT_EQ(server.Post("/pause?mode=zz", "").body,
            R"({"error":{"message":"1 validation error:\n  {'type': 'literal_error', 'loc': )"
            R"(('query', 'mode'), 'msg': \"Input should be 'abort', 'wait' or 'keep'\", 'input': )"
            R"('zz', 'ctx': {'expected': \"'abort', 'wait' or 'keep'\"}}","type":"Bad Request",)"
            R"("param":"query.mode","code":400}})");
  for (const std::string_view query : {"level=abc", "level=7", "mode=zz"}) {
    EXPECT_EQ(server.Post(StrCat("/sleep?", query), "").status, 400) << query;
  }
  EXPECT_EQ(server.Get("/is_sleeping").body, R"({"is_sleeping":false})");
}

TEST(SimHttp, WhatNeedsAFlagFailsWithoutIt) {
  SimOptions options = Instant();
  options.switches.sleep_mode = false;
  options.switches.lora = false;
  SimServer server(options);

  EXPECT_EQ(server.Post("/sleep", "").status, 500);
  EXPECT_EQ(server.Get("/is_sleeping").body, R"({"is_sleeping":false})");
  const HttpAnswer load =
      server.Post("/v1/load_lora_adapter", R"({"lora_name":"a","lora_path":"b"})");
  EXPECT_EQ(load.status, 500);
  EXPECT_THAT(load.body, HasSubstr("InternalServerError"));
}

TEST(SimHttp, AnAdapterIsReplacedInPlaceOnlyWhereTheFieldIsKnown) {
  for (const auto& [dialect, status] : {std::pair("vllm-0.12", 400), std::pair("vllm-0.16", 200)}) {
    SimOptions options = Instant();
    options.dialect = wire::DialectByName(dialect).value();
    SimServer server(options);
    EXPECT_EQ(server
                  .Post("/v1/load_lora_adapter",
                        R"({"lora_name":"sql","lora_path":"b","load_inplace":true})")
                  .status,
              status)
        << dialect;
  }
}

TEST(SimHttp, OllamaKnowsAModelByItsShortName) {
  SimOptions options = Instant();
  options.dialect = wire::DialectByName("ollama").value();
  SimServer server(options);

  EXPECT_EQ(server.Get("/v1/models/sim-model").body,
            server.Get("/v1/models/sim-model:latest").body);
  EXPECT_EQ(server.Get("/v1/models/sim-model").status, 200);
  EXPECT_EQ(server.Get("/v1/models/sim").status, 404);
}

TEST(SimHttp, VectorsAreWrittenAsFloats) {
  SimServer server(Instant());

  const HttpAnswer answer = server.Post("/v1/embeddings", R"({"input":"","dimensions":64})");

  EXPECT_THAT(answer.body, HasSubstr("0.0,"));
  EXPECT_FALSE(answer.body.contains("[0,") || answer.body.contains(",0,"));
}

TEST(SimHttp, JsonWithoutWhiteSpaceIsWrittenWhenAskedFor) {
  SimServer server(InstantSim());
  const auto ask = [&](std::string_view option) {
    const HttpAnswer answer = server.Post(
        kChatPath, Body(StrCat(R"(,"structured_outputs":{"json":{"type":"object","properties":)",
                               R"({"a":{"type":"integer"},"b":{"type":"boolean"}},)",
                               R"("required":["a","b"]})", option, "}")));
    return wire::DecodeReply(Api::kChat, answer.body).value().text();
  };
  const auto blanks = [](std::string_view text) { return text.find_first_of(" \n\t"); };

  EXPECT_NE(blanks(ask("")), std::string::npos);
  EXPECT_EQ(blanks(ask(R"(,"disable_any_whitespace":true)")), std::string::npos);
}

TEST(SimHttp, TooManyOfAKindAreRefused) {
  SimServer server(InstantSim());
  const auto many = [](std::size_t count) {
    std::string list;
    for (std::size_t i = 0; i < count; ++i) StrAppend(list, i == 0 ? "" : ",", R"("w")");
    return list;
  };

  EXPECT_EQ(server.Post(kChatPath, Body(StrCat(R"(,"bad_words":[)", many(129), "]"))).status, 400);
  EXPECT_EQ(server.Post(kChatPath, Body(StrCat(R"(,"bad_words":[)", many(128), "]"))).status, 200);
  EXPECT_EQ(
      server.Post("/v1/completions", StrCat(R"({"prompt":[)", many(1025), R"(],"max_tokens":1})"))
          .status,
      400);
}

TEST(SimHttp, LegacyDialectSpeaksItsOwnErrors) {
  SimOptions options = Instant();
  options.dialect = wire::DialectByName("vllm-0.10").value();
  SimServer server(options);

  EXPECT_EQ(server.Post(kChatPath, Body(R"(,"model":"foo")")).body,
            R"({"object":"error","message":"The model `foo` does not exist.",)"
            R"("type":"NotFoundError","param":null,"code":404})");
  EXPECT_EQ(server.Get("/version").body, R"({"version":"0.10.0"})");
}

}  // namespace
}  // namespace weir::sim
