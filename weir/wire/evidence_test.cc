#include "weir/wire/evidence.h"

#include <gtest/gtest.h>

#include "weir/base/text.h"

namespace weir::wire {
namespace {

// The list of fields as FastAPI shows it.
std::string OpenApi(std::initializer_list<std::string_view> fields) {
  std::string list;
  for (const std::string_view field : fields) {
    StrAppend(list, list.empty() ? "" : ",", "\"", field, R"(":{"title":"a"})");
  }
  return StrCat(R"({"openapi":"3.1.0","components":{"schemas":{"ChatCompletionRequest":)",
                R"({"properties":{)", list, "}}}}}");
}

struct Row {
  std::string body;
  std::string version;  // empty: no evidence
};

TEST(EvidenceTest, TheNewestFieldThatIsListedTellsTheVersion) {
  const Row rows[] = {
      {OpenApi({"messages", "guided_json"}), "0.6.6"},
      {OpenApi({"messages", "guided_json", "return_tokens_as_token_ids"}), "0.8.0"},
      {OpenApi({"messages", "guided_json", "cache_salt", "reasoning_effort"}), "0.10.1"},
      {OpenApi({"messages", "guided_json", "structured_outputs", "return_token_ids"}), "0.11.0"},
      {OpenApi({"messages", "structured_outputs", "return_token_ids"}), "0.12.0"},
      {OpenApi({"messages", "structured_outputs", "thinking_token_budget"}), "0.19.0"},
      {OpenApi({"messages", "structured_outputs", "truncation_side"}), "0.23.0"},
      {OpenApi({"messages", "tools"}), ""},
      {R"({"openapi":"3.1.0"})", ""},
      {"<html>", ""},
      {"", ""},
  };
  for (const Row& row : rows) {
    const std::optional<Dialect> dialect = DialectOfOpenApi(row.body);
    ASSERT_EQ(dialect.has_value(), !row.version.empty()) << row.body;
    if (!dialect) continue;
    EXPECT_EQ(dialect->version, DialectOfVersion(row.version).version) << row.body;
  }
}

TEST(EvidenceTest, TheShapeOfAnErrorTellsWhetherTheServerIsOld) {
  const auto flat = DialectOfErrorBody(R"({"object":"error","message":"m","code":400})");
  ASSERT_TRUE(flat.has_value());
  EXPECT_EQ(flat->constraints, ConstraintSpelling::kGuided);
  const auto nested = DialectOfErrorBody(R"({"error":{"message":"m","code":400}})");
  ASSERT_TRUE(nested.has_value());
  EXPECT_EQ(nested->name, "vllm-latest");
  for (const std::string_view other : {"", "{}", R"({"detail":"Not Found"})", "[]", "<html>"}) {
    EXPECT_FALSE(DialectOfErrorBody(other).has_value()) << other;
  }
}

}  // namespace
}  // namespace weir::wire
