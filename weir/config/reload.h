#pragma once

// A configuration that follows its file while the process lives. Not thread-safe: whoever shares
// it hands out what current() gave.

#include <memory>
#include <optional>
#include <string>

#include "weir/config/config.h"

namespace weir::config {

class ConfigWatcher {
 public:
  // Loads as Load() does. `env` is copied: a process sees one environment.
  static Result<ConfigWatcher> Start(std::string file, Env env);

  // Never null and never half a file: a configuration stays whole for those who hold it.
  const std::shared_ptr<const Config>& current() const { return current_; }

  // Reads the file again, whether it changed or not; for SIGHUP. On failure the old configuration
  // stays. A file that is gone is a failure, and a file that a new search would find is not looked
  // for.
  Result<void> Reload();

  // Reads it again if its time, its size or the file itself is another than at the last reading,
  // good or bad: a broken file is complained of once. True when current() is a new one. Without a
  // file there is nothing to follow.
  Result<bool> Poll();

 private:
  struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified_nanos = 0;
    bool exists = false;

    friend bool operator==(const Stamp&, const Stamp&) = default;
  };

  ConfigWatcher(Env env, Config config);
  Stamp Look() const;

  Env env_;
  std::shared_ptr<const Config> current_;  // shared with calls that began under it
  std::string file_;                       // empty: there was none
  Stamp read_;                             // of the file when it was read last
};

}  // namespace weir::config
