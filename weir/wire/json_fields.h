#pragma once

// Small readings of JSON values that the decoders share.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/builder.h"
#include "weir/json/value.h"

namespace weir::wire {

// Neither absent nor null.
inline bool IsSet(json::View view) { return view.exists() && !view.IsNull(); }

// A count of tokens; unset where the server names a number that cannot be one.
std::optional<std::int64_t> CountOf(json::View view);

inline std::string StringOf(json::View view) { return std::string(view.StringOr("")); }

// The start of what a server wrote, redacted, for a message of ours.
std::string Quoted(std::string_view text);

// The integers of an array; what is not one is skipped.
std::vector<std::int64_t> IntsOf(json::View array);
std::vector<std::string> StringsOf(json::View array);

// The set members of `object` whose key is not in `known`, as an object; null when there are none.
json::Value UnknownMembers(json::View object, std::initializer_list<std::string_view> known);
// The same, added to an object that is being built.
void CopyUnknown(json::View object, std::initializer_list<std::string_view> known,
                 json::Builder& builder);
bool HasUnknown(json::View object, std::initializer_list<std::string_view> known);

}  // namespace weir::wire
