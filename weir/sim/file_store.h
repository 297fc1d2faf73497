#pragma once

// FileStore: the files that clients have uploaded, and those that batches write. Thread-safe;
// bounded in number and bytes: what does not fit is refused, as a provider refuses it.

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/wire/batches.h"

namespace weir::sim {

struct FileStoreOptions {
  std::size_t files = 1000;
  std::size_t bytes = std::size_t{1} << 30;  // of all together
};

class FileStore {
 public:
  explicit FileStore(FileStoreOptions options) : options_(options) {}

  struct Kept {
    wire::FileObject about;
    std::shared_ptr<const std::string> text;
  };

  // Fills in the size. False: there is no room.
  bool Put(wire::FileObject about, std::string text);
  std::optional<Kept> Get(std::string_view id) const;
  bool Remove(std::string_view id);
  std::vector<wire::FileObject> List() const;  // newest first

  std::size_t bytes() const;
  const FileStoreOptions& options() const { return options_; }

 private:
  const FileStoreOptions options_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, Kept, std::less<>> kept_;
  std::vector<std::string> order_;  // oldest first
  std::size_t bytes_ = 0;
};

}  // namespace weir::sim
