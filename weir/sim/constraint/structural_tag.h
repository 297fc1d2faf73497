#pragma once

// Structural tags: the legacy form {"structures": [{begin, schema, end}], "triggers": [...]} and
// xgrammar's {"type": "structural_tag", "format": {...}}.

#include <cstdint>

#include "weir/base/result.h"
#include "weir/sim/constraint.h"

namespace weir::sim {

// `seed` picks between alternatives and how many tags come. Where text is free, a few words without
// any trigger are held to a language; an answer that ends in free text ends in a free stretch.
// Fails with kUnsupportedConstraint for a form that is not known, with the place, and as the
// schemas, expressions and grammars inside fail.
Result<CompiledConstraint> CompileStructuralTag(json::View tag, std::uint64_t seed);

}  // namespace weir::sim
