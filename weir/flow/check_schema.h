#pragma once

// Questions to a compiled schema: what is behind a path, of which kinds, which values.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/flow/check_types.h"

namespace weir::flow {

Found FollowSchema(const schema::Compiled& schema, schema::NodeIndex node, const PathStep& step);
schema::TypeMask SchemaKinds(const schema::Compiled& schema, schema::NodeIndex node);
std::optional<std::vector<std::string>> SchemaValues(const schema::Compiled& schema,
                                                     schema::NodeIndex node);
std::vector<std::string> SchemaMembers(const schema::Compiled& schema, schema::NodeIndex node);

// Why no value of these types obeys the schema, such as "`a.b` is a text and must be an integer";
// empty where one may. `name` is what the value itself is called.
std::string Misfit(const schema::Compiled& schema, const Types& types, std::string_view name);

// Of several of which one holds: it is there when all have it, and reachable when any has.
Found EitherOf(const std::vector<Found>& all);

}  // namespace weir::flow
