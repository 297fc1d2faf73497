#pragma once

// Variables of the environment inside texts of definitions: ${NAME}, ${NAME:-default}; $$ is
// a dollar. A dollar before anything else stands for itself.

#include <string>
#include <string_view>
#include <vector>

#include "weir/base/env.h"

namespace weir {

struct Expansion {
  std::string text;
  std::vector<std::string> used;  // the variables that went into the text, in its order
  std::string missing;            // the first variable that is not set and has no default
  std::string wrong;              // what is wrong with the notation, e.g. "has a ${ without its }"
};

// Letters, digits and underscores, no digit in front.
bool IsVariableName(std::string_view text);

// The name in a text that is $NAME and no more; else empty.
std::string_view BareVariable(std::string_view text);

Expansion Expand(std::string_view text, const Env& env);

// Whether Expand() would change the text or object to it.
bool HasVariables(std::string_view text);

// A text that Expand() turns into `text`.
std::string EscapeDollars(std::string_view text);

}  // namespace weir
