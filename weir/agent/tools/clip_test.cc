#include "weir/agent/tools/clip.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/utf8.h"

namespace weir::agent {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string Clipped(std::string_view text, std::size_t max_bytes, std::size_t step) {
  Clip clip(max_bytes);
  for (std::size_t i = 0; i < text.size(); i += step) clip.Add(text.substr(i, step));
  return std::move(clip).Take();
}

TEST(ClipTest, KeepsTheBeginningAndTheEnd) {
  const std::string text = "begin" + std::string(100'000, 'x') + "end";

  const std::string clipped = Clipped(text, 1000, 777);

  EXPECT_LE(clipped.size(), 1000U);
  EXPECT_THAT(clipped, StartsWith("beginxxx"));
  EXPECT_THAT(clipped, HasSubstr("\n[... cut here: it has 100008 bytes ...]\n"));
  EXPECT_THAT(clipped, EndsWith("xxxend"));
}

TEST(ClipTest, WhatFitsIsNotTouched) {
  for (std::size_t size = 0; size <= 64; ++size) {
    const std::string text(size, 'x');
    EXPECT_EQ(Clipped(text, 64, 7), text);
  }
  EXPECT_THAT(Clipped("more than fits", 3, 2), HasSubstr("it has 14 bytes"));
}

RC_GTEST_PROP(ClipTest, IsAlwaysTextAndNeverLongerThanAskedFor, (const std::string& bytes)) {
  const std::size_t max_bytes = *rc::gen::inRange<std::size_t>(48, 120);
  const std::size_t step = *rc::gen::inRange<std::size_t>(1, 9);
  std::string text = bytes + bytes + bytes;

  const std::string clipped = Clipped(text, max_bytes, step);

  RC_ASSERT(IsUtf8(clipped));
  RC_ASSERT(clipped.size() <= max_bytes);
  if (IsUtf8(text) && !text.contains('\0') && text.size() <= max_bytes) RC_ASSERT(clipped == text);
}

}  // namespace
}  // namespace weir::agent
