#include "weir/flow/graph_bundle.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/pointer.h"
#include "weir/schema/uri.h"

namespace weir::flow {
namespace {

constexpr std::size_t kMostDocuments = 256;

// What stands in a map: schemas under names of their own, data that only looks like a schema, or
// the keywords of one schema.
enum class Place : std::uint8_t { kSchema, kNamed, kData };

Place PlaceOf(Place outer, std::string_view key) {
  constexpr std::array<std::string_view, 6> kNamed = {
      "properties",  "patternProperties", "$defs",
      "definitions", "dependentSchemas",  "dependencies"};
  constexpr std::array<std::string_view, 4> kData = {"enum", "const", "default", "examples"};
  if (outer == Place::kData) return Place::kData;
  if (outer == Place::kNamed) return Place::kSchema;
  if (std::ranges::find(kNamed, key) != kNamed.end()) return Place::kNamed;
  return std::ranges::find(kData, key) != kData.end() ? Place::kData : Place::kSchema;
}

class Bundler {
 public:
  Bundler(json::View root, std::string base, const schema::Loader& load)
      : root_(root), base_(std::move(base)), load_(load) {}

  std::optional<json::Value> Make() {
    json::Builder out;
    out.BeginObject();
    for (const auto& [key, value] : root_.members()) {
      if (key == "$defs") continue;
      out.Key(key);
      CopyMember(key, value, Place::kSchema, base_, "", out);
    }
    // The first pass over the root says which documents there are; each may name others.
    out.Key("$defs");
    out.BeginObject();
    for (const auto& [key, value] : root_.Find("$defs").members()) {
      out.Key(key);
      Copy(value, Place::kSchema, base_, "", out);
    }
    for (std::size_t i = 0; i < documents_.size() && !failed_; ++i) {
      const std::string uri = documents_[i].uri;
      const json::Value document = documents_[i].value;
      out.Key(documents_[i].name);
      Copy(document, Place::kSchema, uri, StrCat("/$defs/", documents_[i].name), out);
    }
    out.EndObject();
    out.EndObject();
    if (failed_ || documents_.empty()) return std::nullopt;
    return std::move(out).Finish();
  }

 private:
  struct Document {
    std::string uri;
    std::string name;
    json::Value value;
  };

  // `prefix` is where the document of `base` stands in the result.
  void Copy(json::View value, Place place, const std::string& base, const std::string& prefix,
            json::Builder& out) {
    if (value.IsArray()) {
      out.BeginArray();
      for (const json::View item : value.items()) {
        Copy(item, place == Place::kNamed ? Place::kData : place, base, prefix, out);
      }
      out.EndArray();
    } else if (value.IsObject()) {
      out.BeginObject();
      for (const auto& [key, member] : value.members()) {
        out.Key(key);
        CopyMember(key, member, place, base, prefix, out);
      }
      out.EndObject();
    } else {
      out.Copy(value);
    }
  }

  void CopyMember(std::string_view key, json::View member, Place place, const std::string& base,
                  const std::string& prefix, json::Builder& out) {
    const bool keyword = place == Place::kSchema;
    if (keyword && key == "$id") failed_ = true;
    if (keyword && key == "$ref" && member.IsString()) {
      out.String(Lead(member.StringOr(""), base, prefix));
    } else {
      Copy(member, PlaceOf(place, key), base, prefix, out);
    }
  }

  std::string Lead(std::string_view reference, const std::string& base, const std::string& prefix) {
    const schema::SplitUri split = schema::SplitFragment(reference);
    const bool pointer = split.fragment.empty() || split.fragment.starts_with('/');
    if (!pointer && !prefix.empty()) failed_ = true;
    std::string inside = prefix;
    if (!split.uri.empty()) {
      if (!pointer) failed_ = true;
      const std::string uri = schema::ResolveUri(base, split.uri);
      const std::string name = uri == base_ ? std::string() : NameOf(uri);
      inside = name.empty() ? "" : StrCat("/$defs/", name);
    }
    return StrCat("#", inside, split.fragment);
  }

  std::string NameOf(const std::string& uri) {
    for (const Document& known : documents_) {
      if (known.uri == uri) return known.name;
    }
    auto loaded = failed_ || documents_.size() == kMostDocuments
                      ? Result<json::Value>(json::Value())
                      : load_(uri);
    if (!loaded || (!loaded->IsObject() && !loaded->IsBool())) {
      failed_ = true;
      return {};
    }
    documents_.push_back({.uri = uri, .name = FreshName(uri), .value = *std::move(loaded)});
    return documents_.back().name;
  }

  // The stem of the file, and a number where that is taken.
  std::string FreshName(std::string_view uri) const {
    std::string stem;
    for (const char c : uri.substr(uri.rfind('/') + 1)) {
      if (c == '.') break;
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '_' || c == '-';
      stem += plain ? c : '_';
    }
    const auto taken = [&](std::string_view name) {
      return root_.Find("$defs").Find(name).exists() ||
             std::ranges::find(documents_, name, &Document::name) != documents_.end();
    };
    std::string name = stem.empty() ? "schema" : stem;
    for (int i = 2; taken(name); ++i) name = StrCat(stem, "_", i);
    return name;
  }

  const json::View root_;
  const std::string base_;
  const schema::Loader& load_;
  std::vector<Document> documents_;
  bool failed_ = false;
};

}  // namespace

std::optional<json::Value> Bundle(json::View schema, const std::string& base_uri,
                                  const schema::Loader& load) {
  if (!schema.IsObject()) return std::nullopt;
  return Bundler(schema, base_uri, load).Make();
}

}  // namespace weir::flow
