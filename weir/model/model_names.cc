#include "weir/model/model_names.h"

#include <algorithm>

#include "weir/base/text.h"

namespace weir::model {
namespace {

// A model of Ollama's as its list has it: it takes names in any case, without the place where they
// come from, and without a tag.
std::string OllamaName(std::string_view name) {
  std::string full = ToLower(name);
  for (const std::string_view usual : {"registry.ollama.ai/", "library/"}) {
    if (full.starts_with(usual)) full.erase(0, usual.size());
  }
  return full.contains(':') ? full : full + ":latest";
}

}  // namespace

bool Lacks(const EngineInfo& info, std::string_view model) {
  if (model.empty() || info.kind == "openai") return false;
  const bool ollama = info.kind == "ollama";
  return std::ranges::none_of(info.models, [&](const ModelEntry& entry) {
    return ollama ? OllamaName(entry.id) == OllamaName(model) : entry.id == model;
  });
}

}  // namespace weir::model
