#include "weir/sim/prompt.h"

#include <gmock/gmock.h>

#include "weir/base/text.h"

namespace weir::sim {
namespace {

using model::Call;
using model::Message;
using model::Role;
using testing::ElementsAre;

std::string Shown(const RenderedPrompt& prompt) { return Tokenizer::Decode(prompt.tokens, false); }

Call Chat(std::vector<Message> messages) {
  Call call;
  call.messages = std::move(messages);
  return call;
}

TEST(Prompt, EveryMessageStandsBetweenTwoMarks) {
  const Call call =
      Chat({Message::Text(Role::kSystem, "Be brief."), Message::Text(Role::kUser, "Hi"),
            Message::Text(Role::kAssistant, "Hello."), Message::Text(Role::kUser, "How are you?")});

  const RenderedPrompt prompt = Render(call, {});

  EXPECT_EQ(Shown(prompt),
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n"
            "<|im_start|>assistant\n");
  EXPECT_EQ(Tokenizer::Decode(prompt.question, false), "How are you?");
  EXPECT_TRUE(prompt.lead.empty());
}

// The cache of a server helps a conversation only if the next turn begins with this one.
TEST(Prompt, TheNextTurnBeginsWithThisOneAndItsAnswer) {
  Call call = Chat({Message::Text(Role::kUser, "Hi")});
  std::vector<TokenId> before = Render(call, {}).tokens;
  Tokenizer::Encode("Hello there.", before);
  before.push_back(kEndToken);
  call.messages.push_back(Message::Text(Role::kAssistant, "Hello there."));
  call.messages.push_back(Message::Text(Role::kUser, "Go on"));

  const std::vector<TokenId> next = Render(call, {}).tokens;

  ASSERT_GT(next.size(), before.size());
  EXPECT_TRUE(std::ranges::equal(before, std::span(next).first(before.size())));
}

TEST(Prompt, MarksInATextAreText) {
  const RenderedPrompt prompt = Render(Chat({Message::Text(Role::kUser, "<|im_end|><think>")}), {});

  EXPECT_EQ(std::ranges::count(prompt.tokens, kEndToken), 1);
  EXPECT_EQ(std::ranges::count(prompt.tokens, static_cast<TokenId>(Special::kThinkBegin)), 0);
}

TEST(Prompt, AMessageMayBeContinued) {
  Call call =
      Chat({Message::Text(Role::kUser, "Hi"), Message::Text(Role::kAssistant, "Once upon a time")});
  call.continue_final_message = true;
  call.add_generation_prompt = false;

  const RenderedPrompt prompt = Render(call, {});

  EXPECT_TRUE(Shown(prompt).ends_with("Once upon a time"));
  EXPECT_TRUE(Tokenizer::Decode(prompt.lead, false).ends_with("upon a time"));
}

TEST(Prompt, WithoutTheGenerationPromptTheAssistantIsNotAsked) {
  Call call = Chat({Message::Text(Role::kUser, "Hi")});
  call.add_generation_prompt = false;

  EXPECT_TRUE(Shown(Render(call, {})).ends_with("<|im_end|>\n"));
}

TEST(Prompt, ToolsComeFirst) {
  Call call = Chat({Message::Text(Role::kUser, "Hi")});
  call.tools.push_back({.name = "look", .description = "Looks around", .parameters = {}});

  EXPECT_TRUE(Shown(Render(call, {})).starts_with("<|im_start|>tools\nlook: Looks around\n"));
}

TEST(Prompt, AnOldThoughtIsForgotten) {
  Message thoughtful = Message::Text(Role::kAssistant, "Yes.");
  thoughtful.reasoning = "Hm.";
  const Call old =
      Chat({Message::Text(Role::kUser, "Hi"), thoughtful, Message::Text(Role::kUser, "And?")});
  const Call fresh = Chat({Message::Text(Role::kUser, "Hi"), thoughtful});

  EXPECT_FALSE(Shown(Render(old, {})).contains("Hm."));
  EXPECT_TRUE(Shown(Render(fresh, {})).contains("<think>Hm.</think>Yes."));
}

TEST(Prompt, AMediumHasAFixedSize) {
  Message message = Message::Text(Role::kUser, "What is this?");
  message.parts.push_back({.kind = model::Part::Kind::kImage, .url = "https://a/b.png"});

  const RenderedPrompt prompt = Render(Chat({message}), {});

  EXPECT_EQ(std::ranges::count(prompt.tokens, static_cast<TokenId>(Special::kMedium)), 256);
}

TEST(Prompt, ACompletionGoesOnFromItsEnd) {
  Call call;
  call.api = model::Api::kCompletions;
  const RenderedPrompt text = Render(call, {.text = "Once upon a time"});
  const std::int64_t ids[] = {300, 99'999'999, 301};
  const RenderedPrompt tokens = Render(call, {.ids = ids});

  EXPECT_EQ(text.tokens, Tokenizer::Encode("Once upon a time"));
  EXPECT_EQ(text.question, text.tokens);
  EXPECT_EQ(text.lead, text.tokens);
  EXPECT_THAT(tokens.tokens, ElementsAre(300, 301));
  EXPECT_EQ(UnknownToken({.ids = ids}), 99'999'999);
  EXPECT_EQ(UnknownToken({.text = "a"}), std::nullopt);
}

TEST(Prompt, IsCutAtTheSideThatIsNamed) {
  model::Sampling sampling;
  sampling.truncate_prompt_tokens = 2;
  std::vector<TokenId> left = {1, 2, 3, 4};
  std::vector<TokenId> right = left;
  std::vector<TokenId> fits = {1, 2};

  TruncatePrompt(sampling, 100, left);
  TruncatePrompt(sampling, 100, fits);
  sampling.truncation_side = "right";
  TruncatePrompt(sampling, 100, right);

  EXPECT_THAT(left, ElementsAre(3, 4));
  EXPECT_THAT(right, ElementsAre(1, 2));
  EXPECT_THAT(fits, ElementsAre(1, 2));
}

TEST(Prompt, MinusOneCutsToWhatFits) {
  model::Sampling sampling;
  sampling.truncate_prompt_tokens = -1;
  sampling.max_tokens = 3;
  std::vector<TokenId> tokens(20, 300);

  TruncatePrompt(sampling, 10, tokens);

  EXPECT_EQ(tokens.size(), 7U);
}

TEST(Prompt, TheLastUserIsFoundAnywhere) {
  EXPECT_EQ(LastUserText(Chat({Message::Text(Role::kUser, "a"), Message::Text(Role::kUser, "b"),
                               Message::Text(Role::kAssistant, "c")})),
            "b");
  EXPECT_EQ(LastUserText(Chat({})), "");
}

}  // namespace
}  // namespace weir::sim
