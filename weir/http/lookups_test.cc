// Name servers that are silent, on threads of their own: nobody waits for them.

#include "weir/http/lookups.h"

#include <atomic>
#include <latch>
#include <map>
#include <thread>

#include <gmock/gmock.h>

#include "weir/async/scope.h"
#include "weir/http/resolve.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// A name server whose answer to some names is held back. It outlives the test, as the threads do.
struct NameServer {
  Lookups::Found Answer(const std::string& host) {
    ++asked;
    if (host.starts_with("unknown")) return {.addresses = {}, .error = "Host not found"};
    if (host.starts_with("slow")) {
      begun.count_down();
      released.wait();
    }
    Lookups::Found found;
    found.addresses.push_back(boost::asio::ip::make_address("10.0.0.1"));
    found.addresses.push_back(boost::asio::ip::make_address("10.0.0.2"));
    found.addresses.push_back(boost::asio::ip::make_address("fd00::1"));
    return found;
  }

  std::atomic<int> asked = 0;
  std::latch begun{1};
  std::latch released{1};
};

class LookupsTest : public testing::Test {
 public:
  ~LookupsTest() override {
    if (!released_) server_->released.count_down();
  }

  void Release() {
    released_ = true;
    server_->released.count_down();
  }

  static Result<Endpoints> Find(async::Loop& loop, const async::Context& ctx, std::string host,
                                Lookups& lookups) {
    return loop.Run(Resolve(ctx, std::move(host), 80, lookups));
  }

  // Asks for a name that hangs, and is cancelled once a thread hangs with it.
  Error GiveUp(async::Loop& loop, Lookups& lookups) {
    auto run = [](LookupsTest& test, async::Context ctx, Lookups& in) -> async::Task<Error> {
      async::TaskScope scope(ctx);
      Error error;
      auto ask = [](async::Context inside, Lookups& its, Error& out) -> async::Task<void> {
        const Result<Endpoints> never = co_await Resolve(inside, "slow.example", 80, its);
        if (!never) out = never.error();
      };
      scope.Spawn(ask(scope.context(), in, error));
      test.server_->begun.wait();
      scope.Cancel();
      co_await scope.Join();
      co_return error;
    };
    return loop.Run(run(*this, async::Context(loop), lookups));
  }

  const std::shared_ptr<NameServer> server_ = std::make_shared<NameServer>();
  bool released_ = false;
  Lookups lookups_{[server = server_](const std::string& host) { return server->Answer(host); }};
};

TEST_F(LookupsTest, TheAddressesOfANameAreMixedAndAnUnknownOneIsNamed) {
  async::Loop loop;
  const async::Context ctx(loop);
  const Result<Endpoints> found = Find(loop, ctx, "good.example", lookups_);
  const Result<Endpoints> unknown = Find(loop, ctx, "unknown.example", lookups_);

  ASSERT_TRUE(found.has_value());
  ASSERT_EQ(found->size(), 3U);
  EXPECT_EQ((*found)[1].address().to_string(), "fd00::1");
  EXPECT_EQ((*found)[2].port(), 80);
  EXPECT_EQ(unknown.error().code, Code::kConnectionError);
  EXPECT_THAT(unknown.error().message, HasSubstr("'unknown.example'"));
  EXPECT_EQ(unknown.error().cause, "Host not found");
}

TEST_F(LookupsTest, ALoopEndsWhileTheNameServerIsStillSilent) {
  {
    async::Loop loop;
    const async::Context ctx(loop);
    EXPECT_EQ(GiveUp(loop, lookups_).code, Code::kCancelled);
    const Result<Endpoints> late = Find(loop, ctx.WithTimeout(1ms), "slow.example", lookups_);
    EXPECT_EQ(late.error().code, Code::kTimeout);
  }
  Release();  // nobody is there to be told
}

TEST_F(LookupsTest, TheLookupsMayGoBeforeTheirThreads) {
  {
    async::Loop loop;
    Lookups own([server = server_](const std::string& host) { return server->Answer(host); });
    EXPECT_EQ(GiveUp(loop, own).code, Code::kCancelled);
  }
  Release();
}

TEST_F(LookupsTest, ANameThatHangsHoldsUpNoOtherAndIsAskedForOnce) {
  async::Loop loop;
  const async::Context ctx(loop);
  auto run = [](LookupsTest& test, async::Context in) -> async::Task<std::size_t> {
    async::TaskScope hanging(in);
    auto hang = [](LookupsTest& its, async::Context inside) -> async::Task<void> {
      const Result<Endpoints> never = co_await Resolve(inside, "slow.example", 80, its.lookups_);
      EXPECT_EQ(never.error().code, Code::kCancelled);
    };
    for (std::size_t i = 0; i < 2 * Lookups::kMostThreads; ++i) {
      hanging.Spawn(hang(test, hanging.context()));
    }
    std::size_t found = 0;
    for (const std::string_view host : {"one.example", "two.example", "three.example"}) {
      const Result<Endpoints> addresses =
          co_await Resolve(in, std::string(host), 80, test.lookups_);
      if (addresses) found += addresses->size();
    }
    test.server_->begun.wait();
    hanging.Cancel();
    co_await hanging.Join();
    co_return found;
  };
  EXPECT_EQ(loop.Run(run(*this, ctx)), 9U);
  EXPECT_EQ(server_->asked, 4);
}

TEST_F(LookupsTest, WhoWaitsForTheSameNameGetsTheSameAnswer) {
  async::Loop loop;
  const async::Context ctx(loop);
  auto run = [](LookupsTest& test, async::Context in) -> async::Task<int> {
    async::TaskScope scope(in);
    int found = 0;
    auto ask = [](LookupsTest& its, async::Context inside, int& count) -> async::Task<void> {
      const Result<Endpoints> addresses =
          co_await Resolve(inside, "slow.example", 80, its.lookups_);
      if (addresses && addresses->size() == 3) ++count;
    };
    scope.Spawn(ask(test, scope.context(), found));
    scope.Spawn(ask(test, scope.context(), found));
    test.Release();
    co_await scope.Join();
    co_return found;
  };
  EXPECT_EQ(loop.Run(run(*this, ctx)), 2);
  EXPECT_EQ(server_->asked, 1);
}

TEST_F(LookupsTest, MoreNamesThanThreadsTakeTurnsAndThoseGivenUpAreNotAsked) {
  Lookups narrow([server = server_](const std::string& host) { return server->Answer(host); }, 1);
  async::Loop loop;
  const async::Context ctx(loop);
  EXPECT_EQ(GiveUp(loop, narrow).code, Code::kCancelled);
  EXPECT_FALSE(Find(loop, ctx.WithTimeout(1ms), "waits.example", narrow));
  Release();
  EXPECT_TRUE(Find(loop, ctx, "good.example", narrow));
  EXPECT_EQ(server_->asked, 2);  // nobody wanted waits.example any more
}

}  // namespace
}  // namespace weir::http
