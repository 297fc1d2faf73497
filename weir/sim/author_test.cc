#include "weir/sim/author.h"

#include <functional>

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/reader.h"

namespace weir::sim {
namespace {

using model::Delta;
using model::Finish;
using testing::ElementsAre;
using testing::IsEmpty;
using SegmentKind = Segment::Kind;

Segment Fixed(std::string_view text, SegmentKind kind = SegmentKind::kText) {
  return {.kind = kind, .fixed = Tokenizer::Encode(text)};
}

Author NewAuthor(AuthorOptions options) {
  static const auto kModel = std::make_shared<const LanguageModel>();
  static const std::shared_ptr<const PieceTree> kPieces = NewPieceTree();
  if (options.room == 0) options.room = 1000;
  return {kModel, kPieces, RenderedPrompt(), std::move(options)};
}

std::vector<Delta> WriteAll(Author author) {
  std::vector<Delta> deltas;
  while (!author.finished()) author.Write(deltas.emplace_back());
  return deltas;
}

std::vector<Delta> WriteAll(AuthorOptions options) {
  return WriteAll(NewAuthor(std::move(options)));
}

std::string TextOf(const std::vector<Delta>& deltas) {
  std::string text;
  for (const Delta& delta : deltas) text += delta.text;
  return text;
}

TEST(Author, EveryTokenIsADeltaAndTheEndTokenFinishes) {
  const std::vector<Delta> deltas = WriteAll({.outline = {Fixed("One two three.")}});

  const std::vector<TokenId> tokens = Tokenizer::Encode("One two three.");
  ASSERT_EQ(deltas.size(), tokens.size() + 1);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    EXPECT_EQ(deltas[i].text, Tokenizer::Piece(tokens[i]));
    EXPECT_EQ(deltas[i].finish, Finish::kNone);
    EXPECT_TRUE(deltas[i].has_choice);
  }
  EXPECT_EQ(deltas.back().finish, Finish::kStop);
  EXPECT_EQ(deltas.back().text, "");
  EXPECT_TRUE(deltas.back().stop_reason.IsNull());
}

TEST(Author, CharactersComeWhole) {
  constexpr std::string_view kText = "\U0001F980 na\xC3\xAFve \xE6\xBC\xA2\xE5\xAD\x97 \U0001F30A";
  const std::vector<Delta> deltas = WriteAll({.outline = {Fixed(kText)}});

  for (const Delta& delta : deltas) EXPECT_TRUE(IsUtf8(delta.text)) << delta.text;
  EXPECT_EQ(TextOf(deltas), kText);
}

TEST(Author, ATokenThatLeavesACharacterHalfIsNothingUntilAnotherCompletesIt) {
  constexpr std::string_view kText = "a\U0001F389b";
  const std::vector<Delta> deltas = WriteAll({.outline = {Fixed(kText)}, .logprobs = 0});
  std::string text;
  int empty = 0;
  for (const Delta& delta : deltas) {
    const std::string token = delta.tokens.at(0).text;
    EXPECT_TRUE(IsUtf8(token));
    EXPECT_EQ(std::string(delta.tokens[0].bytes.begin(), delta.tokens[0].bytes.end()), token);
    if (&delta == &deltas.back()) continue;  // the end
    text += token;
    if (token.empty()) ++empty;
  }
  EXPECT_EQ(text, kText);
  EXPECT_EQ(empty, 3);
}

TEST(Author, HalfACharacterAtTheEndIsNotSaid) {
  const std::vector<Delta> deltas = WriteAll({.outline = {Fixed("a\U0001F389b")}, .room = 3});
  EXPECT_EQ(TextOf(deltas), "a");
  EXPECT_EQ(deltas.back().finish, Finish::kLength);
}

struct StopCase {
  const char* name;
  std::string_view text;
  std::vector<std::string> stop;
  std::string_view left;  // of the text
  std::string_view reason;
  bool shown = false;
};

const StopCase kStops[] = {
    {"cuts_before_itself", "alpha beta gamma", {"beta"}, "alpha ", "beta"},
    {"may_be_shown", "alpha beta gamma", {"beta"}, "alpha beta", "beta", true},
    {"across_tokens", "alpha beta gamma", {"a b"}, "alph", "a b"},
    {"the_one_complete_first_wins",
     "alpha beta gamma",
     {"beta gam", "gamma", "eta"},
     "alpha b",
     "eta"},
    {"order_breaks_a_tie", "alpha beta gamma", {"beta", "eta"}, "alpha ", "beta"},
    {"absent_changes_nothing", "alpha beta gamma", {"delta"}, "alpha beta gamma", ""},
    {"a_beginning_of_it_comes_at_the_end", "alpha beta", {"beta gamma"}, "alpha beta", ""},
    {"characters_of_more_bytes",
     "na\xC3\xAFve \xE6\xBC\xA2 end",
     {"\xE6\xBC\xA2"},
     "na\xC3\xAFve ",
     "\xE6\xBC\xA2"},
    {"nothing_is_left", "alpha", {"alpha"}, "", "alpha"},
};

class StopTest : public testing::TestWithParam<StopCase> {};

TEST_P(StopTest, Cuts) {
  const std::vector<Delta> deltas = WriteAll({.outline = {Fixed(GetParam().text)},
                                              .stop = GetParam().stop,
                                              .stop_shown = GetParam().shown});

  EXPECT_EQ(TextOf(deltas), GetParam().left);
  EXPECT_EQ(deltas.back().finish, Finish::kStop);
  EXPECT_EQ(deltas.back().stop_reason.StringOr(""), GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(Author, StopTest, testing::ValuesIn(kStops),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Author, HoldsBackWhatMayBecomeAStopText) {
  const std::vector<Delta> deltas =
      WriteAll({.outline = {Fixed("alpha beta gamma delta")}, .stop = {"123456"}});

  std::string written;
  std::string shown;
  for (std::size_t i = 0; i + 1 < deltas.size(); ++i) {
    written += Tokenizer::Piece(Tokenizer::Encode("alpha beta gamma delta")[i]);
    shown += deltas[i].text;
    EXPECT_EQ(shown, written.substr(0, written.size() - std::min<std::size_t>(5, written.size())));
  }
  EXPECT_EQ(deltas.back().text.size(), 5U);
}

TEST(Author, AStopTextWaitsForMinTokensAndBeatsTheLimit) {
  const std::vector<TokenId> tokens = Tokenizer::Encode(" one two one two");
  AuthorOptions options{.outline = {Fixed(" one two one two")}, .stop = {" one"}};
  options.rules.min_tokens = 2;
  EXPECT_EQ(TextOf(WriteAll(options)), " one two");

  options.rules.min_tokens = 0;
  options.room = 1;
  const std::vector<Delta> at_limit = WriteAll(options);
  EXPECT_EQ(at_limit.back().finish, Finish::kStop);
  EXPECT_EQ(TextOf(at_limit), "");
}

TEST(Author, StopTokensAreNamedAndNotShown) {
  const TokenId stop = Tokenizer::Encode(" two").front();
  AuthorOptions options{.outline = {Fixed("one two three")}};
  options.rules.stops = {stop};
  const std::vector<Delta> deltas = WriteAll(options);
  options.stop_shown = true;
  const std::vector<Delta> shown = WriteAll(options);

  EXPECT_EQ(TextOf(deltas), "one");
  EXPECT_EQ(deltas.back().finish, Finish::kStop);
  EXPECT_EQ(deltas.back().stop_reason.AsInt64(), stop);
  EXPECT_EQ(TextOf(shown), "one two");
}

TEST(Author, TheRoomCuts) {
  const std::vector<Delta> deltas = WriteAll({.outline = {Fixed("one two three")}, .room = 2});

  EXPECT_EQ(TextOf(deltas), "one two");
  EXPECT_EQ(deltas.back().finish, Finish::kLength);
}

TEST(Author, AnAnswerGivenUpSaysWhatWasHeldBack) {
  Author author = NewAuthor({.outline = {Fixed("one two three")}, .stop = {"12345678"}});
  Delta first;
  author.Write(first);
  Delta last;
  author.Abort(last);

  EXPECT_EQ(first.text, "");
  EXPECT_EQ(last.text, "one");
  EXPECT_EQ(last.finish, Finish::kAbort);
  EXPECT_TRUE(author.finished());
}

TEST(Author, RepetitionEndsIt) {
  AuthorOptions options{.outline = {Fixed(" one two one two one two one two")}};
  options.repetition = *json::Read(R"({"max_pattern_size":4,"min_pattern_size":2,"min_count":3})");
  const std::vector<Delta> deltas = WriteAll(options);

  EXPECT_EQ(deltas.back().finish, Finish::kRepetition);
  EXPECT_EQ(deltas.back().stop_reason.StringOr(""), "repetition_detected");
  EXPECT_EQ(TextOf(deltas), " one two one two one two");
}

std::vector<Segment> CallOutline() {
  Segment name = Fixed("look", SegmentKind::kName);
  name.call = {.index = 0, .id = "chatcmpl-tool-1", .name = "look"};
  return {{.kind = SegmentKind::kHidden, .fixed = {static_cast<TokenId>(Special::kCallBegin)}},
          name,
          Fixed(R"({"a":1})", SegmentKind::kArguments),
          {.kind = SegmentKind::kHidden, .fixed = {static_cast<TokenId>(Special::kCallEnd)}}};
}

TEST(Author, ACallIsItsNameThenItsArguments) {
  const std::vector<Delta> deltas =
      WriteAll({.outline = CallOutline(), .called = Finish::kToolCalls});

  std::string arguments;
  std::vector<std::string> names;
  for (const Delta& delta : deltas) {
    for (const model::ToolCallDelta& call : delta.tool_calls) {
      if (!call.name.empty()) names.push_back(call.name);
      EXPECT_EQ(call.index, 0);
      arguments += call.arguments;
    }
  }
  EXPECT_THAT(names, ElementsAre("look"));
  EXPECT_EQ(arguments, R"({"a":1})");
  EXPECT_EQ(TextOf(deltas), "");
  EXPECT_EQ(deltas.back().finish, Finish::kToolCalls);
}

TEST(Author, ACallThatIsCutMayHideTheLimit) {
  AuthorOptions options{.outline = CallOutline(), .room = 4, .called = Finish::kToolCalls};
  EXPECT_EQ(WriteAll(options).back().finish, Finish::kLength);
  options.called_and_cut = Finish::kToolCalls;
  EXPECT_EQ(WriteAll(options).back().finish, Finish::kToolCalls);
}

std::vector<Segment> ThoughtOutline() {
  Segment thoughts = Fixed("Hm, let me see.", SegmentKind::kReasoning);
  thoughts.fixed.push_back(static_cast<TokenId>(Special::kThinkEnd));
  return {thoughts, Fixed("Yes.")};
}

TEST(Author, ThoughtsComeFirstAndMayBeHidden) {
  std::string reasoning;
  const std::vector<Delta> deltas = WriteAll({.outline = ThoughtOutline()});
  for (const Delta& delta : deltas) {
    EXPECT_TRUE(delta.reasoning.empty() || delta.text.empty());
    reasoning += delta.reasoning;
  }
  EXPECT_EQ(reasoning, "Hm, let me see.");
  EXPECT_EQ(TextOf(deltas), "Yes.");

  for (const Delta& delta : WriteAll({.outline = ThoughtOutline(), .thoughts_shown = false})) {
    EXPECT_EQ(delta.reasoning, "");
  }
}

TEST(Author, ABudgetEndsThoughtsThatTheModelMakesUp) {
  Author author = NewAuthor(
      {.outline = {{.kind = SegmentKind::kReasoning}, Fixed("Yes.")}, .thinking_budget = 4});
  std::string text;
  while (!author.finished()) {
    Delta delta;
    author.Write(delta);
    text += delta.text;
  }

  EXPECT_LE(author.thought(), 5);  // the mark that ends them is one of them
  EXPECT_EQ(text, "Yes.");
}

TEST(Author, ChatCountsTheChosenTokenAmongItsAlternativesAndCompletionsDoNot) {
  AuthorOptions options{.outline = {Fixed("one two")}, .logprobs = 2};
  for (const Delta& delta : WriteAll(options)) {
    ASSERT_EQ(delta.tokens.size(), 1U);
    ASSERT_EQ(delta.tokens[0].top.size(), 2U);
    EXPECT_EQ(delta.tokens[0].top[0].text, delta.tokens[0].text);
    EXPECT_FALSE(delta.tokens[0].text_offset.has_value());
  }
  options.chat = false;
  std::int64_t offset = 0;
  for (const Delta& delta : WriteAll(options)) {
    EXPECT_GE(delta.tokens[0].top.size(), 2U);
    EXPECT_LE(delta.tokens[0].top.size(), 3U);
    EXPECT_EQ(delta.tokens[0].text_offset, offset);
    offset += static_cast<std::int64_t>(delta.tokens[0].text.size());
  }
}

TEST(Author, TokensMayBeNamedByTheirIds) {
  const std::vector<TokenId> tokens = Tokenizer::Encode("one two");
  const std::vector<Delta> deltas = WriteAll(
      {.outline = {Fixed("one two")}, .logprobs = 1, .token_ids = true, .tokens_as_ids = true});

  EXPECT_EQ(deltas[1].tokens[0].text, StrCat("token_id:", tokens[1]));
  EXPECT_THAT(deltas[1].tokens[0].bytes, ElementsAre(' ', 't', 'w', 'o'));
  EXPECT_THAT(deltas[1].token_ids, ElementsAre(tokens[1]));
  EXPECT_THAT(deltas.back().token_ids, ElementsAre(kEndToken));
}

TEST(Author, AProbabilityThatIsLaidDownIsReported) {
  Segment sure = Fixed("one two");
  sure.probability = 0.25;
  const std::vector<Delta> deltas = WriteAll({.outline = {sure}, .logprobs = 1});

  EXPECT_NEAR(*deltas[0].tokens[0].logprob, std::log(0.25), 1e-6);
  EXPECT_NEAR(*deltas[1].tokens[0].logprob, std::log(0.25), 1e-6);
}

TEST(Author, AnEmptyRoomWritesOneTokenAndHidesIt) {
  const auto model = std::make_shared<const LanguageModel>();
  const std::vector<Delta> deltas = WriteAll(Author(
      model, NewPieceTree(), RenderedPrompt(), {.outline = {{}}, .room = 0, .echo = "the prompt"}));

  ASSERT_EQ(deltas.size(), 1U);
  EXPECT_EQ(deltas[0].text, "the prompt");
  EXPECT_EQ(deltas[0].finish, Finish::kLength);
}

// Whatever comes later, the text that was written so far does not change.
TEST(Author, ALongerRoomContinuesTheSameText) {
  std::string shorter;
  for (const std::int64_t room : {1, 3, 7, 20, 60}) {
    const std::string text = TextOf(WriteAll({.outline = {{}}, .seed = 5, .room = room}));
    EXPECT_TRUE(text.starts_with(shorter)) << text;
    shorter = text;
  }
  EXPECT_THAT(shorter, testing::Not(IsEmpty()));
}

TEST(Author, WhatTheLanguageLeavesOpenIsTriedUntilItIsRight) {
  model::Constraint constraint{
      .schema = *json::Read(R"({"type":"integer","minimum":0,"maximum":99,"multipleOf":7})")};
  const Result<CompiledConstraint> compiled = CompileConstraint(constraint, 0);
  ASSERT_TRUE(compiled.has_value());
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<Segment> outline;
    for (const Stretch& stretch : compiled->stretches) outline.push_back({.held = stretch});
    Author author = NewAuthor({.outline = outline, .seed = seed});
    std::int64_t left = 4096;
    while (!author.Prepare(left).value()) {
    }
    const std::string text = TextOf(WriteAll(std::move(author)));
    const std::optional<std::int64_t> number = ParseInt(Trim(text));
    ASSERT_TRUE(number.has_value()) << text;
    EXPECT_EQ(*number % 7, 0) << text;
  }
}

// What chance would have to find in thousands of tokens is made from the schema when they are
// spent.
TEST(Author, TryingEndsWithItsTokensAndGoesInSlices) {
  model::Constraint constraint{.schema = *json::Read(
                                   R"({"type":"array","minItems":30,"uniqueItems":true,
                                       "items":{"type":"integer","minimum":1,"maximum":40}})")};
  const Result<CompiledConstraint> compiled = CompileConstraint(constraint, 0);
  ASSERT_TRUE(compiled.has_value());
  Author author = NewAuthor({.outline = {{.held = compiled->stretches.front()}}, .seed = 1});
  std::int64_t left = 200;
  int slices = 1;
  while (!author.Prepare(left).value()) ++slices;

  EXPECT_EQ(left, 0);
  EXPECT_GE(slices, 10);
  const auto value = json::Read(TextOf(WriteAll(std::move(author))));
  ASSERT_TRUE(value.has_value());
  EXPECT_TRUE(compiled->stretches.front().check->Accepts(*value));
}

}  // namespace
}  // namespace weir::sim
