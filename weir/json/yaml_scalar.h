#pragma once

// YAML 1.2's core schema: what an unquoted scalar means.

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::json::internal {

enum class PlainKind : std::uint8_t {
  kNull,
  kTrue,
  kFalse,
  kNumber,
  kNotFinite,  // .inf, .nan: valid YAML that JSON cannot hold
  kTooLarge,   // a hexadecimal or octal number beyond 64 bits
  kString,
};

struct PlainScalar {
  PlainKind kind = PlainKind::kString;
  std::string number;  // of kNumber: the JSON spelling, equal to the source where that is JSON
};

PlainScalar ResolvePlain(std::string_view text);

}  // namespace weir::json::internal
