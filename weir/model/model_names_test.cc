#include "weir/model/model_names.h"

#include <gtest/gtest.h>

namespace weir::model {
namespace {

TEST(ModelNames, EachKindOfServerHasItsOwnRule) {
  EngineInfo info{.kind = "vllm"};
  info.models.push_back({.id = "llama3:latest"});
  EXPECT_FALSE(Lacks(info, "llama3:latest"));
  EXPECT_TRUE(Lacks(info, "llama3"));
  EXPECT_FALSE(Lacks(info, "")) << "the server's own";
  info.kind = "ollama";
  EXPECT_FALSE(Lacks(info, "Library/Llama3"));
  EXPECT_TRUE(Lacks(info, "llama3:8b"));
  info.kind = "openai";
  EXPECT_FALSE(Lacks(info, "gpt-next")) << "its list may leave models out";
}

TEST(ModelNames, CallsWithoutAModelGoToTheFirstThatIsNoAdapter) {
  const std::vector<ModelEntry> models = {
      {.id = "adapter", .parent = "base"}, {.id = "base"}, {.id = "other"}};
  EXPECT_EQ(FindModel(models, "vllm", ""), &models[1]);
  EXPECT_EQ(FindModel(models, "vllm", "adapter"), &models[0]);
  EXPECT_EQ(FindModel(models, "openai", "missing"), nullptr);
  EXPECT_EQ(FindModel({}, "ollama", ""), nullptr);
}

}  // namespace
}  // namespace weir::model
