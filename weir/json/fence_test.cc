#include "weir/json/fence.h"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "weir/base/text.h"

namespace weir::json {
namespace {

TEST(Fence, WrapTakesALongerFenceThanAnyInside) {
  EXPECT_EQ(WrapFence("{}", "json"), "```json\n{}\n```");
  EXPECT_EQ(WrapFence(""), "```\n\n```");
  EXPECT_EQ(WrapFence("a ``` b"), "````\na ``` b\n````");
  EXPECT_EQ(WrapFence("`````", "md"), "``````md\n`````\n``````");
  EXPECT_EQ(WrapFence("x", "a`\nb"), "```ab\nx\n```");
}

struct FenceCase {
  std::string_view text;
  std::string_view content;
};

TEST(Fence, StripTakesWhatModelsWrite) {
  const FenceCase cases[] = {
      {"```json\n{\"a\":1}\n```", "{\"a\":1}"},
      {"```\n{}\n```\n", "{}"},
      {"\n\n  ```JSON\n{}\n  ```  \n\n", "{}"},
      {"~~~yaml\na: ```\n~~~", "a: ```"},
      {"```json\n```", ""},
      {"```json\n\n```", ""},
      {"```\n\n\nx\n\n```", "\n\nx\n"},
      {"Here it is:\n```json\n{}\n```\nHope that helps! ```", "{}"},
      {"first\n```\na\n```\nsecond\n```\nb\n```", "a"},
      {"```json\r\n{}\r\n```\r\n", "{}"},
      {"````md\n```\nx\n```\n````", "```\nx\n```"},
      {"```json\n{\"a\":\n", "{\"a\":\n"},
      {"```json", ""},
      {"```json\n{\"a\":1}```", "{\"a\":1}"},
      {"```json\n{\"a\":1}```\n\n", "{\"a\":1}"},
      {"```json {\"a\":1} ```", "{\"a\":1}"},
      {"```{\"a\":1}```", "{\"a\":1}"},
      {"``` json \n[1]\n`````", "[1]"},
  };
  for (const FenceCase& c : cases) EXPECT_EQ(StripFence(c.text), c.content) << c.text;
}

TEST(Fence, StripLeavesEverythingElseAlone) {
  for (const std::string_view text :
       {"", "plain", "{\"a\":\"\n```js\ncode\n```\n\"}", " [\n```\nx\n```\n]", "use ```x``` here",
        "``\nx\n``", "```a``` and ```b``` are the same", "\r\n \t", "a\n````x`` y"}) {
    EXPECT_EQ(StripFence(text), text);
  }
}

TEST(Fence, FoundFencesTellInfoAndEnd) {
  const std::optional<Fenced> closed = FindFence("```json lines \n{}\n```");
  const std::optional<Fenced> open = FindFence("~~~\n{}\n```");

  ASSERT_TRUE(closed && open);
  EXPECT_EQ(closed->info, "json lines");
  EXPECT_TRUE(closed->closed);
  EXPECT_EQ(open->info, "");
  EXPECT_EQ(open->content, "{}\n```");
  EXPECT_FALSE(open->closed);
  EXPECT_EQ(FindFence("```json [1]```")->info, "json");
}

TEST(Fence, AWrappedTextThatIsCutGivesAPartOfIt) {
  constexpr std::string_view kText = "{\"a\": \"`` and ~~~\",\n \"b\": 1}\n";
  const std::string wrapped = WrapFence(kText, "json");

  for (std::size_t cut = 3; cut <= wrapped.size(); ++cut) {
    std::string_view content = StripFence(std::string_view(wrapped).substr(0, cut));
    content = content.substr(0, content.find("\n\n`"));
    EXPECT_TRUE(StrCat(kText, "\n").starts_with(content)) << cut;
  }
}

rc::Gen<std::string> FencyText() {
  return rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("`````~~~\n\n\n\r \tjson{}[]\"ax\xC3\xA9")));
}

// R-JSN-04, R-TST-13 and C-19.
TEST(Fence, StripUndoesWrapForEveryText) {
  EXPECT_TRUE(rc::check("strip(wrap(s)) == s", [] {
    const std::string text = *rc::gen::oneOf(FencyText(), rc::gen::arbitrary<std::string>());
    const std::string info = *rc::gen::oneOf(FencyText(), rc::gen::just(std::string("json")));
    const std::string once = WrapFence(text, info);
    RC_ASSERT(StripFence(once) == text);
    RC_ASSERT(StripFence(WrapFence(once)) == once);
  }));
}

}  // namespace
}  // namespace weir::json
