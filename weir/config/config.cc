#include "weir/config/config.h"

#include "weir/base/text.h"
#include "weir/config/addresses.h"
#include "weir/config/environment.h"
#include "weir/config/file.h"
#include "weir/config/profiles.h"
#include "weir/config/read.h"

namespace weir::config {
namespace {

// Engines are used as they are at an address of their own.
Result<EngineConfig> Usable(EngineConfig engine) {
  if (engine.unusable) return Fail(*std::move(engine.unusable));
  engine.http.upstream.base_url = PlainAddress(engine.http.upstream.base_url);
  return engine;
}

Result<EngineConfig> EngineAt(std::string_view address, const Env& env) {
  const bool bare = address.find("://") == address.npos && !address.starts_with("unix:");
  EngineConfig engine;
  engine.name = address;
  engine.kind = KindOfAddress(address);
  if (engine.kind == Kind::kOpenAi) {
    engine.http.kind = wire::ServerKind::kOpenAi;
    if (const auto key = env.Get("OPENAI_API_KEY")) engine.http.upstream.api_key = *key;
  } else if (engine.kind == Kind::kOllama) {
    engine.http.kind = wire::ServerKind::kOllama;
  }
  // Only what says nothing about the address: an address on the command line is an address.
  std::vector<Origin> origins;
  WEIR_CHECK(ApplyEnvironment(engine, env, origins));
  engine.http.upstream.base_url = bare ? StrCat("http://", address) : std::string(address);
  return Usable(std::move(engine));
}

Error UnknownEngine(const Config& config, std::string_view name, std::string_view said_by) {
  std::vector<std::string> known = {"sim"};
  for (const EngineConfig& other : config.engines) known.push_back(other.name);
  const std::optional<std::string> nearest = Nearest(name, known);
  return {.code = Code::kConfigError,
          .message = StrCat("there is no engine '", name, "'", said_by,
                            nearest ? StrCat("; did you mean '", *nearest, "'?")
                                    : StrCat("; known: ", Join(known, ", "),
                                             ", or give an address such as "
                                             "http://localhost:8000"))};
}

}  // namespace

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kVllm:
      return "vllm";
    case Kind::kOpenAi:
      return "openai";
    case Kind::kOllama:
      return "ollama";
    case Kind::kSim:
      return "sim";
  }
  std::unreachable();
}

const EngineConfig* Config::Find(std::string_view name) const {
  for (const EngineConfig& engine : engines) {
    if (engine.name == name) return &engine;
  }
  return nullptr;
}

Result<Config> Load(const std::string& file, const Env& env) {
  WEIR_TRY(const std::optional<FoundFile> found, FindFile(file, env));
  Config config;
  config.profiles = BuiltInProfiles();
  if (found) {
    WEIR_TRY(config, Parse(found->text, found->path, env));
  } else {
    for (std::string& path : UnsetOnPurpose())
      SetOrigin(config.origins, std::move(path), "built in");
  }
  if (config.engines.empty()) {
    config.engines.emplace_back();
    config.default_engine = config.engines.front().name;
  }
  ApplyEnvironment(config, env);
  for (EngineConfig& engine : config.engines) {
    if (engine.name == config.default_engine) {
      WEIR_CHECK(ApplyEnvironment(engine, env, config.origins));
    }
  }
  return config;
}

Result<EngineConfig> ResolveEngine(const Config& config, std::string_view name, const Env& env) {
  const bool by_default = name.empty();
  if (by_default) name = config.default_engine;
  if (const EngineConfig* engine = config.Find(name)) return Usable(*engine);
  if (name == "sim") {
    EngineConfig engine;
    engine.name = name;
    engine.kind = Kind::kSim;
    return engine;
  }
  if (LooksLikeAddress(name)) return EngineAt(name, env);
  const bool by_variable = by_default && env.Get("WEIR_ENGINE") == name;
  return Fail(UnknownEngine(config, name, by_variable ? ", which $WEIR_ENGINE names" : ""));
}

}  // namespace weir::config
