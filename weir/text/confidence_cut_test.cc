// Random documents in random tokens, against figures that are counted byte by byte.

#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/text/confidence.h"
#include "weir/text/confidence_testing.h"
#include "weir/text/token_map.h"

namespace weir::text {
namespace {

using model::Choice;
using model::Confidence;
using model::Token;

// A document with the places of its leaves, made without the code under test.
class Maker {
 public:
  std::string text;
  std::vector<std::pair<std::string, Range>> leaves;

  void Value(const std::string& at, int depth) {
    const int kind = *rc::gen::inRange(0, depth > 0 ? 7 : 4);
    if (kind < 2) return String(at);
    if (kind == 2) return Leaf(at, *rc::gen::element<std::string>("0", "-1.5e3", "42", "1E5"));
    if (kind == 3) return Leaf(at, *rc::gen::element<std::string>("true", "false", "null"));
    const bool array = kind < 5;
    const int size = *rc::gen::inRange(0, 4);
    text += array ? "[" : "{";
    for (int i = 0; i < size; ++i) {
      if (i > 0) text += ",";
      Blank();
      const std::string name = array ? std::to_string(i) : StrCat("k", i);
      if (!array) text += StrCat("\"", name, "\":");
      Blank();
      Value(StrCat(at, "/", name), depth - 1);
      Blank();
    }
    text += array ? "]" : "}";
  }

 private:
  void Blank() { text += *rc::gen::element<std::string>("", "", " ", "\n  "); }
  void Leaf(const std::string& at, const std::string& word) {
    leaves.emplace_back(at, Range{text.size(), text.size() + word.size()});
    text += word;
  }
  void String(const std::string& at) {
    const std::size_t begin = text.size();
    text += "\"";
    const int size = *rc::gen::inRange(0, 6);
    for (int i = 0; i < size; ++i) {
      text += *rc::gen::element<std::string>("a", "é", "日", "😀", "\\\"", "\\n", "\\u00e9", ",",
                                             "{", "\\ud83d\\ude00", " ");
    }
    text += "\"";
    leaves.emplace_back(at,
                        size == 0 ? Range{begin, begin + 2} : Range{begin + 1, text.size() - 1});
  }
};

// Tokens cut anywhere, whose places are known.
struct Cut {
  std::vector<Token> tokens;
  std::vector<Range> places;
};

Cut CutAnywhere(std::string_view text) {
  Cut cut;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.size(), at + *rc::gen::inRange<std::size_t>(1, 8));
    cut.tokens.push_back(TokenOf(text.substr(at, end - at), *rc::gen::inRange(1, 101) / 100.0));
    cut.tokens.back().text = "?";
    if (*rc::gen::inRange(0, 20) == 0) cut.tokens.back().logprob.reset();
    if (*rc::gen::inRange(0, 20) == 0) cut.tokens.back().logprob = model::kLogprobFloor;
    cut.places.push_back({at, end});
    at = end;
  }
  return cut;
}

// Byte by byte: the straightforward way.
std::optional<double> MeanOf(const Cut& cut, Range value) {
  double sum = 0;
  int count = 0;
  for (std::size_t i = 0; i < cut.tokens.size(); ++i) {
    bool holds = false;
    for (std::size_t at = cut.places[i].begin; at < cut.places[i].end; ++at) {
      holds = holds || (at >= value.begin && at < value.end);
    }
    const Token& token = cut.tokens[i];
    if (!holds || !token.logprob) continue;
    ++count;
    if (*token.logprob <= model::kLogprobFloor) {
      sum = -std::numeric_limits<double>::infinity();
    } else {
      sum += *token.logprob;
    }
  }
  return count > 0 ? std::optional(std::exp(sum / count)) : std::nullopt;
}

void CheckDocument() {
  Maker maker;
  const bool array = *rc::gen::arbitrary<bool>();
  maker.text = array ? "[" : "{\"r\":";
  maker.Value(array ? "/0" : "/r", 3);
  maker.text += array ? "]" : "}";
  const std::string thoughts = *rc::gen::element<std::string>("", "<think>Hm, {1}?</think>\n");
  const Cut cut = CutAnywhere(StrCat(thoughts, maker.text, "<|end|>"));
  Choice choice{.text = maker.text, .tokens = cut.tokens};
  if (!thoughts.empty()) choice.reasoning = "Hm, {1}?";

  const std::optional<Confidence> sure = ConfidenceOf(choice);
  const Range whole{thoughts.size(), thoughts.size() + maker.text.size()};
  const std::optional<double> mean = MeanOf(cut, whole);
  if (!mean) return;
  RC_ASSERT(sure.has_value());
  RC_ASSERT(std::abs(sure->mean - *mean) < 1e-12);
  std::vector<std::pair<std::string, double>> expected;
  for (const auto& [at, place] : maker.leaves) {
    const Range moved{place.begin + thoughts.size(), place.end + thoughts.size()};
    if (const auto value = MeanOf(cut, moved)) expected.emplace_back(at, *value);
  }
  RC_ASSERT(sure->fields.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    RC_ASSERT(sure->fields[i].at == expected[i].first);
    RC_ASSERT(std::abs(sure->fields[i].confidence - expected[i].second) < 1e-12);
  }
}

TEST(Confidence, AnyDocumentCutAnywhereGivesTheNumbersThatCountingByBytesGives) {
  EXPECT_TRUE(rc::check(CheckDocument));
}

// The same of a call's arguments, which stand in another layout among the tokens.
TEST(Confidence, ArgumentsInAnyLayoutGiveTheNumbersThatCountingByBytesGives) {
  EXPECT_TRUE(rc::check([] {
    Maker maker;
    maker.text = R"(<tool_call>{"name": "f", "arguments": {"r":)";
    maker.Value("/r", 3);
    const std::size_t end = maker.text.size();
    const std::string arguments = maker.text.substr(38, end - 38) + "}";
    maker.text += "}}</tool_call>";
    const Cut cut = CutAnywhere(maker.text);
    Choice choice{.tokens = cut.tokens};
    choice.tool_calls = {{"", "f", json::Write(*json::Read(arguments))}};
    const std::optional<Confidence> sure = ConfidenceOf(choice);
    if (!sure) return;
    RC_ASSERT(sure->tools.size() == 1);
    const std::optional<double> name = MeanOf(cut, {21, 22});
    RC_ASSERT(sure->tools[0].of_name.has_value() == name.has_value());
    std::vector<std::pair<std::string, double>> expected;
    for (const auto& [at, place] : maker.leaves) {
      if (const auto value = MeanOf(cut, place)) expected.emplace_back(at, *value);
    }
    RC_ASSERT(sure->tools[0].arguments.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      RC_ASSERT(sure->tools[0].arguments[i].at == expected[i].first);
      RC_ASSERT(std::abs(sure->tools[0].arguments[i].confidence - expected[i].second) < 1e-12);
    }
  }));
}

}  // namespace
}  // namespace weir::text
