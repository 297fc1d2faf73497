#include "weir/events/control_file.h"

#include <cerrno>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/fd.h"
#include "weir/base/text.h"

namespace weir::events {
namespace {

// The beginning of a file, which is all that counts.
std::string BeginningOf(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.open()) return {};
  char text[16];
  const ssize_t size = ::read(fd.get(), text, sizeof text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

bool Rewrite(const std::string& path, std::string_view text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK));
  return fd.open() && weir::WriteAll(fd.get(), text);
}

}  // namespace

bool HoldsOff(const std::string& path) { return EqualsIgnoreCase(Trim(BeginningOf(path)), "off"); }

Result<void> ControlSwitch::LetFlow(const std::string& path) {
  const std::string text = BeginningOf(path);
  if (!EqualsIgnoreCase(Trim(text), "off")) return {};
  if (!Rewrite(path, {})) {
    const int why = errno;
    return Fail(Code::kIoError,
                StrCat("no events come while ", path, " holds off, and it cannot be changed"),
                std::strerror(why));
  }
  path_ = path;
  before_ = text;
  return {};
}

void ControlSwitch::PutBack() {
  struct stat there{};
  const bool ours = !before_.empty() && ::stat(path_.c_str(), &there) == 0 && there.st_size == 0;
  // Where it cannot be put back, events go on being written, which is seen.
  if (ours) (void)Rewrite(path_, before_);
  before_.clear();
}

}  // namespace weir::events
