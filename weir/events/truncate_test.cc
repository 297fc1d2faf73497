#include "weir/events/truncate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/reader.h"

namespace weir::events {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Cut(std::string_view document, std::size_t max_chars) {
  std::string out;
  json::Writer writer(out);
  WriteTruncated(writer, *json::Read(document), max_chars);
  return out;
}

TEST(TruncateText, KeepsCharactersWholeAndCountsTheRest) {
  const struct {
    std::string_view text;
    std::size_t max;
    std::string_view cut;
  } cases[] = {
      {"", 0, ""},
      {"abc", 3, "abc"},
      {"abcd", 3, "abc...(truncated 1 chars)"},
      {"abcd", 0, "...(truncated 4 chars)"},
      {"\xC3\xA4\xC3\xB6\xC3\xBC", 3, "\xC3\xA4\xC3\xB6\xC3\xBC"},
      {"\xC3\xA4\xC3\xB6\xC3\xBC", 2, "\xC3\xA4\xC3\xB6...(truncated 1 chars)"},
      {"a\xF0\x9F\x98\x80z", 1, "a...(truncated 2 chars)"},
      {"abcd", kUncut, "abcd"},
  };
  for (const auto& [text, max, cut] : cases) EXPECT_EQ(TruncateText(text, max), cut);
}

TEST(TruncateText, ASecretAtTheCutIsGoneBeforeItIsHalf) {
  const std::string text = "the key is sk-0123456789abcdefghij and more";
  for (std::size_t max = 0; max < text.size(); ++max) {
    EXPECT_THAT(TruncateText(text, max), Not(HasSubstr("sk-0"))) << max;
  }
}

TEST(WriteTruncated, ReachesEveryDepth) {
  EXPECT_EQ(Cut(R"({"a":["xxxxx",{"b":"yyyyy","n":1.50}],"c":null,"d":true,"e":[],"key":"z"})", 3),
            R"#({"a":["xxx...(truncated 2 chars)",{"b":"yyy...(truncated 2 chars)","n":1.50}],)#"
            R"("c":null,"d":true,"e":[],"key":"z"})");
}

TEST(WriteTruncated, WhatSecretNamesHoldIsRedacted) {
  EXPECT_EQ(Cut(R"({"api_key":"a","h":{"Authorization":"Bearer b","token":["c"],"max_tokens":5},)"
                R"("password":7,"hf_token":null,"secret":"EMPTY","cookie":""})",
                180),
            R"({"api_key":"[REDACTED]","h":{"Authorization":"[REDACTED]","token":"[REDACTED]",)"
            R"("max_tokens":5},"password":"[REDACTED]","hf_token":null,"secret":"EMPTY",)"
            R"("cookie":""})");
}

TEST(WriteTruncated, ATokenWithItsLogprobIsTheModelsText) {
  EXPECT_EQ(Cut(R"([{"token":"Hi","logprob":-0.1},{"token":"a","bytes":[97]}])", 180),
            R"([{"token":"Hi","logprob":-0.1},{"token":"a","bytes":[97]}])");
}

RC_GTEST_PROP(TruncateText, IsNeverLongerThanAskedForAndStaysUtf8, ()) {
  const auto points = *rc::gen::container<std::vector<int>>(rc::gen::element(0x41, 0xE4, 0x20AC));
  std::string text;
  for (const int point : points) {
    text += point == 0x41 ? "A" : point == 0xE4 ? "\xC3\xA4" : "\xE2\x82\xAC";
  }
  const auto max = *rc::gen::inRange<std::size_t>(0, 20);
  const std::string cut = TruncateText(text, max);
  RC_ASSERT(IsUtf8(cut));
  if (points.size() <= max) {
    RC_ASSERT(cut == text);
  } else {
    const std::string tail = StrCat("...(truncated ", points.size() - max, " chars)");
    RC_ASSERT(cut.ends_with(tail));
    RC_ASSERT(CountCharacters(cut) == max + tail.size());
    RC_ASSERT(text.starts_with(cut.substr(0, cut.size() - tail.size())));
  }
}

}  // namespace
}  // namespace weir::events
