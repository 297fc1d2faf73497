#include "weir/config/reload.h"

#include <filesystem>

#include <sys/stat.h>

#include "weir/config/file.h"

namespace weir::config {

ConfigWatcher::ConfigWatcher(Env env, Config config)
    : env_(std::move(env)), current_(std::make_shared<const Config>(std::move(config))) {
  // A working directory that changes must not lead to another file.
  std::error_code failed;
  const std::filesystem::path whole = std::filesystem::absolute(current_->file, failed);
  file_ = current_->file.empty() || failed ? current_->file : whole.string();
}

Result<ConfigWatcher> ConfigWatcher::Start(std::string file, Env env) {
  if (file.empty()) {
    WEIR_TRY(const std::optional<FoundFile> found, FindFile(file, env));
    if (found) file = found->path;
  }
  // Taken before the reading: a change in between is then seen by the next Poll().
  ConfigWatcher before(Env{}, Config{.file = file});
  const Stamp stamp = before.Look();
  WEIR_TRY(Config config, Load(file, env));
  ConfigWatcher watcher(std::move(env), std::move(config));
  watcher.read_ = stamp;
  return watcher;
}

ConfigWatcher::Stamp ConfigWatcher::Look() const {
  struct stat info{};
  if (file_.empty() || ::stat(file_.c_str(), &info) != 0) return {};
  constexpr std::int64_t kNanos = 1'000'000'000;
  return {.device = info.st_dev,
          .inode = info.st_ino,
          .size = info.st_size,
          .modified_nanos = info.st_mtim.tv_sec * kNanos + info.st_mtim.tv_nsec,
          .exists = true};
}

Result<void> ConfigWatcher::Reload() {
  if (file_.empty()) return {};
  read_ = Look();
  WEIR_TRY(Config config, Load(file_, env_));
  config.file = current_->file;
  current_ = std::make_shared<const Config>(std::move(config));
  return {};
}

Result<bool> ConfigWatcher::Poll() {
  if (file_.empty() || Look() == read_) return false;
  WEIR_CHECK(Reload());
  return true;
}

}  // namespace weir::config
