#include "weir/client/engine_options.h"

#include <algorithm>

#include "weir/base/expand.h"
#include "weir/base/text.h"
#include "weir/config/addresses.h"
#include "weir/json/writer.h"
#include "weir/json/yaml.h"

namespace weir::client {
namespace {

// What is given in code is meant as it is: a dollar is no variable.
void WriteText(std::string_view key, std::string_view text, json::Writer& out) {
  if (text.empty()) return;
  out.Key(key);
  out.String(EscapeDollars(text));
}

Result<void> WriteEngine(const EngineOptions& engine, json::Writer& out) {
  out.Key(engine.name);
  out.BeginObject();
  const config::Kind kind = config::KindOfAddress(engine.base_url);
  const std::string_view guess = kind == config::Kind::kOpenAi   ? "openai"
                                 : kind == config::Kind::kOllama ? "ollama"
                                                                 : "vllm";
  WriteText("kind", engine.kind.empty() ? guess : engine.kind, out);
  WriteText("base_url", engine.base_url, out);
  WriteText("model", engine.model, out);
  WriteText("api_key", engine.api_key, out);
  WEIR_TRY(const json::YamlDocument settings,
           json::ReadYaml(engine.settings, "EngineOptions::settings"));
  if (!settings.value.IsObject() && !settings.value.IsNull()) {
    return Fail(Code::kConfigError,
                StrCat("EngineOptions::settings of the engine '", engine.name,
                       "' must hold keys and values, such as \"retry: {max_retries: 0}\""));
  }
  for (const json::Member member : settings.value.members()) {
    out.Key(member.key);
    out.Value(member.value);
  }
  out.EndObject();
  return {};
}

// As one document of the form of weir.yaml, so that there is one reader of settings. Fallbacks may
// be engines of another document: they are left to the registry.
Result<config::Config> Parse(const ClientOptions& options) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Key("engines");
  out.BeginObject();
  for (const EngineOptions& engine : options.engines) {
    if (engine.name.empty() ||
        std::ranges::count(options.engines, engine.name, &EngineOptions::name) > 1) {
      return Fail(Code::kConfigError, StrCat("every engine of ClientOptions needs a name of its "
                                             "own; there are two called '",
                                             engine.name, "'"));
    }
    WEIR_CHECK(WriteEngine(engine, out));
  }
  out.EndObject();
  out.EndObject();
  WEIR_TRY(config::Config config, config::Parse(text, "ClientOptions::engines", options.env));
  for (const EngineOptions& engine : options.engines) {
    const auto made = std::ranges::find(config.engines, engine.name, &config::EngineConfig::name);
    if (made != config.engines.end() && !engine.fallback.empty()) made->fallback = engine.fallback;
  }
  return config;
}

}  // namespace

Result<config::Config> ConfigOf(const ClientOptions& options) {
  if (options.engines.empty()) return config::Load(options.config, options.env);
  WEIR_TRY(config::Config made, Parse(options));
  if (options.config.empty()) {
    made.default_engine = options.engines.front().name;
    return made;
  }
  WEIR_TRY(config::Config config, config::Load(options.config, options.env));
  for (config::EngineConfig& engine : made.engines) {
    const auto same = std::ranges::find(config.engines, engine.name, &config::EngineConfig::name);
    if (same == config.engines.end()) {
      config.engines.push_back(std::move(engine));
    } else {
      *same = std::move(engine);
    }
  }
  return config;
}

}  // namespace weir::client
