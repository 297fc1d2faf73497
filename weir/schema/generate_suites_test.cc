// Every schema of the official suite that has a valid instance must give instances, and so must
// the schemas of the benchmarks; 10,000 in all, each validated.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/file_loader.h"
#include "weir/schema/generate.h"
#include "weir/schema/schema_testing.h"

namespace weir::schema {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> FilesIn(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

// How many of `count` instances could be made; all that are made must be valid.
std::size_t Make(const Schema& schema, std::size_t count, const std::string& where) {
  Generator generator(schema);
  std::size_t made = 0;
  for (std::uint64_t seed = 0; seed < count; ++seed) {
    Random random(seed);
    const auto value = generator.Next(random);
    if (!value) {
      ADD_FAILURE() << where << ", seed " << seed << ": " << value.error().message;
      continue;
    }
    EXPECT_TRUE(schema.Accepts(*value)) << where << ": " << json::Write(*value);
    ++made;
  }
  return made;
}

TEST(GenerateSuitesTest, EverySatisfiableSchemaOfTheOfficialSuiteGivesInstances) {
  const char* const suites = std::getenv("WEIR_SUITES");
  if (suites == nullptr) {
    GTEST_SKIP() << "WEIR_SUITES IS NOT SET: no instances of the official schemas were made";
  }
  constexpr std::size_t kEach = 12;
  const fs::path root = fs::path(suites) / "json-schema";
  CompileOptions options;
  options.loader = FolderLoader({{.prefix = "http://localhost:1234/", .folder = root / "remotes"}});
  std::size_t schemas = 0;
  std::size_t instances = 0;
  for (const auto& [folder, draft] :
       {std::pair("draft2020-12", Draft::k2020), std::pair("draft2019-09", Draft::k2019),
        std::pair("draft7", Draft::k7)}) {
    options.default_draft = draft;
    for (const fs::path& path : FilesIn(root / "tests" / folder)) {
      const json::Value groups = ReadJson(path);
      for (const json::View group : groups.items()) {
        const std::string where = StrCat(folder, "/", path.filename().string(), ": ",
                                         group.Find("description").StringOr(""));
        const bool satisfiable =
            std::ranges::any_of(group.Find("tests").items(),
                                [](json::View test) { return test.Find("valid").BoolOr(false); });
        if (!satisfiable) continue;
        const auto schema = Schema::Compile(group.Find("schema"), options);
        ASSERT_TRUE(schema) << where;
        ++schemas;
        const std::size_t made = Make(*schema, kEach, where);
        EXPECT_EQ(made, kEach) << where;
        instances += made;
      }
    }
  }
  RecordProperty("instances", std::to_string(instances));
  RecordProperty("schemas", std::to_string(schemas));
  EXPECT_GE(schemas, 200u);
  EXPECT_GE(instances, 10'000u);
}

TEST(GenerateSuitesTest, TheSchemasOfTheBenchmarksGiveInstances) {
  for (const fs::path& path : FilesIn("bench/schemas")) {
    if (!path.stem().string().ends_with(".schema")) continue;
    const auto schema = Schema::Compile(ReadJson(path));
    ASSERT_TRUE(schema) << path;
    EXPECT_EQ(Make(*schema, 400, path.filename().string()), 400u);
  }
}

}  // namespace
}  // namespace weir::schema
