#include "weir/client/proxy_advice.h"

#include <gmock/gmock.h>

namespace weir::client {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const Env kProxied{.variables = {{"HTTP_PROXY", "http://me:secret@gate:3128"}}};

Error Status(int status) {
  return Error{.code = Code::kHttpStatus,
               .message = "the server did it; it said: words",
               .http_status = status};
}

Error Advised(Error error, std::string address, const Env& env = kProxied) {
  config::EngineConfig config;
  config.http.upstream.base_url = std::move(address);
  return WithProxyAdvice(std::move(error), config, env);
}

TEST(ProxyAdvice, StatusesThatAreTheProxysOwnSpeakOfTheProxy) {
  for (const int status : {407, 502, 504}) {
    SCOPED_TRACE(status);
    const Error error = Advised(Status(status), "http://far.example");
    EXPECT_THAT(error.message,
                AllOf(HasSubstr("proxy gate:3128"), HasSubstr("NO_PROXY"),
                      HasSubstr("it said: words"), Not(HasSubstr("the server did"))));
    EXPECT_EQ(error.http_status, status);
  }
}

TEST(ProxyAdvice, StatusesOfEitherNameBothAndNoPassword) {
  const Error error = Advised(Status(403), "http://far.example");
  EXPECT_THAT(error.message, AllOf(HasSubstr("the server did it"), HasSubstr("proxy gate:3128"),
                                   Not(HasSubstr("secret"))));
}

struct UntouchedCase {
  const char* name;
  const char* address;
  Env env;
  Error error;
};

const UntouchedCase kUntouchedCases[] = {
    {"no_proxy_set", "http://far.example", {}, Status(502)},
    {"loopback", "http://127.0.0.1:8000", kProxied, Status(502)},
    {"tunnel", "https://far.example", kProxied, Status(502)},
    {"socket", "unix:/run/x.sock", kProxied, Status(502)},
    {"not_an_address", "nonsense", kProxied, Status(502)},
    {"found_here", "http://far.example", kProxied, {.code = Code::kInvalidRequest, .message = "m"}},
};

TEST(ProxyAdvice, EveryOtherErrorStaysAsItIs) {
  for (const UntouchedCase& c : kUntouchedCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(Advised(c.error, c.address, c.env), c.error);
  }
}

}  // namespace
}  // namespace weir::client
