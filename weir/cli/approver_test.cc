#include "weir/cli/approver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/base/fd.h"
#include "weir/base/text.h"
#include "weir/flow/read.h"

namespace weir::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Stdin is what is typed, and ends behind it.
class ApproverTest : public testing::Test {
 protected:
  ApproverTest() : stdin_(::dup(STDIN_FILENO)) {}
  ~ApproverTest() override { ::dup2(stdin_.get(), STDIN_FILENO); }

  static void Type(std::string_view text) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const Fd from(ends[0]);
    const Fd to(ends[1]);
    ASSERT_EQ(::write(to.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ASSERT_EQ(::dup2(from.get(), STDIN_FILENO), STDIN_FILENO);
  }

  bool Ask(std::string tool, std::string arguments = "{}") {
    const Result<bool> yes = loop_.Run(approver_.Ask(
        ctx_, "lint/1", {.id = {}, .name = std::move(tool), .arguments = std::move(arguments)}));
    EXPECT_TRUE(yes);
    return yes.value_or(false);
  }

  const Fd stdin_;
  async::Loop loop_;
  async::Context ctx_{loop_};
  std::vector<std::string> said_;
  TerminalApprover approver_{[this](std::string_view text) { said_.emplace_back(text); }};
};

TEST_F(ApproverTest, EachAnswerIsForOneCall) {
  Type("y\nno\n YES \nn\n");
  EXPECT_TRUE(Ask("fix", R"({"line":1})"));
  EXPECT_FALSE(Ask("fix"));
  EXPECT_TRUE(Ask("fix"));
  EXPECT_FALSE(Ask("fix"));
  ASSERT_THAT(said_, SizeIs(4));
  EXPECT_THAT(said_[0], HasSubstr(R"(lint/1 wants to call fix {"line":1})"));
}

TEST_F(ApproverTest, AlwaysIsForOneToolAndIsNotAskedAgain) {
  Type("always\nn\n");
  EXPECT_TRUE(Ask("fix"));
  EXPECT_TRUE(Ask("fix"));
  EXPECT_FALSE(Ask("remove"));
  EXPECT_THAT(said_, SizeIs(2));
}

TEST_F(ApproverTest, WhatIsNoAnswerIsAskedAgain) {
  Type("what?\n\ny\n");
  EXPECT_TRUE(Ask("fix"));
  EXPECT_THAT(said_, ElementsAre(HasSubstr("wants to call"), "  please type y, n or a",
                                 "  please type y, n or a"));
}

TEST_F(ApproverTest, WhereNobodyIsLeftItIsANoWithoutMoreQuestions) {
  Type("");
  EXPECT_FALSE(Ask("fix"));
  said_.clear();
  EXPECT_FALSE(Ask("fix"));
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(ApproverTest, NothingInTheArgumentsMovesTheCursor) {
  Type("n\n");
  EXPECT_FALSE(Ask("fix", "\033[2Jgone"));
  EXPECT_THAT(said_, ElementsAre(testing::Not(HasSubstr("\033"))));
  // What turns the direction makes "rm" look like "mr".
  said_.clear();
  EXPECT_FALSE(Ask("fi\033x", "\u202Erm"));
  EXPECT_THAT(said_, ElementsAre(testing::AllOf(testing::Not(HasSubstr("\033")),
                                                testing::Not(HasSubstr("\u202E")))));
}

TEST(WantsApproval, WhereAnAgentAToolOrAServerAsks) {
  const std::pair<const char*, bool> cases[] = {
      {"nodes: [{step: a, user: x}]", false},
      {"nodes: [{agent: a, user: x, tools: [write_file]}]", false},
      {"nodes: [{agent: a, user: x, tools: [write_file], approval: deny}]", false},
      {"nodes: [{agent: a, user: x, tools: [write_file], approval: ask}]", true},
      {"nodes: [{agent: a, user: x, tools: [{builtin: write_file, approval: ask}]}]", true},
      {"nodes: [{agent: a, user: x, mcp: [{name: s, exec: [x], approval: ask}]}]", true},
  };
  for (const auto& [yaml, wants] : cases) {
    auto flow = flow::ReadFlowText(yaml, "flow.yaml");
    ASSERT_TRUE(flow) << flow.error().message;
    const auto graph = flow::Graph::Compile(*std::move(flow));
    ASSERT_TRUE(graph) << graph.error().message;
    EXPECT_EQ(WantsApproval(*graph), wants) << yaml;
  }
}

}  // namespace
}  // namespace weir::cli
