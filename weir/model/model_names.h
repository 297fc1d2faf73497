#pragma once

// Which names a server has its models under.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/model/engine.h"

namespace weir::model {

// The entry that calls for `name` go to (empty: the first that is no adapter) on a server of this
// kind, in the words of EngineInfo; null: there is none. Ollama takes names in any case, without
// the place where they come from, and without a tag.
const ModelEntry* FindModel(std::span<const ModelEntry> models, std::string_view kind,
                            std::string_view name);

std::vector<std::string> IdsOf(std::span<const ModelEntry> models);

// Whether it says that a model of that name cannot be asked for. Lists of OpenAI's kind may leave
// models out, and never say so.
bool Lacks(const EngineInfo& info, std::string_view model);

}  // namespace weir::model
