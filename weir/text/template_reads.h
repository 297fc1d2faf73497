#pragma once

// Which variables a program reads, found without running it.

#include <vector>

#include "weir/text/template_tree.h"

namespace weir::text::tmpl {

std::vector<VariableRead> FindReads(const Program& program);

}  // namespace weir::text::tmpl
