#include "weir/client/managed_engine.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/client/client.h"
#include "weir/client/client_testing.h"
#include "weir/engine/managed/server_folder.h"

namespace weir::client {
namespace {

using testing::HasSubstr;

class ManagedEngineTest : public testing::Test {
 protected:
  ManagedEngineTest() {
    char name[] = "/tmp/weir_managed_XXXXXX";
    root_ = ::mkdtemp(name);
    env_.variables = {{"XDG_STATE_HOME", root_}};
  }
  ~ManagedEngineTest() override { std::filesystem::remove_all(root_); }

  Client Open(const EngineOptions& engine) const {
    return *Client::Open(
        {.engines = {engine, {.name = "b", .base_url = server_.url()}}, .env = env_});
  }

  // As if `weir engines up` had started the simulator for the engine.
  void Register(std::string_view engine) const {
    engine::ServerRecord record;
    record.engine = engine;
    record.model = "sim-model";
    record.port = *ParseInt(server_.url().substr(server_.url().rfind(':') + 1));
    record.pid = ::getpid();
    record.birth = *engine::BirthOf(record.pid);
    record.owner = engine::ServerRecord::Owner::kUser;
    ASSERT_TRUE(engine::ServerFolder::Open(env_)->Write(record));
  }

  std::string root_;
  Env env_;
  sim::SimServer server_{sim::InstantSim("[{reply: {text: one two three}}]")};
};

TEST_F(ManagedEngineTest, AServerThatDoesNotRunIsToldWithHowToStartItAndUsedWhenItRuns) {
  Client client = Open({.name = "a", .model = "sim-model", .settings = "serve: {}"});

  const Result<std::string> nobody = client.Ask("hi");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Code::kConnectionError);
  EXPECT_THAT(nobody.error().message, HasSubstr("engine 'a' is managed"));
  EXPECT_THAT(nobody.error().message, HasSubstr("start it with `weir engines up a`"));
  EXPECT_FALSE(client.Stream("hi"));

  Register("a");
  EXPECT_EQ(client.Ask("hi").value_or(""), "one two three");
}

TEST_F(ManagedEngineTest, AServerThatRunsAlreadyIsFound) {
  Register("a");
  Client client = Open({.name = "a", .model = "sim-model", .settings = "serve: {}"});
  EXPECT_EQ(client.Ask("hi").value_or(""), "one two three");
}

TEST_F(ManagedEngineTest, AFixedPortWhereNobodyListensIsToldToo) {
  Client client = Open({.name = "a",
                        .model = "sim-model",
                        .settings = "{serve: {port: 1}, retry: {max_retries: 0}}"});
  const Result<std::string> nobody = client.Ask("hi");
  ASSERT_FALSE(nobody);
  EXPECT_THAT(nobody.error().message, HasSubstr("start it with `weir engines up a`"));
}

TEST_F(ManagedEngineTest, AFallbackStandsInAndAManagedFallbackIsToldLikeAnyOther) {
  Client client =
      Open({.name = "a", .model = "sim-model", .fallback = {"b"}, .settings = "serve: {}"});
  EXPECT_EQ(client.Ask("hi").value_or(""), "one two three");

  Result<Client> other =
      Client::Open({.engines = {{.name = "first",
                                 .base_url = "http://127.0.0.1:1",
                                 .fallback = {"second"},
                                 .settings = "retry: {max_retries: 0}"},
                                {.name = "second", .model = "m", .settings = "serve: {}"}},
                    .env = env_});
  ASSERT_TRUE(other);
  const Result<std::string> nobody = other->Ask("hi");
  ASSERT_FALSE(nobody);
  EXPECT_THAT(nobody.error().message, HasSubstr("`weir engines up second`"));
}

}  // namespace
}  // namespace weir::client
