#include "weir/engine/managed/server_folder.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/engine/managed/gpus.h"
#include "weir/engine/managed/start_failure.h"
#include "weir/store/files.h"

namespace weir::engine {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class ServerFolderTest : public testing::Test {
 protected:
  ServerFolderTest() {
    char name[] = "/tmp/weir_servers_XXXXXX";
    root_ = ::mkdtemp(name);
    env_.variables = {{"XDG_STATE_HOME", root_}};
  }
  ~ServerFolderTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& name, std::string_view text) const {
    ASSERT_TRUE(store::ReplaceFile(StrCat(root_, "/", name), text).has_value());
  }

  static ServerRecord OwnProcess(std::int64_t port) {
    ServerRecord record;
    record.engine = "gpu0";
    record.model = "org/model";
    record.port = port;
    record.pid = ::getpid();
    record.birth = BirthOf(record.pid).value_or(0);
    record.started = 1'700'000'000'123'456'789;
    record.stop_timeout = std::chrono::milliseconds(1500);
    record.log = "/tmp/x.log";
    record.owner = ServerRecord::Owner::kUser;
    return record;
  }

  std::string root_;
  Env env_;
};

TEST_F(ServerFolderTest, ARecordSurvivesItsText) {
  const ServerRecord record = OwnProcess(8000);
  const Result<ServerRecord> read = ReadServerRecord(WriteServerRecord(record));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, record);
  for (const char* wrong : {"", "{}", "[1]", R"({"pid":1,"port":8000})", R"({"pid":9,"port":0})"}) {
    EXPECT_FALSE(ReadServerRecord(wrong).has_value()) << wrong;
  }
}

TEST_F(ServerFolderTest, OnlyServersThatLiveAreListed) {
  const ServerFolder folder = ServerFolder::Open(env_).value();
  const ServerRecord alive = OwnProcess(8001);
  ServerRecord reused_pid = OwnProcess(8000);
  reused_pid.birth += 1;
  ASSERT_TRUE(folder.Write(alive).has_value());
  ASSERT_TRUE(folder.Write(reused_pid).has_value());
  Write("weir/servers/8002.json", "half a rec");

  EXPECT_THAT(folder.List(), testing::ElementsAre(alive));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/weir/servers/8000.json"));
  EXPECT_EQ(folder.Find(8001), alive);
  EXPECT_FALSE(folder.Find(8002).has_value());

  folder.Remove(reused_pid);  // not what is there
  EXPECT_EQ(folder.Find(8001), alive);
  folder.Remove(alive);
  EXPECT_THAT(folder.List(), IsEmpty());
}

TEST_F(ServerFolderTest, LogsAreFoundByTheirEngine) {
  const ServerFolder folder = ServerFolder::Open(env_).value();
  EXPECT_EQ(folder.LogPath("a/b", 8000), root_ + "/weir/servers/a_b-8000.log");
  EXPECT_FALSE(folder.LastLog("a").has_value());
  Write("weir/servers/a-b-8000.log", "x");
  EXPECT_FALSE(folder.LastLog("a").has_value());
  Write("weir/servers/a-8001.log", "x");
  EXPECT_EQ(folder.LastLog("a"), folder.LogPath("a", 8001));
}

TEST_F(ServerFolderTest, ItHasToBeSomewhere) {
  EXPECT_THAT(Describe(ServerFolder::Open({}).error()), HasSubstr("set HOME or XDG_STATE_HOME"));
  const Env home{.variables = {{"HOME", root_}}};
  EXPECT_EQ(ServerFolder::Open(home)->UseLock(1), root_ + "/.local/state/weir/servers/1.use");
}

TEST_F(ServerFolderTest, TheTailOfALogIsItsLastLinesWithoutSecrets) {
  const std::string path = root_ + "/log";
  EXPECT_EQ(LogTail(path, 3), "");
  Write("log", "");
  EXPECT_EQ(LogTail(path, 3), "");
  Write("log", "one\ntwo Bearer sk-abcdefghijklmnop1234\nthree\n\n");
  EXPECT_EQ(LogTail(path, 1), "three");
  EXPECT_EQ(LogTail(path, 2), "two Bearer ***\nthree");
  EXPECT_EQ(LogTail(path, 9), "one\ntwo Bearer ***\nthree");
}

TEST_F(ServerFolderTest, WellKnownCausesHaveAHint) {
  const std::pair<const char*, const char*> cases[] = {
      {"torch.OutOfMemoryError: CUDA out of memory. Tried", "serve.gpu_memory_utilization"},
      {"OSError: You are trying to access a gated repo. GatedRepoError", "HF_TOKEN"},
      {"OSError: x is not a local folder and is not a valid model identifier", "check `model`"},
      {"[Errno 98] error while attempting to bind: address already in use", "serve.port"},
      {"vllm: error: unrecognized arguments: --x", "serve.flags"},
      {"ModuleNotFoundError: No module named 'vllm'", "pip install vllm"},
  };
  for (const auto& [log, hint] : cases) EXPECT_THAT(StartHint(log), HasSubstr(hint));
  EXPECT_EQ(StartHint("Killed"), "");
}

TEST_F(ServerFolderTest, OfAFlagThatIsGoneTheHintNamesWhatToDo) {
  constexpr std::string_view kFront = "vllm: error: unrecognized arguments: ";
  const std::pair<const char*, const char*> cases[] = {
      {"--enable-reasoning\nfree memory",
       "vLLM has had no --enable-reasoning since 0.10: take it out of serve.flags; "
       "--reasoning-parser alone does it"},
      {"--x --task=embed", "no --task since 0.13: take it out of serve.flags; write --runner"},
      {"--guided-decoding-backend xgrammar", "--structured-outputs-config.backend"},
      {"--guided-decoding-disable-fallback", "see --structured-outputs-config"},
      {"--swap-space 4", "no --swap-space since about 0.19: take it out of serve.flags"},
      {"--swap-space 4 --rope-theta 1", "serve.flags. vLLM has had no --rope-theta since 0.12"},
      {"--tasks", "check serve.flags against its version"},
      {"task", "check serve.flags against its version"},
  };
  for (const auto& [log, hint] : cases) {
    EXPECT_THAT(StartHint(StrCat(kFront, log)), HasSubstr(hint)) << log;
  }
}

TEST_F(ServerFolderTest, GpusAreCountedAsTheServerWouldSeeThem) {
  const std::string folder = root_ + "/gpus";
  const auto with = [](const char* visible) {
    return Env{.variables = {{"CUDA_VISIBLE_DEVICES", visible}}};
  };
  EXPECT_FALSE(VisibleGpus({}, folder).has_value());
  EXPECT_EQ(VisibleGpus(with("0,1"), folder), 2);
  for (const char* name : {"a", "b", "c"}) std::filesystem::create_directories(folder + "/" + name);
  EXPECT_EQ(VisibleGpus({}, folder), 3);
  EXPECT_EQ(VisibleGpus(with("0, 2"), folder), 2);
  EXPECT_EQ(VisibleGpus(with("0,1,2,3"), folder), 3);
  EXPECT_EQ(VisibleGpus(with("0,-1,2"), folder), 1);
  EXPECT_EQ(VisibleGpus(with(""), folder), 0);
}

TEST_F(ServerFolderTest, MoreGpusThanThereAreIsAnErrorBeforeTheStart) {
  ServeOptions options;
  const std::string folder = root_ + "/gpus";
  std::filesystem::create_directories(folder + "/a");
  EXPECT_TRUE(CheckGpus(options, {}, "a", folder).has_value());
  options.tensor_parallel = 2;
  EXPECT_TRUE(CheckGpus(options, {}, "a", root_ + "/nowhere").has_value());
  const Result<void> checked = CheckGpus(options, {}, "gpu0", folder);
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().message,
            "engine 'gpu0' wants 2 GPUs (tensor_parallel), and there is 1; lower "
            "serve.tensor_parallel");
  const Env hidden{.variables = {{"CUDA_VISIBLE_DEVICES", "3"}}};
  options.flags = {"-tp", "4"};
  EXPECT_THAT(CheckGpus(options, hidden, "gpu0", folder).error().message,
              HasSubstr("wants 4 GPUs (tensor_parallel), and there is 1 that it may see; lower "
                        "serve.tensor_parallel, or name more in CUDA_VISIBLE_DEVICES (now '3')"));
}

}  // namespace
}  // namespace weir::engine
