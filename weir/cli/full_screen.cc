#include "weir/cli/full_screen.h"

#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "weir/base/text.h"

namespace weir::cli {
namespace {

constexpr std::string_view kOtherScreen = "\033[?1049h\033[H";
constexpr std::string_view kFirstScreen = "\033[?1049l";
constexpr std::string_view kHome = "\033[H";

}  // namespace

FullScreen::FullScreen(Terminal& terminal) : terminal_(terminal), size_(terminal.size()) {
  owns_keys_ = !terminal.in_is_terminal();
  keys_ = owns_keys_ ? ::open("/dev/tty", O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
  if (keys_ >= 0 && ::tcgetattr(keys_, &before_) == 0) {
    termios each = before_;
    // Not line by line and not shown; stopping the program would leave this screen on the terminal.
    each.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    each.c_cc[VSUSP] = _POSIX_VDISABLE;
    each.c_cc[VMIN] = 1;
    each.c_cc[VTIME] = 0;
    ::tcsetattr(keys_, TCSANOW, &each);
  } else {
    if (owns_keys_ && keys_ >= 0) ::close(keys_);
    keys_ = -1;
  }
  terminal_.Out(kOtherScreen);
}

FullScreen::~FullScreen() {
  terminal_.Out(StrCat(lines_.Finish(size_, false), kFirstScreen));
  if (keys_ < 0) return;
  ::tcsetattr(keys_, TCSANOW, &before_);
  if (owns_keys_) ::close(keys_);
}

void FullScreen::Draw(std::vector<std::string> lines) {
  const Terminal::Size size = terminal_.size();
  const bool resized = size.width != size_.width || size.height != size_.height;
  size_ = size;
  // Terminals differ in where a resize leaves the cursor and the lines of such a screen.
  std::string bytes = resized ? StrCat(lines_.Finish(size, false), kHome) : std::string();
  bytes += lines_.Draw(std::move(lines), size);
  if (!bytes.empty()) terminal_.Out(bytes);
}

std::string FullScreen::ReadKeys() const {
  std::string keys;
  pollfd asked{.fd = keys_, .events = POLLIN, .revents = 0};
  if (keys_ < 0 || ::poll(&asked, 1, 0) <= 0 || (asked.revents & POLLIN) == 0) return keys;
  char buffer[256];
  const ssize_t got = ::read(keys_, buffer, sizeof buffer);
  if (got > 0) keys.assign(buffer, static_cast<std::size_t>(got));
  return keys;
}

}  // namespace weir::cli
