#include "weir/engine/prefix.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/base/trace_testing.h"
#include "weir/engine/decorators.h"
#include "weir/engine/spies_testing.h"
#include "weir/json/reader.h"

namespace weir::engine {
namespace {

using model::Call;
using model::Message;
using model::Role;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

model::ToolSpec Tool(std::string name) {
  return {.name = std::move(name), .description = "d", .parameters = {}, .strict = {}};
}

Call Asked(std::string system, std::string question = "hi") {
  Call call;
  if (!system.empty()) call.messages.push_back(Message::Text(Role::kSystem, std::move(system)));
  call.messages.push_back(Message::Text(Role::kUser, std::move(question)));
  return call;
}

// R-PFX-04.
TEST(PrefixOf, AThousandRequestsOfOneWorkHaveOnePrefix) {
  std::set<std::string> digests;
  for (int i = 0; i < 1000; ++i) {
    Call call = Asked("You are a clerk.", StrCat("row ", i));
    call.sampling.seed = i;
    call.tools = {Tool("a"), Tool("b")};
    digests.insert(PrefixOf(call).digest);
  }
  EXPECT_THAT(digests, SizeIs(1));
}

TEST(PrefixOf, EverythingThatComesFirstCountsAndNothingElse) {
  const Call base = Asked("You are a clerk.");
  const std::string digest = PrefixOf(base).digest;
  const std::vector<std::pair<const char*, void (*)(Call&)>> changes = {
      {"a byte of the system message", [](Call& c) { c.messages[0].parts[0].text += " "; }},
      {"its role", [](Call& c) { c.messages[0].role = Role::kDeveloper; }},
      {"a second message",
       [](Call& c) { c.messages.insert(c.messages.begin(), Message::Text(Role::kSystem, "x")); }},
      {"a tool", [](Call& c) { c.tools.push_back(Tool("a")); }},
      {"the adapter", [](Call& c) { c.adapter = "sql"; }},
      {"the model", [](Call& c) { c.model = "m"; }},
      {"the salt", [](Call& c) { c.cache_salt = "s"; }},
      {"the template", [](Call& c) { c.chat_template = "t"; }},
      {"thinking", [](Call& c) { c.reasoning.enable = false; }},
  };
  std::set<std::string> digests = {digest};
  for (const auto& [name, change] : changes) {
    Call call = base;
    change(call);
    EXPECT_TRUE(digests.insert(PrefixOf(call).digest).second) << name;
  }
  Call later = base;
  later.messages.push_back(Message::Text(Role::kSystem, "late"));
  later.sampling.temperature = 1;
  EXPECT_EQ(PrefixOf(later).digest, digest);
}

TEST(PrefixOf, TheOrderOfToolsIsPartOfItAndToldApart) {
  Call one = Asked("s");
  one.tools = {Tool("a"), Tool("b")};
  Call other = one;
  std::swap(other.tools[0], other.tools[1]);
  EXPECT_NE(PrefixOf(one).digest, PrefixOf(other).digest);
  EXPECT_EQ(PrefixOf(one).tool_set, PrefixOf(other).tool_set);
}

TEST(PrefixOf, AQuestionAloneAndACompletionHaveNone) {
  EXPECT_TRUE(PrefixOf(Asked("")).empty);
  Call call;
  call.api = model::Api::kCompletions;
  call.prompt = "p";
  EXPECT_TRUE(PrefixOf(call).empty);
  EXPECT_FALSE(PrefixOf(Asked("s")).empty);
}

class PrefixEngineTest : public testing::Test {
 protected:
  PrefixEngineTest() { ctx_.trace = &events_; }

  void Open(PrefixOptions options) {
    auto spy = std::make_unique<SpyEngine>([](const Call&) { return ReplyOf("ok"); });
    spy_ = spy.get();
    engine_ = NewPrefixEngine(std::move(spy), std::move(options));
  }
  void Send(const Call& call) { ASSERT_TRUE(loop_.Run(engine_->Call(ctx_, call))); }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  HeardEvents events_;
  SpyEngine* spy_ = nullptr;
  std::unique_ptr<model::Engine> engine_;
};

TEST_F(PrefixEngineTest, EveryNewPrefixAfterTheFirstIsToldOnce) {
  Open({.engine = "main"});
  for (int i = 0; i < 1000; ++i) Send(Asked("a", StrCat(i)));
  EXPECT_THAT(events_.lines, IsEmpty());
  for (int i = 0; i < 10; ++i) {
    Send(Asked("b"));
    Send(Asked("a"));
  }
  ASSERT_THAT(events_.lines, SizeIs(1));
  EXPECT_THAT(events_.lines[0], HasSubstr("prefix.changed engine=main name=main what=system"));
}

TEST_F(PrefixEngineTest, SessionsAndModelsAreWorksOfTheirOwn) {
  Open({.engine = "main"});
  Call one = Asked("a");
  one.session_id = "s1";
  Call other = Asked("b");
  other.session_id = "s2";
  Call adapter = Asked("c");
  adapter.adapter = "sql";
  Call step = Asked("e");
  step.series = "translate";
  for (const Call& call : {one, other, adapter, Asked("d"), step}) Send(call);
  EXPECT_THAT(events_.lines, IsEmpty());
  other.session_id = "s1";
  Send(other);
  ASSERT_THAT(events_.lines, SizeIs(1));
  EXPECT_THAT(events_.lines[0], HasSubstr("name=s1"));
}

TEST_F(PrefixEngineTest, AnotherOrderOfToolsIsToldAndSentAsItIs) {
  Open({.engine = "main", .name = "extract"});
  Call call = Asked("a");
  call.tools = {Tool("a"), Tool("b")};
  Send(call);
  std::swap(call.tools[0], call.tools[1]);
  Send(call);
  ASSERT_THAT(events_.lines, SizeIs(1));
  EXPECT_THAT(events_.lines[0], HasSubstr("name=extract what=tools_order"));
  EXPECT_EQ(spy_->calls[1].tools[0].name, "b");
}

TEST_F(PrefixEngineTest, MemoryHasABound) {
  Open({.engine = "main", .max_prefixes = 3});
  for (int i = 0; i < 50; ++i) Send(Asked(StrCat("row ", i)));
  EXPECT_THAT(events_.lines, SizeIs(2));
}

TEST(WarmUp, SendsOneRequestOfOneTokenForEachPrefix) {
  async::Loop loop{async::Loop::Time::kVirtual};
  async::Context ctx(loop);
  HeardEvents events;
  ctx.trace = &events;
  SpyEngine spy([](const Call&) { return ReplyOf("x", {.prompt_tokens = 40}); });
  spy.delay = std::chrono::milliseconds(50);
  Call with_tools = Asked("a");
  with_tools.tools = {Tool("f")};
  with_tools.tool_choice = {.kind = model::ToolChoice::Kind::kRequired, .name = {}};
  Call adapter = Asked("a");
  adapter.adapter = "sql";
  const std::vector<Call> calls = {Asked("a", "1"), Asked("a", "2"), with_tools,
                                   adapter,         Asked(""),       Asked("b")};

  const Result<WarmUpReport> report = loop.Run(WarmUp(ctx, spy, calls));

  ASSERT_TRUE(report);
  EXPECT_EQ(report->warmed(), 4U);
  EXPECT_EQ(report->repeated, 1U);
  EXPECT_EQ(report->without, 1U);
  EXPECT_EQ(report->total, std::chrono::milliseconds(200));
  EXPECT_EQ(report->prefixes[0].usage.prompt_tokens, 40);
  ASSERT_THAT(spy.calls, SizeIs(4));
  const std::size_t originals[] = {0, 2, 3, 5};
  for (std::size_t i = 0; i < spy.calls.size(); ++i) {
    EXPECT_EQ(spy.calls[i].sampling.max_tokens, 1);
    EXPECT_EQ(PrefixOf(spy.calls[i]), PrefixOf(calls[originals[i]]));
    EXPECT_EQ(spy.calls[i].messages.back().role, Role::kUser);
  }
  EXPECT_THAT(events.lines, SizeIs(4));
}

// The words of a model's card tell of the choice: another one would be another prefix.
TEST(WarmUp, TheToolChoiceIsThatOfTheCallAndOneTokenNeedNotKeepIt) {
  async::Loop loop{async::Loop::Time::kVirtual};
  async::Context ctx(loop);
  auto spy = std::make_shared<SpyEngine>([](const Call&) { return ReplyOf("x"); });
  const std::unique_ptr<model::Engine> engine = NewVerifyEngine(spy, {});
  Call required = Asked("a");
  required.tools = {Tool("f"), Tool("g")};
  required.tool_choice = {.kind = model::ToolChoice::Kind::kRequired, .name = {}};
  Call without_tools = Asked("b");
  without_tools.tool_choice = required.tool_choice;

  const Result<WarmUpReport> report = loop.Run(WarmUp(ctx, *engine, {required, without_tools}));

  ASSERT_TRUE(report);
  EXPECT_EQ(report->warmed(), 2U);
  ASSERT_THAT(spy->calls, SizeIs(2));
  EXPECT_EQ(spy->calls[0].tool_choice.kind, model::ToolChoice::Kind::kRequired);
  EXPECT_THAT(spy->calls[0].tools, SizeIs(2));
}

TEST(WarmUp, OneThatFailsDoesNotKeepTheOthersFromBeingWarmed) {
  async::Loop loop{async::Loop::Time::kVirtual};
  async::Context ctx(loop);
  SpyEngine spy([](const Call& call) -> Result<model::Reply> {
    const std::string system = call.messages[0].AllText();
    if (system == "bad") return Fail(Code::kConnectionError, "nobody is there");
    if (system == "cut") return Fail(Code::kTruncated, "cut");
    return ReplyOf("x");
  });
  const Result<WarmUpReport> report =
      loop.Run(WarmUp(ctx, spy, {Asked("bad"), Asked("cut"), Asked("good")}));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->warmed(), 2U);
  ASSERT_TRUE(report->prefixes[0].error);
  EXPECT_EQ(report->prefixes[0].error->code, Code::kConnectionError);
}

}  // namespace
}  // namespace weir::engine
