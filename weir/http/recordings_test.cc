// Raw replies of real servers: read whole and byte by byte, they must give the same.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "weir/http/parser.h"
#include "weir/http/parser_testing.h"
#include "weir/http/sse_testing.h"

namespace weir::http {
namespace {

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

SseOutcome EventsOf(const std::string& body, std::size_t step) {
  SseReader reader;
  return PlaySse(reader, CutEvery(body, step));
}

TEST(Recordings, RealRepliesAreTheSameWholeAndByteByByte) {
  const char* const suites = std::getenv("WEIR_SUITES");
  if (suites == nullptr) {
    std::fputs("WEIR_SUITES is unset: the recorded replies are NOT read\n", stderr);
    GTEST_SKIP() << "WEIR_SUITES is unset";
  }
  int replies = 0;
  std::size_t events = 0;
  const auto folder = std::filesystem::path(suites) / "recordings";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".http") continue;
    SCOPED_TRACE(entry.path().filename());
    const std::string wire = ReadFile(entry.path());
    ResponseParser whole_parser;
    ResponseParser byte_parser;

    const Outcome whole = Play(whole_parser, {wire});
    const Outcome bytes = Play(byte_parser, CutEvery(wire, 1));

    EXPECT_TRUE(whole.done) << whole.message;
    EXPECT_EQ(whole.tail, "");
    EXPECT_TRUE(whole == bytes);
    ++replies;
    const std::optional<std::string_view> type = whole.headers.Find("content-type");
    if (!type || !type->starts_with("text/event-stream")) continue;
    const SseOutcome parsed = EventsOf(whole.body, whole.body.size());
    EXPECT_FALSE(parsed.events.empty());
    EXPECT_TRUE(parsed == EventsOf(whole.body, 1));
    events += parsed.events.size();
  }
  EXPECT_GT(replies, 0);
  EXPECT_GT(events, 0u);
}

}  // namespace
}  // namespace weir::http
