// Which proxy is chosen, and what is said to it.

#include "weir/http/proxy.h"

#include <map>

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/http/memory_testing.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct Rule {
  const char* name;
  std::string_view no_proxy;
  std::string_view url;
  bool direct;
};

TEST(ProxyRules, NoProxyNamesHostsSuffixesPortsAndNetworks) {
  const Rule rules[] = {
      {"nothing", "", "http://vllm.example:8000", false},
      {"host", "vllm.example", "http://vllm.example:8000", true},
      {"host_has_no_case", "VLLM.Example", "http://vllm.example", true},
      {"suffix", "example", "http://vllm.example", true},
      {"leading_dot", ".example", "http://vllm.example", true},
      {"leading_dot_needs_a_label", ".vllm.example", "http://vllm.example", false},
      {"star_dot", "*.example", "http://vllm.example", true},
      {"no_half_label", "llm.example", "http://vllm.example", false},
      {"star", "*", "http://vllm.example", true},
      {"one_of_many", "a, vllm.example ,b", "http://vllm.example", true},
      {"empty_entries", ",, ,", "http://vllm.example", false},
      {"port", "vllm.example:8000", "http://vllm.example:8000", true},
      {"other_port", "vllm.example:8001", "http://vllm.example:8000", false},
      {"address", "10.1.2.3", "http://10.1.2.3", true},
      {"network", "10.0.0.0/8", "http://10.1.2.3", true},
      {"network_not_canonical", "10.9.9.9/8", "http://10.1.2.3", true},
      {"other_network", "10.0.0.0/16", "http://10.1.2.3", false},
      {"broken_network", "10.0.0.0/99", "http://10.1.2.3", false},
      {"v6_network", "fd00::/8", "http://[fd12::1]:80", true},
      {"v6_address", "fd12::1", "http://[fd12::1]:80", true},
      {"v6_in_brackets", "[fd12::1]", "http://[fd12::1]:80", true},
      {"v4_is_in_no_v6_network", "fd00::/8", "http://10.1.2.3", false},
      {"localhost", "", "http://localhost:8000", true},
      {"below_localhost", "", "http://a.localhost:8000", true},
      {"loopback", "", "http://127.3.2.1", true},
      {"loopback_v6", "", "https://[::1]", true},
      {"unix", "", "unix:/run/s.sock", true},
  };
  for (const Rule& rule : rules) {
    SCOPED_TRACE(rule.name);
    const ProxyOptions options{.all = "http://proxy:3128", .no_proxy = std::string(rule.no_proxy)};
    const Result<std::optional<Proxy>> chosen = ChooseProxy(options, *ParseUrl(rule.url));
    ASSERT_TRUE(chosen.has_value());
    EXPECT_EQ(chosen->has_value(), !rule.direct);
  }
}

struct Choice {
  const char* name;
  std::map<std::string, std::string, std::less<>> env;
  std::string_view url;
  std::string_view host;  // of the proxy; empty: none
};

TEST(ProxyRules, SmallLettersWinAndSchemesHaveTheirOwnVariable) {
  const Choice choices[] = {
      {"nothing_set", {}, "http://h", ""},
      {"http", {{"HTTP_PROXY", "p1"}, {"ALL_PROXY", "p2"}}, "http://h", "p1"},
      {"https", {{"HTTPS_PROXY", "p1"}, {"HTTP_PROXY", "p2"}}, "https://h", "p1"},
      {"all", {{"HTTPS_PROXY", "p1"}, {"ALL_PROXY", "p2"}}, "http://h", "p2"},
      {"no_variable_of_another_scheme", {{"HTTP_PROXY", "p1"}}, "https://h", ""},
      {"small_letters", {{"http_proxy", "p1"}, {"HTTP_PROXY", "p2"}}, "http://h", "p1"},
      {"small_and_empty", {{"http_proxy", ""}, {"HTTP_PROXY", "p2"}}, "http://h", "p2"},
      {"empty_falls_back_to_all", {{"http_proxy", ""}, {"all_proxy", "p2"}}, "http://h", "p2"},
      {"no_proxy", {{"HTTP_PROXY", "p1"}, {"NO_PROXY", "h"}}, "http://h", ""},
      {"small_no_proxy",
       {{"HTTP_PROXY", "p1"}, {"NO_PROXY", "h"}, {"no_proxy", "other"}},
       "http://h",
       "p1"},
  };
  for (const Choice& choice : choices) {
    SCOPED_TRACE(choice.name);
    const Env env{choice.env};
    const auto chosen = ChooseProxy(ProxyFromEnv(env), *ParseUrl(choice.url));
    ASSERT_TRUE(chosen.has_value());
    EXPECT_EQ(*chosen ? (*chosen)->host : "", choice.host);
  }
}

struct Written {
  std::string_view text;
  Proxy::Kind kind;
  std::string_view host;
  int port;
  std::string_view user;
  std::string_view password;
};

TEST(ProxyRules, AProxyIsReadAsPeopleWriteIt) {
  const Written cases[] = {
      {"proxy", Proxy::Kind::kHttp, "proxy", 80, "", ""},
      {"proxy:3128", Proxy::Kind::kHttp, "proxy", 3128, "", ""},
      {"http://u:p@proxy:3128/", Proxy::Kind::kHttp, "proxy", 3128, "u", "p"},
      {"http://u:p%40s%3As%25@proxy", Proxy::Kind::kHttp, "proxy", 80, "u", "p@s:s%"},
      {"http://u:100%@proxy", Proxy::Kind::kHttp, "proxy", 80, "u", "100%"},
      {"socks5://[::1]", Proxy::Kind::kSocks5, "::1", 1080, "", ""},
      {"socks5h://u@p:9", Proxy::Kind::kSocks5h, "p", 9, "u", ""},
  };
  for (const Written& c : cases) {
    SCOPED_TRACE(c.text);
    const ProxyOptions options{.http = std::string(c.text)};
    const auto chosen = ChooseProxy(options, *ParseUrl("http://h"));
    ASSERT_TRUE(chosen.has_value());
    EXPECT_EQ((*chosen)->kind, c.kind);
    EXPECT_EQ((*chosen)->host, c.host);
    EXPECT_EQ((*chosen)->port, c.port);
    EXPECT_EQ((*chosen)->user, c.user);
    EXPECT_EQ((*chosen)->password, c.password);
  }
}

TEST(ProxyRules, ABadProxyIsAnErrorThatShowsNoPassword) {
  for (const std::string& text : {"ftp://u:hunter@2@proxy"s, "http://"s, "http://u:hunter@p:99999"s,
                                  StrCat("http://u:", std::string(256, 'h'), "unter@p")}) {
    SCOPED_TRACE(text);
    const auto chosen = ChooseProxy({.http = text}, *ParseUrl("http://h"));
    ASSERT_FALSE(chosen.has_value());
    EXPECT_EQ(chosen.error().code, Code::kConfigError);
    EXPECT_THAT(chosen.error().message, Not(HasSubstr("hunter")));
    EXPECT_THAT(chosen.error().message, Not(HasSubstr("2@")));
  }
}

struct Turn {
  std::string expect;  // what the proxy wants to read
  std::string answer;
};

async::Task<void> PlayProxy(ByteStream& stream, std::vector<Turn> turns, std::string& heard) {
  for (const Turn& turn : turns) {
    while (heard.size() < turn.expect.size()) {
      char byte = 0;
      const std::span<char> room(&byte, 1);
      const IoResult read = co_await stream.ReadSome(room);
      if (std::get<0>(read)) co_return;
      heard += byte;
    }
    EXPECT_EQ(heard, turn.expect);
    heard.clear();
    const IoResult written = co_await stream.Write(turn.answer);
    if (std::get<0>(written)) co_return;
  }
}

class TunnelTest : public testing::Test {
 public:
  // What OpenTunnel says about a proxy that plays `turns` and then closes, or waits when `silent_`.
  Result<void> Open(const Proxy& proxy, std::vector<Turn> turns, std::string_view target,
                    std::size_t cut = 0) {
    auto run = [](TunnelTest& test, const Proxy& its, std::vector<Turn> what, const Url& to,
                  std::size_t piece) -> async::Task<Result<void>> {
      test.script_->read_piece = piece;
      StreamPair pair =
          NewMemoryStreams(test.loop_, test.script_, std::make_shared<StreamScript>());
      async::TaskScope scope(test.ctx_);
      auto play = [](std::unique_ptr<ByteStream> s, std::vector<Turn> t,
                     bool silent) -> async::Task<void> {
        std::string heard;
        co_await PlayProxy(*s, std::move(t), heard);
        if (silent) heard = co_await ReadToEnd(*s);
      };
      scope.Spawn(play(std::move(pair.server), std::move(what), test.silent_));
      Result<void> opened = co_await OpenTunnel(test.ctx_.WithTimeout(5s), *pair.client, its, to);
      test.rest_.clear();
      if (opened) test.rest_ = co_await ReadToEnd(*pair.client);
      pair.client->Close();
      co_await scope.Join();
      co_return opened;
    };
    return loop_.Run(run(*this, proxy, std::move(turns), *ParseUrl(target), cut));
  }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  std::shared_ptr<StreamScript> script_ = std::make_shared<StreamScript>();
  bool silent_ = false;
  std::string rest_;  // what came through the tunnel
};

const Proxy kHttpProxy{.host = "p", .port = 3128, .user = "me", .password = "secret"};
const Proxy kSocks{.kind = Proxy::Kind::kSocks5h, .host = "p", .port = 1080};
const Proxy kSocksUser{
    .kind = Proxy::Kind::kSocks5h, .host = "p", .port = 1080, .user = "me", .password = "secret"};

constexpr std::string_view kConnect =
    "CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\n"
    "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n";

TEST_F(TunnelTest, ConnectAsksWithCredentialsAndTakesNoByteOfTheTunnel) {
  const Result<void> opened =
      Open(kHttpProxy,
           {{std::string(kConnect),
             "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connection established\r\n\r\nhello"}},
           "https://h.example");

  EXPECT_TRUE(opened.has_value());
  EXPECT_EQ(rest_, "hello");
}

std::string Sort(const Error& error) {
  return StrCat(Name(error), Retryable(error) ? "" : " for good");
}

struct Refusal {
  const char* name;
  std::string answer;
  std::string_view words;
  std::string_view error = "connection_error";
};

TEST_F(TunnelTest, AnHttpProxyThatDoesNotConnectSaysWhy) {
  const Refusal cases[] = {
      {"wants_credentials", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407",
       "http_407 for good"},
      {"refuses", "HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nnever", "(403 Forbidden)"},
      {"goes", "", "closed the connection"},
      {"goes_midway", "HTTP/1.1 200", "closed the connection"},
      {"never_ends", std::string(100'000, 'x'), "endless head"},
      {"is_no_http_proxy", "220 mail.example ESMTP\r\n\r\n", "does not answer in HTTP",
       "connection_error for good"},
      {"switches", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "does not answer in HTTP",
       "connection_error for good"},
  };
  for (const Refusal& c : cases) {
    SCOPED_TRACE(c.name);
    const Result<void> opened =
        Open(kHttpProxy, {{std::string(kConnect), c.answer}}, "https://h.example");
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(Sort(opened.error()), c.error);
    EXPECT_THAT(opened.error().message, HasSubstr(c.words));
    EXPECT_THAT(opened.error().message, StartsWith("proxy p:3128 "));
    EXPECT_THAT(opened.error().message, HasSubstr("HTTPS_PROXY"));
    EXPECT_THAT(opened.error().message, Not(HasSubstr("secret")));
  }
}

TEST_F(TunnelTest, SocksConnectsToNamesAndAddresses) {
  const std::string bound = "\5\0\0\1\0\0\0\0\0\0"s;
  const std::string bound_v6 = "\5\0\0\4"s + std::string(18, '\0');
  const std::string bound_name = "\5\0\0\3\4host\0\0"s;
  const std::string name = "\5\1\0\3\11h.example\0\120"s;
  for (const std::size_t cut : {0, 1}) {
    EXPECT_TRUE(Open(kSocks, {{"\5\1\0"s, "\5\0"s}, {name, bound + "x"}}, "http://h.example", cut));
    EXPECT_EQ(rest_, "x");
    EXPECT_TRUE(
        Open(kSocks, {{"\5\1\0"s, "\5\0"s}, {name, bound_v6 + "y"}}, "http://h.example", cut));
    EXPECT_EQ(rest_, "y");
    EXPECT_TRUE(
        Open(kSocks, {{"\5\1\0"s, "\5\0"s}, {name, bound_name + "z"}}, "http://h.example", cut));
    EXPECT_EQ(rest_, "z");
    EXPECT_TRUE(Open(kSocks, {{"\5\1\0"s, "\5\0"s}, {"\5\1\0\1\12\1\2\3\37\220"s, bound}},
                     "http://10.1.2.3:8080", cut));
    EXPECT_TRUE(Open(kSocksUser,
                     {{"\5\2\0\2"s, "\5\2"s}, {"\1\2me\6secret"s, "\1\0"s}, {name, bound}},
                     "http://h.example", cut));
    EXPECT_TRUE(Open(kSocksUser, {{"\5\2\0\2"s, "\5\0"s}, {name, bound}}, "http://h.example", cut));
  }
}

struct SocksRefusal {
  const char* name;
  const Proxy& proxy;
  std::vector<Turn> turns;
  std::string_view words;
  std::string_view error = "connection_error";
};

TEST_F(TunnelTest, ASocksProxyThatDoesNotConnectSaysWhy) {
  const std::string name = "\5\1\0\3\11h.example\0\120"s;
  std::vector<SocksRefusal> cases = {
      {"not_socks",
       kSocks,
       {{"\5\1\0"s, "HTTP/1.1 400 Bad\r\n"}},
       "does not speak SOCKS5",
       "connection_error for good"},
      {"gone", kSocks, {}, "closed the connection"},
      {"gone_midway", kSocks, {{"\5\1\0"s, "\5"s}}, "closed the connection"},
      {"wants_password",
       kSocks,
       {{"\5\1\0"s, "\5\2"s}},
       "wants an authentication",
       "connection_error for good"},
      {"takes_nothing",
       kSocksUser,
       {{"\5\2\0\2"s, "\5\377"s}},
       "wants an authentication",
       "connection_error for good"},
      {"wrong_password",
       kSocksUser,
       {{"\5\2\0\2"s, "\5\2"s}, {"\1\2me\6secret"s, "\1\1"s}},
       "refused the user name or password",
       "connection_error for good"},
  };
  const std::string_view words[] = {"general failure",  "not allowed",        "network unreachable",
                                    "host unreachable", "connection refused", "timed out",
                                    "command not",      "address type",       "SOCKS reply 9"};
  for (std::size_t code = 1; code <= std::size(words); ++code) {
    const std::string reply = {5, static_cast<char>(code), 0, 1};
    cases.push_back({"code", kSocks, {{"\5\1\0"s, "\5\0"s}, {name, reply}}, words[code - 1]});
  }
  for (const SocksRefusal& c : cases) {
    SCOPED_TRACE(StrCat(c.name, " ", c.words));
    const Result<void> opened = Open(c.proxy, c.turns, "http://h.example");
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(Sort(opened.error()), c.error);
    EXPECT_THAT(opened.error().message, StartsWith("proxy p:1080 "));
    EXPECT_THAT(opened.error().message, HasSubstr(c.words));
    EXPECT_THAT(opened.error().message, Not(HasSubstr("secret")));
  }
}

TEST_F(TunnelTest, ANameThatSocksCannotCarryIsRefusedInsteadOfCut) {
  const Result<void> opened = Open(kSocks, {}, StrCat("http://", std::string(256, 'h')));

  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, Code::kInvalidRequest);
  EXPECT_THAT(opened.error().message, HasSubstr("255"));
}

TEST_F(TunnelTest, AProxyThatSaysNothingIsLeftAtTheDeadlineOrWhenCancelled) {
  silent_ = true;
  for (const Proxy& proxy : {kHttpProxy, kSocks}) {
    const TimePoint before = loop_.Now();
    const Result<void> late = Open(proxy, {}, "https://h.example");
    EXPECT_EQ(late.error().code, Code::kTimeout);
    EXPECT_EQ(loop_.Now() - before, Duration(5s));

    async::Cancellation cancellation;
    ctx_.cancellation = &cancellation;
    async::Alarm alarm(loop_, [&] { cancellation.Cancel(); });
    alarm.Arm(loop_.Now() + 1s);
    const Result<void> cancelled = Open(proxy, {}, "https://h.example");
    EXPECT_EQ(cancelled.error().code, Code::kCancelled);
    ctx_.cancellation = nullptr;
  }
}

// Breaks each operation of our side in turn, once and from then on.
TEST_F(TunnelTest, AnyBrokenStepIsAnErrorThatNamesTheProxy) {
  const std::vector<Turn> socks = {{"\5\2\0\2"s, "\5\2"s},
                                   {"\1\2me\6secret"s, "\1\0"s},
                                   {"\5\1\0\3\11h.example\1\273"s, "\5\0\0\3\4host\0\0"s}};
  const std::vector<Turn> http = {
      {std::string(kConnect), "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Fine\r\n\r\n"}};
  for (const bool is_http : {true, false}) {
    for (const bool from_then_on : {false, true}) {
      std::size_t step = 0;
      for (bool whole = false; !whole; ++step) {
        SCOPED_TRACE(StrCat(is_http ? "http" : "socks", " step ", step));
        *script_ = {.fail_at = step + 1, .fail_from_then_on = from_then_on};
        const TimePoint before = loop_.Now();
        const Result<void> opened =
            Open(is_http ? kHttpProxy : kSocksUser, is_http ? http : socks, "https://h.example", 3);
        EXPECT_EQ(loop_.Now(), before);  // it does not wait for a clock
        // Behind the tunnel one more read is ours: the test's own.
        whole = opened.has_value();
        if (!opened) {
          EXPECT_EQ(opened.error().code, Code::kConnectionError);
          EXPECT_THAT(opened.error().message, HasSubstr("closed the connection"));
        }
      }
      EXPECT_GT(step, 7U);
    }
  }
}

}  // namespace
}  // namespace weir::http
