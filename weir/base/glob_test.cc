#include "weir/base/glob.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace weir {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class FindFilesTest : public testing::Test {
 protected:
  ~FindFilesTest() override { fs::remove_all(folder_); }

  void Put(const std::string& name, std::string_view text) const {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }

  const fs::path folder_ = fs::temp_directory_path() / ("weir-glob-" + std::to_string(::getpid()));
};

TEST(GlobTest, PatternsMeanWhatShellsMean) {
  const struct {
    const char* pattern;
    const char* path;
    bool matches;
  } cases[] = {
      {"*.txt", "a.txt", true},
      {"*.txt", "a/b.txt", false},
      {"?.txt", "a.txt", true},
      {"?.txt", "ab.txt", false},
      {"?.txt", "\xC3\xA9.txt", true},
      {"a*b*c", "axxbyyc", true},
      {"a*b*c", "axxbyy", false},
      {"**/*.txt", "a.txt", true},
      {"**/*.txt", "a/b/c.txt", true},
      {"a/**/b", "a/b", true},
      {"a/**/b", "a/x/y/b", true},
      {"a/**", "a/x/y", true},
      {"**", "a/b", true},
      {"*", ".hidden", false},
      {".*", ".hidden", true},
      {"**/*", "a/.git/b", false},
      {"*", "", true},
      {"a", "a/b", false},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(GlobMatches(one.pattern, one.path), one.matches) << one.pattern << " " << one.path;
  }
}

TEST_F(FindFilesTest, FilesAreFoundFromTheFolderAboveToo) {
  Put("data/x/1.md", "");
  Put("data/x/.hidden/2.md", "");
  Put("data/y/3.md", "");
  Put("flow/keep", "");
  const std::string flow = (folder_ / "flow").string();

  EXPECT_THAT(*FindFiles(flow, "../data/**/*.md"), ElementsAre("../data/x/1.md", "../data/y/3.md"));
  EXPECT_THAT(*FindFiles(flow, "../data/?/*.md"), ElementsAre("../data/x/1.md", "../data/y/3.md"));
  EXPECT_THAT(*FindFiles(flow, "../data/x/.hidden/*"), ElementsAre("../data/x/.hidden/2.md"));
  EXPECT_THAT(*FindFiles(flow, "keep"), ElementsAre("keep"));
  EXPECT_THAT(*FindFiles("", (folder_ / "data/y/*").string()),
              ElementsAre((folder_ / "data/y/3.md").string()));
  EXPECT_THAT(*FindFiles(flow, "../none/*"), IsEmpty());
}

}  // namespace
}  // namespace weir
