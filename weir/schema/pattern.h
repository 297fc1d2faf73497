#pragma once

// Regular expressions as JSON Schema spells them (ECMA-262, with the `u` flag), run in time that is
// linear in the text: the simple ones as steps (pattern_steps.h), the others by RE2.

#include <cstddef>
#include <memory>
#include <string_view>

#include "weir/base/result.h"

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
  struct Compiled;
  explicit Pattern(std::shared_ptr<const Compiled> compiled);

  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace weir::schema
