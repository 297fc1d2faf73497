#pragma once

// For property tests of calls.

#include <optional>
#include <string>

#include <rapidcheck.h>

namespace weir::wire {

// Printable ASCII, and what JSON escapes.
inline std::string AnyText() {
  return *rc::gen::container<std::string>(
      rc::gen::oneOf(rc::gen::inRange<char>(0x20, 0x7F), rc::gen::element('\n', '"', '\\', '\t')));
}

// Unset, or what `gen` gives.
template <class T>
std::optional<T> Maybe(rc::Gen<T> gen) {
  if (*rc::gen::arbitrary<bool>()) return std::nullopt;
  return *gen;
}

}  // namespace weir::wire
