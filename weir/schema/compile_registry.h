#pragma once

// Everything that a schema can refer to: its documents, the resources in them, and where each
// subschema stands. Documents are walked once, when they arrive; references are looked up here.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/schema/compile_keywords.h"
#include "weir/schema/compiled.h"

namespace weir::schema {

// A subschema where it stands.
struct Location {
  json::View schema;
  std::uint32_t resource = 0;
  std::uint32_t place = 0;
};

// What a reference leads to.
struct Target {
  std::uint32_t location = kNone;
  // The name of the "$dynamicAnchor" by which it was reached; empty if by other means.
  std::string dynamic_anchor;
};

class Registry {
 public:
  // Fills documents, resources and places of `out`. Both must outlive this.
  Registry(const CompileOptions& options, Compiled& out) : options_(options), out_(out) {}

  // The location of the root. Only for the first document; the others are loaded on demand.
  Result<std::uint32_t> AddRoot(json::Value schema);

  // Follows a reference that stands at `place` in a schema of `resource`.
  Result<Target> Resolve(std::uint32_t resource, std::string_view reference, std::uint32_t place);

  const Location& location(std::uint32_t index) const { return locations_[index]; }
  std::size_t location_count() const { return locations_.size(); }
  // The location of a schema that is known to be one; kNone otherwise.
  std::uint32_t Find(json::View schema) const;
  std::uint32_t RootOf(std::uint32_t resource) const { return sources_[resource].root; }
  Dialect dialect(std::uint32_t resource) const { return sources_[resource].dialect; }
  bool HasRecursiveAnchor(std::uint32_t resource) const {
    return sources_[resource].recursive_anchor;
  }
  // The location of "$dynamicAnchor": `name` in the resource; kNone if there is none.
  std::uint32_t FindDynamicAnchor(std::uint32_t resource, std::string_view name) const;

  std::uint32_t AddPlace(std::uint32_t parent, std::string_view token);
  std::uint32_t AddPlace(std::uint32_t parent, std::size_t index);

  // An error at `place`, or at the keyword under it.
  std::unexpected<Error> Wrong(std::uint32_t place, std::string_view keyword, std::string_view what,
                               Code code = Code::kInvalidSchema) const;

 private:
  struct Source {
    Dialect dialect;
    std::uint32_t document = 0;
    std::uint32_t root = kNone;  // location
    bool recursive_anchor = false;
    std::unordered_map<std::string_view, std::uint32_t> anchors;  // to locations
    std::unordered_map<std::string_view, std::uint32_t> dynamic_anchors;
  };

  Result<std::uint32_t> AddDocument(json::Value document, const std::string& uri, Dialect dialect);
  Result<std::uint32_t> AddResource(const std::string& uri, Dialect dialect, std::uint32_t place);
  Result<std::uint32_t> Load(const std::string& uri, Dialect dialect, std::uint32_t place);
  Result<json::Value> Fetch(const std::string& uri, std::uint32_t place);
  Result<Dialect> DialectOf(json::View schema, Dialect otherwise, std::uint32_t place);
  Result<Dialect> CustomDialect(std::string_view meta_schema, std::uint32_t place);

  // Notes the schema and all schemas inside it; its location.
  Result<std::uint32_t> Scan(json::View schema, std::uint32_t resource, std::uint32_t place,
                             std::size_t depth);
  Result<void> ScanInside(json::View value, const KeywordInfo& info, std::uint32_t resource,
                          std::uint32_t place, std::size_t depth);
  // Reads "$id" and opens the resource that it names; the resource that the schema belongs to.
  Result<std::uint32_t> Identify(json::View schema, std::uint32_t resource, std::uint32_t place);
  Result<void> NoteAnchors(const Location& location, std::uint32_t index);
  Result<void> NoteAnchor(const Location& location, std::uint32_t index, std::string_view keyword);
  Result<std::uint32_t> FollowPointer(std::uint32_t resource, std::string_view pointer,
                                      std::string_view reference, std::uint32_t place);

  const CompileOptions& options_;
  Compiled& out_;
  std::vector<Location> locations_;
  std::unordered_map<std::uintptr_t, std::uint32_t> by_identity_;
  std::vector<Source> sources_;  // beside out_.resources
  std::unordered_map<std::string, std::uint32_t> by_uri_;
  std::size_t loaded_ = 0;
};

}  // namespace weir::schema
