// Every schema of the official suite: what its language holds is valid wherever nothing is left to
// a check, and a violation breaks what it says.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/sim/constraint/walk_testing.h"

namespace weir::sim {
namespace {

namespace fs = std::filesystem;

struct Tally {
  int compiled = 0;
  int refused = 0;
  int open = 0;  // texts that a check would refuse
  int texts = 0;
  int violations = 0;
  int broken = 0;  // texts that break the keyword alone
};

void TryTexts(const model::Constraint& constraint, Tally& tally, const std::string& where) {
  const auto compiled = CompileConstraint(constraint, 1);
  if (!compiled) {
    EXPECT_FALSE(compiled.error().message.empty());
    ++tally.refused;
    return;
  }
  ++tally.compiled;
  const Stretch& stretch = compiled->stretches.at(0);
  const auto schema = schema::Schema::Compile(constraint.schema).value();
  Random random(5);
  for (int i = 0; i < 4; ++i) {
    const std::string text = WalkAnswer(*compiled, random);
    const auto read = json::Read(text);
    ASSERT_TRUE(read) << where << ": " << text;
    ++tally.texts;
    if (schema.Accepts(*read)) continue;
    EXPECT_NE(stretch.check, nullptr) << where << ": " << text;
    ++tally.open;
  }
}

void TryViolations(const model::Constraint& constraint, Tally& tally, const std::string& where) {
  for (const json::Member member : constraint.schema.members()) {
    // Hangs on `not` and `if` beside it, which a language does not hold: few texts would do.
    if (member.key == "unevaluatedItems") continue;
    const auto compiled = CompileViolation(constraint, member.key);
    if (!compiled) continue;
    ++tally.violations;
    const Stretch& stretch = compiled->stretches.at(0);
    Random random(5);
    int broken = 0;
    for (int i = 0; i < 4; ++i) {
      const std::string text = WalkAnswer(*compiled, random);
      const auto read = json::Read(text);
      ASSERT_TRUE(read) << where << ": " << text;
      const auto found = stretch.check->Check(*read);
      const auto other = [&](const schema::Violation& v) { return v.keyword != member.key; };
      if (!found.empty() && std::ranges::none_of(found, other)) ++broken;
    }
    EXPECT_GT(broken, 0) << where << ": " << member.key << " of " << json::Write(constraint.schema);
    tally.broken += broken;
  }
}

TEST(ConstraintSuites, EverySchemaIsObeyedOrSaidToBeOpen) {
  const char* const suites = std::getenv("WEIR_SUITES");
  if (suites == nullptr) {
    GTEST_SKIP() << "WEIR_SUITES IS NOT SET: the official schemas were not tried as constraints";
  }
  Tally tally;
  const fs::path folder = fs::path(suites) / "json-schema/tests/draft2020-12";
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const json::Value groups = json::Read(text).value();
    for (const json::View group : groups.items()) {
      const model::Constraint constraint = {.schema = json::Value::CopyOf(group.Find("schema"))};
      const std::string where = json::Write(constraint.schema);
      TryTexts(constraint, tally, where);
      TryViolations(constraint, tally, where);
    }
  }
  RecordProperty("compiled", tally.compiled);
  RecordProperty("refused", tally.refused);
  RecordProperty("texts", tally.texts);
  RecordProperty("open", tally.open);
  RecordProperty("violations", tally.violations);
  RecordProperty("broken", tally.broken);
}

}  // namespace
}  // namespace weir::sim
