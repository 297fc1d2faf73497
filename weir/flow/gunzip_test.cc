#include "weir/flow/gunzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "weir/base/text.h"
#include "weir/flow/gunzip_testing.h"

namespace weir::flow {
namespace {

// What it decodes to, fed in pieces; "!" and the message when it fails.
std::string Decoded(std::string_view bytes, std::size_t step, std::size_t most) {
  Gunzip gunzip;
  std::string out;
  while (!bytes.empty()) {
    const Result<std::size_t> used = gunzip.Feed(bytes.substr(0, step), most, out);
    if (!used) return StrCat("!", used.error().message);
    bytes.remove_prefix(*used);
  }
  return gunzip.whole() ? out : StrCat(out, "...");
}

TEST(GunzipTest, GivesWhatWasPacked) {
  const std::string text = StrCat("some rows ", std::string(5000, 'x'), " and more");
  const std::string packed = Gzipped(text);
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, packed.size()}) {
    for (const std::size_t most : {std::size_t{1}, std::size_t{1000}, std::size_t{1} << 20}) {
      if (step == 1 && most == 1) continue;
      EXPECT_EQ(Decoded(packed, step, most), text) << step << " " << most;
    }
  }
}

TEST(GunzipTest, MembersFollowOneAnother) {
  EXPECT_EQ(Decoded(StrCat(Gzipped("one"), Gzipped("two")), 5, 100), "onetwo");
}

TEST(GunzipTest, AFileThatEndsInTheMiddleIsNotWhole) {
  const std::string packed = Gzipped("a text of some length");
  for (std::size_t cut = 1; cut < packed.size(); ++cut) {
    EXPECT_TRUE(Decoded(packed.substr(0, cut), 3, 100).ends_with("...")) << cut;
  }
}

TEST(GunzipTest, WhatIsNoGzipIsRefused) {
  EXPECT_EQ(Decoded("{\"n\": 1}\n", 100, 100), "!it is no gzip, or was damaged on its way");
}

}  // namespace
}  // namespace weir::flow
