#include "weir/schema/file_loader.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/base/text.h"

namespace weir::schema {
namespace {

namespace fs = std::filesystem;

class FileLoaderTest : public testing::Test {
 protected:
  FileLoaderTest() {
    const auto* const info = testing::UnitTest::GetInstance()->current_test_info();
    root_ =
        fs::path(testing::TempDir()) / StrCat("weir_file_loader_", ::getpid(), "_", info->name());
    fs::remove_all(root_);
    fs::create_directories(root_ / "inside" / "deep");
    Write("secret.json", "{}");
    Write("inside/a.json", R"({"name":"a"})");
    Write("inside/deep/b c.json", R"({"name":"b"})");
    Write("inside/broken.json", "{");
    fs::create_symlink(root_ / "secret.json", root_ / "inside" / "link.json");
    loader_ = FolderLoader({{.prefix = "http://x/", .folder = root_ / "inside"},
                            {.prefix = "http://x/deeper/", .folder = root_ / "inside" / "deep"}},
                           {.max_bytes = 100});
  }
  ~FileLoaderTest() override { fs::remove_all(root_); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(root_ / name) << text;
  }

  Code CodeOf(const std::string& uri) {
    const auto document = loader_(uri);
    return document ? Code::kInternal : document.error().code;
  }

  fs::path root_;
  Loader loader_;
};

TEST_F(FileLoaderTest, TheLongestPrefixDecides) {
  EXPECT_EQ(loader_("http://x/a.json")->Find("name").StringOr(""), "a");
  EXPECT_EQ(loader_("http://x/deep/b%20c.json")->Find("name").StringOr(""), "b");
  EXPECT_EQ(loader_("http://x/deeper/b%20c.json")->Find("name").StringOr(""), "b");
}

TEST_F(FileLoaderTest, NothingOutsideIsOpened) {
  for (const char* uri :
       {"http://x/../secret.json", "http://x/deep/../../secret.json", "http://x/%2e%2e/secret.json",
        "http://x//etc/passwd", "http://x/link.json", "http://y/a.json", "http://x/a.json%00"}) {
    EXPECT_EQ(CodeOf(uri), Code::kInvalidRequest) << uri;
  }
}

TEST_F(FileLoaderTest, BadFilesAreNamed) {
  Write("inside/large.json", std::string(200, ' '));

  EXPECT_EQ(CodeOf("http://x/none.json"), Code::kIoError);
  EXPECT_EQ(CodeOf("http://x/large.json"), Code::kIoError);
  EXPECT_EQ(CodeOf("http://x/deep"), Code::kIoError);
  EXPECT_EQ(CodeOf("http://x/broken.json"), Code::kInvalidJson);
}

TEST(ParseUriFolderTest, TakesUrlAndFolder) {
  EXPECT_EQ(ParseUriFolder("http://x/?a=b=dir/c")->prefix, "http://x/?a=b");
  EXPECT_EQ(ParseUriFolder("http://x/=dir/c")->folder, "dir/c");
  for (const char* text : {"", "x", "=x", "x="}) EXPECT_FALSE(ParseUriFolder(text)) << text;
}

}  // namespace
}  // namespace weir::schema
