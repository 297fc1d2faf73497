#include "weir/schema/uri.h"

#include <gtest/gtest.h>

namespace weir::schema {
namespace {

struct UriCase {
  const char* base;
  const char* reference;
  const char* absolute;
};

const UriCase kUriCases[] = {
    {"http://a/b/c/d", "g", "http://a/b/c/g"},
    {"http://a/b/c/d", "./g/", "http://a/b/c/g/"},
    {"http://a/b/c/d", "/g", "http://a/g"},
    {"http://a/b/c/d", "//g", "http://g"},
    {"http://a/b/c/d", "../../../g", "http://a/g"},
    {"http://a/b/c/d", "..", "http://a/b/"},
    {"http://a/b/c/d?q", "", "http://a/b/c/d?q"},
    {"http://a/b/c/d?q", "?y", "http://a/b/c/d?y"},
    {"http://a", "g", "http://a/g"},
    {"http://a/b", "urn:x:y", "urn:x:y"},
    {"urn:x:y", "g", "urn:g"},
    {"", "a/b", "a/b"},
    {"a/b", "c", "a/c"},
    {"", "x:y", "x:y"},
};

TEST(UriTest, ReferencesAreResolved) {
  for (const UriCase& c : kUriCases) {
    EXPECT_EQ(ResolveUri(c.base, c.reference), c.absolute) << c.base << " + " << c.reference;
  }
}

TEST(UriTest, FragmentsAreSplitAndDecoded) {
  EXPECT_EQ(SplitFragment("a#b#c").uri, "a");
  EXPECT_EQ(SplitFragment("a#b#c").fragment, "b#c");
  EXPECT_EQ(SplitFragment("a").fragment, "");
  EXPECT_EQ(PercentDecode("/a%25b%22%zz%4"), "/a%b\"%zz%4");
}

}  // namespace
}  // namespace weir::schema
