#pragma once

// What a number text means, exactly. Everything here works on text of the JSON number grammar.

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::json {

// Whether `text` is one number of the JSON grammar, with nothing around it.
bool IsNumber(std::string_view text);

// The integer it is, if it is one and fits.
std::optional<std::int64_t> ToInt64(std::string_view number);
std::optional<std::uint64_t> ToUint64(std::string_view number);

// The nearest double, 0 when the number is too small for one; nullopt when it is too large.
std::optional<double> ToDouble(std::string_view number);

// Whether both are the same decimal value, however they are spelled. No rounding takes part.
bool SameNumber(std::string_view a, std::string_view b);

}  // namespace weir::json
