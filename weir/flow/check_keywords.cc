#include "weir/flow/check_keywords.h"

#include <algorithm>
#include <array>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/pointer.h"
#include "weir/schema/compile_keywords.h"

namespace weir::flow {
namespace {

constexpr std::size_t kMostKeywordLooks = 100'000;
constexpr std::size_t kMostTold = 20;  // of one schema

// Words that say something to people and tools, OpenAPI's among them.
constexpr std::array<std::string_view, 25> kNotes = {"title",
                                                     "description",
                                                     "default",
                                                     "examples",
                                                     "example",
                                                     "deprecated",
                                                     "readOnly",
                                                     "writeOnly",
                                                     "$comment",
                                                     "$schema",
                                                     "$id",
                                                     "id",
                                                     "$anchor",
                                                     "$vocabulary",
                                                     "$dynamicAnchor",
                                                     "contentEncoding",
                                                     "contentMediaType",
                                                     "contentSchema",
                                                     "discriminator",
                                                     "nullable",
                                                     "xml",
                                                     "externalDocs",
                                                     "propertyOrder",
                                                     "strict",
                                                     "$recursiveAnchor"};

// What a word that means nothing may have been meant to be.
const std::vector<std::string>& Words() {
  static const std::vector<std::string> kWords = {"$ref",
                                                  "$defs",
                                                  "definitions",
                                                  "type",
                                                  "enum",
                                                  "const",
                                                  "multipleOf",
                                                  "minimum",
                                                  "maximum",
                                                  "exclusiveMinimum",
                                                  "exclusiveMaximum",
                                                  "minLength",
                                                  "maxLength",
                                                  "pattern",
                                                  "format",
                                                  "items",
                                                  "prefixItems",
                                                  "contains",
                                                  "minContains",
                                                  "maxContains",
                                                  "minItems",
                                                  "maxItems",
                                                  "uniqueItems",
                                                  "unevaluatedItems",
                                                  "properties",
                                                  "patternProperties",
                                                  "additionalProperties",
                                                  "propertyNames",
                                                  "required",
                                                  "minProperties",
                                                  "maxProperties",
                                                  "dependentRequired",
                                                  "dependentSchemas",
                                                  "unevaluatedProperties",
                                                  "allOf",
                                                  "anyOf",
                                                  "oneOf",
                                                  "not",
                                                  "if",
                                                  "then",
                                                  "else",
                                                  "title",
                                                  "description",
                                                  "default",
                                                  "examples"};
  return kWords;
}

class Reader {
 public:
  Reader(const std::string& what, const std::string& place, std::vector<Problem>& problems)
      : what_(what), place_(place), problems_(problems) {}

  void Look(json::View schema, const std::string& pointer) {
    if (!schema.IsObject() || ++looks_ > kMostKeywordLooks) return;
    for (const json::Member member : schema.members()) {
      std::string inside = pointer;
      json::AppendToken(inside, member.key);
      const schema::KeywordInfo* known = Find(member.key);
      if (known != nullptr) {
        LookInside(*known, member.value, inside);
      } else if (std::ranges::find(kNotes, member.key) == kNotes.end() &&
                 !member.key.starts_with("x-")) {
        Tell(member.key, pointer);
      }
    }
  }

 private:
  static const schema::KeywordInfo* Find(std::string_view word) {
    if (const auto* info = schema::FindKeyword(word, {.draft = schema::Draft::k2020})) return info;
    return schema::FindKeyword(word, {.draft = schema::Draft::k7});
  }

  void LookInside(const schema::KeywordInfo& keyword, json::View value,
                  const std::string& pointer) {
    using schema::Inside;
    switch (keyword.inside) {
      case Inside::kNothing:
        return;
      case Inside::kSchema:
      case Inside::kSchemaOrList:
      case Inside::kList:
        if (!value.IsArray()) return Look(value, pointer);
        for (std::size_t i = 0; i < value.size(); ++i) Look(value[i], StrCat(pointer, "/", i));
        return;
      case Inside::kMap:
      case Inside::kMapOrKeys:
        for (const json::Member member : value.members()) {
          std::string inside = pointer;
          json::AppendToken(inside, member.key);
          Look(member.value, inside);
        }
        return;
    }
  }

  void Tell(std::string_view word, const std::string& pointer) {
    if (++told_ > kMostTold) return;
    const std::optional<std::string> nearest = Nearest(word, Words());
    problems_.push_back(
        {.warning = true,
         .place = place_,
         .message = StrCat("`", Truncate(word, 60), "` in the schema of ", what_,
                           pointer.empty() ? "" : StrCat(" (at ", pointer, ")"),
                           " is no word of JSON Schema and says nothing; ",
                           nearest ? StrCat("did you mean `", *nearest, "`?")
                                   : std::string("take it away, or call it x-..."))});
  }

  const std::string& what_;
  const std::string& place_;
  std::vector<Problem>& problems_;
  std::size_t looks_ = 0;
  std::size_t told_ = 0;
};

}  // namespace

void CheckKeywords(json::View schema, const std::string& what, const std::string& place,
                   std::vector<Problem>& problems) {
  Reader(what, place, problems).Look(schema, "");
}

}  // namespace weir::flow
