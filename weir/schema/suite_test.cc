// The official suite of JSON Schema, in process: every required test of the three drafts must be
// answered as it says. The folder comes from WEIR_SUITES and is no part of this tree.

#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/schema/file_loader.h"
#include "weir/schema/schema.h"
#include "weir/schema/schema_testing.h"

namespace weir::schema {
namespace {

namespace fs = std::filesystem;

struct Suite {
  const char* name;
  const char* folder;
  Draft draft;
  std::size_t tests;  // the least that must be there
};

const Suite kSuites[] = {
    {"Draft202012", "draft2020-12", Draft::k2020, 1299},
    {"Draft201909", "draft2019-09", Draft::k2019, 1259},
    {"Draft7", "draft7", Draft::k7, 927},
};

class SuiteTest : public testing::TestWithParam<Suite> {};

TEST_P(SuiteTest, AllRequiredTestsAgree) {
  const char* const suites = std::getenv("WEIR_SUITES");
  if (suites == nullptr) {
    GTEST_SKIP() << "WEIR_SUITES IS NOT SET: the official JSON Schema suite was NOT run";
  }
  const fs::path root = fs::path(suites) / "json-schema";
  CompileOptions options;
  options.default_draft = GetParam().draft;
  options.loader = FolderLoader({{.prefix = "http://localhost:1234/", .folder = root / "remotes"}});

  std::size_t tests = 0;
  for (const auto& entry : fs::directory_iterator(root / "tests" / GetParam().folder)) {
    if (entry.path().extension() != ".json") continue;
    const json::Value groups = ReadJson(entry.path());
    for (const json::View group : groups.items()) {
      const std::string where =
          StrCat(entry.path().filename().string(), ": ", group.Find("description").StringOr(""));
      const auto schema = Schema::Compile(group.Find("schema"), options);
      tests += group.Find("tests").size();
      if (!schema) {
        ADD_FAILURE() << where << ": " << schema.error().message;
        continue;
      }
      for (const json::View test : group.Find("tests").items()) {
        const json::View data = test.Find("data");
        const bool valid = test.Find("valid").BoolOr(false);
        EXPECT_EQ(schema->Accepts(data), valid)
            << where << ": " << test.Find("description").StringOr("");
        EXPECT_EQ(AcceptsWithoutShortcuts(*schema, data), valid) << where;
        const std::vector<Violation> found = schema->Check(data);
        EXPECT_EQ(found.empty(), valid) << where;
        for (const Violation& violation : found) EXPECT_NE(violation.keyword, "") << where;
      }
    }
  }
  EXPECT_GE(tests, GetParam().tests);
}

INSTANTIATE_TEST_SUITE_P(Official, SuiteTest, testing::ValuesIn(kSuites),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weir::schema
