#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/wire/any_testing.h"
#include "weir/wire/codec.h"
#include "weir/wire/server_codec.h"
#include "weir/wire/wire_testing.h"

namespace weir::wire {
namespace {

using model::Api;
using model::Call;
using model::Constraint;

// The encoding is injective, so equal bytes mean equal calls.
::testing::AssertionResult ComesBack(const Call& call, const EncodeOptions& options) {
  const auto sent = EncodeRequest(call, options);
  if (!sent) return ::testing::AssertionFailure() << Describe(sent.error());
  const auto read = DecodeRequest(call.api, sent->body, options.dialect);
  if (!read) return ::testing::AssertionFailure() << read.error().message << "\n" << sent->body;
  const auto again = EncodeRequest(read->call, options);
  if (!again) return ::testing::AssertionFailure() << Describe(again.error());
  if (again->body != sent->body || read->stream != options.stream) {
    return ::testing::AssertionFailure() << sent->body << "\n" << again->body;
  }
  return ::testing::AssertionSuccess();
}

TEST(RoundTripTest, FullCallsComeBackInEveryDialect) {
  for (const std::string& name : ClientDialectNames()) {
    const Dialect dialect = *DialectByName(name);
    for (const Api api : {Api::kChat, Api::kCompletions}) {
      for (const bool stream : {false, true}) {
        EXPECT_TRUE(ComesBack(FullCall(api, dialect), {dialect, stream})) << name;
        EXPECT_TRUE(ComesBack(SimpleCall(api), {dialect, stream})) << name;
      }
    }
  }
}

TEST(RoundTripTest, FieldsArriveWhereTheyBelong) {
  const Dialect dialect;
  const Call sent = FullCall(Api::kChat, dialect);
  const auto read = DecodeRequest(Api::kChat, EncodeRequest(sent, {dialect, true})->body, dialect);

  ASSERT_TRUE(read);
  const Call& call = read->call;
  EXPECT_TRUE(read->include_usage);
  EXPECT_EQ(call.extra, sent.extra);
  EXPECT_EQ(call.sampling.logprobs, 3);
  EXPECT_EQ(call.sampling.logit_bias, sent.sampling.logit_bias);
  EXPECT_EQ(call.reasoning.enable, false);
  EXPECT_EQ(call.chat_template_kwargs, sent.chat_template_kwargs);
  ASSERT_EQ(call.messages.size(), sent.messages.size());
  EXPECT_EQ(call.messages[1].parts[3].url, sent.messages[1].parts[3].url);
  EXPECT_EQ(call.messages[2].tool_calls, sent.messages[2].tool_calls);
  EXPECT_EQ(call.messages[2].reasoning, "I should look.");
  EXPECT_EQ(call.tools[0].parameters, sent.tools[0].parameters);
  EXPECT_EQ(call.tool_choice.name, "look");
}

TEST(RoundTripTest, ConstraintsAndBeamsComeBackInEveryDialect) {
  using Kind = Constraint::Kind;
  const Constraint constraints[] = {
      {.schema = Json(R"({"type":"object"})"), .name = "n", .strict = false},
      {.kind = Kind::kJsonObject},
      {.kind = Kind::kRegex, .text = "a+"},
      {.kind = Kind::kChoice, .choices = {"a", "b"}},
      {.kind = Kind::kGrammar, .text = "root ::= \"x\""}};
  for (const std::string& name : ClientDialectNames()) {
    const EncodeOptions options{*DialectByName(name), false};
    for (const Constraint& constraint : constraints) {
      Call call = SimpleCall();
      call.constraint = constraint;
      EXPECT_TRUE(ComesBack(call, options)) << name;
    }
    Call call = SimpleCall();
    call.sampling.beam_width = 3;
    EXPECT_TRUE(ComesBack(call, options)) << name;
    EXPECT_EQ(DecodeRequest(Api::kChat, EncodeRequest(call, options)->body, options.dialect)
                  ->call.sampling.beam_width,
              3);
  }
}

Call AnyCall() {
  Call call = SimpleCall(*rc::gen::element(Api::kChat, Api::kCompletions));
  const auto number = rc::gen::inRange<std::int64_t>(1, 1000);
  const auto flag = rc::gen::arbitrary<bool>();
  const auto share = rc::gen::map(rc::gen::inRange(1, 1001), [](int i) { return i / 1000.0; });
  call.model = AnyText();
  if (call.api == Api::kCompletions) {
    call.prompt = "p" + AnyText();
  } else {
    for (const model::Role role : *rc::gen::container<std::vector<model::Role>>(
             rc::gen::element(model::Role::kUser, model::Role::kAssistant))) {
      call.messages.push_back(model::Message::Text(role, AnyText()));
      if (*flag) call.messages.back().parts.push_back({.text = AnyText()});
    }
  }
  call.sampling.max_tokens = Maybe(number);
  call.sampling.temperature = Maybe(share);
  call.sampling.top_p = Maybe(share);
  call.sampling.top_k = Maybe(number);
  call.sampling.seed = Maybe(rc::gen::arbitrary<std::int64_t>());
  call.sampling.n = Maybe(number);
  call.sampling.logprobs = Maybe(rc::gen::inRange<std::int64_t>(0, 21));
  call.sampling.skip_special_tokens = Maybe(flag);
  call.sampling.stop_token_ids = *rc::gen::container<std::vector<std::int64_t>>(number);
  if (*flag) call.sampling.stop = {"s" + AnyText()};
  call.priority = Maybe(rc::gen::arbitrary<std::int64_t>());
  call.user = AnyText();
  call.stream_usage = *flag;
  if (*flag) call.extra = Json(R"({"k":null,"l":[1,2.50],"m":{"n":null}})");
  if (call.sampling.seed) call.extra = Json(R"({"seed":3,"model":null,"messages":[],"l":1})");
  return call;
}

RC_GTEST_PROP(CallProperty, EveryCallComesBack, ()) {
  const EncodeOptions options{*DialectByName(*rc::gen::elementOf(ClientDialectNames())),
                              *rc::gen::arbitrary<bool>()};
  const ::testing::AssertionResult result = ComesBack(AnyCall(), options);
  if (!result) RC_FAIL(result.message());
}

// R-TST-11.
RC_GTEST_PROP(CallProperty, NoBodyHoldsNullOrExtraBodyAndBytesAreStable, ()) {
  const Call call = AnyCall();
  const EncodeOptions options{{}, *rc::gen::arbitrary<bool>()};
  const auto sent = EncodeRequest(call, options);
  RC_ASSERT(sent.has_value());
  RC_ASSERT(EncodeRequest(Call(call), options)->body == sent->body);
  const auto body = json::Read(sent->body);
  RC_ASSERT(body.has_value());
  RC_ASSERT(!body->has_duplicate_keys());
  for (const json::Member member : body->members()) {
    RC_ASSERT(!member.value.IsNull());
    RC_ASSERT(member.key != "extra_body" && member.key != "options" && member.key != "format" &&
              member.key != "keep_alive");
  }
}

}  // namespace
}  // namespace weir::wire
