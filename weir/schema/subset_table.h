#pragma once

// The facts behind subset.h.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "weir/schema/subset.h"

namespace weir::schema {

// When a row counts. Of the rows of one keyword the first that counts and has a cell is taken.
enum class When : std::uint8_t {
  kAlways,
  kRoot,              // at the root
  kRootIsNoObject,    // the root has another type, or none
  kMissing,           // the schema is one of an object and the keyword is not there
  kNotAllRequired,    // a property is not in "required"
  kNotFalse,          // the value is not `false`
  kNotInteger,        // the schema is not one of integers only
  kNotAnchored,       // a pattern without ^ in front or $ behind
  kBesidePattern,     // "pattern" or "format" stands beside
  kBesideLength,      // "minLength" or "maxLength" stands beside
  kBesideProperties,  // "properties" stands beside
  kNotScalar,         // the value is or holds an object or array
  kRemote,            // a reference that leaves the document
  kKnownFormat,       // "format" is one that every decoder here knows: date, time, date-time, uuid
  kUsualFormat,       // ... or one of duration, email, hostname, ipv4, ipv6
  kUri,               // ... or uri
};

struct Cell {
  bool filled = false;  // false: a later row answers
  Verdict verdict = Verdict::kEnforced;
  bool certain = true;
  std::string_view remark = {};
};

inline constexpr std::size_t kDecoderCount = std::size(kDecoders);

struct Fact {
  std::string_view keyword;
  When when = When::kAlways;
  std::array<Cell, kDecoderCount> cells;  // in the order of Decoder
};

std::span<const Fact> Facts();

}  // namespace weir::schema
