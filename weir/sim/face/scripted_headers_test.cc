// Headers that a script adds, whatever the answer is.

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/sim/sim_testing.h"

namespace weir::sim {
namespace {

using testing::HasSubstr;

struct Answered {
  std::string_view reply;  // what is laid down beside the headers
  std::string_view more;   // of the request
  int status;
};

constexpr std::string_view kEmbeddings = "/v1/embeddings";

TEST(ScriptedHeaders, ComeWithEveryAnswerOfARule) {
  constexpr Answered kAnswers[] = {
      {"text: hi", "", 200},
      {"text: hi", R"(,"stream":true)", 200},
      {"html: <p>", "", 200},
      {"garbage: '{'", "", 200},
      {"garbage: '{'", R"(,"stream":true)", 200},
      {"error: {status: 429}", "", 429},
      {"error: {status: 429}", R"(,"stream":true)", 429},
      {"faults: [{kind: error_event}]", "", 500},
      {"faults: [{kind: error_event}]", R"(,"stream":true)", 200},
      {"finish: stop", R"(,"max_tokens":1000000)", 400},
      {"finish: stop", R"(,"stream":true,"logprobs":true,"top_logprobs":99)", 200},
  };
  for (const Answered& row : kAnswers) {
    SCOPED_TRACE(StrCat(row.reply, row.more));
    SimServer server(InstantSim(StrCat("[{reply: {headers: {X-Served-By: b}, ", row.reply, "}}]")));
    const HttpAnswer answer = server.Post(
        kChatPath, StrCat(R"({"messages":[{"role":"user","content":"hi"}])", row.more, "}"));
    EXPECT_EQ(answer.status, row.status) << answer.body;
    EXPECT_THAT(answer.head, HasSubstr("x-served-by: b\r\n"));
  }
}

TEST(ScriptedHeaders, ComeWithEveryAnswerOfARuleForAPath) {
  constexpr Answered kAnswers[] = {
      {"html: <p>", "", 200},
      {"garbage: '{'", "", 200},
      {"error: {status: 429}", "", 429},
      {"delay: 1us", "", 200},
  };
  for (const Answered& row : kAnswers) {
    SCOPED_TRACE(row.reply);
    SimServer server(
        InstantSim(StrCat("[{match: {path: ", kEmbeddings, "}, reply: {headers: {X-Served-By: b}, ",
                          row.reply, "}}]")));
    const HttpAnswer answer = server.Post(kEmbeddings, R"({"input":"hi"})");
    EXPECT_EQ(answer.status, row.status) << answer.body;
    EXPECT_THAT(answer.head, HasSubstr("x-served-by: b\r\n"));
    EXPECT_EQ(answer.head.find("x-served-by"), answer.head.rfind("x-served-by"));
  }
}

TEST(ScriptedHeaders, GarbageInsteadOfAStreamIsCalledAsTheStreamWouldBe) {
  SimOptions options = InstantSim("[{reply: {garbage: '{'}}]");
  options.dialect = wire::DialectByName("ollama").value();
  SimServer server(std::move(options));
  const HttpAnswer answer = server.Post(
      "/api/chat", R"({"model":"sim-model","messages":[{"role":"user","content":"hi"}]})");
  EXPECT_THAT(answer.head, HasSubstr("content-type: application/x-ndjson\r\n"));
}

}  // namespace
}  // namespace weir::sim
