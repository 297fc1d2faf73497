#include "weir/cli/run_view.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/async/context.h"
#include "weir/cli/run_frame.h"
#include "weir/cli/run_testing.h"
#include "weir/cli/screen_testing.h"
#include "weir/json/reader.h"

namespace weir::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// A run of 1,000 rows that takes as many virtual seconds as a test lets it.
class RunViewTest : public testing::Test {
 protected:
  std::unique_ptr<RunView> NewView(ViewKind kind) {
    ViewScreen screen{.write =
                          [this](std::string_view text) {
                            ++writes_;
                            bytes_ += text;
                            screen_.Write(text);
                          },
                      .size = [this] { return size_; },
                      .colour = false};
    return NewRunView(loop_, std::move(screen), graph_, stats_, kind);
  }
  void Pass(Duration time) { (void)loop_.Run(async::Sleep(ctx_, time)); }
  void Go(std::uint64_t done) { Advance(graph_, stats_, done, 1000); }
  void Resize(int width, int height) {
    size_ = {.width = width, .height = height};
    screen_.Resize(width, height);
  }
  // How often something stands on the screen.
  int Count(std::string_view what) const {
    const std::string text = screen_.Text();
    int count = 0;
    for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++count;
    return count;
  }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  const flow::Graph graph_ = TestGraph();
  flow::RunStats stats_{graph_};
  Terminal::Size size_{.width = 80, .height = 24};
  TestScreen screen_{80, 24};
  std::string bytes_;
  int writes_ = 0;
};

TEST_F(RunViewTest, TheLastFrameIsWhatStandsThere) {
  screen_.Write("$ weir run flow.yaml\n");
  const auto view = NewView(ViewKind::kLive);
  Rates rates;
  view->Begin();
  for (std::uint64_t done = 0; done <= 1000; done += 10) {
    Go(done);
    rates.Sample(stats_, loop_.Now());
    Pass(100ms);
  }
  view->End({});

  rates.Sample(stats_, loop_.Now());
  std::string expected = "$ weir run flow.yaml\n";
  for (const std::string& line : RunFrame(graph_, stats_, rates, loop_.Now(), {.colour = false})) {
    StrAppend(expected, line, "\n");
  }
  // The rates of both have looked at other moments.
  EXPECT_EQ(screen_.Text().substr(0, 60), expected.substr(0, 60));
  EXPECT_EQ(Count("reviews"), 1);
  EXPECT_EQ(Count("1,000 of 1,000 rows"), 1);
  EXPECT_EQ(Count("casual: relax"), 1);
  EXPECT_EQ(screen_.unknown_escapes(), 0);
  EXPECT_TRUE(screen_.cursor_visible());
  EXPECT_FALSE(screen_.updating());
  EXPECT_EQ(screen_.cursor_column(), 0);
}

TEST_F(RunViewTest, AFrameThatIsTheSameIsNotWritten) {
  const auto view = NewView(ViewKind::kLive);
  view->Begin();
  Pass(150ms);
  const int before = writes_;
  Pass(800ms);

  EXPECT_LE(writes_ - before, 1);  // the time in its title
  EXPECT_FALSE(screen_.cursor_visible());
}

TEST_F(RunViewTest, OnlyLinesThatChangedAreWritten) {
  const auto view = NewView(ViewKind::kLive);
  Go(0);
  view->Begin();
  Pass(1s);
  bytes_.clear();
  stats_.nodes[graph_.Find("relax")->index].ok += 1;
  Pass(100ms);

  EXPECT_THAT(bytes_, HasSubstr("relax"));
  EXPECT_THAT(bytes_, Not(HasSubstr("polish")));
  EXPECT_THAT(bytes_, testing::StartsWith("\033[?2026h"));
  EXPECT_THAT(bytes_, testing::EndsWith("\033[?2026l"));
}

TEST_F(RunViewTest, WarningsStandAboveAndStay) {
  const auto view = NewView(ViewKind::kLive);
  Go(10);
  view->Above("before");
  view->Begin();
  Pass(1s);
  view->Above("weir: warning: first\n");
  Pass(1s);
  view->Above("weir: warning: second");
  Pass(1s);
  view->End({});

  EXPECT_THAT(screen_.Text(),
              testing::StartsWith("before\nweir: warning: first\nweir: warning: second\nreviews"));
  EXPECT_EQ(Count("warning"), 2);
  EXPECT_EQ(Count("reviews"), 1);
}

TEST_F(RunViewTest, ResizingLeavesNoRubbish) {
  const auto view = NewView(ViewKind::kLive);
  Resize(80, 60);
  screen_.Write("$ weir run flow.yaml\n");
  view->Begin();
  std::uint64_t done = 0;
  for (const auto [width, height] : {std::pair(80, 50),
                                     {60, 50},
                                     {33, 60},
                                     {120, 40},
                                     {79, 30},
                                     {200, 50},
                                     {41, 60},
                                     {80, 24}}) {
    Go(done += 100);
    Pass(1s);
    Resize(width, height);
    Pass(1s);
    EXPECT_EQ(Count("$ weir run flow.yaml\nreviews"), 1) << width << "\n" << screen_.Text();
    EXPECT_EQ(Count("reviews"), 1) << width << "\n" << screen_.Text();
    EXPECT_EQ(Count("casual"), 1) << width << "\n" << screen_.Text();
  }
  view->End("summary");

  EXPECT_EQ(screen_.Text(), "$ weir run flow.yaml\nsummary\n");
  EXPECT_TRUE(screen_.cursor_visible());
}

TEST_F(RunViewTest, AFrameThatWrapsOutOfTheScreenIsDrawnOnceOnIt) {
  const auto view = NewView(ViewKind::kLive);
  Go(500);
  view->Begin();
  Pass(1s);
  Resize(20, 10);
  Pass(1s);

  EXPECT_THAT(screen_.Shown(), testing::StartsWith("reviews")) << screen_.Shown();
  EXPECT_EQ(screen_.Shown().find("reviews", 1), std::string::npos);
}

TEST_F(RunViewTest, AViewThatIsDroppedGivesTheCursorBack) {
  auto view = NewView(ViewKind::kLive);
  view->Begin();
  Pass(1s);
  view.reset();

  EXPECT_TRUE(screen_.cursor_visible());
  EXPECT_EQ(Count("reviews"), 1);
  Pass(1s);
}

TEST_F(RunViewTest, ARunThatWasNoneLeavesNothingBehind) {
  for (const ViewKind kind : {ViewKind::kLive, ViewKind::kPlain, ViewKind::kNone}) {
    screen_.Write("$ weir run flow.yaml\n");
    const std::string before = screen_.Text();
    const auto view = NewView(kind);
    view->Begin();
    Pass(1s);
    view->Withdraw();
    Pass(20s);

    EXPECT_EQ(screen_.Text(), before);
    EXPECT_TRUE(screen_.cursor_visible());
  }
}

TEST_F(RunViewTest, ASmallTerminalIsNotOverrun) {
  const auto view = NewView(ViewKind::kLive);
  Resize(20, 5);
  screen_.Write("1\n2\n3\n");
  view->Begin();
  for (std::uint64_t done = 0; done < 1000; done += 100) {
    Go(done);
    Pass(1s);
  }
  view->End({});

  EXPECT_THAT(screen_.Text(), testing::StartsWith("1\n2\n3\n"));
  EXPECT_EQ(Count("90 %"), 1) << screen_.Text();
}

TEST_F(RunViewTest, APipeGetsALineAtEachTenthAndEveryFiveSeconds) {
  const auto view = NewView(ViewKind::kPlain);
  Go(0);
  view->Begin();
  Pass(12s);
  EXPECT_EQ(Count("weir: 0 of 1,000 rows"), 2);
  Go(99);
  Pass(1s);
  EXPECT_EQ(Count("weir: "), 2);
  Go(100);
  Pass(1s);
  EXPECT_EQ(Count("weir: 100 of 1,000 rows · 99 ok · 1 failed"), 1);
  view->Above("weir: warning: w");
  view->End("summary\n");
  Pass(20s);

  EXPECT_THAT(screen_.Text(), testing::EndsWith("weir: warning: w\nsummary\n"));
  EXPECT_THAT(bytes_, Not(HasSubstr("\033")));
}

TEST_F(RunViewTest, EveryLineOfJsonLogsIsJson) {
  const auto view = NewView(ViewKind::kJson);
  Go(0);
  view->Begin();
  const TraceField fields[] = {{"rows", std::int64_t{1000}}};
  view->sink()->OnEvent("run.start", fields);
  Pass(11s);
  view->Above("weir: warning: w\n");
  Go(1000);
  view->End("not for programs");

  std::vector<std::string> names;
  for (const std::string_view line : Split(Trim(bytes_), '\n')) {
    const Result<json::Value> value = json::Read(line);
    ASSERT_TRUE(value.has_value()) << line;
    names.emplace_back(value->Find("event").StringOr(""));
    if (names.back() != "run.progress") continue;
    EXPECT_EQ(value->Find("rows_total").AsInt64(), 1000);
  }
  EXPECT_THAT(names, testing::ElementsAre("run.start", "run.progress", "run.progress", "run.note",
                                          "run.progress"));
}

TEST(SpeaksUnicodeTest, TheFirstVariableThatIsSetDecides) {
  EXPECT_FALSE(SpeaksUnicode({}));
  EXPECT_TRUE(SpeaksUnicode({.variables = {{"LANG", "C.UTF-8"}}}));
  EXPECT_FALSE(SpeaksUnicode({.variables = {{"LC_ALL", "C"}, {"LANG", "C.UTF-8"}}}));
  EXPECT_TRUE(SpeaksUnicode({.variables = {{"LC_ALL", ""}, {"LC_CTYPE", "de_DE.utf8"}}}));
}

}  // namespace
}  // namespace weir::cli
