// What vLLM does where a reader of the API would expect something else.

#include <algorithm>
#include <thread>

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/sim/sim_testing.h"
#include "weir/wire/codec.h"
#include "weir/wire/wire_testing.h"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

std::string Asking(std::string_view more) {
  return StrCat(R"({"messages":[{"role":"user","content":"hi"}])", more, "}");
}

// The events of a stream that is aborted once it has begun to write.
std::vector<std::string> AbortedStream(std::string_view more) {
  SimOptions options = InstantSim("");
  options.engine.latency.pace = Latency::Pace::kFixed;
  options.engine.latency.itl = Spread::Fixed(20ms);
  options.models[0].max_model_len = 4000;
  SimServer server(std::move(options));
  HttpAnswer answer;
  std::thread client([&] {
    answer = server.Post(
        kChatPath,
        Asking(StrCat(R"(,"n":2,"stream":true,"max_tokens":3000,"ignore_eos":true)", more)));
  });
  const auto has_begun = [&] {
    const std::string metrics = server.Get("/metrics").body;
    const std::size_t line = metrics.find("\nvllm:generation_tokens_total{");
    return metrics[metrics.find("} ", line) + 2] != '0';
  };
  while (!has_begun()) {
  }
  server.Post("/abort_requests", "");
  client.join();
  return wire::EventsOf(answer.body);
}

TEST(VllmWays, AnAbortBeforeTheFirstTokenIsAnEmptyChoiceOfAWholeAnswer) {
  SimServer server(InstantSim(R"([{reply: {text: a, ttft: 1440m}}])"));
  const auto ask = [&](std::string_view path, std::string_view body) {
    HttpAnswer answer;
    std::thread client([&] { answer = server.Post(path, body); });
    while (server.Post("/abort_requests", "").body.contains(R"("aborted":0)")) {
    }
    client.join();
    return answer.body;
  };
  const std::string talk = ask(kChatPath, Asking(R"(,"n":2)"));
  const auto chat = wire::DecodeReply(model::Api::kChat, talk);
  const auto text = wire::DecodeReply(model::Api::kCompletions,
                                      ask("/v1/completions", R"({"prompt":["a","b"],"n":2})"));
  const std::string response = ask("/v1/responses", R"({"input":"a"})");

  ASSERT_TRUE(chat.has_value() && text.has_value());
  EXPECT_EQ(chat->choices.size(), 2U);
  EXPECT_EQ(text->choices.size(), 4U);
  for (const model::Reply* reply : {&*chat, &*text}) {
    for (const model::Choice& choice : reply->choices) {
      EXPECT_EQ(choice.finish, model::Finish::kAbort);
      EXPECT_EQ(choice.text, "");
    }
  }
  EXPECT_THAT(response, HasSubstr(R"("status":"incomplete")"));
}

constexpr std::string_view kCounting =
    R"(,"stream_options":{"include_usage":true,"continuous_usage_stats":true})";

TEST(VllmWays, ABeamThatIsAbortedEndsBehindItsText) {
  const std::vector<std::string> events = AbortedStream(R"(,"use_beam_search":true)");
  ASSERT_EQ(events.size(), 5U);
  for (const std::size_t choice : {2U, 3U}) {
    EXPECT_THAT(events[choice], HasSubstr(R"("finish_reason":"abort")"));
  }
}

TEST(VllmWays, EveryEventTellsTheCountsSoFarWhereTheyAreAskedFor) {
  SimServer server(InstantSim(""));
  const std::string talk =
      StrCat(R"({"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"So"}],)",
             R"("echo":true,"add_generation_prompt":false,"n":2,"max_tokens":4,"stream":true)",
             kCounting, "}");
  const std::string text =
      StrCat(R"({"prompt":"hi","echo":true,"max_tokens":4,"stream":true)", kCounting, "}");
  std::vector<std::vector<std::string>> streams = {
      wire::EventsOf(server.Post(kChatPath, talk).body),
      wire::EventsOf(server.Post("/v1/completions", text).body), AbortedStream(kCounting)};
  for (std::vector<std::string>& events : streams) {
    ASSERT_GT(events.size(), 2U);
    events.pop_back();  // [DONE]
    EXPECT_THAT(events, Each(HasSubstr(R"("usage":{"prompt_tokens":)")));
  }
  const auto echo = std::ranges::find_if(
      streams[0], [](const std::string& event) { return event.contains(R"("content":"So")"); });
  ASSERT_NE(echo, streams[0].end());
  EXPECT_THAT(*echo, HasSubstr(R"("completion_tokens":0)"));
}

TEST(VllmWays, WhatAScriptLaysDownIsSaidByEveryBeam) {
  SimServer server(InstantSim("[{reply: {text: laid down}}]"));
  const std::string beams = R"(,"use_beam_search":true,"n":3)";
  const HttpAnswer whole = server.Post(kChatPath, Asking(beams));
  const model::Reply reply = wire::DecodeReply(model::Api::kChat, whole.body).value();
  ASSERT_EQ(reply.choices.size(), 3U);
  for (const model::Choice& choice : reply.choices) EXPECT_EQ(choice.text, "laid down");
  const HttpAnswer stream = server.Post(kChatPath, Asking(StrCat(beams, R"(,"stream":true)")));
  EXPECT_THAT(stream.body, HasSubstr(R"({"index":2,"delta":{"content":"laid down")"));
}

TEST(VllmWays, LevelZeroOfSleepOnlyPausesAndNeedsNoAllocator) {
  for (const bool sleep_mode : {false, true}) {
    SimOptions options = InstantSim("");
    options.switches.sleep_mode = sleep_mode;
    SimServer server(std::move(options));
    EXPECT_EQ(server.Post("/sleep?level=0", "").status, 200);
    EXPECT_EQ(server.Get("/is_sleeping").body, R"({"is_sleeping":true})");
    EXPECT_EQ(server.Get("/is_paused").body, R"({"is_paused":true})");
    EXPECT_THAT(server.Get("/metrics").body,
                testing::ContainsRegex("engine_sleep_state.*awake.* 1"));
    EXPECT_EQ(server.Post("/resume", "").status, 200);
    EXPECT_EQ(server.Get("/is_sleeping").body, R"({"is_sleeping":false})");
    EXPECT_EQ(server.Post("/sleep?level=1", "").status, sleep_mode ? 200 : 500);
  }
}

TEST(VllmWays, BeforeLevelZeroThereWasOnlySleep) {
  SimOptions options = InstantSim("");
  options.switches.sleep_mode = false;
  options.dialect = wire::DialectByName("vllm-0.12").value();
  SimServer server(std::move(options));
  EXPECT_EQ(server.Post("/sleep?level=0", "").status, 500);
}

struct ByVersion {
  wire::Version version;
  std::string_view path;
  std::string body;
  int status;
};

TEST(VllmWays, WhatAVersionDoesNotKnowYetIsRefusedOrIgnored) {
  std::string words = R"("w")";
  for (int i = 0; i < 128; ++i) words += R"(,"w")";
  const std::string text = StrCat(R"({"prompt":"hi","max_tokens":1,"bad_words":[)", words, "]}");
  const auto effort = [](std::string_view word) {
    return Asking(StrCat(R"(,"max_tokens":1,"reasoning_effort":")", word, "\""));
  };
  const ByVersion rows[] = {
      {{0, 16, 0}, "/v1/completions", text, 200},  // ignored: not one word too many
      {{0, 26, 0}, "/v1/completions", text, 400},
      {{0, 17, 0}, kChatPath, effort("low"), 200},
      {{0, 17, 0}, kChatPath, effort("none"), 400},
      {{0, 18, 0}, kChatPath, effort("none"), 200},
      {{0, 18, 0}, kChatPath, effort("minimal"), 400},
      {{0, 21, 0}, kChatPath, effort("minimal"), 200},
      {{0, 21, 0}, kChatPath, effort("max"), 200},
      {{0, 21, 0}, kChatPath, effort("huge"), 400},
  };
  for (const ByVersion& row : rows) {
    SimOptions options = InstantSim("");
    options.dialect.version = row.version;
    SimServer server(std::move(options));
    EXPECT_EQ(server.Post(row.path, row.body).status, row.status)
        << row.version.minor << " " << row.body;
  }
}

TEST(VllmWays, ANullToolChoiceLeavesTheReasonOfTheEngine) {
  SimServer server(InstantSim(R"([{reply: {tool_calls: [{name: f, arguments: {a: 1}}]}}])"));
  const HttpAnswer answer =
      server.Post(kChatPath, Asking(R"(,"tools":[{"type":"function","function":{"name":"f"}}],)"
                                    R"("tool_choice":null,"max_tokens":5)"));
  EXPECT_THAT(answer.body, HasSubstr(R"("finish_reason":"length")"));
  EXPECT_THAT(answer.body, Not(HasSubstr("tool_calls")));
}

TEST(VllmWays, AMediumMayBeNamedByItsIdAlone) {
  SimServer server(InstantSim(""));
  for (const std::string_view type : {"image_url", "video_url", "audio_url", "input_audio"}) {
    const std::string body = StrCat(R"({"messages":[{"role":"user","content":[{"type":")", type,
                                    R"(",")", type, R"(":null,"uuid":"u"}]}]})");
    const HttpAnswer answer = server.Post(kChatPath, body);
    EXPECT_EQ(answer.status, 200) << type << answer.body;
  }
}

TEST(VllmWays, OllamaDoesNotRefuseWhatOnlyVllmKnows) {
  SimOptions options = InstantSim("");
  options.dialect = wire::DialectByName("ollama").value();
  SimServer server(std::move(options));
  for (const std::string_view more :
       {R"(,"cache_salt":"")", R"(,"allowed_token_ids":[])", R"(,"truncation_side":"x")",
        R"(,"truncate_prompt_tokens":-2)", R"(,"repetition_penalty":0)"}) {
    EXPECT_EQ(server.Post(kChatPath, Asking(more)).status, 200) << more;
  }
}

}  // namespace
}  // namespace weir::sim
