#include "weir/schema/pattern.h"

#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/schema_testing.h"

namespace weir::schema {
namespace {

using testing::HasSubstr;

// tests/corpus/schema_pattern_ecma.jsonl says what `new RegExp(pattern, 'u').test(text)` answers
// (V8 of Node 20), or the same without the flag where only Annex B takes the expression.
TEST(Pattern, AgreesWithV8) {
  const std::string corpus = ReadText("tests/corpus/schema_pattern_ecma.jsonl");
  ASSERT_FALSE(corpus.empty());
  int compared = 0;
  for (const std::string_view line : Split(Trim(corpus), '\n')) {
    const json::Value entry = json::Read(line).value();
    const auto pattern = Pattern::Compile(entry.Find("pattern").StringOr(""));
    const std::string_view node = entry.Find("node").StringOr("");
    if (!pattern) {
      if (node == "invalid") {
        EXPECT_EQ(pattern.error().code, Code::kInvalidPattern) << line;
      } else if (node == "u") {
        EXPECT_EQ(pattern.error().code, Code::kUnsupportedPattern) << line;
      }
      continue;
    }
    EXPECT_NE(node, "invalid") << line;
    for (const json::View text : entry.Find("found").items()) {
      EXPECT_TRUE(pattern->Found(text.StringOr(""))) << line << " in " << json::Write(text);
      ++compared;
    }
    for (const json::View text : entry.Find("not_found").items()) {
      EXPECT_FALSE(pattern->Found(text.StringOr(""))) << line << " in " << json::Write(text);
      ++compared;
    }
  }
  EXPECT_GT(compared, 10'000);
}

TEST(Pattern, PassesTheOfficialSuite) {
  const char* const suites = std::getenv("WEIR_SUITES");
  if (suites == nullptr) GTEST_SKIP() << "WEIR_SUITES is not set: the official suite was not read";
  int compared = 0;
  for (const std::string_view draft : {"draft2020-12", "draft2019-09", "draft7"}) {
    for (const std::string_view file :
         {"pattern.json", "optional/ecmascript-regex.json", "optional/non-bmp-regex.json"}) {
      const std::string text = ReadText(StrCat(suites, "/json-schema/tests/", draft, "/", file));
      const json::Value groups = json::Read(text).value();
      for (const json::View group : groups.items()) {
        const json::View expression = group.Find("schema").Find("pattern");
        if (!expression.exists()) continue;
        const auto pattern = Pattern::Compile(expression.StringOr(""));
        ASSERT_TRUE(pattern.has_value()) << pattern.error().message;
        for (const json::View test : group.Find("tests").items()) {
          if (!test.Find("data").IsString()) continue;
          ++compared;
          EXPECT_EQ(pattern->Found(test.Find("data").StringOr("")),
                    test.Find("valid").BoolOr(false))
              << draft << " " << file << ": " << json::Write(test);
        }
      }
    }
  }
  EXPECT_GT(compared, 150);
}

struct Refusal {
  std::string_view pattern;
  Code code;
  std::string_view words;
};

TEST(Pattern, RefusalsNameThePlace) {
  const Refusal refusals[] = {
      {"a(?=b)", Code::kUnsupportedPattern, "offset 1 for a look ahead"},
      {"(?<!a)b", Code::kUnsupportedPattern, "offset 0 for a look behind"},
      {"(a)b\\1", Code::kUnsupportedPattern, "offset 4 for a back reference"},
      {"(?<n>a)\\k<n>", Code::kUnsupportedPattern, "offset 7 for a back reference"},
      {"\\p{Emoji}", Code::kUnsupportedPattern, "the Unicode property 'Emoji'"},
      {"(?=a)[", Code::kInvalidPattern, "offset 5: this '[' is never closed"},
      {"\\2(a)", Code::kInvalidPattern, "offset 0: \\2, but there is no group"},
      {"a\\Z", Code::kInvalidPattern, "offset 1: \\Z is no escape"},
      {"a**", Code::kInvalidPattern, "offset 2: nothing stands before"},
      {"(?i)a", Code::kInvalidPattern, "offset 0: no such kind of group"},
      {"[z-a]", Code::kInvalidPattern, "offset 1: this range runs backwards"},
      {"a{3,2}", Code::kInvalidPattern, "offset 1: the numbers"},
      {"\xFF", Code::kInvalidPattern, "not valid UTF-8"},
      {"(a{1000}){1000}", Code::kUnsupportedPattern, "more memory than max_program"},
      {"((((a{100}){100}){100}){100}){100}", Code::kUnsupportedPattern, "max_program"},
      {"a{200000}", Code::kUnsupportedPattern, "more than 100000 repetitions"},
  };
  for (const Refusal& refusal : refusals) {
    const auto pattern = Pattern::Compile(refusal.pattern);
    ASSERT_FALSE(pattern.has_value()) << refusal.pattern;
    EXPECT_EQ(pattern.error().code, refusal.code) << refusal.pattern;
    EXPECT_THAT(pattern.error().message, HasSubstr(refusal.words));
  }
}

TEST(Pattern, RepeatsMoreOftenThanRe2Allows) {
  const Pattern exact = Pattern::Compile("^a{2500}$").value();
  EXPECT_TRUE(exact.Found(std::string(2500, 'a')));
  EXPECT_FALSE(exact.Found(std::string(2499, 'a')));
  EXPECT_FALSE(exact.Found(std::string(2501, 'a')));
  const Pattern range = Pattern::Compile("^(?:[ab]{3}){600,1200}$").value();
  EXPECT_TRUE(range.Found(std::string(1800, 'b')));
  EXPECT_TRUE(range.Found(std::string(3600, 'b')));
  EXPECT_FALSE(range.Found(std::string(3601, 'b')));
  EXPECT_FALSE(range.Found(std::string(1797, 'b')));
  EXPECT_TRUE(Pattern::Compile("^a{1500,}$").value().Found(std::string(9000, 'a')));
}

TEST(Pattern, HardExpressionsStayLinear) {
  const std::string text(200'000, 'a');
  for (const std::string_view pattern : {"^(a*)*b", "^(a|a)*b", "^(a|aa)+$b", "(x+x+)+y"}) {
    EXPECT_FALSE(Pattern::Compile(pattern).value().Found(text)) << pattern;
  }
}

TEST(Pattern, SizeAndDepthAreLimited) {
  EXPECT_TRUE(Pattern::Compile(std::string(64 * 1024, 'x')).has_value());
  const auto code = [](const std::string& pattern) {
    return Pattern::Compile(pattern).error().code;
  };
  EXPECT_EQ(code(std::string(64 * 1024 + 1, 'x')), Code::kUnsupportedPattern);
  EXPECT_EQ(code(std::string(60'000, '(')), Code::kUnsupportedPattern);
  EXPECT_EQ(code(std::string(60'000, '[')), Code::kInvalidPattern);
}

}  // namespace
}  // namespace weir::schema
