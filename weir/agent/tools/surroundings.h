#pragma once

// What programs of an agent may know of the environment that weir was given.

#include "weir/base/env.h"

namespace weir::agent {

// PATH (only its absolute folders: another would be looked for in the workspace, where a model can
// put programs), HOME, LANG, LC_ALL, TMPDIR, TERM=dumb and what begins with WEIR_TOOL_: so tools
// get no key that weir has.
Env ToolEnv(const Env& env);

}  // namespace weir::agent
