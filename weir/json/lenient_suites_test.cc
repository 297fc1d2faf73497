// Agreement with the cases of two other repairers, read from the folder that $WEIR_SUITES names.
// docs/json-repair.md lists where we differ, and why.

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/lenient.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::json {
namespace {

// Equal as JSON; of equal keys the last one counts.
bool Same(View a, View b) {
  if (a.IsNumber() && b.IsNumber()) return a.AsDouble() == b.AsDouble();
  if (a.IsArray() && b.IsArray()) {
    return a.size() == b.size() &&
           std::ranges::equal(a.items(), b.items(), [](View x, View y) { return Same(x, y); });
  }
  if (!a.IsObject() || !b.IsObject()) return a == b;
  const auto within = [](View inner, View outer) {
    return std::ranges::all_of(inner.members(), [&](const Member& member) {
      return outer.Find(member.key).exists() &&
             Same(inner.Find(member.key), outer.Find(member.key));
    });
  };
  return within(a, b) && within(b, a);
}

// The modes of json_repair that have no counterpart here are left out.
bool Asked(View test_case) {
  if (!test_case.Find("input").IsString()) return false;
  for (const std::string_view mode :
       {"schema", "schema_repair_mode", "logging", "strict", "stream_stable"}) {
    if (test_case.Find("kwargs").Find(mode).exists()) return false;
  }
  return true;
}

bool Agrees(View test_case) {
  const auto mended = ReadLenient(test_case.Find("input").StringOr(""));
  if (!test_case.Find("error").IsNull()) return !mended.has_value();
  const View result = test_case.Find("result");
  std::optional<Value> wanted;
  if (result.IsString()) {
    if (auto parsed = Read(result.StringOr(""))) wanted = *parsed;
  } else {
    wanted = Value::CopyOf(result);
  }
  if (!wanted || wanted->StringOr("x").empty()) {
    return !mended || mended->value.IsNull() || mended->value.StringOr("x").empty();
  }
  return mended.has_value() && Same(mended->value, *wanted);
}

void ExpectAgreement(std::string_view name, double floor) {
  const char* const folder = std::getenv("WEIR_SUITES");
  if (folder == nullptr) {
    GTEST_SKIP() << "WEIR_SUITES IS NOT SET: agreement with " << name << " was not measured";
  }
  std::ifstream file(StrCat(folder, "/json-repair/", name, ".jsonl"));
  ASSERT_TRUE(file.is_open());
  std::size_t asked = 0;
  std::size_t agreed = 0;
  for (std::string line; std::getline(file, line);) {
    const Value test_case = Read(line).value();
    if (!Asked(test_case)) continue;
    ++asked;
    agreed += Agrees(test_case) ? 1 : 0;
  }
  testing::Test::RecordProperty("agreed", std::to_string(agreed));
  testing::Test::RecordProperty("asked", std::to_string(asked));
  EXPECT_GE(static_cast<double>(agreed), floor * static_cast<double>(asked));
}

TEST(LenientSuitesTest, AgreesWithJsonrepair) { ExpectAgreement("jsonrepair", 0.95); }
TEST(LenientSuitesTest, AgreesWithJsonRepairOfPython) { ExpectAgreement("json_repair", 0.8); }

}  // namespace
}  // namespace weir::json
