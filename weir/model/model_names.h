#pragma once

// Which names a server has its models under.

#include <string_view>

#include "weir/model/engine.h"

namespace weir::model {

// Whether it says that a model of that name cannot be asked for. Lists of OpenAI's kind may leave
// models out, and never say so.
bool Lacks(const EngineInfo& info, std::string_view model);

}  // namespace weir::model
