#include "weir/schema/formats.h"

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace weir::schema {
namespace {

struct FormatCase {
  std::string_view format;
  std::vector<std::string_view> good;
  std::vector<std::string_view> bad;
};

const FormatCase kFormatCases[] = {
    {"date",
     {"2024-02-29", "1999-12-31"},
     {"2023-02-29", "2024-13-01", "2024-1-01", "2024-01-01Z"}},
    {"time",
     {"12:00:00Z", "23:59:60Z", "00:00:00.123+05:30", "15:59:60-08:00"},
     {"24:00:00Z", "12:00:00", "22:59:60Z", "12:00:00.Z", "12:00Z"}},
    {"date-time", {"2024-02-29t12:00:00z"}, {"2024-02-29 12:00:00Z", "2024-02-29T12:00:00"}},
    {"duration",
     {"P1Y2M3DT4H5M6S", "PT1M", "P2W", "P1D"},
     {"P", "P1", "PT", "P1DT", "P1S", "P2W1D", "P1Y2D", "PT1H2S", "1D"}},
    {"email",
     {"a@b.example", "\"joe bloggs\"@example.com", "a+b@[127.0.0.1]", "a@[IPv6:::1]"},
     {"a", "@b", "a@", ".a@b", "a..b@c", "a b@c", "a@b c", "\"a\"b\"@c"}},
    {"hostname", {"a", "www.example.com", "a-1.b"}, {"", "-a", "a-", "a..b", "a_b", "a.", "ab--c"}},
    {"ipv4", {"0.0.0.0", "255.255.255.255"}, {"256.0.0.1", "01.2.3.4", "1.2.3", "1.2.3.4 "}},
    {"ipv6",
     {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1:2::7:8"},
     {"1", ":1", "1:", "1::2::3", "1:2:3:4:5:6:7:8:9", "12345::", "::1%eth0", ":::1", "1.2.3.4"}},
    {"uri",
     {"http://a/b?c#d", "urn:x:y", "http://[::1]:80/", "mailto:a@b"},
     {"//a/b", "a", "http://a b", "http://a/<", "http://[::1", "1a:b", "http://a:b/", "http:%zz"}},
    {"uri-reference", {"", "/a", "a?b", "#c", "//h"}, {"\\a", "#a b", "1:2"}},
    {"iri", {"http://ƒøø.ßår/"}, {"/a", "http://a b"}},
    {"uri-template", {"a{b}", "{+a,b*}", "{/x:3}", "a'b"}, {"{", "}", "{a", "{}", "{v:0}", "a b"}},
    {"uuid",
     {"2eb8aa08-aa98-11ea-b4aa-73b441d16380"},
     {"2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638g"}},
    {"json-pointer", {"", "/a/~0~1"}, {"a", "/~", "/~2"}},
    {"relative-json-pointer", {"0", "1/a", "2#"}, {"", "/a", "01", "-1", "1##"}},
    {"regex", {"^a$", "(?=a)"}, {"(", "[a"}},
};

TEST(FormatsTest, KnownFormatsSayYesAndNo) {
  for (const FormatCase& c : kFormatCases) {
    const FormatCheck check = FindFormat(c.format);
    ASSERT_NE(check, nullptr) << c.format;
    for (const std::string_view text : c.good) EXPECT_TRUE(check(text)) << c.format << ": " << text;
    for (const std::string_view text : c.bad) EXPECT_FALSE(check(text)) << c.format << ": " << text;
  }
}

TEST(FormatsTest, UnknownFormatsAreOnlyNoted) { EXPECT_EQ(FindFormat("colour"), nullptr); }

}  // namespace
}  // namespace weir::schema
