#include "weir/async/guard.h"

#include <gtest/gtest.h>

namespace weir::async {
namespace {

using namespace std::chrono_literals;

class GuardTest : public testing::Test {
 protected:
  GuardTest() { ctx_.cancellation = &cancellation_; }

  // What comes of an operation of ten seconds that ends when it is aborted.
  Task<Result<void>> Operation(Context ctx) {
    const Guard guard(ctx, ctx.deadline, [this] { ++aborts_; });
    if (cancel_) cancellation_.Cancel();
    (void)co_await Sleep(Context(loop_), 10s);
    co_return guard.Check();
  }
  Code CodeOf(const Result<void>& result) { return result ? Code::kInternal : result.error().code; }

  Loop loop_{Loop::Time::kVirtual};
  Cancellation cancellation_;
  Context ctx_{loop_};
  bool cancel_ = false;
  int aborts_ = 0;
};

TEST_F(GuardTest, WhatEndsInTimeIsNotAborted) {
  EXPECT_TRUE(loop_.Run(Operation(ctx_.WithTimeout(11s))));
  EXPECT_EQ(aborts_, 0);
}

TEST_F(GuardTest, ADeadlineAbortsOnce) {
  EXPECT_EQ(CodeOf(loop_.Run(Operation(ctx_.WithTimeout(9s)))), Code::kTimeout);
  EXPECT_EQ(aborts_, 1);
}

TEST_F(GuardTest, ACancellationAbortsOnceWhateverComesBehindIt) {
  cancel_ = true;
  EXPECT_EQ(CodeOf(loop_.Run(Operation(ctx_.WithTimeout(9s)))), Code::kCancelled);
  EXPECT_EQ(aborts_, 1);
}

TEST_F(GuardTest, WhatIsCancelledAlreadyIsAbortedAtOnce) {
  cancellation_.Cancel();
  EXPECT_EQ(CodeOf(loop_.Run(Operation(ctx_))), Code::kCancelled);
  EXPECT_EQ(aborts_, 1);
}

}  // namespace
}  // namespace weir::async
