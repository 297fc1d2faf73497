#include "weir/config/environment.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "weir/base/text.h"
#include "weir/config/addresses.h"
#include "weir/config/keys.h"
#include "weir/json/pointer.h"

namespace weir::config {
namespace {

constexpr std::int64_t kMostRetries = 1'000'000;

Result<double> NumberOf(std::string_view name, std::string_view text, double low, double high) {
  const std::optional<double> value = ParseDouble(text);
  if (value && *value >= low && *value <= high) return *value;
  return Fail(Code::kConfigError, StrCat("the variable ", name, " must be a number in [", low, ", ",
                                         high, "], found '", text, "'"));
}

Result<std::int64_t> WholeNumberOf(std::string_view name, std::string_view text, std::int64_t low,
                                   std::int64_t high) {
  const std::optional<std::int64_t> value = ParseInt(text);
  if (value && *value >= low && *value <= high) return *value;
  return Fail(Code::kConfigError, StrCat("the variable ", name, " must be a whole number from ",
                                         low, " to ", high, ", found '", text, "'"));
}

Result<Duration> SecondsOf(std::string_view name, std::string_view text) {
  WEIR_TRY(const double seconds, NumberOf(name, text, 0, kMostSeconds));
  constexpr double kNanos = 1e9;
  return Duration(std::llround(seconds * kNanos));
}

Result<void> SetUrl(std::string_view, std::string_view text, EngineConfig& engine) {
  engine.http.upstream.base_url = WithScheme(text);
  engine.managed = false;
  return {};
}

Result<void> SetModel(std::string_view, std::string_view text, EngineConfig& engine) {
  engine.http.model = text;
  return {};
}

Result<void> SetKey(std::string_view, std::string_view text, EngineConfig& engine) {
  engine.http.upstream.api_key = text;
  return {};
}

Result<void> SetTimeout(std::string_view name, std::string_view text, EngineConfig& engine) {
  WEIR_TRY(const Duration time, SecondsOf(name, text));
  if (time <= Duration::zero()) {
    return Fail(Code::kConfigError,
                StrCat("the variable ", name, " must be above 0, found '", text,
                       "'; to wait for ever, write timeouts: {total: 0} in weir.yaml"));
  }
  engine.http.upstream.timeouts.total = time;
  return {};
}

Result<void> SetRetries(std::string_view name, std::string_view text, EngineConfig& engine) {
  WEIR_TRY(const std::int64_t retries, WholeNumberOf(name, text, 0, kMostRetries));
  engine.retry.max_retries = static_cast<int>(retries);
  return {};
}

Result<void> SetBaseDelay(std::string_view name, std::string_view text, EngineConfig& engine) {
  WEIR_TRY(engine.retry.base_delay, SecondsOf(name, text));
  return {};
}

Result<void> SetMaxDelay(std::string_view name, std::string_view text, EngineConfig& engine) {
  WEIR_TRY(engine.retry.max_delay, SecondsOf(name, text));
  return {};
}

Result<void> SetMultiplier(std::string_view name, std::string_view text, EngineConfig& engine) {
  WEIR_TRY(engine.retry.multiplier, NumberOf(name, text, 1, 1000));
  return {};
}

Result<void> SetTemperature(std::string_view name, std::string_view text, EngineConfig& engine) {
  WEIR_TRY(engine.defaults.temperature, NumberOf(name, text, 0, 2));
  return {};
}

Result<void> SetMaxTokens(std::string_view name, std::string_view text, EngineConfig& engine) {
  WEIR_TRY(engine.defaults.max_tokens,
           WholeNumberOf(name, text, 1, std::numeric_limits<std::int64_t>::max()));
  return {};
}

constexpr Variable kVariables[] = {
    {"VLLM_BASE_URL", "base_url", SetUrl},
    {"VLLM_MODEL", "model", SetModel},
    {"VLLM_API_KEY", "api_key", SetKey},
    {"VLLM_TIMEOUT", "timeouts.total", SetTimeout},
    {"VLLM_MAX_RETRIES", "retry.max_retries", SetRetries},
    {"VLLM_RETRY_BASE_DELAY", "retry.base_delay", SetBaseDelay},
    {"VLLM_RETRY_MAX_DELAY", "retry.max_delay", SetMaxDelay},
    {"VLLM_RETRY_BACKOFF_MULTIPLIER", "retry.multiplier", SetMultiplier},
    {"VLLM_TEMPERATURE", "defaults.temperature", SetTemperature},
    {"VLLM_MAX_TOKENS", "defaults.max_tokens", SetMaxTokens},
    {"WEIR_BASE_URL", "base_url", SetUrl, true},
    {"WEIR_MODEL", "model", SetModel, true},
    {"WEIR_API_KEY", "api_key", SetKey, true},
    {"WEIR_TIMEOUT", "timeouts.total", SetTimeout, true},
};

}  // namespace

std::span<const Variable> EngineVariables() { return kVariables; }

void SetOrigin(std::vector<Origin>& origins, std::string pointer, std::string source) {
  const auto found = std::ranges::find(origins, pointer, &Origin::pointer);
  if (found != origins.end()) {
    found->source = std::move(source);
  } else {
    origins.push_back({.pointer = std::move(pointer), .source = std::move(source)});
  }
}

Result<void> ApplyEnvironment(EngineConfig& engine, const Env& env, std::vector<Origin>& origins) {
  if (engine.kind == Kind::kSim) return {};
  for (const Variable& variable : kVariables) {
    if (!variable.any_server && engine.kind != Kind::kVllm) continue;
    const std::optional<std::string> text = env.Get(variable.name);
    if (!text) continue;
    WEIR_CHECK(variable.apply(variable.name, *text, engine));
    std::string pointer = "/engines";
    json::AppendToken(pointer, engine.name);
    for (const std::string_view part : Split(variable.sets, '.')) json::AppendToken(pointer, part);
    SetOrigin(origins, std::move(pointer), StrCat("$", variable.name));
  }
  return engine.retry.Validate();
}

void ApplyEnvironment(Config& config, const Env& env) {
  if (const auto engine = env.Get("WEIR_ENGINE")) {
    config.default_engine = *engine;
    SetOrigin(config.origins, "/default_engine", "$WEIR_ENGINE");
  }
  if (const auto file = env.Get("WEIR_EVENTS_FILE")) {
    config.events.file = *file;
    SetOrigin(config.origins, "/events/file", "$WEIR_EVENTS_FILE");
  }
  if (const auto store = env.Get("WEIR_JOBS_STORE")) {
    config.jobs.store = *store;
    SetOrigin(config.origins, "/jobs/store", "$WEIR_JOBS_STORE");
  }
}

}  // namespace weir::config
