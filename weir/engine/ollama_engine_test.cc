// The adapter over the codec and the framing: what a server writes is read however it is cut.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/engine/adapter.h"
#include "weir/http/cut_testing.h"
#include "weir/http/line_reader.h"
#include "weir/wire/ollama_server.h"

namespace weir::engine {
namespace {

using model::Api;
using Kind = wire::EventDecoder::Kind;

std::string LinesOfAnAnswer() {
  wire::OllamaEncoder encoder(wire::OllamaApi::kChat, "m");
  std::string lines;
  model::Delta delta;
  delta.has_choice = true;
  for (const std::string_view word : {"Hi", " é\n", "\"<&>"}) {
    delta.text = word;
    encoder.Append(delta, 0, lines);
  }
  delta.text.clear();
  delta.tool_calls = {{0, "c", "f", R"({"a":"é"})"}};
  delta.finish = model::Finish::kToolCalls;
  encoder.Append(delta, 0, lines);
  wire::OllamaEnd end;
  end.usage.prompt_tokens = 3;
  end.usage.completion_tokens = 4;
  encoder.AppendEnd(end, 0, lines);
  return lines;
}

Result<model::Reply> Play(const Adapter& adapter, const http::Pieces& pieces) {
  http::LineReader reader;
  const auto decoder = adapter.NewDecoder(Api::kChat);
  model::Assembler reply;
  model::Delta delta;
  std::string_view line;
  for (std::size_t i = 0; i <= pieces.size(); ++i) {
    WEIR_CHECK(i < pieces.size() ? reader.Feed(pieces[i]) : reader.Finish());
    while (reader.Next(line)) {
      WEIR_TRY(const Kind kind, decoder->Decode(line, delta));
      if (kind == Kind::kDelta) reply.Add(delta);
    }
  }
  if (!decoder->finished()) return Fail(Code::kStreamTruncated, "unfinished");
  return std::move(reply).Finish(decoder->info());
}

TEST(OllamaAdapterTest, AStreamIsTheSameReplyHoweverItIsCut) {
  const auto adapter = NewOllamaAdapter();
  ASSERT_EQ(adapter->framing(Api::kChat), Framing::kLines);
  std::string lines = LinesOfAnAnswer();
  for (const bool with_end : {true, false}) {
    if (!with_end) lines.pop_back();
    http::ForEveryCut(lines, [&](const http::Pieces& pieces) {
      const auto reply = Play(*adapter, pieces);

      ASSERT_TRUE(reply) << Describe(reply.error());
      EXPECT_EQ(reply->text(), "Hi é\n\"<&>");
      ASSERT_EQ(reply->choices[0].tool_calls.size(), 1U);
      EXPECT_EQ(reply->choices[0].tool_calls[0].arguments, R"({"a":"é"})");
      EXPECT_EQ(reply->choices[0].finish, model::Finish::kToolCalls);
      EXPECT_EQ(reply->usage.total_tokens, 7);
    });
  }
}

TEST(OllamaAdapterTest, TheDialectIsTheSameWhateverTheVersion) {
  const auto adapter = NewOllamaAdapter();

  EXPECT_EQ(adapter->kind(), "ollama");
  EXPECT_EQ(adapter->VersionOf(R"({"version":"0.12.11"})"), "0.12.11");
  EXPECT_EQ(adapter->VersionOf("<html>"), "");
  EXPECT_EQ(adapter->DialectOf("").kind, wire::ServerKind::kOllama);
  EXPECT_THAT(adapter->ModelPaths(), testing::ElementsAre("/api/tags"));
}

}  // namespace
}  // namespace weir::engine
