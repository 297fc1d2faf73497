#pragma once

// What the tests of the loop share: an agent with three tools, and a model that answers by script.

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "weir/agent/agent_testing.h"
#include "weir/agent/loop.h"
#include "weir/base/text.h"
#include "weir/base/trace_testing.h"
#include "weir/json/reader.h"

namespace weir::agent {

inline json::Value Parsed(std::string_view text) { return *json::Read(text); }

// An agent with a tool that reads ("look"), one that mutates ("fix") and one that always fails.
class LoopTest : public testing::Test {
 protected:
  WorkResult Work(std::deque<model::ScriptedAnswer> answers, Checkpoint* checkpoint = nullptr) {
    engine_ = std::make_unique<model::ScriptedEngine>(std::move(answers));
    async::Loop loop(async::Loop::Time::kVirtual);
    return loop.Run(WorkOn(loop, checkpoint));
  }

  async::Task<WorkResult> WorkOn(async::Loop& loop, Checkpoint* checkpoint) {
    async::Context ctx(loop);
    ctx.trace = &events_;
    ToolboxOptions options;
    options.functions = Functions();
    options.approver = person_;
    auto box = co_await Toolbox::Open(ctx, agent_, std::move(options));
    if (!box) {
      co_return WorkResult{
          .submission = Fail(box.error()), .figures = {}, .messages = {}, .repairs = {}};
    }
    (*box)->may_force = may_force_;
    Job job{.call = call_, .seed = 7, .around = &around_, .checkpoint = checkpoint};
    job.on_answer = [this](const Result<model::Reply>& reply, Duration) {
      answers_.push_back(reply ? reply->text() : Name(reply.error()));
    };
    WorkResult result = co_await agent::Work(ctx, *engine_, agent_, **box, job);
    may_force_ = (*box)->may_force;
    co_return result;
  }

  std::vector<std::unique_ptr<Tool>> Functions() {
    std::vector<std::unique_ptr<Tool>> tools;
    const auto add = [&](std::string name, bool mutates, ToolFunction function) {
      model::ToolSpec spec{
          .name = std::move(name),
          .description = "A tool.",
          .parameters = Parsed(R"({"type":"object","properties":{"n":{"type":"integer"}}})"),
          .strict = {}};
      tools.push_back(NewFunctionTool(std::move(spec), mutates, std::move(function)));
    };
    add("look", false, [this](json::View arguments) -> Result<std::string> {
      ran_.push_back(StrCat("look ", arguments.Find("n").NumberText()));
      return StrCat("seen ", arguments.Find("n").NumberText());
    });
    add("fix", true, [this](json::View arguments) -> Result<std::string> {
      ran_.push_back(StrCat("fix ", arguments.Find("n").NumberText()));
      return std::string("fixed");
    });
    add("break", false, [this](json::View) -> Result<std::string> {
      ran_.emplace_back("break");
      return Fail(Code::kIoError, "it broke");
    });
    return tools;
  }

  const model::Call& Asked(std::size_t i) const { return engine_->asked.at(i); }
  std::string LastSaid(std::size_t i) const { return Asked(i).messages.back().AllText(); }

  LoopTest() {
    agent_.name = "lint";
    call_.messages = {model::Message::Text(model::Role::kSystem, "You lint."),
                      model::Message::Text(model::Role::kUser, "Lint a.py")};
  }

  Agent agent_;
  model::Call call_;
  Surroundings around_;
  HeardEvents events_;
  bool may_force_ = true;
  Approver* person_ = nullptr;
  std::vector<std::string> ran_;
  std::vector<std::string> answers_;  // what on_answer heard: texts, names of errors
  std::unique_ptr<model::ScriptedEngine> engine_;
};

}  // namespace weir::agent
