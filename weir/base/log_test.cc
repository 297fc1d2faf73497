#include "weir/base/log.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::ElementsAre;

// Keeps what a log wrote.
struct Lines {
  std::vector<std::string> lines;

  Log::Sink Sink() {
    return [this](std::string_view line) { lines.emplace_back(line); };
  }
};

TEST(Log, EveryMessageIsOneLineThatNamesItsLevel) {
  Lines seen;
  const Log log(seen.Sink(), LogLevel::kDebug);

  log.Error("a");
  log.Warn("b");
  log.Info("c");
  log.Debug("d");

  EXPECT_THAT(seen.lines,
              ElementsAre("weir: error: a", "weir: warning: b", "weir: info: c", "weir: debug: d"));
}

TEST(Log, MessagesAboveTheLevelAreLeftOut) {
  Lines seen;
  const Log log(seen.Sink());

  log.Info("c");
  log.Warn("b");

  EXPECT_THAT(seen.lines, ElementsAre("weir: warning: b"));
  EXPECT_TRUE(log.Enabled(LogLevel::kError));
  EXPECT_FALSE(log.Enabled(LogLevel::kDebug));
}

TEST(Log, ControlCharactersCannotForgeLinesOrColours) {
  Lines seen;
  const Log log(seen.Sink());

  log.Warn("a\nweir: error: b\r\t\x1b[31m\x7f é");

  EXPECT_THAT(seen.lines, ElementsAre("weir: warning: a\\nweir: error: b\\r\\t\\x1b[31m\\x7f é"));
}

TEST(Log, SecretsAreRedacted) {
  Lines seen;
  const Log log(seen.Sink());

  log.Warn("Authorization: Bearer xyz\nhttp://u:p@h/");

  EXPECT_THAT(seen.lines, ElementsAre("weir: warning: Authorization: Bearer ***\\nhttp://***@h/"));
}

}  // namespace
}  // namespace weir
