#pragma once

// Texts of a language by a random walk that leans to the end, as a trained model would.

#include <string>

#include "weir/base/random.h"
#include "weir/schema/automaton.h"
#include "weir/sim/constraint.h"

namespace weir::sim {

std::string WalkText(const schema::Language& language, Random& random);

// A whole answer; free stretches become "(free)".
std::string WalkAnswer(const CompiledConstraint& constraint, Random& random);

}  // namespace weir::sim
