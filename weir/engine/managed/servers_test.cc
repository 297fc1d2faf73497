#include "weir/engine/managed/servers.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/engine/managed/server_probe.h"
#include "weir/engine/managed/start_failure.h"

namespace weir::engine {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class ServersTest : public testing::Test {
 protected:
  ServersTest() {
    char name[] = "/tmp/weir_servers_XXXXXX";
    root_ = ::mkdtemp(name);
    env_.variables = {{"XDG_STATE_HOME", root_}, {"PATH", "/usr/bin:/bin"}};
  }
  ~ServersTest() override { std::filesystem::remove_all(root_); }

  std::unique_ptr<Servers> Open() const { return *Servers::Open({.env = env_}); }

  // A shell script for a server; none of them listens.
  ManagedEngine Script(std::string script) {
    ManagedEngine engine{.model = "m"};
    engine.http.name = "a";
    engine.http.model = "m";
    engine.serve.command = {"sh", "-c", std::move(script)};
    engine.serve.stop_timeout = 100ms;
    engine.port = loop_.Run(Open()->ChoosePort(ctx_, engine, 1000, {})).value_or(0);
    return engine;
  }
  Error StartError(const ManagedEngine& engine) {
    const Result<RunningServer> started = loop_.Run(Open()->Start(ctx_, engine));
    return started ? Error{.message = "(it started)"} : started.error();
  }

  // The process that holds this pipe's write end is alive.
  struct Life {
    Life() { EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0); }
    ~Life() {
      for (const int end : ends) ::close(end);
    }
    int ends[2];
  };

  async::Loop loop_;
  async::Context ctx_ = async::Context(loop_).WithTimeout(60s);
  std::string root_;
  Env env_;
};

TEST_F(ServersTest, AnEarlyEndIsToldWithTheLog) {
  const Error error =
      StartError(Script("echo first; echo torch.OutOfMemoryError: CUDA out of memory; exit 3"));

  EXPECT_EQ(error.code, Code::kConnectionError);
  EXPECT_THAT(error.message, HasSubstr("engine 'a' did not start: 'sh' ended with status 3"));
  EXPECT_THAT(error.message, HasSubstr("lower serve.gpu_memory_utilization"));
  EXPECT_THAT(error.message, HasSubstr("ends so:\nfirst\ntorch.OutOfMemoryError"));
  EXPECT_TRUE(Open()->folder().List().empty());
}

TEST_F(ServersTest, AServerThatDoesNotAnswerIsEnded) {
  ManagedEngine engine = Script("trap '' TERM; echo waiting; while :; do sleep 0.01; done");
  engine.serve.startup_timeout = 200ms;

  const Error error = StartError(engine);

  EXPECT_EQ(error.code, Code::kConnectionError);
  EXPECT_THAT(error.message, HasSubstr("it did not answer within 200 ms (serve.startup_timeout)"));
  EXPECT_TRUE(Open()->folder().List().empty());
}

TEST_F(ServersTest, AProgramThatIsNotThereHasAnInstallHint) {  // R-PRC-14
  ManagedEngine engine = Script("");
  engine.serve.command.clear();
  const Error error = StartError(engine);
  EXPECT_EQ(error.code, Code::kConfigError);
  EXPECT_THAT(error.message, HasSubstr("there is no program 'vllm' on PATH; install vLLM (pip "
                                       "install vllm)"));

  engine.serve.command = {"no-such-server"};
  EXPECT_THAT(StartError(engine).message, HasSubstr("there is no program 'no-such-server'"));

  engine.serve.command.clear();
  engine.http.model = engine.model = "";
  EXPECT_THAT(StartError(engine).message, HasSubstr("engine 'a' has no model"));
}

TEST_F(ServersTest, PortsThatAreTakenAreLeftOut) {  // R-PRC-06
  const ManagedEngine engine = Script("");
  const std::int64_t port = engine.port;
  ASSERT_GE(port, 9000);
  EXPECT_TRUE(PortIsFree(port));

  const auto next = loop_.Run(Open()->ChoosePort(ctx_, engine, 1000, {port}));

  ASSERT_TRUE(next.has_value());
  EXPECT_GT(*next, port);
}

TEST_F(ServersTest, APortThatAnotherProcessHasChosenIsLeftToItsEngine) {
  ManagedEngine a = Script("");
  ManagedEngine b = a;
  b.http.name = "b";
  const auto choose = [&](Servers& servers, const ManagedEngine& engine) {
    return loop_.Run(servers.ChoosePort(ctx_, engine, 1000, {})).value_or(0);
  };
  std::unique_ptr<Servers> first = Open();
  std::unique_ptr<Servers> second = Open();

  const std::int64_t port = choose(*first, a);

  EXPECT_NE(choose(*second, b), port);
  EXPECT_EQ(choose(*second, a), port) << "runs of one engine share its server";
  first.reset();
  EXPECT_NE(choose(*Open(), b), port) << "the second still has it";
  second.reset();
  EXPECT_EQ(choose(*Open(), b), port);
}

TEST_F(ServersTest, ALogIsCutInTwoPartsAndItsEndIsKept) {
  const std::string path = root_ + "/a.log";
  const int log = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const auto write = [&](std::string_view text) {
    ASSERT_EQ(::write(log, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  };
  const auto cut = [&] { return CutLog(log, OlderLog(path).c_str(), 10); };
  write("one\ntwo\n");
  EXPECT_FALSE(cut());
  write("three\n");
  EXPECT_TRUE(cut());
  EXPECT_EQ(std::filesystem::file_size(path), 0U);
  EXPECT_EQ(LogTail(path, 2), "two\nthree");
  write("four\n");
  EXPECT_EQ(LogTail(path, 2), "three\nfour");
  write("five\nsix\n");
  EXPECT_TRUE(cut());
  EXPECT_EQ(LogTail(path, 9), "four\nfive\nsix") << "what was older is gone";
  ::close(log);
}

TEST_F(ServersTest, AServerThatWritesWithoutEndFillsNoDisk) {
  const std::unique_ptr<Servers> servers = *Servers::Open({.env = env_, .max_log_bytes = 64 << 10});
  ManagedEngine engine = Script(
      "while ! [ -e \"$XDG_STATE_HOME/weir/servers/a-$1.log.1\" ]; do "
      "head -c 40000 /dev/zero | tr '\\0' 'x'; echo; done; echo the end; exit 4");
  engine.serve.command.insert(engine.serve.command.end(), {"sh", "{port}"});

  const Result<RunningServer> started = loop_.Run(servers->Start(ctx_, engine));

  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("ended with status 4"));
  EXPECT_THAT(started.error().message, HasSubstr("the end"));
}

// Whoever holds the write end of the pipe lives; the pipe tells when all are gone.
TEST_F(ServersTest, AWatcherEndsTheGroupWhenItsOwnerGoes) {
  const std::string lock = root_ + "/lock";
  for (const char* script : {"sleep 100", "trap '' TERM; sleep 100 & sleep 100"}) {
    SCOPED_TRACE(script);
    Life life;
    std::optional<Watcher> watcher(*Watcher::Start(lock, 50ms));
    async::ChildOptions options{.argv = {"sh", "-c", script}, .env = env_, .own_session = true};
    options.error_fd = life.ends[1];
    options.announce_fd = watcher->announce_fd();
    auto child = *async::Child::Start(loop_, std::move(options));
    ::close(std::exchange(life.ends[1], -1));
    child->Leave();

    watcher.reset();

    char byte;
    EXPECT_EQ(::read(life.ends[0], &byte, 1), 0);
    EXPECT_TRUE(loop_.Run(child->Wait(ctx_)).has_value());
  }
}

TEST_F(ServersTest, AWatcherWaitsForOthersAndMayBeReleased) {
  const std::string lock = root_ + "/lock";
  const auto start = [&](Watcher& watcher) {
    async::ChildOptions options{.argv = {"sleep", "100"}, .env = env_, .own_session = true};
    auto child = *async::Child::Start(loop_, std::move(options));
    child->Leave();
    watcher.Watch(child->pid());
    return child;
  };
  std::optional<Watcher> watcher(*Watcher::Start(lock, 50ms));
  const auto shared = start(*watcher);
  {
    const auto use = store::FileLock::TryAcquire(lock, store::LockMode::kShared);
    ASSERT_TRUE(use.has_value() && use->lock);
    watcher.reset();
    const auto ended = loop_.Run(shared->Wait(ctx_.WithTimeout(300ms)));
    EXPECT_FALSE(ended.has_value());
  }
  EXPECT_EQ(loop_.Run(shared->Wait(ctx_))->signal, SIGTERM);

  Watcher released = *Watcher::Start(lock, 50ms);
  const auto kept = start(released);
  released.Release();
  EXPECT_FALSE(kept->Ended().has_value());
  kept->Signal(SIGKILL);
  EXPECT_EQ(loop_.Run(kept->Wait(ctx_))->signal, SIGKILL);
}

}  // namespace
}  // namespace weir::engine
