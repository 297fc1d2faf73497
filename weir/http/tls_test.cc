// TLS on both sides, with a certificate authority that lives as long as the test.

#include "weir/http/tls.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <unistd.h>

#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/http/client.h"
#include "weir/http/server.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class HelloHandler final : public Handler {
 public:
  async::Task<void> Handle(Exchange& exchange) override {
    ++requests;
    const Headers none;
    const Result<void> sent = co_await exchange.Respond(200, none, exchange.body());
    EXPECT_TRUE(sent.has_value());
  }

  int requests = 0;
};

// Makes the keys once for all tests of this file, with the system's openssl.
class TlsTest : public testing::Test {
 public:
  static void SetUpTestSuite() {
    char name[] = "/tmp/weir_tls_test_XXXXXX";
    if (::mkdtemp(name) == nullptr) return;
    folder_ = name;
    const std::string new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    ready_ = Openssl(StrCat("req -x509 ", new_key, " -keyout ca.key -out ca.pem -subj /CN=test-ca ",
                            "-days 2")) &&
             Openssl(StrCat("req ", new_key, " -keyout key.pem -out request.pem -subj /CN=test"));
    std::ofstream(File("names")) << "subjectAltName=DNS:localhost,IP:127.0.0.1";
    std::ofstream(File("elsewhere")) << "subjectAltName=DNS:elsewhere.example";
    ready_ = ready_ && Sign("names", "2", "good.pem") && Sign("elsewhere", "2", "elsewhere.pem") &&
             Sign("names", "-1", "expired.pem");
  }
  static void TearDownTestSuite() {
    std::error_code ignored;  // a folder under /tmp
    std::filesystem::remove_all(folder_, ignored);
  }

  void SetUp() override {
    if (ready_) return;
    std::fputs("openssl is missing or failed: TLS is NOT tested\n", stderr);
    GTEST_SKIP() << "openssl is missing or failed";
  }

  static std::string File(std::string_view name) { return StrCat(folder_, "/", name); }

  // One POST of "hello" to a server with this certificate (none: plain http).
  Result<std::string> Ask(std::string_view certificate, std::string scheme, std::string host,
                          TlsOptions options, int times = 1) {
    ListenOptions listen;
    if (!certificate.empty()) {
      listen.tls = {.cert_file = File(certificate), .key_file = File("key.pem")};
    }
    const Result<std::unique_ptr<Listener>> listener = Listen(listen);
    if (!listener) return Fail(listener.error());
    Server server({}, handler_);
    Client client({}, NewSystemDialer({.tls = std::move(options)}));
    const std::string& url = (*listener)->url();
    const Origin origin =
        MakeOrigin(*ParseUrl(StrCat(scheme, "://", host, url.substr(url.rfind(':')))));
    auto run = [](TlsTest& test, Server& its, const Listener& on, Client& from, const Origin& to,
                  int count) -> async::Task<Result<std::string>> {
      async::TaskScope scope(test.ctx_);
      auto serve = [](async::Context ctx, Server& s, const Listener& l) -> async::Task<void> {
        const Result<void> served = co_await s.Serve(ctx, l);
        EXPECT_TRUE(served.has_value());
      };
      scope.Spawn(serve(scope.context(), its, on));
      Result<std::string> body;
      for (int i = 0; i < count; ++i) {
        const Request request{.target = "/", .body = test.sent_};
        const auto response = co_await from.Send(test.ctx_, to, request);
        if (response) {
          body = co_await (*response)->ReadAll(test.ctx_, 32 << 20);
        } else {
          body = Result<std::string>(std::unexpect, response.error());
        }
      }
      test.open_ = from.open_connections();
      test.connections_ = its.connections();
      scope.Cancel();
      co_await scope.Join();
      co_return body;
    };
    return loop_.Run(run(*this, server, **listener, client, origin, times));
  }

  async::Loop loop_;
  async::Context ctx_{loop_};
  HelloHandler handler_;
  std::string sent_ = "hello";
  std::size_t open_ = 0;
  std::size_t connections_ = 0;

 private:
  static bool Openssl(const std::string& arguments) {
    const std::string command =
        StrCat("cd ", folder_, " && openssl ", arguments, " >openssl.log 2>&1");
    return std::system(command.c_str()) == 0;
  }
  static bool Sign(std::string_view names, std::string_view days, std::string_view out) {
    return Openssl(StrCat("x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial ",
                          "-extfile ", names, " -days ", days, " -out ", out));
  }

  static inline std::string folder_;
  static inline bool ready_ = false;
};

TEST_F(TlsTest, AKnownAuthorityAndTheRightNameLetTheRequestThrough) {
  const TlsOptions trust{.ca_file = File("ca.pem")};
  for (const std::string host : {"localhost", "127.0.0.1"}) {
    SCOPED_TRACE(host);
    const Result<std::string> body = Ask("good.pem", "https", host, trust);
    EXPECT_TRUE(body && *body == "hello") << (body ? "" : Describe(body.error()));
  }
}

TEST_F(TlsTest, AConnectionIsUsedAgainAndCarriesLargeBodies) {
  sent_ = std::string(3 << 20, 'x');
  const Result<std::string> body =
      Ask("good.pem", "https", "localhost", {.ca_file = File("ca.pem")}, 3);

  EXPECT_TRUE(body && *body == sent_) << (body ? "" : Describe(body.error()));
  EXPECT_EQ(handler_.requests, 3);
  EXPECT_EQ(open_, 1U);
  EXPECT_EQ(connections_, 1U);
}

TEST_F(TlsTest, TheNameToCheckCanBeSet) {
  const TlsOptions named{.ca_file = File("ca.pem"), .server_name = "elsewhere.example"};
  EXPECT_TRUE(Ask("elsewhere.pem", "https", "127.0.0.1", named).has_value());
}

TEST_F(TlsTest, WithoutVerificationAnyCertificateWillDo) {
  EXPECT_TRUE(Ask("expired.pem", "https", "localhost", {.verify = false}).has_value());
  EXPECT_TRUE(Ask("elsewhere.pem", "https", "127.0.0.1", {.verify = false}).has_value());
}

struct Distrust {
  const char* name;
  std::string_view certificate;
  std::string scheme;
  std::string host;
  std::string_view ca;
  std::string_view words;
};

TEST_F(TlsTest, WhatIsWrongAndWhatToDoIsSaid) {
  const Distrust cases[] = {
      {"unknown_authority", "good.pem", "https", "localhost", "", "tls.ca_file"},
      {"wrong_name", "elsewhere.pem", "https", "localhost", "ca.pem", "tls.server_name"},
      {"wrong_address", "elsewhere.pem", "https", "127.0.0.1", "ca.pem", "tls.server_name"},
      {"expired", "expired.pem", "https", "localhost", "ca.pem", "out of date"},
      {"https_to_http", "", "https", "localhost", "ca.pem", "speaks https"},
      {"http_to_https", "good.pem", "http", "localhost", "", "closed the connection"},
  };
  for (const Distrust& c : cases) {
    SCOPED_TRACE(c.name);
    const TlsOptions options{.ca_file = c.ca.empty() ? "" : File(c.ca)};
    const Result<std::string> body = Ask(c.certificate, c.scheme, c.host, options);
    ASSERT_FALSE(body.has_value());
    EXPECT_EQ(body.error().code, Code::kConnectionError);
    EXPECT_THAT(body.error().message, HasSubstr(c.words));
    EXPECT_EQ(open_, 0U);
  }
  EXPECT_EQ(handler_.requests, 0);
}

TEST_F(TlsTest, AFileThatCannotBeReadIsAConfigErrorThatNamesIt) {
  const TlsOptions missing[] = {
      {.ca_file = "/no/such/ca.pem"},
      {.ca_file = File("ca.pem"), .cert_file = "/no/such/cert.pem", .key_file = "/no/such/key.pem"},
      {.ca_file = File("ca.pem"), .cert_file = File("good.pem"), .key_file = "/no/such/key.pem"},
      {.ca_file = File("ca.pem"), .cert_file = File("good.pem"), .key_file = File("ca.key")},
  };
  for (const TlsOptions& options : missing) {
    const Result<std::string> body = Ask("good.pem", "https", "localhost", options);
    ASSERT_FALSE(body.has_value());
    EXPECT_EQ(body.error().code, Code::kConfigError);
    EXPECT_THAT(body.error().message, HasSubstr("tls."));
  }
  EXPECT_EQ(Listen({.tls = {.cert_file = "/no/such.pem", .key_file = ""}}).error().code,
            Code::kConfigError);
}

}  // namespace
}  // namespace weir::http
