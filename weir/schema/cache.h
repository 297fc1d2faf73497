#pragma once

// Compiled schemas by their content, for callers that are given the same few schemas as text again
// and again.

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/schema/schema.h"

namespace weir::schema {

struct CacheOptions {
  std::size_t max_schemas = 256;    // the one not used for longest goes first; 0 keeps none
  std::size_t max_bytes = 8 << 20;  // of canonical text, over all schemas; a larger one is not kept
};

// Thread-safe. All schemas are compiled with the options given at the start; schemas that are wrong
// are not remembered. What a loader gave is kept as long as the schema that asked for it.
class Cache {
 public:
  explicit Cache(CompileOptions compile = {}, CacheOptions options = {});

  // The compiled form of `schema`, made now or before. Schemas that differ only in the order of
  // members or in white space share one, and its source() is the one that came first.
  Result<Schema> Get(json::View schema);

  std::size_t size() const;

 private:
  struct Entry {
    std::string canonical;
    Schema schema;
  };
  using Entries = std::list<Entry>;

  void Trim();

  const CompileOptions compile_;
  const CacheOptions options_;

  mutable std::mutex mutex_;
  // Guarded by mutex_. The one used last is in front; the keys are texts of entries.
  Entries entries_;
  std::unordered_map<std::string_view, Entries::iterator> by_text_;
  std::size_t bytes_ = 0;
};

}  // namespace weir::schema
