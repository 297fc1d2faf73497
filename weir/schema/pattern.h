#pragma once

// Regular expressions as JSON Schema spells them (ECMA-262, with the `u` flag), run by RE2 in time
// that is linear in the text.

#include <cstddef>
#include <memory>
#include <string_view>

#include "weir/base/result.h"

namespace re2 {
class RE2;
}

namespace weir::schema {

struct PatternOptions {
  std::size_t max_bytes = 64 * 1024;          // of the expression
  std::size_t max_program = 8 * 1024 * 1024;  // bytes that the compiled form may take
};

// Compiled once, used from many threads at once; copying is cheap. What is read and what is refused
// is said in regex.h.
class Pattern {
 public:
  // Fails with kUnsupportedPattern where RE2 cannot do what ECMA-262 asks (lookaround, back
  // references) and with kInvalidPattern where the text is no expression; both name the place.
  // Nothing is ever ignored.
  static Result<Pattern> Compile(std::string_view ecma, const PatternOptions& options = {});

  // Whether the expression matches somewhere in `text` (JSON Schema anchors nothing by itself).
  bool Found(std::string_view text) const;

 private:
  explicit Pattern(std::shared_ptr<const re2::RE2> compiled);

  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace weir::schema
