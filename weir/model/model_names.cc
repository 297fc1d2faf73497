#include "weir/model/model_names.h"

#include <algorithm>

#include "weir/base/text.h"

namespace weir::model {
namespace {

std::string OllamaName(std::string_view name) {
  std::string full = ToLower(name);
  for (const std::string_view usual : {"registry.ollama.ai/", "library/"}) {
    if (full.starts_with(usual)) full.erase(0, usual.size());
  }
  return full.contains(':') ? full : full + ":latest";
}

}  // namespace

const ModelEntry* FindModel(std::span<const ModelEntry> models, std::string_view kind,
                            std::string_view name) {
  const std::string ollama = kind == "ollama" ? OllamaName(name) : std::string();
  const auto is_meant = [&](const ModelEntry& entry) {
    if (name.empty()) return entry.parent.empty();
    return entry.id == name || (!ollama.empty() && OllamaName(entry.id) == ollama);
  };
  const auto found = std::ranges::find_if(models, is_meant);
  return found == models.end() ? nullptr : &*found;
}

std::vector<std::string> IdsOf(std::span<const ModelEntry> models) {
  std::vector<std::string> ids;
  ids.reserve(models.size());
  for (const ModelEntry& entry : models) ids.push_back(entry.id);
  return ids;
}

bool Lacks(const EngineInfo& info, std::string_view model) {
  if (model.empty() || info.kind == "openai") return false;
  return FindModel(info.models, info.kind, model) == nullptr;
}

}  // namespace weir::model
