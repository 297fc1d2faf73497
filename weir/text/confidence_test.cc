#include "weir/text/confidence.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/text/confidence_testing.h"
#include "weir/text/token_map.h"

namespace weir::text {
namespace {

using model::Choice;
using model::Confidence;
using model::FieldConfidence;
using model::Token;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

struct WrittenAnswer {
  std::string text;
  double probability;
};

Choice ChoiceOf(std::string text, const std::vector<WrittenAnswer>& written) {
  Choice choice{.text = std::move(text)};
  for (const WrittenAnswer& token : written) {
    choice.tokens.push_back(TokenOf(token.text, token.probability));
  }
  return choice;
}

auto IsField(std::string_view at, double confidence) {
  return testing::AllOf(Field(&FieldConfidence::at, std::string(at)),
                        Field(&FieldConfidence::confidence, DoubleEq(confidence)));
}

TEST(Confidence, TheWholeIsTheGeometricMeanTheTenthAndTheLowest) {
  const Choice choice =
      ChoiceOf("One two three.", {{"One", 0.5}, {" two", 0.25}, {" three.", 0.5}});
  const std::optional<Confidence> sure = ConfidenceOf(choice);
  ASSERT_TRUE(sure);
  EXPECT_DOUBLE_EQ(sure->mean, std::cbrt(0.0625));
  EXPECT_DOUBLE_EQ(sure->p10, 0.25);
  EXPECT_DOUBLE_EQ(sure->lowest, 0.25);
  EXPECT_EQ(sure->tokens, 3);
  EXPECT_THAT(sure->fields, IsEmpty());
  EXPECT_THAT(sure->tools, IsEmpty());
  EXPECT_DOUBLE_EQ(*MeanLogprob(choice), std::log(0.0625) / 3);
}

TEST(Confidence, NineOfTenTokensAreSurerThanTheTenth) {
  for (const int count : {1, 9, 10, 11, 20, 21}) {
    Choice choice;
    for (int i = count; i > 0; --i) {
      choice.text += 'x';
      choice.tokens.push_back(TokenOf("x", i / 100.0));
    }
    const auto expected = static_cast<double>((count + 9) / 10) / 100.0;
    EXPECT_DOUBLE_EQ(ConfidenceOf(choice)->p10, expected) << count;
  }
}

TEST(Confidence, WithoutLogprobsThereIsNone) {
  EXPECT_FALSE(ConfidenceOf(Choice{.text = "hi"}));
  Choice choice = ChoiceOf("hi", {{"hi", 1}});
  choice.tokens[0].logprob.reset();
  EXPECT_FALSE(ConfidenceOf(choice));
  choice.tokens[0].logprob = std::nan("");
  EXPECT_FALSE(ConfidenceOf(choice));
}

TEST(Confidence, TheFloorIsMinusInfinity) {
  Choice choice =
      ChoiceOf(R"({"a":1,"b":2})", {{R"({"a":)", 1}, {"1", 1}, {R"(,"b":)", 1}, {"2}", 1}});
  choice.tokens[1].logprob = model::kLogprobFloor;
  const std::optional<Confidence> sure = ConfidenceOf(choice);
  EXPECT_EQ(sure->mean, 0);
  EXPECT_EQ(sure->lowest, 0);
  EXPECT_THAT(sure->fields, ElementsAre(IsField("/a", 0), IsField("/b", 1)));
  EXPECT_EQ(*MeanLogprob(choice), -std::numeric_limits<double>::infinity());
}

TEST(Confidence, ATokenCountsForAValueWhenItWroteAByteOfIt) {
  struct Case {
    std::string_view name;
    std::vector<WrittenAnswer> tokens;
    double city;
    double days;
  };
  const Case cases[] = {
      {"values alone",
       {{R"({"city":")", 0.1}, {"Paris", 0.5}, {R"(","days":)", 0.1}, {"12", 0.25}, {"}", 0.1}},
       0.5,
       0.25},
      {"only marks at the borders",
       {{R"({"city)", 0.1},
        {R"(":")", 0.1},
        {"Paris", 0.5},
        {R"(",")", 0.1},
        {R"(days":)", 0.1},
        {"12", 0.25},
        {"}", 0.1}},
       0.5,
       0.25},
      {"a mark and a letter",
       {{R"({"city)", 0.1},
        {R"(":"P)", 0.5},
        {"aris", 0.125},
        {R"(","days":)", 0.1},
        {"1", 0.25},
        {"2}", 0.25}},
       0.25,
       0.25},
      {"one token for both", {{R"({"city":")", 0.1}, {R"(Paris","days":12})", 0.5}}, 0.5, 0.5},
      {"one token for all", {{R"({"city":"Paris","days":12})", 0.5}}, 0.5, 0.5},
      {"byte by byte",
       {{R"({"city":")", 0.1},
        {"P", 0.5},
        {"a", 0.5},
        {"r", 0.5},
        {"i", 0.5},
        {"s", 0.5},
        {R"(","days":)", 0.1},
        {"1", 0.5},
        {"2", 0.125},
        {"}", 1}},
       0.5,
       0.25},
  };
  for (const Case& c : cases) {
    const Choice choice = ChoiceOf(R"({"city":"Paris","days":12})", c.tokens);
    EXPECT_THAT(ConfidenceOf(choice)->fields,
                ElementsAre(IsField("/city", c.city), IsField("/days", c.days)))
        << c.name;
  }
}

TEST(Confidence, TheBytesOfAnEmptyStringAreItsMarks) {
  const Choice choice = ChoiceOf(
      R"({"a":"","b":[]})", {{R"({"a":)", 0.1}, {"\"", 0.5}, {"\",", 0.5}, {R"("b":[]})", 0.1}});
  EXPECT_THAT(ConfidenceOf(choice)->fields, ElementsAre(IsField("/a", 0.5)));
}

TEST(Confidence, EscapesArePartOfTheString) {
  const Choice choice = ChoiceOf(R"({"a/b":"x\"\\","c":"\u00e9\n"})", {{R"({"a/b":")", 0.1},
                                                                       {"x\\", 0.5},
                                                                       {"\"\\", 0.5},
                                                                       {"\\\"", 0.5},
                                                                       {R"(,"c":")", 0.1},
                                                                       {"\\u00", 0.25},
                                                                       {"e9", 0.25},
                                                                       {"\\n", 0.25},
                                                                       {"\"}", 0.1}});
  EXPECT_THAT(ConfidenceOf(choice)->fields,
              ElementsAre(IsField("/a~1b", 0.5), IsField("/c", 0.25)));
}

TEST(Confidence, TokensMaySplitACharacter) {
  const Choice choice =
      ChoiceOf(R"(["né","日"])",
               {{"[\"n\xC3", 0.5}, {"\xA9\",\"\xE6", 0.125}, {"\x97", 0.5}, {"\xA5\"]", 0.5}});
  EXPECT_THAT(ConfidenceOf(choice)->fields,
              ElementsAre(IsField("/0", 0.25), IsField("/1", std::cbrt(0.03125))));
}

// vLLM since 0.12: the token that ends a character has all of it, those before it have nothing.
TEST(Confidence, ATokenWithoutBytesGoesWithTheCharacterThatTheNextOneEnds) {
  const Choice choice = ChoiceOf(
      R"(["日","a"])",
      {{"[\"", 0.1}, {"", 0.5}, {"", 0.5}, {"日", 0.5}, {"\",\"", 0.1}, {"", 0.1}, {"a\"]", 0.25}});
  EXPECT_THAT(ConfidenceOf(choice)->fields, ElementsAre(IsField("/0", 0.5), IsField("/1", 0.25)));
}

// Older ones decode each token by itself.
TEST(Confidence, ReplacementCharactersStandForWhatWasLost) {
  const Choice choice = ChoiceOf(R"({"a":"x日本","b":"é é"})", {{R"({"a":"x)", 0.5},
                                                                {"\uFFFD", 0.5},
                                                                {"\uFFFD\uFFFD", 0.5},
                                                                {"本", 0.5},
                                                                {R"(","b":")", 0.1},
                                                                {"\uFFFD", 0.25},
                                                                {"\uFFFD", 0.25},
                                                                {" é", 0.25},
                                                                {"\"}", 0.1}});
  EXPECT_THAT(ConfidenceOf(choice)->fields, ElementsAre(IsField("/a", 0.5), IsField("/b", 0.25)));
}

TEST(Confidence, BlanksThatTheTokensLostDoNotMatter) {
  const Choice choice = ChoiceOf(R"({"a": "to be", "b": 1})", {{"{\"a\":", 0.1},
                                                               {"\"", 0.1},
                                                               {"to", 0.5},
                                                               {"be", 0.125},
                                                               {"\",", 0.1},
                                                               {"\"b\":", 0.1},
                                                               {"1", 0.5},
                                                               {"}", 0.1}});
  EXPECT_THAT(ConfidenceOf(choice)->fields, ElementsAre(IsField("/a", 0.25), IsField("/b", 0.5)));
}

TEST(Confidence, ThoughtsMarksAndTheEndDoNotCount) {
  Choice choice = ChoiceOf(R"({"a":1})", {{"<think>", 0.1},
                                          {R"(It is {"a":1})", 0.1},
                                          {"</think>\n", 0.1},
                                          {R"({"a":)", 0.5},
                                          {"1", 0.25},
                                          {"}", 0.5},
                                          {"<|im_end|>", 0.1}});
  choice.reasoning = R"(It is {"a":1})";
  const std::optional<Confidence> sure = ConfidenceOf(choice);
  EXPECT_EQ(sure->tokens, 3);
  EXPECT_DOUBLE_EQ(sure->mean, std::cbrt(0.0625));
  EXPECT_THAT(sure->fields, ElementsAre(IsField("/a", 0.25)));
}

TEST(Confidence, ATextThatIsNotThereGetsTheMeanOfAllBehindTheThoughts) {
  Choice choice =
      ChoiceOf("other words", {{"thought", 0.1}, {"token_id:1", 0.5}, {"token_id:2", 0.125}});
  choice.reasoning = "thought";
  EXPECT_DOUBLE_EQ(ConfidenceOf(choice)->mean, 0.25);
  choice.reasoning = "not there either";
  EXPECT_EQ(ConfidenceOf(choice)->tokens, 3);
}

TEST(Confidence, AnEchoedPromptDoesNotCount) {
  const Choice choice = ChoiceOf("Say a: a", {{"Say", 0.1}, {" a:", 0.1}, {" a", 0.5}});
  EXPECT_DOUBLE_EQ(ConfidenceOf(choice, {.echoed_tokens = 2})->mean, 0.5);
  EXPECT_FALSE(ConfidenceOf(choice, {.echoed_tokens = 9}));
}

TEST(Confidence, FieldsOfAnAnswerThatHasToBeMended) {
  const std::string text = "Here:\n```json\n{'n': 3, name: 'Bo', \"ok\": True,}\n```";
  const Choice choice = ChoiceOf(text, {{"Here:\n```json\n{'n", 0.1},
                                        {"': ", 0.1},
                                        {"3", 0.5},
                                        {", name: '", 0.1},
                                        {"Bo", 0.25},
                                        {"', \"ok\":", 0.1},
                                        {" True", 0.125},
                                        {",}\n```", 0.1}});
  EXPECT_THAT(ConfidenceOf(choice)->fields, IsEmpty());
  EXPECT_THAT(ConfidenceOf(choice, {.structured = true})->fields,
              ElementsAre(IsField("/n", 0.5), IsField("/name", 0.25), IsField("/ok", 0.125)));
  Choice mended = choice;
  mended.text = R"({"n":3,"name":"Bo","ok":true})";
  EXPECT_THAT(ConfidenceOf(mended)->fields,
              ElementsAre(IsField("/n", 0.5), IsField("/name", 0.25), IsField("/ok", 0.125)));
}

TEST(Confidence, NothingIsInventedWhereTheAnswerIsAnotherOne) {
  const Choice choice =
      ChoiceOf(R"({"n":3,"m":4})", {{R"({"n":)", 0.5}, {"3", 0.5}, {R"(,"x":4})", 0.5}});
  EXPECT_THAT(ConfidenceOf(choice)->fields, ElementsAre(IsField("/n", 0.5)));
  EXPECT_THAT(ConfidenceOf(ChoiceOf(R"({"n":3})", {{"I say 3", 0.5}}))->fields, IsEmpty());
  EXPECT_THAT(ConfidenceOf(ChoiceOf("[\" \"]", {{"#", 0.5}}))->fields, IsEmpty());
  EXPECT_THAT(ConfidenceOf(ChoiceOf("` `", {{"#", 0.5}}), {.structured = true})->fields, IsEmpty());
}

TEST(Confidence, AnAnswerThatIsOneValueIsAFieldWhenJsonWasAskedFor) {
  const Choice choice = ChoiceOf("42", {{"4", 0.5}, {"2", 0.125}});
  EXPECT_THAT(ConfidenceOf(choice)->fields, IsEmpty());
  EXPECT_THAT(ConfidenceOf(choice, {.structured = true})->fields, ElementsAre(IsField("", 0.25)));
}

TEST(Confidence, FieldsHaveAMaximum) {
  const Choice choice = ChoiceOf("[1,2,3]", {{"[1,2,3]", 0.5}});
  EXPECT_EQ(ConfidenceOf(choice, {.max_fields = 2})->fields.size(), 2U);
}

struct CallCase {
  std::string_view name;
  std::vector<WrittenAnswer> tokens;
  std::vector<model::ToolCall> calls;
  std::optional<double> of_name;
  std::vector<std::pair<std::string_view, double>> arguments;
};

const std::vector<model::ToolCall> kWeather = {
    {"", "get_weather", R"({"city": "Paris", "days": 3})"}};

const CallCase kCallCases[] = {
    {"hermes",
     {{"<tool_call>", 0.1},
      {"\n{\"name\": \"", 0.1},
      {"get", 0.5},
      {"_weather", 0.125},
      {"\", \"arguments\": {\"city\":\"", 0.1},
      {"Paris", 0.5},
      {"\",\"days\":", 0.1},
      {" 3", 0.25},
      {"}}\n</tool_call>", 0.1}},
     kWeather,
     0.25,
     {{"/city", 0.5}, {"/days", 0.25}}},
    {"tags",
     {{"<tool_call>\n<function=", 0.1},
      {"get_weather", 0.5},
      {">\n<parameter=city>\n", 0.1},
      {"Paris", 0.25},
      {"\n</parameter>\n<parameter=days>\n", 0.1},
      {"3", 0.5},
      {"\n</parameter>\n</function>", 0.1}},
     kWeather,
     0.5,
     {{"/city", 0.25}, {"/days", 0.5}}},
    {"pairs",
     {{"<tool_call>", 0.1},
      {"get_weather", 0.5},
      {"\n<arg_key>city</arg_key>\n<arg_value>", 0.1},
      {"Paris", 0.25},
      {"</arg_value>\n<arg_key>days</arg_key>\n<arg_value>", 0.1},
      {"3", 0.5},
      {"</arg_value>", 0.1}},
     kWeather,
     0.5,
     {{"/city", 0.25}, {"/days", 0.5}}},
    {"python",
     {{"[", 0.1},
      {"get_weather", 0.5},
      {"(city='", 0.1},
      {"Paris", 0.25},
      {"', days=", 0.1},
      {"3", 0.5},
      {")]", 0.1}},
     kWeather,
     0.5,
     {{"/city", 0.25}, {"/days", 0.5}}},
    {"harmony",
     {{"<|channel|>commentary to=functions.", 0.1},
      {"get_weather", 0.5},
      {" <|constrain|>json<|message|>{\"city\":\"", 0.1},
      {"Paris", 0.25},
      {"\",\"days\":", 0.1},
      {"3", 0.5},
      {"}", 0.1}},
     kWeather,
     0.5,
     {{"/city", 0.25}, {"/days", 0.5}}},
    {"numbered",
     {{"functions.", 0.1},
      {"get_weather", 0.5},
      {":0<|tool_call_argument_begin|>{\"city\":\"", 0.1},
      {"Paris", 0.25},
      {"\",\"days\":", 0.1},
      {"3", 0.5},
      {"}", 0.1}},
     kWeather,
     0.5,
     {{"/city", 0.25}, {"/days", 0.5}}},
    {"arguments alone",
     {{"{\"city\":\"", 0.1}, {"Paris", 0.25}, {"\",\"days\":", 0.1}, {"3", 0.5}, {"}", 0.1}},
     kWeather,
     std::nullopt,
     {{"/city", 0.25}, {"/days", 0.5}}},
    {"spoken of before",
     {{"I call get_weather for the city Paris, 3 days. ", 0.1},
      {"{\"name\":\"", 0.1},
      {"get_weather", 0.5},
      {"\",\"arguments\":{\"city\":\"", 0.1},
      {"Paris", 0.25},
      {"\",\"days\":", 0.1},
      {"3", 0.5},
      {"}}", 0.1}},
     kWeather,
     0.5,
     {{"/city", 0.25}, {"/days", 0.5}}},
    {"part of another name",
     {{"{\"name\":\"", 0.1},
      {"f_g", 0.1},
      {"\",\"arguments\":{\"a\":1}}{\"name\":\"", 0.1},
      {"f", 0.5},
      {"\",\"arguments\":{\"a\":", 0.1},
      {"1", 0.25},
      {"}}", 0.1}},
     {{"", "f", R"({"a":1})"}},
     0.5,
     {{"/a", 0.25}}},
    {"no arguments",
     {{"{\"name\":\"", 0.1}, {"f", 0.5}, {"\",\"arguments\":{}}", 0.1}},
     {{"", "f", ""}},
     0.5,
     {}},
    {"no tokens of it", {{"Something", 0.1}, {" else", 0.1}}, kWeather, std::nullopt, {}},
    {"broken arguments", {{"f", 0.1}, {"{\"a", 0.1}}, {{"", "f", "{\"a"}}, std::nullopt, {}},
};

TEST(Confidence, NamesAndArgumentsOfCallsInEveryForm) {
  for (const CallCase& c : kCallCases) {
    SCOPED_TRACE(c.name);
    Choice choice = ChoiceOf("", c.tokens);
    choice.tool_calls = c.calls;
    const std::optional<Confidence> sure = ConfidenceOf(choice);
    ASSERT_TRUE(sure);
    ASSERT_EQ(sure->tools.size(), 1U);
    EXPECT_EQ(sure->tools[0].name, c.calls[0].name);
    ASSERT_EQ(sure->tools[0].of_name.has_value(), c.of_name.has_value());
    if (c.of_name) EXPECT_DOUBLE_EQ(*sure->tools[0].of_name, *c.of_name);
    ASSERT_EQ(sure->tools[0].arguments.size(), c.arguments.size());
    for (std::size_t i = 0; i < c.arguments.size(); ++i) {
      EXPECT_THAT(sure->tools[0].arguments[i],
                  IsField(c.arguments[i].first, c.arguments[i].second));
    }
  }
}

TEST(Confidence, SeveralCallsOfOneToolAreToldApartAndTheWholeIsTextAndCalls) {
  Choice choice = ChoiceOf("Wait.", {{"Wait.", 0.5},
                                     {"<tool_call>{\"name\": \"", 0.1},
                                     {"f", 0.5},
                                     {"\", \"arguments\": {\"a\": ", 0.5},
                                     {"1", 0.5},
                                     {"}}</tool_call><tool_call>{\"name\": \"", 0.1},
                                     {"f", 0.25},
                                     {"\", \"arguments\": {\"a\": ", 0.25},
                                     {"1", 0.125},
                                     {"}}</tool_call>", 0.1}});
  choice.tool_calls = {{"", "f", R"({"a":1})"}, {"", "f", R"({"a":1})"}};
  const std::optional<Confidence> sure = ConfidenceOf(choice);
  ASSERT_EQ(sure->tools.size(), 2U);
  EXPECT_DOUBLE_EQ(*sure->tools[0].of_name, 0.5);
  EXPECT_DOUBLE_EQ(*sure->tools[1].of_name, 0.25);
  EXPECT_THAT(sure->tools[1].arguments, ElementsAre(IsField("/a", 0.125)));
  EXPECT_EQ(sure->tokens, 7);
  EXPECT_DOUBLE_EQ(sure->mean, std::pow(2.0, -11.0 / 7));
}

TEST(TokenMap, FindAllFindsOverlappingOnes) {
  EXPECT_THAT(FindAll("aaaa", "aa", 0, 9), ElementsAre(0, 1, 2));
  EXPECT_THAT(FindAll("aaaa", "aa", 1, 1), ElementsAre(1));
  EXPECT_THAT(FindAll("abcabd", "abd", 0, 9), ElementsAre(3));
  EXPECT_THAT(FindAll("a", "ab", 0, 9), IsEmpty());
  EXPECT_THAT(FindAll("a", "", 0, 9), IsEmpty());
}

// Made to be slow: a megabyte that nearly matches everywhere.
TEST(Confidence, HostileTextsTakeNoLongerThanOthers) {
  const std::string same(1 << 20, 'a');
  Choice choice = ChoiceOf(same + "b", {{same, 0.5}, {same, 0.5}});
  choice.reasoning = same + "c";
  EXPECT_EQ(ConfidenceOf(choice)->tokens, 2);
  choice.text = StrCat("{\"", std::string(1000, 'k'), "\":[", std::string(200'000, '1'), "]}");
  for (int i = 0; i < 100; ++i)
    choice.tool_calls.push_back({"", "aaaaaaaa", R"({"a":"aaaaaaaaaaa"})"});
  EXPECT_EQ(ConfidenceOf(choice)->tokens, 2);
}

}  // namespace
}  // namespace weir::text
