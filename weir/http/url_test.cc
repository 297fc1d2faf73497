#include "weir/http/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::http {
namespace {

using testing::HasSubstr;

struct GoodUrl {
  std::string_view text;
  Url url;
  std::string_view authority;
};

const GoodUrl kGoodUrls[] = {
    {"http://h", {false, "h", 80, "", ""}, "h"},
    {"http://h:80/", {false, "h", 80, "", ""}, "h"},
    {"http://h:8000/v1", {false, "h", 8000, "", "/v1"}, "h:8000"},
    {"http://h:65535/v1///", {false, "h", 65535, "", "/v1"}, "h:65535"},
    {"https://API.example.com", {true, "api.example.com", 443, "", ""}, "api.example.com"},
    {"https://h:80", {true, "h", 80, "", ""}, "h:80"},
    {"HTTP://h:1", {false, "h", 1, "", ""}, "h:1"},
    {"http://[::1]:8000/a%20b", {false, "::1", 8000, "", "/a%20b"}, "[::1]:8000"},
    {"http://[FE80::1%25eth0]", {false, "fe80::1%25eth0", 80, "", ""}, "[fe80::1%25eth0]"},
    {"http://h/a@b", {false, "h", 80, "", "/a@b"}, "h"},
    {"unix:/run/v.sock", {false, "", 0, "/run/v.sock", ""}, "localhost"},
    {"unix:///run/v.sock", {false, "", 0, "/run/v.sock", ""}, "localhost"},
    {"unix:/run/v.sock:/v1/", {false, "", 0, "/run/v.sock", "/v1"}, "localhost"},
};

TEST(Url, RightAddressesAreTakenApart) {
  for (const GoodUrl& c : kGoodUrls) {
    SCOPED_TRACE(c.text);

    const Result<Url> url = ParseUrl(c.text);

    ASSERT_TRUE(url.has_value()) << url.error().message;
    EXPECT_EQ(*url, c.url);
    EXPECT_EQ(Authority(*url), c.authority);
  }
}

struct BadUrl {
  std::string_view text;
  std::string_view why;
};

const BadUrl kBadUrls[] = {
    {"", "it is empty"},
    {"localhost:8000", "the scheme is missing"},
    {"ftp://h", "only http, https and unix"},
    {"http://", "names no host"},
    {"http:///v1", "names no host"},
    {"http://:80", "names no host"},
    {"http://h:0", "from 1 to 65535"},
    {"http://h:65536", "from 1 to 65535"},
    {"http://h:", "from 1 to 65535"},
    {"http://h:+80", "from 1 to 65535"},
    {"http://h:8a", "from 1 to 65535"},
    {"http://::1", "in brackets"},
    {"http://[::1", "']' of the IPv6 address is missing"},
    {"http://[h]", "no IPv6 address"},
    {"http://[::1]8000", "only a port may follow"},
    {"http://a,b", "character that no host name has"},
    {"http://h/v1?x=1", "no query"},
    {"http://h/#x", "no fragment"},
    {"http://h /v1", "space or a control character"},
    {"http://h\r\nX: y", "space or a control character"},
    {"unix:run/v.sock", "absolute"},
    {"unix://host/v.sock", "no host"},
    {"unix:/run/", "names a file"},
};

TEST(Url, WrongAddressesAreRefusedWithAReasonAndTheRightForm) {
  for (const BadUrl& c : kBadUrls) {
    SCOPED_TRACE(c.text);

    const Result<Url> url = ParseUrl(c.text);

    ASSERT_FALSE(url.has_value());
    EXPECT_EQ(url.error().code, Code::kInvalidRequest);
    EXPECT_THAT(url.error().message, HasSubstr(c.why));
    EXPECT_THAT(url.error().message, HasSubstr("write http://HOST:PORT/PREFIX"));
    EXPECT_EQ(url.error().message.find('\n'), std::string::npos);
  }
}

TEST(Url, PasswordIsRefusedAndNotShown) {
  for (const std::string_view text : {"http://me:hunter2@h/v1", "https://hunter2@h"}) {
    const Result<Url> url = ParseUrl(text);

    ASSERT_FALSE(url.has_value());
    EXPECT_THAT(url.error().message, HasSubstr("user name or password"));
    EXPECT_EQ(url.error().message.find("hunter2"), std::string::npos);
  }
}

TEST(Url, TooLongSocketPathIsRefused) {
  const Result<Url> url = ParseUrl("unix:/" + std::string(107, 'a'));

  ASSERT_FALSE(url.has_value());
  EXPECT_THAT(url.error().message, HasSubstr("at most 107 bytes"));
}

}  // namespace
}  // namespace weir::http
