#include "weir/base/fd.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace weir {
namespace {

bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(Fd, IsClosedByItsLastOwnerAlone) {
  Fd kept;
  int number = -1;
  {
    Fd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    number = first.get();
    kept = std::move(first);
  }
  EXPECT_TRUE(IsOpen(number));
  EXPECT_EQ(kept.get(), number);

  EXPECT_TRUE(kept.Close());
  EXPECT_FALSE(kept.open());
  EXPECT_FALSE(IsOpen(number));
  EXPECT_TRUE(kept.Close()) << "there is nothing left to lose";
}

TEST(Fd, WhatIsReleasedStaysOpen) {
  int number = -1;
  {
    Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    number = fd.release();
  }
  const Fd again(number);
  EXPECT_TRUE(IsOpen(number));
}

TEST(Fd, APipeLeadsFromOneEndToTheOtherAndIsNotInherited) {
  std::optional<Pipe> pipe = OpenPipe();
  ASSERT_TRUE(pipe);
  EXPECT_EQ(::fcntl(pipe->read.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(pipe->write.get(), F_GETFD), FD_CLOEXEC);

  EXPECT_TRUE(WriteAll(pipe->write.get(), "hello"));
  pipe->write.Close();
  char text[16];
  const ssize_t got = ::read(pipe->read.get(), text, sizeof text);
  EXPECT_EQ(std::string_view(text, static_cast<std::size_t>(got)), "hello");
}

}  // namespace
}  // namespace weir
