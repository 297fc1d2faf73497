#include "weir/schema/cache.h"

#include <utility>

#include "weir/json/writer.h"

namespace weir::schema {

Cache::Cache(CompileOptions compile, CacheOptions options)
    : compile_(std::move(compile)), options_(options) {}

Result<Schema> Cache::Get(json::View schema) {
  if (!schema.exists()) return Schema::Compile(schema, compile_);
  std::string canonical = json::Canonical(schema);
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_text_.find(canonical);
    if (found != by_text_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return found->second->schema;
    }
  }
  // Compiled outside of the lock; two threads may do the same work once.
  WEIR_TRY(Schema compiled, Schema::Compile(schema, compile_));
  const std::lock_guard lock(mutex_);
  if (by_text_.contains(canonical)) return compiled;
  entries_.push_front({.canonical = std::move(canonical), .schema = compiled});
  const std::string& text = entries_.front().canonical;
  by_text_.emplace(text, entries_.begin());
  bytes_ += text.size();
  Trim();
  return compiled;
}

void Cache::Trim() {
  while (entries_.size() > options_.max_schemas || bytes_ > options_.max_bytes) {
    bytes_ -= entries_.back().canonical.size();
    by_text_.erase(entries_.back().canonical);
    entries_.pop_back();
  }
}

std::size_t Cache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace weir::schema
