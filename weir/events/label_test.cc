#include "weir/events/label.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/events/event.h"
#include "weir/events/tee.h"

namespace weir::events {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LabelTest : public testing::Test {
 protected:
  JsonlSink::Write Into(std::vector<std::string>& lines) {
    return [&lines](std::string_view line) {
      lines.emplace_back(line.substr(line.find("\"event\"")));
      return true;
    };
  }

  const SystemClock clock_;
  std::vector<std::string> lines_;
  std::vector<std::string> events_only_;
  JsonlSink sink_{clock_, Into(lines_)};
  JsonlSink sink_of_events_{clock_, Into(events_only_), false};
};

TEST_F(LabelTest, LabelsComeBeforeTheFields) {
  LabelSink row(sink_, {{"run", "r1"}, {"row", 7}});
  LabelSink node(row, {{"node", "n"}});
  const TraceField fields[] = {{"a", true}};
  node.OnEvent("it", fields);
  row.OnEvent("it", {});

  EXPECT_THAT(lines_,
              ElementsAre("\"event\":\"it\",\"run\":\"r1\",\"row\":7,\"node\":\"n\",\"a\":true}\n",
                          "\"event\":\"it\",\"run\":\"r1\",\"row\":7}\n"));
}

TEST_F(LabelTest, EventsOfManyFieldsKeepThemAll) {
  LabelSink label(sink_, {{"row", 7}});
  const std::vector<TraceField> fields(100, TraceField{"x", std::int64_t{1}});
  label.OnEvent("it", fields);

  std::size_t count = 0;
  for (std::size_t at = 0; (at = lines_[0].find("\"x\":1", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 100U);
  EXPECT_THAT(lines_[0], HasSubstr("\"row\":7"));
}

TEST_F(LabelTest, SpansOfTwoLabelsHaveIdsOfTheirOwnBelowTheirParent) {
  std::vector<SpanRecord> seen;
  struct Spy final : TraceSink {
    explicit Spy(std::vector<SpanRecord>& its_seen) : seen(its_seen) {}
    void OnSpanStart(const SpanRecord& span) override { seen.push_back(span); }
    void OnSpanEnd(const SpanRecord&) override {}
    std::vector<SpanRecord>& seen;
  } spy(seen);
  LabelSink first(spy, {}, 3);
  LabelSink second(spy, {}, 3);
  for (LabelSink* sink : {&first, &second}) {
    sink->OnSpanStart({.id = 1, .parent = 0});
    sink->OnSpanStart({.id = 2, .parent = 1});
  }

  EXPECT_EQ(seen[0].parent, 3U);
  EXPECT_EQ(seen[1].parent, seen[0].id);
  EXPECT_EQ(seen[3].parent, seen[2].id);
  EXPECT_NE(seen[0].id, seen[2].id);
}

TEST_F(LabelTest, ATeeTellsAllOfEventsAndOfSpansWhoeverWantsThem) {
  Tee tee({&sink_, &sink_of_events_});
  tee.OnEvent("it", {});
  tee.OnSpanStart({.name = "s"});
  tee.OnSpanEnd({.name = "s"});

  EXPECT_TRUE(tee.wants_spans());
  EXPECT_FALSE(Tee({&sink_of_events_}).wants_spans());
  EXPECT_EQ(lines_.size(), 3U);
  EXPECT_EQ(events_only_.size(), 1U);
}

}  // namespace
}  // namespace weir::events
