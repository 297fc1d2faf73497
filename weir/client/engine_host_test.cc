#include "weir/client/engine_host.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"

namespace weir::client {
namespace {

using namespace std::chrono_literals;
using Lifecycle = flow::EngineHost::Lifecycle;

class EngineHostTest : public testing::Test {
 protected:
  EngineHostTest() {
    char name[] = "/tmp/weir_host_XXXXXX";
    root_ = ::mkdtemp(name);
    env_.variables = {{"XDG_STATE_HOME", root_}, {"PATH", "/nowhere"}};
  }
  ~EngineHostTest() override { std::filesystem::remove_all(root_); }

  std::unique_ptr<EngineHost> Open(std::string_view yaml) {
    Result<config::Config> config = config::Parse(yaml, "w.yaml", env_);
    EXPECT_TRUE(config.has_value()) << (config ? "" : config.error().message);
    const config::EngineConfig chosen = config->engines.front();
    Result<std::unique_ptr<EngineHost>> host = loop_.Run(EngineHost::Open(
        async::Context(loop_), {.config = *config, .chosen = chosen, .env = env_}));
    EXPECT_TRUE(host.has_value()) << (host ? "" : host.error().message);
    return host ? *std::move(host) : nullptr;
  }
  Result<void> Start(EngineHost& host, const std::string& name) {
    return loop_.Run(host.Start(async::Context(loop_), name));
  }

  async::Loop loop_;
  std::string root_;
  Env env_;
};

TEST_F(EngineHostTest, ManagedEnginesGetTheirOwnAddresses) {
  const auto host = Open(
      "engines:\n"
      "  a: {model: m, serve: {}}\n"
      "  b: {model: n, serve: {lifecycle: persistent}}\n"
      "  c: {model: o, serve: {port: 9123, flags: [--served-model-name, short, --api-key=k]}}\n"
      "  d: {base_url: 'http://h', timeout: 7, limits: {max_in_flight: 3}}\n"
      "  e: {base_url: 'http://h', limits: {max_in_flight: 2}, fallback: d}\n"
      "routes: {both: [e, d]}\n");
  ASSERT_NE(host, nullptr);

  const std::string a = host->Find("a")->http.upstream.base_url;
  const std::string b = host->Find("b")->http.upstream.base_url;
  EXPECT_TRUE(a.starts_with("http://127.0.0.1:")) << a;
  EXPECT_TRUE(b.starts_with("http://127.0.0.1:")) << b;
  EXPECT_NE(a, b);
  EXPECT_EQ(host->Find("c")->http.upstream.base_url, "http://127.0.0.1:9123");
  EXPECT_EQ(host->Find("c")->http.model, "short");
  EXPECT_EQ(host->Find("c")->http.upstream.api_key, "k");
  EXPECT_EQ(host->LifecycleOf("a"), Lifecycle::kLazy);
  EXPECT_EQ(host->LifecycleOf("b"), Lifecycle::kPersistent);
  EXPECT_EQ(host->LifecycleOf("d"), Lifecycle::kElsewhere);
  EXPECT_EQ(host->TotalOf("d"), 7s);
  EXPECT_EQ(host->PlacesOf("d"), 3U);
  EXPECT_EQ(host->PlacesOf("e"), 5U) << "d stands in for it";
  EXPECT_EQ(host->PlacesOf("both"), 5U);
}

TEST_F(EngineHostTest, OthersNeedNoStart) {  // R-PRC-08
  const auto host = Open("engines: {d: {base_url: 'http://h'}, a: {model: m, serve: {}}}");
  ASSERT_NE(host, nullptr);

  EXPECT_TRUE(Start(*host, "d").has_value());
  EXPECT_TRUE(Start(*host, "").has_value());
  const Result<void> started = Start(*host, "a");
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, Code::kConfigError);
  EXPECT_FALSE(loop_.Run(host->Up(async::Context(loop_), "d")).has_value());
  loop_.Run(host->Stop(async::Context(loop_), "a"));
}

TEST_F(EngineHostTest, RolesAndTheDefaultMeanTheirFirstEngine) {
  const auto host = Open(
      "engines: {a: {model: m, serve: {}}, d: {base_url: 'http://h'}}\n"
      "routes: {fast: [a, d], default: [d]}\n");
  ASSERT_NE(host, nullptr);

  EXPECT_EQ(host->Find("")->name, "d");
  EXPECT_EQ(host->Find("fast")->name, "a");
  EXPECT_EQ(host->LifecycleOf("fast"), Lifecycle::kLazy);
  EXPECT_EQ(host->Find("nobody"), nullptr);
  EXPECT_EQ(host->LifecycleOf("nobody"), Lifecycle::kElsewhere);
}

TEST_F(EngineHostTest, AProfileFillsWhatTheCallLeavesOpen) {
  const auto host = Open("engines: {d: {base_url: 'http://h'}}");
  ASSERT_NE(host, nullptr);
  model::Call call;
  call.sampling.temperature = 0.9;

  ASSERT_TRUE(host->ApplyProfile("chain", call).has_value());

  EXPECT_EQ(call.sampling.temperature, 0.9);
  EXPECT_EQ(call.sampling.max_tokens, 512);
  EXPECT_EQ(call.timeouts.value().total, 60s);
  const Result<void> unknown = host->ApplyProfile("chains", call);
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().message, "there is no profile 'chains'; did you mean 'chain'?");
}

}  // namespace
}  // namespace weir::client
