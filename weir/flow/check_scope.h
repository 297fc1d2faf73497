#pragma once

// The names that stand at one place of a flow, with what is known of their values.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/flow/check_types.h"

namespace weir::flow {

struct KnownName {
  enum class Kind : std::uint8_t { kGiven, kNode, kJoin, kItem, kThoughts };

  std::string name;
  Kind kind = Kind::kNode;
  Types types;
};

class Scope {
 public:
  // `row` is the type of an input row.
  explicit Scope(Types row);

  void Add(std::string name, KnownName::Kind kind, Types types);
  // The latest of that name; null: none, so it would be a field of the row.
  const KnownName* Find(std::string_view name) const;
  const Types& row() const { return row_; }
  // All names that a template may begin with, fields of the row last.
  std::vector<std::string> Names() const;

 private:
  std::vector<KnownName> names_;
  Types row_;
};

}  // namespace weir::flow
