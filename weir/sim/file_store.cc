#include "weir/sim/file_store.h"

#include <utility>

namespace weir::sim {

bool FileStore::Put(wire::FileObject about, std::string text) {
  const std::lock_guard lock(mutex_);
  if (kept_.size() >= options_.files || text.size() > options_.bytes - bytes_) return false;
  bytes_ += text.size();
  about.bytes = static_cast<std::int64_t>(text.size());
  const std::string id = about.id;
  order_.push_back(id);
  Kept kept{.about = std::move(about),
            .text = std::make_shared<const std::string>(std::move(text))};
  kept_.emplace(id, std::move(kept));
  return true;
}

std::optional<FileStore::Kept> FileStore::Get(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto found = kept_.find(id);
  return found == kept_.end() ? std::nullopt : std::optional(found->second);
}

bool FileStore::Remove(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto found = kept_.find(id);
  if (found == kept_.end()) return false;
  bytes_ -= found->second.text->size();
  kept_.erase(found);
  std::erase(order_, id);
  return true;
}

std::vector<wire::FileObject> FileStore::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<wire::FileObject> files;
  files.reserve(order_.size());
  for (auto id = order_.rbegin(); id != order_.rend(); ++id) {
    files.push_back(kept_.find(*id)->second.about);
  }
  return files;
}

std::size_t FileStore::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace weir::sim
