#pragma once

// The formats that JSON Schema defines, as functions that say yes or no to a string.

#include <string_view>

namespace weir::schema {

using FormatCheck = bool (*)(std::string_view text);

// Null for a format that is not known; such a format is only noted.
FormatCheck FindFormat(std::string_view name);

}  // namespace weir::schema
