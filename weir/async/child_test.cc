#include "weir/async/child.h"

#include <csignal>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/async/scope.h"

namespace weir::async {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class ChildTest : public testing::Test {
 protected:
  // A shell script with both ends in our hands.
  static ChildOptions Script(std::string script) {
    ChildOptions options;
    options.argv = {"sh", "-c", std::move(script)};
    options.env.variables = {{"PATH", "/usr/bin:/bin"}, {"WORD", "weir"}};
    options.pipe_input = true;
    options.pipe_output = true;
    return options;
  }
  std::unique_ptr<Child> Start(ChildOptions options) {
    Result<std::unique_ptr<Child>> child = Child::Start(loop_, std::move(options));
    EXPECT_TRUE(child.has_value()) << (child ? "" : child.error().message);
    return child ? *std::move(child) : nullptr;
  }
  // The next line; "(end)" and "(error)" for the others.
  std::string Line(Child& child, std::size_t max_bytes = 1 << 20) {
    const auto line = loop_.Run(child.ReadLine(ctx_, max_bytes));
    return !line ? "(error)" : line->value_or("(end)");
  }
  Result<void> Write(Child& child, std::string_view text) {
    return loop_.Run(child.Write(ctx_, text));
  }
  ChildExit End(Child& child) { return loop_.Run(child.Wait(ctx_)).value_or(ChildExit{-1, -1}); }

  Loop loop_;
  Context ctx_ = Context(loop_).WithTimeout(30s);
};

TEST_F(ChildTest, LinesGoInAndComeOut) {
  const auto child = Start(Script("while read line; do echo \"<$line>\"; done; printf last"));

  ASSERT_TRUE(Write(*child, "one\ntwo\n").has_value());
  EXPECT_EQ(Line(*child), "<one>");
  EXPECT_EQ(Line(*child), "<two>");
  child->CloseInput();
  EXPECT_EQ(Line(*child), "last");
  EXPECT_EQ(Line(*child), "(end)");
  EXPECT_EQ(Line(*child), "(end)");
  EXPECT_EQ(End(*child), ChildExit());
}

TEST_F(ChildTest, EnvironmentIsWholeAndFolderIsItsOwn) {
  ChildOptions options = Script("echo $WORD $HOME; pwd; cat; echo end");
  options.directory = "/";
  options.pipe_input = false;
  const auto child = Start(std::move(options));

  EXPECT_EQ(Line(*child), "weir");
  EXPECT_EQ(Line(*child), "/");
  EXPECT_EQ(Line(*child), "end");  // its input is empty
}

TEST_F(ChildTest, NothingOpenIsPassedOn) {
  const int open = ::open("/dev/null", O_RDONLY);  // not close-on-exec
  const auto child = Start(Script("exec ls /proc/self/fd"));

  for (const char* fd : {"0", "1", "2", "3"}) EXPECT_EQ(Line(*child), fd);  // 3 is that of ls
  EXPECT_EQ(Line(*child), "(end)");
  ::close(open);
}

TEST_F(ChildTest, ALongTextIsReadWhileItIsWritten) {
  const auto child = Start(Script("cat"));
  const std::string text(1 << 20, 'x');
  TaskScope scope(ctx_);
  const auto write = [](Child& to, const Context& ctx, std::string line) -> Task<void> {
    const Result<void> written = co_await to.Write(ctx, line);
    EXPECT_TRUE(written.has_value());
    to.CloseInput();
  };

  scope.Spawn(write(*child, ctx_, text + "\n"));

  EXPECT_EQ(Line(*child, 1 << 20), text);
  loop_.Run(scope.Join());
}

TEST_F(ChildTest, ALineThatIsTooLongIsAnError) {
  const auto child = Start(Script("echo 123456789; cat"));

  const auto line = loop_.Run(child->ReadLine(ctx_, 8));

  ASSERT_FALSE(line.has_value());
  EXPECT_EQ(line.error().code, Code::kIoError);
  EXPECT_EQ(line.error().message, "'sh' wrote a line of more than 8 bytes");
}

TEST_F(ChildTest, TheContextEndsWhatWaitsAndNothingIsLost) {
  const auto child = Start(Script("printf half; read go; echo ' line'; cat"));
  const Context short_ctx = ctx_.WithTimeout(1ms);

  const auto late = loop_.Run(child->ReadLine(short_ctx, 100));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, Code::kTimeout);
  const auto waited = loop_.Run(child->Wait(short_ctx));
  ASSERT_FALSE(waited.has_value());
  EXPECT_EQ(waited.error().code, Code::kTimeout);

  ASSERT_TRUE(Write(*child, "\n").has_value());
  EXPECT_EQ(Line(*child), "half line");

  Cancellation cancellation;
  Context cancelled = ctx_;
  cancelled.cancellation = &cancellation;
  cancellation.Cancel();
  const auto stopped = loop_.Run(child->ReadLine(cancelled, 100));
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, Code::kCancelled);
}

TEST_F(ChildTest, AProgramThatClosedItsInputIsAnErrorAndNoSignal) {
  const auto child = Start(Script("exec <&-; echo closed; read word <&1"));
  EXPECT_EQ(Line(*child), "closed");

  const Result<void> written = Write(*child, "one\n");

  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code, Code::kIoError);
  EXPECT_THAT(written.error().message, HasSubstr("'sh' does not read its input"));
}

TEST_F(ChildTest, SaysHowItEnded) {
  const auto failed = Start(Script("exit 3"));
  EXPECT_EQ(Describe(End(*failed)), "ended with status 3");
  EXPECT_EQ(failed->Ended(), (ChildExit{.status = 3}));

  const auto killed = Start(Script("cat"));
  EXPECT_FALSE(killed->Ended());
  killed->Signal(SIGKILL);
  EXPECT_EQ(Describe(End(*killed)), "was killed by signal 9 (Killed)");
}

// Whoever holds the write end of the pipe lives; the pipe tells when all are gone.
TEST_F(ChildTest, TheWholeGroupEndsWithTheChild) {
  for (const bool session : {false, true}) {
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    ChildOptions options = Script("(trap '' TERM HUP; echo up; cat) & exit 0");
    options.error_fd = pipe[1];
    options.own_session = session;
    auto child = Start(std::move(options));
    ::close(pipe[1]);
    EXPECT_EQ(Line(*child), "up");
    EXPECT_TRUE(End(*child).ok());

    child.reset();

    char byte;
    EXPECT_EQ(::read(pipe[0], &byte, 1), 0);
    ::close(pipe[0]);
  }
}

TEST_F(ChildTest, OneThatIsLeftGoesOn) {
  ChildOptions options = Script("cat");
  int out[2];
  ASSERT_EQ(::pipe2(out, O_CLOEXEC), 0);
  options.pipe_output = false;
  options.output_fd = out[1];
  auto child = Start(std::move(options));
  const std::string text = "still here\n";
  ASSERT_TRUE(Write(*child, text).has_value());
  child->Leave();

  child.reset();  // closes its input, which is what ends it

  std::string got(text.size(), ' ');
  ASSERT_EQ(::read(out[0], got.data(), got.size()), static_cast<ssize_t>(text.size()));
  EXPECT_EQ(got, text);
  for (const int fd : out) ::close(fd);
}

TEST_F(ChildTest, TellsItsPidBeforeItRuns) {
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  ChildOptions options = Script("cat");
  options.announce_fd = pipe[1];
  const auto child = Start(std::move(options));

  pid_t pid = 0;
  ASSERT_EQ(::read(pipe[0], &pid, sizeof pid), ssize_t{sizeof pid});

  EXPECT_EQ(pid, child->pid());
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_F(ChildTest, AProgramThatDoesNotStartIsNamed) {
  const auto message = [&](std::string program) {
    ChildOptions options = Script("");
    options.argv = {std::move(program)};
    const auto child = Child::Start(loop_, std::move(options));
    return child ? "(started)" : Describe(child.error());
  };

  EXPECT_EQ(message("no-such-program"),
            "config_error: there is no program 'no-such-program' on PATH; install it, or write "
            "where it is");
  EXPECT_THAT(message("/nowhere/program"), HasSubstr("cannot start '/nowhere/program'"));
  EXPECT_THAT(message("/etc/passwd"), HasSubstr("cannot start '/etc/passwd'"));
}

}  // namespace
}  // namespace weir::async
