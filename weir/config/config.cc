#include "weir/config/config.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>

#include <fcntl.h>
#include <unistd.h>

#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/config/engine_fields.h"
#include "weir/json/fields.h"
#include "weir/json/pointer.h"

namespace weir::config {
namespace {

Result<std::optional<std::string>> ReadFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::optional<std::string>();
  if (fd < 0) {
    return Fail(Code::kConfigError, StrCat("cannot read the configuration ", path),
                std::strerror(errno));
  }
  std::string text;
  char buffer[8192];
  ssize_t got = 0;
  while ((got = ::read(fd, buffer, sizeof(buffer))) > 0 && text.size() < limits::kConfigFileBytes) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  const int error = errno;
  ::close(fd);
  if (got < 0) {
    return Fail(Code::kConfigError, StrCat("cannot read the configuration ", path),
                std::strerror(error));
  }
  return std::optional<std::string>(std::move(text));
}

struct Found {
  std::string path;
  std::string text;
};

Result<std::optional<Found>> FindFile(const std::string& named, const Env& env) {
  const std::string demanded = named.empty() ? env.Get("WEIR_CONFIG").value_or("") : named;
  if (!demanded.empty()) {
    WEIR_TRY(std::optional<std::string> text, ReadFile(demanded));
    if (!text) {
      return Fail(Code::kConfigError, StrCat("there is no configuration ", demanded,
                                             "; check --config and $WEIR_CONFIG"));
    }
    return std::optional<Found>(Found{.path = demanded, .text = *std::move(text)});
  }
  std::vector<std::string> places = {"weir.yaml"};
  if (const auto home = env.Get("HOME")) places.push_back(*home + "/.config/weir/weir.yaml");
  for (const std::string& place : places) {
    WEIR_TRY(std::optional<std::string> text, ReadFile(place));
    if (text) return std::optional<Found>(Found{.path = place, .text = *std::move(text)});
  }
  return std::optional<Found>();
}

constexpr double kMostSeconds = 1e9;
constexpr std::int64_t kMostRetries = 1'000'000;

Result<double> NumberOf(std::string_view variable, std::string_view text, double low, double high) {
  const std::optional<double> value = ParseDouble(text);
  if (value && *value >= low && *value <= high) return *value;
  return Fail(Code::kConfigError, StrCat("the variable ", variable, " must be a number in [", low,
                                         ", ", high, "], found '", text, "'"));
}

Result<std::int64_t> WholeNumberOf(std::string_view variable, std::string_view text,
                                   std::int64_t low, std::int64_t high) {
  const std::optional<std::int64_t> value = ParseInt(text);
  if (value && *value >= low && *value <= high) return *value;
  return Fail(Code::kConfigError, StrCat("the variable ", variable, " must be a whole number from ",
                                         low, " to ", high, ", found '", text, "'"));
}

Duration Seconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

// The client variables that people already have set for vLLM.
Result<void> ApplyEnv(EngineConfig& engine, const Env& env) {
  engine::UpstreamOptions& upstream = engine.http.upstream;
  if (const auto text = env.Get("VLLM_BASE_URL")) upstream.base_url = *text;
  if (const auto text = env.Get("VLLM_MODEL")) engine.http.model = *text;
  if (const auto text = env.Get("VLLM_API_KEY")) upstream.api_key = *text;
  if (const auto text = env.Get("VLLM_TIMEOUT")) {
    WEIR_TRY(const double seconds, NumberOf("VLLM_TIMEOUT", *text, 0, kMostSeconds));
    upstream.timeouts.total = Seconds(seconds);
  }
  if (const auto text = env.Get("VLLM_MAX_RETRIES")) {
    WEIR_TRY(const std::int64_t retries, WholeNumberOf("VLLM_MAX_RETRIES", *text, 0, kMostRetries));
    engine.retry.max_retries = static_cast<int>(retries);
  }
  if (const auto text = env.Get("VLLM_RETRY_BASE_DELAY")) {
    WEIR_TRY(const double seconds, NumberOf("VLLM_RETRY_BASE_DELAY", *text, 0, kMostSeconds));
    engine.retry.base_delay = Seconds(seconds);
  }
  if (const auto text = env.Get("VLLM_RETRY_MAX_DELAY")) {
    WEIR_TRY(const double seconds, NumberOf("VLLM_RETRY_MAX_DELAY", *text, 0, kMostSeconds));
    engine.retry.max_delay = Seconds(seconds);
  }
  if (const auto text = env.Get("VLLM_RETRY_BACKOFF_MULTIPLIER")) {
    WEIR_TRY(engine.retry.multiplier, NumberOf("VLLM_RETRY_BACKOFF_MULTIPLIER", *text, 1, 1000));
  }
  if (const auto text = env.Get("VLLM_TEMPERATURE")) {
    WEIR_TRY(engine.defaults.temperature, NumberOf("VLLM_TEMPERATURE", *text, 0, 2));
  }
  if (const auto text = env.Get("VLLM_MAX_TOKENS")) {
    WEIR_TRY(engine.defaults.max_tokens,
             WholeNumberOf("VLLM_MAX_TOKENS", *text, 1, std::numeric_limits<std::int64_t>::max()));
  }
  return engine.retry.Validate();
}

bool LooksLikeAddress(std::string_view name) {
  if (name.find("://") != name.npos || name.starts_with("unix:")) return true;
  const std::size_t colon = name.rfind(':');
  return colon != name.npos && colon > 0 && ParseUint(name.substr(colon + 1)).has_value();
}

// What people copy when they want a base URL: the whole path of an endpoint.
constexpr std::string_view kEndpoints[] = {"/chat/completions", "/completions", "/models",
                                           "/responses", "/embeddings"};

// The address without the path of an endpoint behind /v1, and a socket's path made absolute.
std::string PlainAddress(std::string_view text) {
  text = Trim(text);
  while (text.ends_with('/')) text.remove_suffix(1);
  for (const std::string_view endpoint : kEndpoints) {
    const std::string_view rest =
        text.substr(0, text.size() - std::min(text.size(), endpoint.size()));
    if (!text.ends_with(endpoint) || !rest.ends_with("/v1") || rest.ends_with("//v1")) continue;
    text = rest;
    break;
  }
  constexpr std::string_view kUnix = "unix:";
  const std::string_view path = text.starts_with(kUnix) ? text.substr(kUnix.size()) : "";
  std::error_code unknown;  // then the address is refused as it was written
  const std::filesystem::path here = std::filesystem::current_path(unknown);
  if (path.empty() || path.starts_with('/') || unknown) return std::string(text);
  return StrCat(kUnix, here.string(), "/", path);
}

// The engine as it can be used.
Result<EngineConfig> Usable(EngineConfig engine) {
  if (engine.unusable) return Fail(*std::move(engine.unusable));
  engine.http.upstream.base_url = PlainAddress(engine.http.upstream.base_url);
  return engine;
}

}  // namespace

const EngineConfig* Config::Find(std::string_view name) const {
  for (const EngineConfig& engine : engines) {
    if (engine.name == name) return &engine;
  }
  return nullptr;
}

Result<Config> Parse(std::string_view text, std::string_view file_name, const Env& env) {
  WEIR_TRY(const json::YamlDocument document, json::ReadYaml(text, file_name));
  Config config;
  config.file = file_name;
  json::Fields root(document, "");
  std::int64_t version = 1;
  root.Take("version", version);
  root.Take("default_engine", config.default_engine);
  const json::View engines = root.Get("engines");
  WEIR_CHECK(root.Finish());
  if (version != 1) return Fail(root.ErrorAt("version", "must be 1, the only one there is"));
  if (engines.IsObject()) {
    for (const auto& [name, value] : engines.members()) {
      std::string pointer = "/engines";
      json::AppendToken(pointer, name);
      WEIR_TRY(EngineConfig engine, ReadEngine(document, pointer, std::string(name), env));
      config.engines.push_back(std::move(engine));
    }
  }
  for (std::size_t i = 0; i < engines.items().size(); ++i) {
    WEIR_TRY(EngineConfig engine, ReadEngine(document, StrCat("/engines/", i), "", env));
    config.engines.push_back(std::move(engine));
  }
  if (engines.exists() && !engines.IsObject() && !engines.IsArray()) {
    return Fail(root.ErrorAt("engines", "must be a map of names or a list"));
  }
  if (config.default_engine.empty() && !config.engines.empty()) {
    config.default_engine = config.engines.front().name;
  }
  if (!config.default_engine.empty() && config.Find(config.default_engine) == nullptr) {
    return Fail(root.ErrorAt(
        "default_engine", StrCat("names no engine of this file: '", config.default_engine, "'")));
  }
  return config;
}

Result<Config> Load(const std::string& file, const Env& env) {
  WEIR_TRY(const std::optional<Found> found, FindFile(file, env));
  Config config;
  if (found) {
    WEIR_TRY(config, Parse(found->text, found->path, env));
  }
  if (config.engines.empty()) {
    config.engines.emplace_back();
    config.default_engine = config.engines.front().name;
  }
  for (EngineConfig& engine : config.engines) {
    if (engine.name == config.default_engine && engine.kind == Kind::kVllm) {
      WEIR_CHECK(ApplyEnv(engine, env));
    }
  }
  return config;
}

Result<EngineConfig> ResolveEngine(const Config& config, std::string_view name, const Env& env) {
  if (name.empty()) name = config.default_engine;
  if (const EngineConfig* engine = config.Find(name)) return Usable(*engine);
  EngineConfig engine;
  engine.name = name;
  if (name == "sim") {
    engine.kind = Kind::kSim;
    return engine;
  }
  if (!LooksLikeAddress(name)) {
    std::vector<std::string> known = {"sim"};
    for (const EngineConfig& other : config.engines) known.push_back(other.name);
    const std::optional<std::string> nearest = Nearest(name, known);
    return Fail(Code::kConfigError,
                StrCat("there is no engine '", name, "'",
                       nearest ? StrCat("; did you mean '", *nearest, "'?")
                               : StrCat("; known: ", Join(known, ", "),
                                        ", or give an address such as http://localhost:8000")));
  }
  const bool bare = name.find("://") == name.npos && !name.starts_with("unix:");
  // Only what says nothing about the address: an address on the command line is an address.
  WEIR_CHECK(ApplyEnv(engine, env));
  engine.http.upstream.base_url = bare ? StrCat("http://", name) : std::string(name);
  return Usable(std::move(engine));
}

}  // namespace weir::config
