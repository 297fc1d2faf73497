#include "weir/client/wiring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/sim/sim_testing.h"

namespace weir::client {
namespace {

using model::Reply;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Engines of kind sim, in this process, with the adapter `sql`.
class EmbeddedSimTest : public testing::Test {
 protected:
  std::unique_ptr<model::Engine> Build(std::string_view more = "") {
    const Result<config::Config> config = config::Parse(
        StrCat("engines: {it: {kind: sim, sim: {pace: instant}, adapters: {sql: /adapters/sql}",
               more, "}}\n"),
        "w.yaml", {});
    EXPECT_TRUE(config) << (config ? "" : config.error().message);
    auto engine = BuildEngine(config->engines.front(), transport_, {});
    EXPECT_TRUE(engine) << (engine ? "" : engine.error().message);
    return *std::move(engine);
  }

  Result<Reply> Ask(model::Engine& engine, std::string adapter) {
    model::Call call = sim::Ask("hi");
    call.adapter = std::move(adapter);
    return loop_.Run(engine.Call(ctx_, call));
  }

  async::Loop loop_;
  async::Context ctx_{loop_};
  http::Client transport_{http::ClientOptions{}, http::NewSystemDialer({})};
};

TEST_F(EmbeddedSimTest, TheBaseModelAnswersForAnAdapterThatItWasNotGiven) {
  const std::unique_ptr<model::Engine> engine = Build();
  const Result<Reply> base = Ask(*engine, "");
  ASSERT_TRUE(base);
  EXPECT_THAT(base->info.degradations, IsEmpty());
  const Result<Reply> reply = Ask(*engine, "foo");
  ASSERT_TRUE(reply) << reply.error().message;
  ASSERT_THAT(reply->info.degradations, SizeIs(1));
  EXPECT_EQ(reply->info.degradations[0].what, "adapter");
  EXPECT_THAT(reply->info.degradations[0].why, HasSubstr("'foo'"));
  EXPECT_EQ(reply->text(), base->text());
}

TEST_F(EmbeddedSimTest, AnAdapterThatItWasGivenAnswersForItself) {
  const std::unique_ptr<model::Engine> engine = Build();
  const Result<Reply> base = Ask(*engine, "");
  const Result<Reply> reply = Ask(*engine, "sql");
  ASSERT_TRUE(base && reply);
  EXPECT_THAT(reply->info.degradations, IsEmpty());
  EXPECT_EQ(reply->info.model, "sql");
  EXPECT_NE(reply->text(), base->text());
}

TEST_F(EmbeddedSimTest, WhereAMissingAdapterIsAnErrorItSaysWhatHelps) {
  const std::unique_ptr<model::Engine> engine = Build(", adapter_fallback: error");
  EXPECT_TRUE(Ask(*engine, "sql"));
  const Result<Reply> reply = Ask(*engine, "foo");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kConfigError);
  EXPECT_THAT(reply.error().message, HasSubstr("name it in `adapters` of it"));
}

}  // namespace
}  // namespace weir::client
