#pragma once

// Several schemas that hold for one value at the same time, seen as one: what allOf, $ref with
// neighbours, and anyOf with neighbours come down to.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/value.h"

namespace weir::schema::internal {

struct Layer {
  json::View schema;
  std::string path;  // JSON pointer with its "#"
  // The choices that are already made: the branch is a layer of its own.
  bool any_of_done = false;
  bool one_of_done = false;
  bool flattened = false;  // what allOf and $ref add are layers beside this one already

  std::string Key() const;
};

// What goes into the report, in order and without repetition.
class Unenforced {
 public:
  void Add(const Layer& layer, std::string_view keyword, std::string_view why = {});
  std::vector<std::string> Take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
  std::set<std::string> known_;
};

// The layers with allOf and $ref followed, `true` dropped, in the order of the text. Nullopt when
// one of them is `false`. With `ref_alone`, as up to draft 7, nothing beside a $ref counts.
std::optional<std::vector<Layer>> Flatten(json::View root, std::vector<Layer> layers,
                                          bool ref_alone, Unenforced& unenforced);

// Where a schema that is nothing but a $ref leads; every other one stays what it is. Shared targets
// are so known by one name.
Layer Follow(json::View root, Layer layer);

Layer Below(const Layer& layer, std::string_view token, json::View schema);

// The schemas that hold for the member `name`; a name that no layer declares is `std::nullopt`.
std::vector<Layer> MemberLayers(const std::vector<Layer>& layers,
                                std::optional<std::string_view> name);
// The schemas that hold for an item; kRest is every item behind all prefixes.
inline constexpr std::size_t kRest = static_cast<std::size_t>(-1);
std::vector<Layer> ItemLayers(const std::vector<Layer>& layers, std::size_t index);
std::size_t PrefixSize(const std::vector<Layer>& layers);

// Reports the keywords that no text can be held to.
void ReportUnknown(const std::vector<Layer>& layers, bool formats, Unenforced& unenforced);

}  // namespace weir::schema::internal
