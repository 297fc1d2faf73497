#pragma once

// As much of RFC 3986 as references between schemas need.

#include <string>
#include <string_view>

namespace weir::schema {

// The two sides of the first '#'; the fragment has none and is empty when there is no '#'.
struct SplitUri {
  std::string_view uri;
  std::string_view fragment;
};
SplitUri SplitFragment(std::string_view reference);

// The absolute form of `reference` seen from `base`, with dot segments removed. Neither has a
// fragment. An empty base leaves a relative reference relative.
std::string ResolveUri(std::string_view base, std::string_view reference);

// %41 becomes A; what is no escape stays as it is.
std::string PercentDecode(std::string_view text);

}  // namespace weir::schema
