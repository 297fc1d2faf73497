// What vLLM does where a reader of the API would expect something else.

#include <thread>

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/sim/sim_testing.h"
#include "weir/wire/wire_testing.h"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

std::string Asking(std::string_view more) {
  return StrCat(R"({"messages":[{"role":"user","content":"hi"}])", more, "}");
}

TEST(VllmWays, ABeamThatIsAbortedEndsBehindItsText) {
  SimOptions options = InstantSim("");
  options.engine.latency.pace = Latency::Pace::kFixed;
  options.engine.latency.itl = Spread::Fixed(20ms);
  options.models[0].max_model_len = 4000;
  SimServer server(std::move(options));
  HttpAnswer answer;
  std::thread client([&] {
    answer = server.Post(kChatPath, Asking(R"(,"use_beam_search":true,"n":2,"stream":true,)"
                                           R"("max_tokens":3000,"ignore_eos":true)"));
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
  const std::vector<std::string> events = wire::EventsOf(answer.body);
  ASSERT_EQ(events.size(), 5U) << answer.body;
  for (const std::size_t choice : {2U, 3U}) {
    EXPECT_THAT(events[choice], HasSubstr(R"("finish_reason":"abort")"));
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
