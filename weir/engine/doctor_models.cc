// What the list of models tells: models, adapters, limits.

#include <algorithm>

#include "weir/base/text.h"
#include "weir/engine/adapter.h"
#include "weir/engine/doctor_steps.h"
#include "weir/model/model_names.h"

namespace weir::engine {
namespace {

constexpr std::size_t kShownNames = 8;
constexpr std::int64_t kServersOwnLogprobs = 20;  // of a vLLM without --max-logprobs

std::string Listed(const std::vector<std::string>& names) {
  const std::size_t count = std::min(names.size(), kShownNames);
  std::vector<std::string> shown(names.data(), names.data() + count);
  if (count < names.size()) shown.emplace_back("...");
  return Join(shown, ", ");
}

Error NoModel(const std::string& model, const std::vector<std::string>& ids) {
  if (ids.empty()) {
    return Error{.code = Code::kConfigError, .message = "the server has no model at all"};
  }
  const std::optional<std::string> near = Nearest(model, ids);
  return Error{.code = Code::kConfigError,
               .message = StrCat("the server does not have the model '", model, "'; ",
                                 near ? StrCat("did you mean '", *near, "'? It has ")
                                      : std::string("set one of "),
                                 Listed(ids))};
}

}  // namespace

const model::ModelEntry* ExamineModels(Examination& found,
                                       const std::vector<model::ModelEntry>& models) {
  const std::vector<std::string> ids = model::IdsOf(models);
  const std::string& wanted = found.options.http.model;
  const model::ModelEntry* entry =
      model::FindModel(models, NewAdapter(found.options.http.kind)->kind(), wanted);
  if (entry == nullptr) {
    const bool ollama = found.options.http.kind == wire::ServerKind::kOllama;
    found.Fail("models", NoModel(wanted, ids), ids.empty() && ollama ? "ollama pull MODEL" : "");
    return nullptr;
  }
  found.model = entry->id;
  found.Ok("models", StrCat(ids.size(), ids.size() == 1 ? " model: " : " models: ", Listed(ids)),
           wanted.empty() ? StrCat("calls that name none go to ", entry->id) : std::string());
  return entry;
}

void ExamineAdapters(Examination& found, const std::vector<model::ModelEntry>& models) {
  if (found.options.http.kind != wire::ServerKind::kVllm) {
    found.Skip("adapters", "only vLLM lists LoRA adapters");
    return;
  }
  std::vector<std::string> loaded;
  for (const model::ModelEntry& entry : models) {
    if (!entry.parent.empty()) loaded.push_back(entry.id);
  }
  std::vector<std::string> later;
  std::vector<std::string> missing;
  for (const WantedAdapter& wanted : found.options.adapters) {
    if (std::ranges::find(loaded, wanted.name) != loaded.end()) continue;
    (wanted.loadable ? later : missing).push_back(wanted.name);
  }
  const std::string what =
      loaded.empty() ? std::string("none is loaded") : StrCat("loaded: ", Listed(loaded));
  const std::string load =
      "start the server with --enable-lora --lora-modules NAME=PATH, or give the adapter a `path:`";
  if (!missing.empty()) {
    found.Warn("adapters", StrCat(what, "; missing: ", Listed(missing)), load);
  } else if (!later.empty()) {
    found.Note("adapters", StrCat(what, "; not loaded yet: ", Listed(later)),
               "they are loaded when they are first used, if the server runs with --enable-lora "
               "and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1");
  } else {
    found.Ok("adapters", what);
  }
}

void ExamineLimits(Examination& found, const model::ModelEntry& entry) {
  const std::int64_t logprobs = found.options.http.max_logprobs;
  const std::optional<std::int64_t>& promised = found.options.context_window;
  std::string what = entry.max_model_len
                         ? StrCat(*entry.max_model_len, " tokens of prompt and answer")
                         : std::string("the server does not tell its context length");
  StrAppend(what, ", at most ", logprobs, " logprobs");
  if (promised && entry.max_model_len && *promised > *entry.max_model_len) {
    found.Warn("limits", StrCat(what, "; but `context_window: ", *promised, "` is set"),
               StrCat("set it to ", *entry.max_model_len, ", or leave it away"));
  } else if (logprobs > kServersOwnLogprobs && found.options.http.kind == wire::ServerKind::kVllm) {
    found.Note("limits", what,
               StrCat("a vLLM gives 20 unless it is started with --max-logprobs ", logprobs));
  } else {
    found.Ok("limits", what);
  }
}

}  // namespace weir::engine
