#include "weir/config/reload.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "weir/base/text.h"

namespace weir::config {
namespace {

class ConfigWatcherTest : public testing::Test {
 protected:
  ConfigWatcherTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    file_ = (folder_ / "weir.yaml").string();
  }
  ~ConfigWatcherTest() override { std::filesystem::remove_all(folder_); }

  // As editors and Kubernetes do it: a new file takes the old one's name.
  void Replace(std::string_view text) const {
    const std::string fresh = file_ + ".new";
    std::ofstream(fresh) << text;
    std::filesystem::rename(fresh, file_);
  }

  ConfigWatcher Start() const { return *ConfigWatcher::Start(file_, {}); }

  std::filesystem::path folder_;
  std::string file_;
};

TEST_F(ConfigWatcherTest, AChangedFileIsReadOnceAndTheOldOneStaysWhole) {
  Replace("engines: {a: {model: one}}");
  ConfigWatcher watcher = Start();
  const std::shared_ptr<const Config> before = watcher.current();
  EXPECT_EQ(watcher.Poll().value(), false);

  Replace("engines: {a: {model: two}}");

  EXPECT_EQ(watcher.Poll().value(), true);
  EXPECT_EQ(watcher.Poll().value(), false);
  EXPECT_EQ(watcher.current()->Find("a")->http.model, "two");
  EXPECT_EQ(before->Find("a")->http.model, "one");
}

TEST_F(ConfigWatcherTest, ABrokenFileIsComplainedOfOnceAndChangesNothing) {
  Replace("engines: {a: {model: one}}");
  ConfigWatcher watcher = Start();

  Replace("engines: {a: {modle: two}}");

  const Result<bool> polled = watcher.Poll();
  ASSERT_FALSE(polled.has_value());
  EXPECT_THAT(polled.error().message, testing::HasSubstr("unknown key 'modle'"));
  EXPECT_EQ(watcher.Poll().value(), false);
  EXPECT_EQ(watcher.current()->Find("a")->http.model, "one");
  EXPECT_FALSE(watcher.Reload().has_value());
}

TEST_F(ConfigWatcherTest, AFileThatIsGoneIsAFailureUntilItComesBack) {
  Replace("engines: {a: {model: one}}");
  ConfigWatcher watcher = Start();
  std::filesystem::remove(file_);
  EXPECT_FALSE(watcher.Poll().has_value());
  EXPECT_EQ(watcher.Poll().value(), false);

  Replace("engines: {a: {model: two}}");

  EXPECT_EQ(watcher.Poll().value(), true);
  EXPECT_EQ(watcher.current()->Find("a")->http.model, "two");
}

TEST_F(ConfigWatcherTest, ReloadReadsWhetherTheFileChangedOrNot) {
  Replace("engines: {a: {model: one}}");
  ConfigWatcher watcher = Start();
  const Config* before = watcher.current().get();
  ASSERT_TRUE(watcher.Reload().has_value());
  EXPECT_NE(watcher.current().get(), before);
}

TEST_F(ConfigWatcherTest, WithoutAFileThereIsNothingToFollow) {
  Result<ConfigWatcher> watcher =
      ConfigWatcher::Start("", Env{.variables = {{"HOME", folder_.string()}}});
  ASSERT_TRUE(watcher.has_value());
  EXPECT_EQ(watcher->Poll().value(), false);
  EXPECT_TRUE(watcher->Reload().has_value());
  EXPECT_EQ(watcher->current()->engines.size(), 1U);
}

TEST_F(ConfigWatcherTest, ANamedFileMustBeThereAtTheStart) {
  EXPECT_FALSE(ConfigWatcher::Start(file_, {}).has_value());
}

}  // namespace
}  // namespace weir::config
