// What a walk does with rows that become several.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/flow/run_testing.h"

namespace weir::flow {
namespace {

using testing::HasSubstr;
using testing::Not;

using WalkTest = RunTest;

constexpr const char* kParts = R"(nodes:
  - apply: part
    each: row.parts
    output: {type: object, required: [x], properties: {x: {type: integer}}}
  - step: say
    user: '{{ part.x }}'
)";

TEST_F(WalkTest, AnItemThatIsNotAsTheOutputSaysFailsAlone) {
  Write("rows.jsonl", R"({"parts": [{"x": "z"}, {"x": 1}, 7, {"x": 2}]})"
                      "\n"
                      R"({"parts": [{"x": 3}]})"
                      "\n");
  EXPECT_EQ(Go(kParts).end, RunResult::End::kDone);

  EXPECT_EQ(Lines("part/000.jsonl"),
            "{\"row_id\":\"0.1\",\"x\":1}\n{\"row_id\":\"0.3\",\"x\":2}\n"
            "{\"row_id\":\"1.0\",\"x\":3}\n");
  EXPECT_EQ(Lines("say/000.jsonl"),
            "{\"row_id\":\"0.1\",\"text\":\"1\"}\n{\"row_id\":\"0.3\",\"text\":\"2\"}\n"
            "{\"row_id\":\"1.0\",\"text\":\"3\"}\n");
  const std::string errors = Lines("errors.jsonl");
  EXPECT_THAT(errors, HasSubstr(R"({"row_id":"0.0","node":"part")"));
  EXPECT_THAT(errors, HasSubstr(R"({"row_id":"0.2","node":"part")"));
  EXPECT_THAT(errors, HasSubstr(R"("skipped":["say"])"));
  EXPECT_THAT(errors, HasSubstr("schema_mismatch"));
  EXPECT_THAT(errors, Not(HasSubstr(R"("0.1")")));
  EXPECT_EQ(stats_->rows_ok, 1U);
  EXPECT_EQ(stats_->rows_failed, 1U);
  EXPECT_EQ(stats_->nodes[0].ok, 3U);
  EXPECT_EQ(stats_->nodes[0].failed, 2U);
  EXPECT_EQ(stats_->nodes[1].skipped, 2U);
}

TEST_F(WalkTest, ARowOfWhichNoItemIsAsTheOutputSaysGivesNone) {
  Write("rows.jsonl", "{\"parts\": [1, 2]}\n");
  EXPECT_EQ(Go(kParts).end, RunResult::End::kDone);

  EXPECT_EQ(Lines("say/000.jsonl"), "");
  EXPECT_EQ(stats_->rows_failed, 1U);
  EXPECT_EQ(stats_->nodes[0].failed, 2U);
}

TEST_F(WalkTest, AnEngineThatWasAskedInsteadIsNoRetry) {
  Write("rows.jsonl", "{\"n\": 1}\n{\"n\": 2}\n");
  Add("", [](const model::Call& /*call*/) {
    Error error{.code = Code::kHttpStatus, .message = "both failed"};
    model::CallTrail trail;
    trail.info.engine = "second";
    trail.info.attempts.push_back({.engine = "first"});
    error.trail = std::make_shared<const model::CallTrail>(std::move(trail));
    return Result<std::string>(std::unexpect, std::move(error));
  });
  EXPECT_EQ(Go("nodes: [{step: say, user: '{{ n }}'}]").end, RunResult::End::kDone);
  EXPECT_EQ(stats_->nodes[0].failed, 2U);
  EXPECT_EQ(stats_->nodes[0].retries, 0U);
}

}  // namespace
}  // namespace weir::flow
