#include "weir/async/output_pipe.h"

#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/async/child.h"

namespace weir::async {
namespace {

using namespace std::chrono_literals;

class OutputPipeTest : public testing::Test {
 protected:
  void SetUp() override {
    auto pipe = OutputPipe::Open(loop_);
    ASSERT_TRUE(pipe.has_value());
    pipe_ = *std::move(pipe);
  }
  void Put(std::string_view text) const {
    ASSERT_EQ(::write(pipe_->write_end(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }

  Loop loop_;
  Context ctx_ = Context(loop_).WithTimeout(30s);
  std::unique_ptr<OutputPipe> pipe_;
};

TEST_F(OutputPipeTest, GivesWhatIsThereAndThenTheEnd) {
  EXPECT_EQ(pipe_->ReadNow(), "");
  Put("half a li");
  EXPECT_EQ(loop_.Run(pipe_->Read(ctx_)), "half a li");
  Put("ne");
  EXPECT_EQ(pipe_->ReadNow(), "ne");

  pipe_->CloseWriteEnd();

  EXPECT_EQ(loop_.Run(pipe_->Read(ctx_)), "");
}

TEST_F(OutputPipeTest, TheContextEndsAReadAndNothingIsLost) {
  const auto late = loop_.Run(pipe_->Read(ctx_.WithTimeout(1ms)));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, Code::kTimeout);

  Cancellation cancellation;
  Context cancelled = ctx_;
  cancelled.cancellation = &cancellation;
  cancellation.Cancel();
  const auto stopped = loop_.Run(pipe_->Read(cancelled));
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, Code::kCancelled);

  Put("still here");
  EXPECT_EQ(loop_.Run(pipe_->Read(ctx_)), "still here");
}

TEST_F(OutputPipeTest, AChildThatNeverStopsPrintingDoesNotKeepTheLoop) {
  ChildOptions options;
  options.argv = {"yes"};
  options.env.variables = {{"PATH", "/usr/bin:/bin"}};
  options.output_fd = pipe_->write_end();
  const auto child = Child::Start(loop_, std::move(options));
  ASSERT_TRUE(child.has_value());
  pipe_->CloseWriteEnd();
  const auto read_all = [](OutputPipe& pipe, Context ctx) -> Task<Code> {
    for (;;) {
      const Result<std::string_view> bytes = co_await pipe.Read(ctx);
      if (!bytes) co_return bytes.error().code;
      EXPECT_TRUE(bytes->starts_with('y') || bytes->starts_with('\n'));
    }
  };

  EXPECT_EQ(loop_.Run(read_all(*pipe_, ctx_.WithTimeout(20ms))), Code::kTimeout);
}

}  // namespace
}  // namespace weir::async
