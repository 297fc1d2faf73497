#pragma once

// Schemas with some members changed. Values are immutable; a change is a copy.

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/json/value.h"

namespace weir::sim {

// A copy of an object: members keep their places, new ones come behind.
class Edit {
 public:
  explicit Edit(json::View object) : object_(object) {}

  Edit& Set(std::string_view key, json::Value value);
  template <class T>
  Edit& Set(std::string_view key, const T& scalar) {
    return Set(key, json::Value::Of(scalar));
  }
  Edit& Remove(std::initializer_list<std::string_view> keys);
  Edit& Keep(std::initializer_list<std::string_view> keys);  // removes all others

  json::Value Build() const;

 private:
  json::View object_;
  std::vector<std::pair<std::string, std::optional<json::Value>>> changes_;  // nullopt: removed
};

json::Value ListOf(std::span<const json::Value> items);
// The list with `item` at `index`; lists that are shorter get `true` in between.
json::Value WithItem(json::View list, std::size_t index, json::View item);
// The subschema that a "#/..." reference of `root` leads to; absent if it leads elsewhere.
json::View LocalTarget(json::View root, std::string_view ref);

}  // namespace weir::sim
