#include <utility>

#include "weir/base/text.h"
#include "weir/json/pointer.h"
#include "weir/json/reader.h"
#include "weir/schema/compile_registry.h"
#include "weir/schema/schema_words.h"
#include "weir/schema/uri.h"

namespace weir::schema {
namespace {

constexpr int kMaxMetaSchemas = 8;  // a meta-schema of a meta-schema of ...

// The key as it stands in the object, which lives as long as the document.
std::string_view KeyIn(json::View object, std::string_view key) {
  for (const json::Member member : object.members()) {
    if (member.key == key) return member.key;
  }
  return {};
}

}  // namespace

Result<Target> Registry::Resolve(std::uint32_t resource, std::string_view reference,
                                 std::uint32_t place) {
  const SplitUri split = SplitFragment(reference);
  const std::string fragment = PercentDecode(split.fragment);
  if (!split.uri.empty()) {
    const std::string uri = ResolveUri(out_.resources[resource].uri, split.uri);
    const auto known = by_uri_.find(uri);
    if (known != by_uri_.end()) {
      resource = known->second;
    } else {
      WEIR_TRY(const std::uint32_t root, Load(uri, sources_[resource].dialect, place));
      resource = locations_[root].resource;
    }
  }
  Target target;
  if (fragment.empty()) {
    target.location = sources_[resource].root;
  } else if (fragment.front() == '/') {
    WEIR_TRY(target.location, FollowPointer(resource, fragment, reference, place));
  } else {
    const auto& anchors = sources_[resource].anchors;
    const auto found = anchors.find(fragment);
    if (found == anchors.end()) {
      return Wrong(place, "",
                   StrCat("\"", Truncate(reference, 200), "\" leads nowhere: no schema in \"",
                          out_.resources[resource].uri, "\" has the anchor \"", fragment, "\""));
    }
    target.location = found->second;
    if (sources_[resource].dynamic_anchors.contains(fragment)) target.dynamic_anchor = fragment;
  }
  return target;
}

Result<std::uint32_t> Registry::FollowPointer(std::uint32_t resource, std::string_view pointer,
                                              std::string_view reference, std::uint32_t place) {
  // The last schema on the way says which resource the end belongs to.
  Location last = locations_[sources_[resource].root];
  std::uint32_t end_place = last.place;
  json::View view = last.schema;
  std::size_t depth = 0;
  while (!pointer.empty()) {
    auto token = json::TakeToken(pointer);
    if (!token) return Wrong(place, "", token.error().message);
    const json::View child = json::Child(view, *token);
    if (!child.exists()) {
      const std::string at = out_.PathOfPlace(end_place);
      return Wrong(place, "",
                   StrCat("\"", Truncate(reference, 200), "\" leads nowhere: there is no \"",
                          Truncate(*token, 80), "\" at ", at.empty() ? "the root" : at));
    }
    const std::uint32_t known = Find(child);
    if (known != kNone) {
      last = locations_[known];
      end_place = last.place;
    } else if (view.IsObject()) {
      end_place = AddPlace(end_place, KeyIn(view, *token));
    } else {
      end_place = AddPlace(end_place, *ParseUint(*token));
    }
    view = child;
    ++depth;
  }
  const std::uint32_t known = Find(view);
  return known != kNone ? known : Scan(view, last.resource, end_place, depth);
}

Result<std::uint32_t> Registry::Load(const std::string& uri, Dialect dialect, std::uint32_t place) {
  WEIR_TRY(json::Value document, Fetch(uri, place));
  return AddDocument(std::move(document), uri, dialect);
}

Result<json::Value> Registry::Fetch(const std::string& uri, std::uint32_t place) {
  const std::string_view meta_schema = MetaSchemaText(uri);
  if (!meta_schema.empty()) return json::Read(meta_schema);
  if (!options_.loader) {
    return Wrong(place, "",
                 StrCat("\"", Truncate(uri, 200),
                        "\" is not part of the schema, and there is no "
                        "loader that could give it"));
  }
  if (++loaded_ > options_.max_documents) {
    return Wrong(
        place, "",
        StrCat("more than ", options_.max_documents, " other documents are needed (max_documents)"),
        Code::kUnsupportedSchema);
  }
  auto document = options_.loader(uri);
  if (document) return document;
  return Wrong(
      place, "",
      StrCat("\"", Truncate(uri, 200), "\" could not be loaded: ", document.error().message));
}

Result<Dialect> Registry::DialectOf(json::View schema, Dialect otherwise, std::uint32_t place) {
  const json::View name = schema.Find("$schema");
  if (!name.exists()) return otherwise;
  if (!name.IsString()) {
    return Wrong(place, "$schema", StrCat("expected a URI, got ", Show(name)));
  }
  Draft draft = Draft::k2020;
  if (FindDraft(name.StringOr(""), draft)) return Dialect{.draft = draft};
  return CustomDialect(name.StringOr(""), AddPlace(place, "$schema"));
}

Result<Dialect> Registry::CustomDialect(std::string_view meta_schema, std::uint32_t place) {
  Dialect out;
  json::Value vocabulary;
  std::string uri(meta_schema);
  for (int i = 0; !FindDraft(uri, out.draft); ++i) {
    if (i == kMaxMetaSchemas) {
      return Wrong(place, "", "the meta-schemas behind it name no known draft",
                   Code::kUnsupportedSchema);
    }
    auto document = Fetch(std::string(SplitFragment(uri).uri), place);
    if (!document) {
      return Wrong(place, "",
                   StrCat("\"", Truncate(uri, 200),
                          "\" is neither draft 7, 2019-09 nor 2020-12, nor a meta-schema that can "
                          "be loaded"),
                   Code::kUnsupportedSchema);
    }
    if (i == 0) vocabulary = document->Share(document->Find("$vocabulary"));
    uri = document->Find("$schema").StringOr("");
  }
  if (!vocabulary.IsObject() || out.draft == Draft::k7) return out;

  out.vocabularies = kCoreVocabulary;
  for (const json::Member member : vocabulary.members()) {
    std::uint8_t bit = 0;
    if (FindVocabulary(member.key, bit)) {
      // "format-assertion" binds whoever knows it, required or not.
      out.vocabularies |= bit;
    } else if (member.value.BoolOr(false)) {
      return Wrong(place, "",
                   StrCat("its meta-schema requires the vocabulary \"", Truncate(member.key, 200),
                          "\", which is not known here"),
                   Code::kUnsupportedSchema);
    }
  }
  return out;
}

}  // namespace weir::schema
