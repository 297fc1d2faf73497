#pragma once

// Opening paths beneath a folder, and never anything else: what Root is built on.

#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "weir/agent/tools/root.h"

namespace weir::agent {

// A descriptor that is closed at the end.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }

  bool open() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// Refuses with kInvalidRequest what no path beneath a folder looks like: an absolute path (where it
// lies in `folder`, the message says how to write it), one with more `..` than folders, a NUL, too
// many bytes. That a path passes says nothing about where it leads.
Result<void> CheckPath(std::string_view path, std::string_view folder);

// open(2) of what is beneath the folder that `folder_fd` is; "" is that folder. Not open: errno
// says why, EXDEV for what leads out, ELOOP for a link that is not followed.
Fd OpenBeneath(int folder_fd, std::string_view path, int flags, Resolving resolving);

// Whether the kernel resolves beneath.
bool HasOpenat2(int folder_fd);

}  // namespace weir::agent
