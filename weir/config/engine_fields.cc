#include "weir/config/engine_fields.h"

#include "weir/base/text.h"
#include "weir/json/fields.h"

namespace weir::config {
namespace {

using json::Fields;

const std::vector<std::string> kKinds = {"vllm", "sim"};
const std::vector<std::string> kAuthModes = {"auto", "none", "bearer"};

Result<void> ReadTimeouts(const json::YamlDocument& document, const std::string& pointer,
                          model::Timeouts& timeouts) {
  Fields fields(document, pointer);
  fields.TakeSeconds("connect", timeouts.connect);
  fields.TakeSeconds("first_token", timeouts.first_token);
  fields.TakeSeconds("idle", timeouts.idle);
  fields.TakeSeconds("total", timeouts.total);
  return fields.Finish();
}

Result<void> ReadRetry(const json::YamlDocument& document, const std::string& pointer,
                       engine::RetryRule& rule) {
  Fields fields(document, pointer);
  std::int64_t retries = rule.max_retries;
  fields.Take("max_retries", retries);
  fields.TakeSeconds("base_delay", rule.base_delay);
  fields.TakeSeconds("max_delay", rule.max_delay);
  fields.TakeSeconds("max_retry_after", rule.max_retry_after);
  fields.Take("multiplier", rule.multiplier);
  fields.Take("jitter", rule.jitter);
  WEIR_CHECK(fields.Finish());
  rule.max_retries = static_cast<int>(retries);
  const Result<void> valid = rule.Validate();
  if (valid) return {};
  return Fail(Code::kConfigError, StrCat(document.Where(pointer), ": ", valid.error().message));
}

Result<void> ReadLimits(const json::YamlDocument& document, const std::string& pointer,
                        engine::LimitOptions& limits) {
  Fields fields(document, pointer);
  auto in_flight = static_cast<std::int64_t>(limits.max_in_flight);
  auto waiting = static_cast<std::int64_t>(limits.max_waiting);
  fields.Take("max_in_flight", in_flight);
  fields.Take("max_waiting", waiting);
  WEIR_CHECK(fields.Finish());
  if (in_flight < 1) return Fail(fields.ErrorAt("max_in_flight", "must be at least 1"));
  if (waiting < 0) return Fail(fields.ErrorAt("max_waiting", "must be at least 0"));
  limits.max_in_flight = static_cast<std::size_t>(in_flight);
  limits.max_waiting = static_cast<std::size_t>(waiting);
  return {};
}

Result<void> ReadTls(const json::YamlDocument& document, const std::string& pointer,
                     http::TlsOptions& tls) {
  Fields fields(document, pointer);
  fields.Take("ca_file", tls.ca_file);
  fields.Take("cert_file", tls.cert_file);
  fields.Take("key_file", tls.key_file);
  fields.Take("server_name", tls.server_name);
  fields.Take("verify", tls.verify);
  return fields.Finish();
}

Result<void> ReadDefaults(const json::YamlDocument& document, const std::string& pointer,
                          model::Sampling& sampling) {
  Fields fields(document, pointer);
  fields.Take("max_tokens", sampling.max_tokens);
  fields.Take("min_tokens", sampling.min_tokens);
  fields.Take("temperature", sampling.temperature);
  fields.Take("top_p", sampling.top_p);
  fields.Take("top_k", sampling.top_k);
  fields.Take("min_p", sampling.min_p);
  fields.Take("frequency_penalty", sampling.frequency_penalty);
  fields.Take("presence_penalty", sampling.presence_penalty);
  fields.Take("repetition_penalty", sampling.repetition_penalty);
  fields.Take("seed", sampling.seed);
  fields.Take("stop", sampling.stop);
  fields.Take("logprobs", sampling.logprobs);
  fields.Take("prompt_logprobs", sampling.prompt_logprobs);
  fields.Take("skip_special_tokens", sampling.skip_special_tokens);
  WEIR_CHECK(fields.Finish());
  const Result<void> valid = sampling.Validate();
  if (valid) return {};
  return Fail(Code::kConfigError, StrCat(document.Where(pointer), ": ", valid.error().message));
}

// The variable is needed only when the engine is.
void ReadKey(Fields& fields, const Env& env, EngineConfig& engine) {
  std::string variable;
  fields.Take("api_key", engine.http.upstream.api_key);
  fields.Take("api_key_env", variable);
  if (variable.empty()) return;
  const std::optional<std::string> value = env.Get(variable);
  if (value) {
    engine.http.upstream.api_key = *value;
  } else {
    engine.unusable = fields.ErrorAt(
        "api_key_env",
        StrCat("names the variable ", variable, ", which is not set; export it or remove the key"));
  }
}

}  // namespace

Result<EngineConfig> ReadEngine(const json::YamlDocument& document, const std::string& pointer,
                                std::string name, const Env& env) {
  EngineConfig engine;
  engine::UpstreamOptions& upstream = engine.http.upstream;
  Fields fields(document, pointer);
  std::size_t kind = 0;
  std::size_t auth = 0;
  std::string dialect;
  fields.Take("name", name);
  fields.TakeWord("kind", kind, kKinds);
  fields.TakeWord("auth", auth, kAuthModes);
  fields.Take("base_url", upstream.base_url, "endpoint");
  fields.Take("model", engine.http.model, "default_model");
  fields.Take("dialect", dialect);
  fields.Take("extra", engine.http.extra);
  fields.TakeSeconds("timeout", upstream.timeouts.total);
  ReadKey(fields, env, engine);
  WEIR_CHECK(ReadTimeouts(document, fields.Inside("timeouts"), upstream.timeouts));
  WEIR_CHECK(ReadRetry(document, fields.Inside("retry"), engine.retry));
  WEIR_CHECK(ReadLimits(document, fields.Inside("limits"), engine.limits));
  WEIR_CHECK(ReadTls(document, fields.Inside("tls"), engine.tls));
  WEIR_CHECK(ReadDefaults(document, fields.Inside("defaults"), engine.defaults));
  WEIR_CHECK(fields.Finish());
  if (name.empty())
    return Fail(fields.ErrorAt("name", "is missing: an engine of a list names itself"));
  if (!dialect.empty()) {
    const Result<wire::Dialect> known = wire::DialectByName(dialect);
    if (!known) return Fail(fields.ErrorAt("dialect", StrCat("is wrong: ", known.error().message)));
    if (known->kind != wire::ServerKind::kVllm) {
      return Fail(fields.ErrorAt(
          "dialect", StrCat("must be vLLM's: ", Join(wire::ClientDialectNames(), ", "))));
    }
    upstream.dialect = *known;
  }
  if (!engine.http.extra.IsNull() && !engine.http.extra.IsObject()) {
    return Fail(fields.ErrorAt("extra", "must be a map of request fields"));
  }
  engine.name = name;
  engine.http.name = std::move(name);
  engine.kind = kind == 0 ? Kind::kVllm : Kind::kSim;
  upstream.auth = static_cast<wire::AuthMode>(auth);
  return engine;
}

}  // namespace weir::config
