#pragma once

// The compiled form of a schema: one node per subschema in one vector, joined by indices, with all
// references resolved. Validation, coercion and generation walk this and never look at keywords
// again. The shape is the same for all drafts: what a draft ignores is not here, "items" as a list
// is `prefix`, "dependencies" is split, "const" is an enumeration of one.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/number.h"
#include "weir/json/value.h"
#include "weir/schema/formats.h"
#include "weir/schema/pattern.h"
#include "weir/schema/schema.h"

namespace weir::schema {

using NodeIndex = std::uint32_t;
inline constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();  // no such rule

// Which kinds of values a node lets through, as bits. "number" is kInteger | kFraction: an integer
// is any number without a fraction, however it is written.
using TypeMask = std::uint8_t;
inline constexpr TypeMask kNull = 1;
inline constexpr TypeMask kBoolean = 2;
inline constexpr TypeMask kInteger = 4;
inline constexpr TypeMask kFraction = 8;
inline constexpr TypeMask kNumber = kInteger | kFraction;
inline constexpr TypeMask kString = 16;
inline constexpr TypeMask kArray = 32;
inline constexpr TypeMask kObject = 64;
inline constexpr TypeMask kAnyType = 127;

inline constexpr std::uint64_t kUnbounded = std::numeric_limits<std::uint64_t>::max();

// Whether two keys are equal; faster than a call of memcmp for keys as they are in practice.
inline bool SameKey(std::string_view a, std::string_view b) {
  const std::size_t size = a.size();
  if (size != b.size()) return false;
  const auto differ = [&]<class Word>(Word x, std::size_t at) {
    Word y = 0;
    std::memcpy(&x, a.data() + at, sizeof(Word));
    std::memcpy(&y, b.data() + at, sizeof(Word));
    return x ^ y;
  };
  constexpr std::uint64_t kLong = 0;
  constexpr std::uint32_t kShort = 0;
  if (size > 16) return std::memcmp(a.data(), b.data(), size) == 0;
  if (size >= 8) return (differ(kLong, 0) | differ(kLong, size - 8)) == 0;
  if (size >= 4) return (differ(kShort, 0) | differ(kShort, size - 4)) == 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

// Finds a key among few or many in constant time.
class KeyTable {
 public:
  // `keys` in the order that Find() numbers them; they are distinct and outlive this.
  void Build(std::vector<std::string_view> keys);
  std::uint32_t Find(std::string_view key) const;  // kNone if it is not there
  const std::vector<std::string_view>& keys() const { return keys_; }

 private:
  std::vector<std::string_view> keys_;
  std::vector<std::uint32_t> slots_;  // number of the key plus one; a power of two of them
};

// "enum" and "const"; when both stand there, what they have in common.
struct ValueRules {
  std::vector<json::View> values;  // the strings first; may be empty: nothing is accepted
  KeyTable strings;                // the strings among the values
  bool is_const = false;
};

struct NumberRules {
  json::Bound minimum;  // Bound::exists() tells whether there is one
  json::Bound exclusive_minimum;
  json::Bound maximum;
  json::Bound exclusive_maximum;
  json::Bound multiple_of;
};

struct StringRules {
  std::uint64_t min_length = 0;  // in characters, not bytes
  std::uint64_t max_length = kUnbounded;
  std::uint32_t pattern = kNone;  // index into Compiled::patterns
  std::string_view format;        // as written, known or not; empty if there is none
  FormatCheck check = nullptr;    // only when formats are asserted and this one is known
};

struct ArrayRules {
  std::vector<NodeIndex> prefix;  // schemas of the first items
  NodeIndex items = kNone;        // of the items after the prefix
  NodeIndex contains = kNone;
  std::uint64_t min_contains = 1;
  std::uint64_t max_contains = kUnbounded;
  std::uint64_t min_items = 0;
  std::uint64_t max_items = kUnbounded;
  NodeIndex unevaluated = kNone;
  bool unique = false;
  bool contains_evaluates = false;  // 2020-12: items that match `contains` count as evaluated
};

struct ObjectRules {
  struct Property {
    std::string_view key;
    NodeIndex node = kNone;  // kNone: the key is only required
    bool required = false;
    std::uint64_t bit = 0;  // its bit in `required_mask`
  };
  struct PatternProperty {
    std::uint32_t pattern = 0;
    NodeIndex node = kNone;
  };
  // What the presence of a key demands.
  struct Dependent {
    std::string_view key;
    std::vector<std::string_view> required;
    NodeIndex node = kNone;
    bool from_dependencies = false;  // spelled "dependencies", the word of draft 7
  };

  // Those with a schema first, in the order of the schema; then the keys that are only required.
  // (Of merged rules: part by part.)
  std::vector<Property> properties;
  KeyTable table;                            // over `properties`
  std::uint64_t required_mask = 0;           // the bits of the first 64 required properties
  std::vector<std::uint32_t> required_rest;  // the numbers of the other required properties
  std::vector<PatternProperty> patterns;
  NodeIndex additional = kNone;  // of keys that neither `properties` nor `patterns` name
  NodeIndex property_names = kNone;
  NodeIndex unevaluated = kNone;
  bool plain = false;  // neither `patterns` nor `property_names`
  std::vector<Dependent> dependents;
  std::uint64_t min_properties = 0;
  std::uint64_t max_properties = kUnbounded;
};

// A reference whose target depends on the resources that validation came through: the outermost
// one that is among `targets` decides.
struct DynamicRef {
  struct Target {
    std::uint32_t resource = 0;
    NodeIndex node = kNone;
  };
  NodeIndex fallback = kNone;  // when none of them is
  std::vector<Target> targets;
};

// Tells alternatives apart: each wants this property to be one of its own texts.
struct Telltale {
  std::string_view key;
  KeyTable texts;
  std::vector<NodeIndex> nodes;  // by the number of the text: the only one that may accept it
};

// What applies to the same value as the node itself.
struct LogicRules {
  NodeIndex ref = kNone;  // "$ref", and dynamic references that can only lead to one place
  std::uint32_t dynamic_ref = kNone;  // index into Compiled::dynamic_refs
  std::vector<NodeIndex> all_of;
  std::vector<NodeIndex> any_of;  // empty: no such keyword
  std::vector<NodeIndex> one_of;
  std::uint32_t any_telltale = kNone;  // of `any_of`; index into Compiled::telltales
  std::uint32_t one_telltale = kNone;  // of `one_of`
  NodeIndex not_node = kNone;
  NodeIndex if_node = kNone;  // kNone unless there is a `then` or `else`, or annotations matter
  NodeIndex then_node = kNone;
  NodeIndex else_node = kNone;
};

// Each index is kNone when the node has no rule of that sort. Rules for another kind of value than
// the one at hand say nothing about it.
struct Node {
  TypeMask types = kAnyType;     // 0: the schema `false`
  bool accepts_all = false;      // nothing to check: `true`, {} or only annotations
  std::uint32_t resource = 0;    // index into Compiled::resources
  std::uint32_t place = 0;       // index into Compiled::places
  std::uint32_t values = kNone;  // indices into the vectors of Compiled of the same name
  std::uint32_t number = kNone;
  std::uint32_t string = kNone;
  std::uint32_t array = kNone;
  std::uint32_t object = kNone;
  std::uint32_t logic = kNone;
  NodeIndex only_ref = kNone;  // set: a reference and nothing else, and this is its target
  // Set: the one set of object rules that says the same of objects as this node with its "allOf".
  std::uint32_t merged = kNone;
  // The subschema as written: title, description, default, examples and whatever else is noted.
  json::View source;
};

// Where something stands: a token under another place. The root of a document has no parent, and
// `index` is the number of the document.
struct Place {
  std::uint32_t parent = kNone;
  std::string_view token;
  std::uint32_t index = kNone;  // used instead of `token` for the items of a list
};

// A schema with an identity of its own ("$id"), or the root of a document.
struct Resource {
  std::string uri;  // absolute, without fragment
  Draft draft = Draft::k2020;
};

struct Compiled {
  NodeIndex root = 0;
  std::vector<Node> nodes;
  std::vector<ValueRules> values;
  std::vector<NumberRules> numbers;
  std::vector<StringRules> strings;
  std::vector<ArrayRules> arrays;
  std::vector<ObjectRules> objects;
  std::vector<LogicRules> logic;
  std::vector<DynamicRef> dynamic_refs;
  std::vector<Telltale> telltales;
  std::vector<Pattern> patterns;
  std::vector<std::string_view> pattern_texts;  // as written, one per pattern
  std::vector<Place> places;
  std::vector<Resource> resources;
  std::vector<json::Value> documents;  // keep the views above alive; the first is the schema
  std::vector<std::string> document_uris;
  std::size_t max_recursion = 0;
  std::size_t max_steps = 0;

  const Node& operator[](NodeIndex index) const { return nodes[index]; }
  // Annotations; absent when there is none of that name.
  json::View Note(NodeIndex index, std::string_view name) const {
    return nodes[index].source.Find(name);
  }
  // Of a node or one of its keywords: "/properties/a", or "uri#/properties/a" in any document but
  // the first.
  std::string PathOf(NodeIndex index, std::string_view keyword = {}) const;
  std::string PathOfPlace(std::uint32_t place, std::string_view keyword = {}) const;
};

}  // namespace weir::schema
