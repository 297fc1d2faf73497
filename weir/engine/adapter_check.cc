#include "weir/engine/adapter_check.h"

#include <algorithm>

#include "weir/base/text.h"

namespace weir::engine {
namespace {

using State = AdapterFinding::State;

struct Looked {
  std::size_t servers = 0;
  std::vector<std::string> models;  // of all of them, one entry for each server that has it
  bool may_load = true;             // all of them may, or do not say
};

async::Task<Result<Looked>> LookAt(async::Context ctx, HostFinder& finder) {
  WEIR_CO_TRY(const AdapterHosts hosts, co_await finder.Find(ctx));
  Looked looked;
  std::optional<Error> failure;
  for (const std::shared_ptr<AdapterHost>& host : hosts) {
    const Result<std::vector<model::ModelEntry>> models = co_await host->Models(ctx);
    if (!models) {
      failure = models.error();
      continue;
    }
    ++looked.servers;
    for (const model::ModelEntry& entry : *models) looked.models.push_back(entry.id);
    const Result<MayLoad> may = co_await host->MayLoadAdapters(ctx);
    if (!may || *may == MayLoad::kNo) looked.may_load = false;
  }
  if (looked.servers == 0) co_return Fail(*failure);
  co_return looked;
}

AdapterFinding FindingOf(const AdapterSource& source, const Looked& looked,
                         const AdapterShelfOptions& options) {
  AdapterFinding finding{.name = source.name, .path = source.path, .detail = {}, .remedy = {}};
  const auto on = static_cast<std::size_t>(std::ranges::count(looked.models, source.name));
  if (looked.servers > 1) finding.detail = StrCat("on ", on, " of ", looked.servers, " servers");
  if (on >= looked.servers) {
    finding.state = State::kLoaded;
  } else if (source.path.empty()) {
    finding.remedy = StrCat(
        "give it a path under `adapters` of the engine, load it with `weir "
        "adapters load ",
        options.engine, " ", source.name, " PATH`, or start the server with --lora-modules");
  } else if (!options.may_load) {
    finding.remedy =
        StrCat("load it with `weir adapters load ", options.engine, " ", source.name, "`");
  } else if (!looked.may_load) {
    finding.remedy = StrCat(
        "start vllm serve with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 in its "
        "environment, or with --lora-modules ",
        source.name, "=", source.path);
  } else {
    finding.state = State::kLoadable;
  }
  return finding;
}

}  // namespace

std::string_view AdapterStateName(State state) {
  switch (state) {
    case State::kLoaded:
      return "loaded";
    case State::kLoadable:
      return "can be loaded";
    case State::kMissing:
      return "missing";
  }
  std::unreachable();
}

async::Task<Result<std::vector<AdapterFinding>>> CheckAdapters(async::Context ctx,
                                                               HostFinder& hosts,
                                                               AdapterShelfOptions options) {
  WEIR_CO_TRY(const Looked looked, co_await LookAt(ctx, hosts));
  std::vector<AdapterFinding> findings;
  findings.reserve(options.adapters.size());
  for (const AdapterSource& source : options.adapters) {
    findings.push_back(FindingOf(source, looked, options));
  }
  co_return findings;
}

}  // namespace weir::engine
