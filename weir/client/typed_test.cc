#include "weir/client/typed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/client/client_testing.h"

namespace weir {

// Nested, with everything that JSON and C++ spell differently.
enum class Severity : std::uint8_t { kLow, kHigh };
BOOST_DESCRIBE_ENUM(Severity, kLow, kHigh)

struct Step {
  std::string what;
  std::optional<int> minutes;
};
BOOST_DESCRIBE_STRUCT(Step, (), (what, minutes))

struct Refund {
  double amount = 0;
};
BOOST_DESCRIBE_STRUCT(Refund, (), (amount))

struct Ticket {
  std::string title;
  Severity severity = Severity::kLow;
  std::vector<Step> steps;
  std::variant<Refund, std::string> outcome;
  std::optional<Refund> paid;
};
BOOST_DESCRIBE_STRUCT(Ticket, (), (title, severity, steps, outcome, paid))

template <>
struct Notes<Severity> {
  static void Describe(schema::Enumerators<Severity>& e) {
    e(Severity::kLow).Name("low");
    e(Severity::kHigh).Name("high");
  }
};
template <>
struct Notes<Ticket> {
  static void Describe(schema::Fields<Ticket>& f) { f(&Ticket::steps).Min(1).Max(3); }
};

namespace {

using client::ClientOf;
using client::DialectPair;
using sim::InstantSim;
using sim::SimServer;
using testing::HasSubstr;

class EveryDialect : public testing::TestWithParam<std::string> {};

TEST_P(EveryDialect, FillsANestedStruct) {
  DialectPair pair(GetParam(), "");

  const Result<Extracted<Ticket>> found = pair.client.ExtractWithReply<Ticket>("A ticket, please.");

  ASSERT_TRUE(found) << Describe(found.error());
  EXPECT_THAT(found->value.steps, testing::SizeIs(testing::AllOf(testing::Ge(1), testing::Le(3))));
  EXPECT_FALSE(found->reply.text().empty());
}

constexpr std::string_view kTicket = R"([{reply: {text: '{"title": "No hot water",
  "severity": "high", "steps": [{"what": "Call", "minutes": 5}, {"what": "Wait"}],
  "outcome": {"amount": 12.5}}'}}])";

TEST_P(EveryDialect, ReadsEveryPart) {
  DialectPair pair(GetParam(), kTicket);

  const Result<Ticket> ticket = pair.client.Extract<Ticket>("A ticket, please.");

  ASSERT_TRUE(ticket) << Describe(ticket.error());
  EXPECT_EQ(ticket->title, "No hot water");
  EXPECT_EQ(ticket->severity, Severity::kHigh);
  ASSERT_EQ(ticket->steps.size(), 2U);
  EXPECT_EQ(ticket->steps[0].minutes, 5);
  EXPECT_EQ(ticket->steps[1].minutes, std::nullopt);
  EXPECT_EQ(std::get<Refund>(ticket->outcome).amount, 12.5);
  EXPECT_FALSE(ticket->paid);
}

TEST_P(EveryDialect, ClassifiesByLabelAndByEnum) {
  DialectPair pair(GetParam(), "");

  const Result<std::string> label = pair.client.Classify("Which?", {"billing", "sales", "other"});
  ASSERT_TRUE(label) << Describe(label.error());
  EXPECT_THAT(*label, testing::AnyOf("billing", "sales", "other"));

  const Result<Severity> severity = pair.client.Classify<Severity>("How bad?");
  ASSERT_TRUE(severity) << Describe(severity.error());
}

INSTANTIATE_TEST_SUITE_P(Sim, EveryDialect, testing::ValuesIn(wire::DialectNames()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::ranges::replace_if(
                               name, [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

TEST(TypedTest, AFutureOfAStruct) {
  SimServer server(InstantSim(kTicket));
  Client client = ClientOf(server);

  std::future<Result<Ticket>> ticket = client.ExtractAsync<Ticket>("A ticket, please.");

  EXPECT_EQ(ticket.get()->title, "No hot water");
}

TEST(TypedTest, AnAnswerThatIsNoTicketIsAnError) {
  SimServer server(
      InstantSim("[{match: {last_user: prose}, reply: {text: I would rather not.}}, "
                 "{reply: {text: '{\"title\": 1}'}}]"));
  Client client = ClientOf(server);

  EXPECT_EQ(client.Extract<Ticket>("prose").error().code, Code::kInvalidJson);
  EXPECT_EQ(client.Extract<Ticket>("wrong").error().code, Code::kSchemaMismatch);
  EXPECT_EQ(client.ExtractAsync<Ticket>("wrong").get().error().code, Code::kSchemaMismatch);
}

TEST(TypedTest, ARefusalIsNotAnAnswer) {
  DialectPair pair("openai", "[{reply: {refusal: I cannot help with that.}}]");

  const Result<Ticket> ticket = pair.client.Extract<Ticket>("A ticket, please.");

  ASSERT_FALSE(ticket);
  EXPECT_EQ(ticket.error().code, Code::kContentFilter);
  EXPECT_THAT(ticket.error().message, HasSubstr("I cannot help with that."));
}

TEST(TypedTest, WhoGetsATextIsToldThatItWasRefusedOrFiltered) {
  DialectPair pair("openai", R"([
    {match: {last_user: refused}, reply: {refusal: I cannot help with that.}},
    {match: {last_user: empty}, reply: {text: "", finish: content_filter}},
    {reply: {text: Half an answ, finish: content_filter}}])");
  Client& client = pair.client;

  const Result<std::string> refused[] = {client.Ask("refused"), client.AskAsync("refused").get(),
                                         client.Classify("refused", {"billing", "network"})};
  for (const Result<std::string>& answer : refused) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::kContentFilter);
    EXPECT_THAT(answer.error().message, HasSubstr("I cannot help with that."));
  }
  for (const char* question : {"empty", "half"}) {
    const Result<std::string> answer = client.Ask(question);
    ASSERT_FALSE(answer) << question;
    EXPECT_EQ(answer.error().code, Code::kContentFilter) << question;
  }
  EXPECT_THAT(client.Ask("half").error().cause, HasSubstr("Half an answ"));
  EXPECT_EQ(client.Classify("half", {"billing"}).error().code, Code::kContentFilter);
}

TEST(TypedTest, LabelsMustBeDifferent) {
  SimServer server(InstantSim());
  Client client = ClientOf(server);

  EXPECT_THAT(client.Classify("?", {}).error().message, HasSubstr("no labels"));
  EXPECT_THAT(client.Classify("?", {"a", "b", "a"}).error().message, HasSubstr("'a' is given"));
}

}  // namespace
}  // namespace weir
