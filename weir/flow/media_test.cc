#include "weir/flow/media.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/flow/run_testing.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kPicture = "\x89PNG\r\n\x1A\n....";

class MediaOfTest : public RunTest {
 protected:
  MediaOfTest() {
    for (const char* folder : {"flow/in", "beside", "flow-2"}) {
      fs::create_directories(Path(folder));
      Write(StrCat(folder, "/a.png"), kPicture);
    }
    Write("flow/in/note.txt", "words");
    flow_.folder = Path("flow");
  }

  bool Gives(std::string_view source) const { return MediaOf(flow_, source).has_value(); }

  std::string Problem(std::string_view source) const {
    const Result<model::Part> part = MediaOf(flow_, source);
    return part ? "(it was read)" : part.error().message;
  }

  Flow flow_;
};

TEST_F(MediaOfTest, FilesBeneathTheFlowsFolderAreRead) {
  EXPECT_TRUE(Gives("in/a.png"));
  EXPECT_TRUE(Gives("in/../in/a.png"));
  EXPECT_TRUE(Gives(Path("flow/in/a.png")));
  EXPECT_TRUE(Gives("https://x.example/a.png"));
  fs::create_symlink(Path("flow/in"), Path("flow/link"));
  EXPECT_TRUE(Gives("link/a.png"));
  EXPECT_THAT(Problem("in/b.png"), HasSubstr(StrCat("there is no file ", Path("flow/in/b.png"))));
  EXPECT_THAT(Problem("in/note.txt"), HasSubstr("by its first bytes"));
}

TEST_F(MediaOfTest, NoPathOfARowLeadsOut) {
  fs::create_symlink(Path("beside"), Path("flow/out"));
  fs::create_symlink("round", Path("flow/round"));
  for (const std::string& source : std::vector<std::string>{
           "../beside/a.png", "../../etc/passwd", "/etc/passwd", Path("beside/a.png"), "out/a.png",
           "../flow-2/a.png", Path("flow-2/a.png"), "in/../../beside/a.png", "../beside/none.png",
           "/proc/self/environ", "round/a.png", "..", "../"}) {
    EXPECT_THAT(Problem(source), HasSubstr("does not lie beneath the flow's folder")) << source;
    EXPECT_THAT(Problem(source), HasSubstr("`media_folders`")) << source;
  }
}

TEST_F(MediaOfTest, OtherFoldersAreAllowedByName) {
  fs::create_symlink(Path("beside"), Path("flow/out"));
  flow_.media_folders = {"../beside"};
  EXPECT_TRUE(Gives("../beside/a.png"));
  EXPECT_TRUE(Gives(Path("beside/a.png")));
  EXPECT_TRUE(Gives("out/a.png"));
  EXPECT_FALSE(Gives("../flow-2/a.png"));
  flow_.media_folders = {"/"};
  EXPECT_TRUE(Gives("../flow-2/a.png"));
}

TEST_F(MediaOfTest, ARowThatNamesAnotherFileFailsAlone) {
  fs::copy_file(Path("beside/a.png"), Path("a.png"));
  Write("rows.jsonl", "{\"image\": \"a.png\"}\n{\"image\": \"/etc/passwd\"}\n");
  const std::string flow = "nodes:\n  - {step: see, user: what is it, media: row.image}\n";
  EXPECT_EQ(Go(flow).end, RunResult::End::kDone);
  EXPECT_EQ(stats_->rows_ok, 1U);
  EXPECT_EQ(echo_->calls, 1);
  EXPECT_THAT(Lines("errors.jsonl"), HasSubstr("does not lie beneath"));

  Go(StrCat("media_folders: beside\n", flow), "allowed");
  EXPECT_EQ(graph_->flow().media_folders, std::vector<std::string>{"beside"});
}

}  // namespace
}  // namespace weir::flow
