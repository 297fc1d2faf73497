#include "weir/flow/call.h"

#include <gtest/gtest.h>

#include "weir/flow/read_testing.h"

namespace weir::flow {
namespace {

using model::Finish;

Result<json::Value> AnswerThatEnds(std::string_view step, Finish finish, std::string text) {
  const Result<Graph> graph = Graph::Compile(FlowOf(step));
  EXPECT_TRUE(graph) << graph.error().message;
  model::Reply reply;
  reply.choices.push_back({.text = std::move(text), .finish = finish});
  return AnswerOf(graph->nodes().front(), {}, reply);
}

constexpr std::string_view kStep = "nodes: [{step: say, user: hi}]";
constexpr std::string_view kKeepsCut = "nodes: [{step: say, user: hi, keep_cut: true}]";

TEST(FlowCallTest, AnAnswerThatWasNotFinishedFailsByItsReason) {
  const struct {
    std::string_view step;
    Finish finish;
    std::string text;
    std::string_view name;
  } cases[] = {
      {kStep, Finish::kLength, "half", "truncated"},
      {kStep, Finish::kAbort, "half", "stream_truncated"},
      {kStep, Finish::kContentFilter, "half", "content_filter"},
      {kStep, Finish::kContentFilter, "", "content_filter"},
      {kKeepsCut, Finish::kContentFilter, "half", "content_filter"},
      {kStep, Finish::kStop, "", "empty_model_response"},
  };
  for (const auto& c : cases) {
    const Result<json::Value> answer = AnswerThatEnds(c.step, c.finish, c.text);
    ASSERT_FALSE(answer) << c.name;
    EXPECT_EQ(Name(answer.error()), c.name);
  }
  EXPECT_TRUE(AnswerThatEnds(kStep, Finish::kStop, "whole"));
  EXPECT_TRUE(AnswerThatEnds(kKeepsCut, Finish::kLength, "half"));
}

}  // namespace
}  // namespace weir::flow
