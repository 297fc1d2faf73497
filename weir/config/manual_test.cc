#include "weir/config/manual.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "weir/config/read.h"
#include "weir/json/reader.h"
#include "weir/json/yaml.h"
#include "weir/schema/schema.h"

namespace weir::config {
namespace {

using testing::HasSubstr;

std::string TextOf(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The configurations that are shown to people.
std::vector<std::pair<std::string, std::string>> Shown() {
  std::vector<std::pair<std::string, std::string>> files = {
      {"the starter file", std::string(StarterFile())}};
  for (const auto& entry : std::filesystem::directory_iterator("examples")) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("weir") && name.ends_with(".yaml")) {
      files.emplace_back(name, TextOf(entry.path()));
    }
  }
  return files;
}

schema::Schema Schema() {
  const Result<json::Value> value = json::Read(FileSchema());
  EXPECT_TRUE(value.has_value());
  Result<schema::Schema> schema = schema::Schema::Compile(*value, {.check_meta_schema = true});
  EXPECT_TRUE(schema.has_value()) << schema.error().message;
  return *std::move(schema);
}

std::string FirstViolation(const schema::Schema& schema, std::string_view text) {
  const Result<json::YamlDocument> document = json::ReadYaml(text, "weir.yaml");
  EXPECT_TRUE(document.has_value());
  const auto violations = schema.Check(document->value);
  return violations.empty() ? "" : violations.front().message;
}

TEST(Manual, ThePageInTheTreeIsWhatTheCodeWrites) {
  const std::string path = "docs/configuration.md";
  if (std::getenv("WEIR_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << ConfigurationPage();
  EXPECT_TRUE(TextOf(path) == ConfigurationPage())
      << path << " is not what the keys say; WEIR_UPDATE_GOLDEN=1 rewrites it";
}

TEST(Manual, ExamplesAreRightAndCommented) {
  const auto files = Shown();
  ASSERT_GE(files.size(), 2U);
  for (const auto& [name, text] : files) {
    SCOPED_TRACE(name);
    const ReadConfig read = Read(text, name, {});
    EXPECT_TRUE(read.problems.empty()) << read.problems.front().message;
    EXPECT_TRUE(read.config.notes.empty()) << read.config.notes.front();
    EXPECT_THAT(text, HasSubstr("# "));
  }
}

TEST(Manual, TheSchemaAcceptsTheExamples) {
  const schema::Schema schema = Schema();
  for (const auto& [name, text] : Shown()) EXPECT_EQ(FirstViolation(schema, text), "") << name;
}

TEST(Manual, TheSchemaRefusesWhatTheReaderRefuses) {
  const schema::Schema schema = Schema();
  for (const char* text :
       {"engines: {a: {base_ulr: x}}", "engine: {}", "engines: {a: {retry: {max_retries: many}}}",
        "engines: {a: {retry: {max_retries: -1}}}", "engines: {a: {kind: llama}}",
        "engines: {a: {kind: vllm_local}}", "engines: {a: {timeout: 0}}", "engines: {a: 5}",
        "engines: {a: {defaults: {temperature: 3}}}", "version: 2", "profiles: {p: {x: 1}}"}) {
    SCOPED_TRACE(text);
    EXPECT_NE(FirstViolation(schema, text), "");
    EXPECT_FALSE(Parse(text, "weir.yaml", {}).has_value());
  }
}

TEST(Manual, TheSchemaAcceptsOlderSpellingsAndVariables) {
  const schema::Schema schema = Schema();
  for (const char* text :
       {"engines: [{name: a, backend: vllm_api, endpoint: 'http://h', default_model: m}]",
        "engines: {a: {debug: true, adapters: {sql: /x}, timeout: '${T:-30}'}}",
        "engines: {a: {limits: {context_window: auto}, fallback: b}, b: }",
        "routes: {fast: a}\nengines: {a: }"}) {
    SCOPED_TRACE(text);
    EXPECT_EQ(FirstViolation(schema, text), "");
    EXPECT_TRUE(Parse(text, "weir.yaml", {}).has_value());
  }
}

}  // namespace
}  // namespace weir::config
