#include "weir/agent/overrides.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"

namespace weir::agent {
namespace {

using model::Message;
using model::Role;
using testing::HasSubstr;

TEST(OverridesTest, EachKeyChangesWhatItNames) {
  Agent agent;
  model::Call call;
  const auto good = Override(agent, call, *json::Read(R"({
      "max_turns": 30, "max_tool_calls": 40, "max_nudges": 0, "max_total_tokens": 9000,
      "max_tokens": 700, "run_timeout": 1.5, "tool_choice": "auto", "temperature": 0.5,
      "temperature.first": 0.6, "temperature.final": 0.7, "confidence.threshold": 0.8,
      "confidence.max_retries": 3})"));
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(agent.max_turns, 30);
  EXPECT_EQ(agent.max_tool_calls, 40);
  EXPECT_EQ(agent.max_nudges, 0);
  EXPECT_EQ(agent.max_total_tokens, 9000);
  EXPECT_EQ(call.sampling.max_tokens, 700);
  EXPECT_EQ(agent.timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(agent.tool_choice, model::ToolChoice::Kind::kAuto);
  EXPECT_EQ(agent.temperature.first, 0.6);
  EXPECT_EQ(agent.temperature.loop, 0.5);
  EXPECT_EQ(agent.temperature.last, 0.7);
  EXPECT_EQ(agent.min_tool_confidence, 0.8);
  EXPECT_EQ(agent.confidence_retries, 3);
}

TEST(OverridesTest, ANoteStandsBehindTheWordsOfTheUser) {
  Agent agent;
  model::Call call;
  const json::Value note = *json::Read(R"({"note":"Leave the tests alone."})");
  call.messages = {Message::Text(Role::kSystem, "You lint."),
                   Message::Text(Role::kUser, "Lint a.py")};
  ASSERT_TRUE(Override(agent, call, note));
  ASSERT_EQ(call.messages.size(), 2U);
  ASSERT_EQ(call.messages[1].parts.size(), 1U);
  EXPECT_EQ(call.messages[1].AllText(), "Lint a.py\n\nLeave the tests alone.");
  call.messages.pop_back();
  ASSERT_TRUE(Override(agent, call, note));
  ASSERT_EQ(call.messages.size(), 2U);
  EXPECT_EQ(call.messages[1].AllText(), "Leave the tests alone.");
}

TEST(OverridesTest, WhatNoKeyTakesIsRefusedByName) {
  const struct {
    const char* overrides;
    const char* says;
  } cases[] = {
      {R"({"model":"other"})", "`model` cannot be changed for one row; max_turns, "},
      {R"({"model":"other"})", "confidence.max_retries and note can"},
      {R"({"max_turns":0})", "`max_turns` must be a whole number from 1"},
      {R"({"max_nudges":-1})", "`max_nudges` must be a whole number from 0"},
      {R"({"max_tokens":"many"})", "`max_tokens` must be a whole number from 1"},
      {R"({"run_timeout":-1})", "`run_timeout` must be a number of seconds"},
      {R"({"tool_choice":"any"})", "`tool_choice` must be required, auto or none"},
      {R"({"temperature.loop":3})", "`temperature.loop` must be from 0 to 2"},
      {R"({"confidence.threshold":7})", "`confidence.threshold` must be from 0 to 1"},
      {R"({"note":" "})", "`note` must be a text"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.overrides);
    Agent agent;
    model::Call call;
    const auto refused = Override(agent, call, *json::Read(c.overrides));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kConfigError);
    EXPECT_THAT(refused.error().message, HasSubstr(c.says));
  }
}

}  // namespace
}  // namespace weir::agent
