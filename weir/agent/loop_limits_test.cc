// What bounds the work of an agent besides its turns: its clock, and a person who is asked.

#include <gmock/gmock.h>

#include "weir/agent/loop_testing.h"

namespace weir::agent {
namespace {

using model::ScriptedAnswer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// A person who thinks for a while and says yes.
class Person final : public Approver {
 public:
  explicit Person(Duration thinks) : thinks_(thinks) {}
  async::Task<Result<bool>> Ask(async::Context ctx, std::string, model::ToolCall) override {
    WEIR_CO_CHECK(co_await async::Sleep(ctx, thinks_));
    co_return true;
  }

 private:
  const Duration thinks_;
};

TEST_F(LoopTest, TheWholeWorkHasATimeLimit) {
  agent_.timeout = std::chrono::seconds(300);
  agent_.max_turns = 1000;
  ScriptedAnswer slow = Calls({{"look"}});
  slow.before_each = std::chrono::seconds(100);
  const WorkResult result = Work({slow});
  ASSERT_FALSE(result.submission);
  EXPECT_EQ(Name(result.submission.error()), "timeout");
  EXPECT_THAT(result.submission.error().message, HasSubstr("not done after 300 s"));
}

TEST_F(LoopTest, ADeniedToolIsToldAndDoesNotRun) {
  agent_.approval = Approval::kAsk;
  const WorkResult result = Work({Calls({{"fix"}, {"look", R"({"n":1})"}}), Submits()});
  ASSERT_TRUE(result.submission);
  EXPECT_THAT(ran_, ElementsAre("look 1"));
  EXPECT_EQ(result.figures.denied, 1);
  EXPECT_THAT(Asked(1).messages[3].AllText(), HasSubstr("nobody can be asked"));
}

TEST_F(LoopTest, TheTimeLimitStandsWhileAPersonIsAsked) {
  agent_.timeout = std::chrono::seconds(300);
  agent_.approval = Approval::kAsk;
  Person person(std::chrono::seconds(1000));
  person_ = &person;
  ScriptedAnswer slow = Calls({{"fix", R"({"n":1})"}, {"fix", R"({"n":2})"}});
  slow.before_each = std::chrono::seconds(100);
  ScriptedAnswer last = Submits();
  last.before_each = std::chrono::seconds(100);
  const WorkResult result = Work({slow, last});
  ASSERT_TRUE(result.submission) << result.submission.error().message;
  EXPECT_THAT(ran_, ElementsAre("fix 1", "fix 2"));
}

TEST_F(LoopTest, TheTimeLimitHoldsAgainOnceAPersonHasAnswered) {
  agent_.timeout = std::chrono::seconds(300);
  agent_.approval = Approval::kAsk;
  agent_.max_turns = 1000;
  Person person(std::chrono::seconds(1000));
  person_ = &person;
  ScriptedAnswer slow = Calls({{"fix"}});
  slow.before_each = std::chrono::seconds(100);
  const WorkResult result = Work({slow});
  ASSERT_FALSE(result.submission);
  EXPECT_THAT(result.submission.error().message, HasSubstr("not done after 300 s"));
  EXPECT_THAT(ran_, SizeIs(testing::AllOf(testing::Ge(1U), testing::Le(3U))));
}

}  // namespace
}  // namespace weir::agent
