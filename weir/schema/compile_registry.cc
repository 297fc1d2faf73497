#include "weir/schema/compile_registry.h"

#include <bit>
#include <utility>

#include "weir/base/text.h"
#include "weir/schema/schema_words.h"
#include "weir/schema/uri.h"

namespace weir::schema {
namespace {

// Views of the same value in the same document are the same pointer.
std::uintptr_t IdentityOf(json::View view) {
  static_assert(sizeof(json::View) == sizeof(std::uintptr_t));
  return std::bit_cast<std::uintptr_t>(view);
}

}  // namespace

std::uint32_t Registry::Find(json::View schema) const {
  const auto found = by_identity_.find(IdentityOf(schema));
  return found == by_identity_.end() ? kNone : found->second;
}

std::uint32_t Registry::FindDynamicAnchor(std::uint32_t resource, std::string_view name) const {
  const auto& anchors = sources_[resource].dynamic_anchors;
  const auto found = anchors.find(name);
  return found == anchors.end() ? kNone : found->second;
}

std::uint32_t Registry::AddPlace(std::uint32_t parent, std::string_view token) {
  out_.places.push_back({.parent = parent, .token = token});
  return static_cast<std::uint32_t>(out_.places.size() - 1);
}

std::uint32_t Registry::AddPlace(std::uint32_t parent, std::size_t index) {
  out_.places.push_back({.parent = parent, .index = static_cast<std::uint32_t>(index)});
  return static_cast<std::uint32_t>(out_.places.size() - 1);
}

std::unexpected<Error> Registry::Wrong(std::uint32_t place, std::string_view keyword,
                                       std::string_view what, Code code) const {
  const std::string path = out_.PathOfPlace(place, keyword);
  return Fail(code, StrCat("the schema is wrong ", path.empty() ? "at its root" : "at ",
                           Truncate(path, 500), ": ", what));
}

Result<std::uint32_t> Registry::AddRoot(json::Value schema) {
  return AddDocument(std::move(schema), std::string(SplitFragment(options_.base_uri).uri),
                     {.draft = options_.default_draft});
}

Result<std::uint32_t> Registry::AddDocument(json::Value document, const std::string& uri,
                                            Dialect dialect) {
  const json::View root = document;
  const auto number = static_cast<std::uint32_t>(out_.documents.size());
  out_.documents.push_back(std::move(document));
  out_.document_uris.push_back(uri);
  out_.places.push_back({.index = number});
  const auto place = static_cast<std::uint32_t>(out_.places.size() - 1);
  WEIR_TRY(const Dialect own, DialectOf(root, dialect, place));
  WEIR_TRY(const std::uint32_t resource, AddResource(uri, own, place));
  return Scan(root, resource, place, 0);
}

Result<std::uint32_t> Registry::AddResource(const std::string& uri, Dialect dialect,
                                            std::uint32_t place) {
  const auto document = static_cast<std::uint32_t>(out_.documents.size() - 1);
  const auto number = static_cast<std::uint32_t>(sources_.size());
  const auto [at, added] = by_uri_.emplace(uri, number);
  if (!added && sources_[at->second].document == document) {
    return Wrong(place, "$id", StrCat("\"", uri, "\" already names another part of the document"));
  }
  sources_.push_back({.dialect = dialect, .document = document});
  out_.resources.push_back({.uri = uri, .draft = dialect.draft});
  return number;
}

Result<std::uint32_t> Registry::Scan(json::View schema, std::uint32_t resource, std::uint32_t place,
                                     std::size_t depth) {
  if (depth > options_.max_depth) {
    return Wrong(
        place, "",
        StrCat("schemas inside each other are more than ", options_.max_depth, " deep (max_depth)"),
        Code::kUnsupportedSchema);
  }
  if (locations_.size() >= options_.max_nodes) {
    return Wrong(place, "", StrCat("more than ", options_.max_nodes, " subschemas (max_nodes)"),
                 Code::kUnsupportedSchema);
  }
  if (!schema.IsObject() && !schema.IsBool()) {
    return Wrong(place, "",
                 StrCat("expected a schema (an object or a boolean), got ", Show(schema)));
  }
  if (schema.IsObject()) {
    WEIR_TRY(resource, Identify(schema, resource, place));
  }
  const auto index = static_cast<std::uint32_t>(locations_.size());
  locations_.push_back({.schema = schema, .resource = resource, .place = place});
  by_identity_.emplace(IdentityOf(schema), index);
  if (sources_[resource].root == kNone) sources_[resource].root = index;
  if (schema.IsBool()) return index;

  WEIR_CHECK(NoteAnchors(Location(locations_[index]), index));
  for (const json::Member member : schema.members()) {
    const KeywordInfo* const info = FindKeyword(member.key, sources_[resource].dialect);
    if (info == nullptr || info->inside == Inside::kNothing) continue;
    WEIR_CHECK(ScanInside(member.value, *info, resource, AddPlace(place, member.key), depth + 1));
  }
  return index;
}

Result<void> Registry::ScanInside(json::View value, const KeywordInfo& info, std::uint32_t resource,
                                  std::uint32_t place, std::size_t depth) {
  switch (info.inside) {
    case Inside::kNothing:
      return {};
    case Inside::kSchema:
      if (value.IsArray() && info.keyword == Keyword::kItems) {
        return Wrong(place, "",
                     "expected one schema, got an array; a list of schemas, one for "
                     "each item, is called \"prefixItems\" in draft 2020-12");
      }
      break;
    case Inside::kSchemaOrList:
      if (!value.IsArray()) break;
      [[fallthrough]];
    case Inside::kList:
      if (!value.IsArray()) {
        return Wrong(place, "", StrCat("expected an array of schemas, got ", Show(value)));
      }
      for (std::size_t i = 0; i < value.size(); ++i) {
        WEIR_CHECK(Scan(value[i], resource, AddPlace(place, i), depth));
      }
      return {};
    case Inside::kMap:
    case Inside::kMapOrKeys:
      if (!value.IsObject()) {
        return Wrong(place, "",
                     StrCat("expected an object with a schema in every member, got ", Show(value)));
      }
      for (const json::Member member : value.members()) {
        if (info.inside == Inside::kMapOrKeys && member.value.IsArray()) continue;
        WEIR_CHECK(Scan(member.value, resource, AddPlace(place, member.key), depth));
      }
      return {};
  }
  WEIR_CHECK(Scan(value, resource, place, depth));
  return {};
}

Result<std::uint32_t> Registry::Identify(json::View schema, std::uint32_t resource,
                                         std::uint32_t place) {
  const json::View id = schema.Find("$id");
  if (!id.exists()) return resource;
  const bool draft7 = sources_[resource].dialect.draft == Draft::k7;
  if (draft7 && schema.Find("$ref").exists()) return resource;  // its siblings mean nothing there
  if (!id.IsString()) return Wrong(place, "$id", StrCat("expected a URI, got ", Show(id)));
  const auto [uri, fragment] = SplitFragment(id.StringOr(""));
  if (!draft7 && !fragment.empty()) {
    return Wrong(place, "$id", "expected a URI without a fragment; use \"$anchor\" for a name");
  }
  if (uri.empty()) return resource;
  const std::string absolute = ResolveUri(out_.resources[resource].uri, uri);
  if (sources_[resource].root == kNone) {
    // The root of a document: known by where it came from and by what it says it is.
    out_.resources[resource].uri = absolute;
    by_uri_.emplace(absolute, resource);
    return resource;
  }
  WEIR_TRY(const Dialect dialect, DialectOf(schema, sources_[resource].dialect, place));
  return AddResource(absolute, dialect, place);
}

Result<void> Registry::NoteAnchors(const Location& location, std::uint32_t index) {
  Source& source = sources_[location.resource];
  const Draft draft = source.dialect.draft;
  if (draft == Draft::k7) {
    if (location.schema.Find("$ref").exists()) return {};
    const std::string_view name = SplitFragment(location.schema.Find("$id").StringOr("")).fragment;
    if (!name.empty()) source.anchors.emplace(name, index);
    return {};
  }
  WEIR_CHECK(NoteAnchor(location, index, "$anchor"));
  if (draft == Draft::k2020) return NoteAnchor(location, index, "$dynamicAnchor");
  const json::View recursive = location.schema.Find("$recursiveAnchor");
  if (recursive.exists() && !recursive.IsBool()) {
    return Wrong(location.place, "$recursiveAnchor",
                 StrCat("expected true or false, got ", Show(recursive)));
  }
  if (recursive.BoolOr(false) && source.root == index) source.recursive_anchor = true;
  return {};
}

Result<void> Registry::NoteAnchor(const Location& location, std::uint32_t index,
                                  std::string_view keyword) {
  const json::View anchor = location.schema.Find(keyword);
  if (!anchor.exists()) return {};
  const std::string_view name = anchor.StringOr("");
  if (name.empty() || name.find_first_of("#/") != name.npos) {
    return Wrong(location.place, keyword, StrCat("expected a plain name, got ", Show(anchor)));
  }
  Source& source = sources_[location.resource];
  const auto [at, added] = source.anchors.emplace(name, index);
  if (!added && at->second != index) {
    return Wrong(
        location.place, keyword,
        StrCat("\"", name, "\" already names ", out_.PathOfPlace(locations_[at->second].place)));
  }
  if (keyword == "$dynamicAnchor") source.dynamic_anchors.emplace(name, index);
  return {};
}

}  // namespace weir::schema
