#pragma once

// What is known of a value before it is there: one of several types, each a part of a schema or
// simpler.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/json/value.h"
#include "weir/schema/compiled.h"
#include "weir/schema/schema.h"

namespace weir::flow {

struct Type;
// One of these; never empty.
using Types = std::vector<Type>;

struct Type {
  enum class Kind : std::uint8_t { kAnything, kText, kSchema, kList, kObject, kConstant };

  Kind kind = Kind::kAnything;
  const schema::Compiled* schema = nullptr;  // kSchema
  schema::NodeIndex node = 0;
  std::vector<std::string> choices;                    // kText: all there are; empty: any text
  Types items;                                         // kList
  std::vector<std::pair<std::string, Types>> members;  // kObject
  json::Value constant;                                // kConstant
};

Types Anything();
Types TextType(std::vector<std::string> choices = {});
Types SchemaType(const schema::Schema& schema);
Types ListType(Types items);
Types ConstantType(json::Value value);
void AddTypes(Types& to, const Types& more);

// One step of a path: a member by its key, an item by its number, any item, any member's value.
struct PathStep {
  enum class Kind : std::uint8_t { kMember, kIndex, kItem, kValues };
  Kind kind = Kind::kMember;
  std::string key;
  std::size_t index = 0;
  std::string_view written;  // the path up to and with this step
};

// text::VariableRead::path, the name it begins with first (a kMember). Views stay in `path`.
std::vector<PathStep> SplitPath(std::string_view path);

// What comes of one step.
struct Found {
  // In the order of how much is known against it.
  enum class Presence : std::uint8_t {
    kThere,
    kMaybe,      // it may be missing, or the value may be of another kind
    kUnknown,    // nothing forbids it, nothing names it
    kNever,      // it cannot be there
    kWrongKind,  // the value has no parts of that sort
  };
  Presence presence = Presence::kUnknown;
  Types types = Anything();
};

Found Follow(const Types& types, const PathStep& step);

// Which kinds of values it may be, as schema::TypeMask.
schema::TypeMask KindsOf(const Types& types);
// "a text", "a number or null": for messages.
std::string KindWords(schema::TypeMask kinds);
// Every value that it may be, as texts; nullopt when they cannot be listed.
std::optional<std::vector<std::string>> ValuesOf(const Types& types);
// Of which kinds a value may be that equals the one of a case: a text may equal any.
schema::TypeMask KindsOfCase(json::View equals);
// A text as it is, everything else as JSON.
std::string TextForm(json::View value);
// The same for each way to write a number: 7.0 is "7"; any other text stays as it is.
std::string NumberForm(std::string_view text);
// Names of members that it is known to have, for messages.
std::vector<std::string> MembersOf(const Types& types);
// The items of a list of that type.
Types ItemsOf(const Types& types);

}  // namespace weir::flow
