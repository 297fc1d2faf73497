#include "weir/cli/out_file.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/cli/terminal.h"

namespace weir::cli {
namespace {

std::unexpected<Error> Failed(Code code, const std::string& path) {
  return Fail(code, StrCat("cannot write ", path, "; what stood there still does"),
              std::strerror(errno));
}

}  // namespace

Result<void> CheckNoForm(std::string_view out, std::string_view names) {
  if (out != "json" && out != "jsonl" && out != "csv" && out != "text") return {};
  return Fail(Code::kConfigError,
              StrCat("-o names ", names, " (", out, "?); for one of that name write ./", out));
}

Result<OutFile> OutFile::Open(const std::string& path) {
  WEIR_CHECK(CheckNoFolder(path));
  struct stat found{};
  const bool special = ::stat(path.c_str(), &found) == 0 && !S_ISREG(found.st_mode);
  std::string fresh = special ? std::string() : StrCat(path, ".", ::getpid(), ".part");
  const int fd =
      ::open(special ? path.c_str() : fresh.c_str(),
             O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | (special ? 0 : O_NOFOLLOW), 0644);
  if (fd < 0) return Failed(Code::kConfigError, path);
  return OutFile(path, std::move(fresh), fd);
}

OutFile::OutFile(OutFile&& other) noexcept
    : path_(std::move(other.path_)),
      fresh_(std::exchange(other.fresh_, {})),
      fd_(std::exchange(other.fd_, -1)) {}

OutFile::~OutFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!fresh_.empty()) ::unlink(fresh_.c_str());
}

Result<void> OutFile::Write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Failed(Code::kIoError, path_);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> OutFile::Finish() {
  if (!fresh_.empty() && ::fsync(fd_) != 0) return Failed(Code::kIoError, path_);
  if (::close(std::exchange(fd_, -1)) != 0) return Failed(Code::kIoError, path_);
  if (fresh_.empty()) return {};
  if (::rename(fresh_.c_str(), path_.c_str()) != 0) return Failed(Code::kIoError, path_);
  fresh_.clear();
  return {};
}

}  // namespace weir::cli
