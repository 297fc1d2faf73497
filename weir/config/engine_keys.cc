// The keys of one engine.

#include <algorithm>

#include "weir/base/text.h"
#include "weir/config/addresses.h"
#include "weir/config/describe.h"
#include "weir/config/model_keys.h"
#include "weir/config/profiles.h"
#include "weir/config/sampling_keys.h"
#include "weir/config/serve_keys.h"
#include "weir/wire/dialect.h"

namespace weir::config {
namespace {

const Words kKinds = {
    .words = {"vllm", "openai", "ollama", "sim"},
    .aliases = {{"vllm_api", 0},
                {"ollama_api", 2},
                {"vllm_local", 0,
                 "is gone: models run in a server, not in this process; write vllm_api with the "
                 "server's base_url, of a server that you start"}}};
const Words kAuthModes = {.words = {"auto", "none", "bearer"}};
const Words kApis = {.words = {"chat", "completions", "responses"}};
const Words kFormats = {.words = {"json_schema", "json_object"}};
const Words kStrictness = {.words = {"strict", "mend", "salvage"}};
const Words kDebugLevels = {.words = {"off", "summary", "raw"},
                            .aliases = {{"false", 0, {}, false}, {"true", 1, {}, false}}};
const Words kAdapterFallbacks = {.words = {"base", "error"}};
const Words kPaces = {.words = {"instant", "fixed", "modelled"}};

// Keys that people write beside the engine's own, and where they belong.
constexpr std::pair<std::string_view, std::string_view> kElsewhere[] = {
    {"min_tokens", "defaults.min_tokens"},
    {"top_p", "defaults.top_p"},
    {"top_k", "defaults.top_k"},
    {"min_p", "defaults.min_p"},
    {"frequency_penalty", "defaults.frequency_penalty"},
    {"presence_penalty", "defaults.presence_penalty"},
    {"repetition_penalty", "defaults.repetition_penalty"},
    {"seed", "defaults.seed"},
    {"stop", "defaults.stop"},
    {"logprobs", "defaults.logprobs"},
    {"prompt_logprobs", "defaults.prompt_logprobs"},
    {"max_logprobs", "defaults.max_logprobs"},
    {"skip_special_tokens", "defaults.skip_special_tokens"},
    {"guided_json", "defaults.guided_json"},
    {"url", "base_url"},
    {"host", "base_url"},
    {"address", "base_url"},
    {"api_base", "base_url"},
    {"key", "api_key"},
    {"type", "kind"},
    {"model_name", "model"},
    {"retries", "retry.max_retries"},
    {"context_window", "limits.context_window"},
    {"max_in_flight", "limits.max_in_flight"},
    {"concurrency", "limits.max_in_flight"}};

constexpr Range kRetries = Within(0, 1'000'000);

std::string_view DefaultUrl(Kind kind) {
  if (kind == Kind::kOpenAi) return "https://api.openai.com";
  if (kind == Kind::kOllama) return "http://localhost:11434";
  return "http://localhost:8000";
}

wire::ServerKind ServerKindOf(Kind kind) {
  if (kind == Kind::kOpenAi) return wire::ServerKind::kOpenAi;
  if (kind == Kind::kOllama) return wire::ServerKind::kOllama;
  return wire::ServerKind::kVllm;
}

void StartFrom(Visitor& v, EngineConfig& engine, const Profiles& profiles) {
  engine.http.kind = ServerKindOf(engine.kind);
  engine.http.upstream.base_url = DefaultUrl(engine.kind);
  if (engine.profile.empty()) return;
  const auto found = profiles.find(engine.profile);
  if (found != profiles.end()) return Apply(v, found->second, engine);
  std::vector<std::string> names;
  for (const auto& [name, profile] : profiles) names.push_back(name);
  const std::optional<std::string> nearest = Nearest(engine.profile, names);
  v.Problem("profile", StrCat("names no profile: '", engine.profile, "'",
                              nearest ? StrCat("; did you mean '", *nearest, "'?")
                                      : StrCat("; there are ", Join(names, ", "))));
}

// A dialect must be one that the kind of server has.
void DescribeDialect(Visitor& v, EngineConfig& engine) {
  const bool sim = engine.kind == Kind::kSim;
  std::optional<wire::Dialect>& set = engine.http.upstream.dialect;
  std::string name = sim ? engine.sim.dialect.name : set ? set->name : "";
  const std::string before = name;
  v.Field({"dialect",
           {},
           "what the server understands: vllm-0.6 ... vllm-latest, openai or ollama; default: the "
           "server is asked"},
          name);
  if (!v.reads() || name == before) return;
  const Result<wire::Dialect> known = wire::DialectByName(name);
  if (!known) return v.Problem("dialect", StrCat("is wrong: ", known.error().message));
  if (sim) {
    engine.sim.dialect = *known;
  } else if (known->kind == ServerKindOf(engine.kind)) {
    set = *known;
  } else {
    v.Problem("dialect",
              engine.kind == Kind::kVllm
                  ? StrCat("must be vLLM's: ", Join(wire::ClientDialectNames(), ", "))
                  : StrCat("must be ", kKinds.words[static_cast<std::size_t>(engine.kind)],
                           ", as the kind of the engine is"));
  }
}

void DescribeHeaders(Visitor& v, http::Headers& headers) {
  std::map<std::string, std::string> fields;
  for (const http::Header field : headers) fields.emplace(field.name, field.value);
  v.Field({"headers", {}, "further header fields of every request"}, fields);
  if (!v.reads()) return;
  for (const auto& [name, value] : fields) headers.Set(name, value);
}

void DescribeTimeouts(Visitor& v, model::Timeouts& timeouts) {
  Key section{"timeouts", {}, "seconds; 0 switches a clock off"};
  section.meant = "total";
  v.Section(section, [&](Visitor& inner) {
    inner.Field({"connect", {}, "name lookup, TCP, proxy and TLS together"}, timeouts.connect);
    inner.Field({"first_token", {}, "from the request until the first token"},
                timeouts.first_token);
    inner.Field({"idle", {}, "between two events of a stream"}, timeouts.idle);
    inner.Field({"total", {}, "everything, all attempts and waits included"}, timeouts.total);
  });
  v.Field({"timeout", {}, "seconds of a whole call", Above(0), "timeouts.total"}, timeouts.total);
}

void DescribeRetry(Visitor& v, engine::RetryRule& rule) {
  Key section{"retry", {}, "asking again when a connection or server fails"};
  section.meant = "max_retries";
  v.Section(section, [&](Visitor& inner) {
    inner.Number({"max_retries", {}, "tries after the first", kRetries}, rule.max_retries);
    inner.Field({"base_delay", {"retry_base_delay"}, "seconds before the first repeat"},
                rule.base_delay);
    inner.Field({"multiplier",
                 {"retry_backoff_multiplier", "backoff_multiplier"},
                 "each further delay is that much longer",
                 Within(1, 1000)},
                rule.multiplier);
    inner.Field({"max_delay", {"retry_max_delay"}, "caps the growth, seconds"}, rule.max_delay);
    inner.Field({"max_retry_after", {}, "a server that asks for more seconds is given up"},
                rule.max_retry_after);
    inner.Field({"jitter", {}, "part of a delay that is left off at random", Within(0, 1)},
                rule.jitter);
  });
  std::int64_t retries = rule.max_retries;
  v.Field({"max_retries", {}, "tries after the first", kRetries, "retry.max_retries"}, retries);
  rule.max_retries = static_cast<int>(retries);
  v.Field({"retry_base_delay", {}, "seconds", kAny, "retry.base_delay"}, rule.base_delay);
  v.Field({"retry_max_delay", {}, "seconds", kAny, "retry.max_delay"}, rule.max_delay);
  v.Field({"retry_backoff_multiplier", {}, "growth", Within(1, 1000), "retry.multiplier"},
          rule.multiplier);
  if (v.reads() && rule.max_delay < rule.base_delay) {
    v.Problem("retry", "must not have a max_delay below its base_delay; raise retry.max_delay");
  }
}

void DescribeLimits(Visitor& v, EngineConfig& engine) {
  Key section{"limits", {}, "how much the engine is given at once"};
  section.meant = "max_in_flight";
  v.Section(section, [&](Visitor& inner) {
    inner.Number({"max_in_flight", {}, "calls at once", AtLeast(1)}, engine.limits.max_in_flight);
    inner.Number({"max_waiting", {}, "calls that may wait for a place", AtLeast(0)},
                 engine.limits.max_waiting);
    Key window{"context_window",
               {},
               "tokens of prompt and answer; auto: what the server says",
               AtLeast(1)};
    window.plain = "auto";
    inner.Field(window, engine.context_window);
  });
}

void DescribeStructured(Visitor& v, EngineConfig& engine) {
  engine::VerifyOptions& verify = engine.verify;
  Key key{"structured", {}, "how answers of a given shape are asked for and held to it"};
  key.plain = "format";
  v.Section(key, [&](Visitor& inner) {
    inner.Number({"max_attempts", {}, "answers asked for, the first one included", AtLeast(1)},
                 verify.max_attempts);
    inner.Enum({"strictness", {}, "how much of an answer may be mended"}, kStrictness,
               verify.strictness);
    inner.Field({"coerce", {}, "bends values to the schema, as docs/schema-coerce.md says"},
                verify.coerce);
    inner.Number(
        {"max_blank", {"max_blank_bytes"}, "white space in a row that ends a stream", AtLeast(1)},
        verify.max_blank_bytes);
    inner.Field({"longer_by",
                 {},
                 "a cut answer is asked for again with that many times the tokens",
                 AtLeast(1)},
                verify.longer_by);
    std::size_t format = engine.only_json_object ? 1 : 0;
    inner.Word({"format",
                {},
                "json_object: the server is only asked for JSON, the schema is "
                "checked here"},
               kFormats, format);
    engine.only_json_object = format == 1;
    inner.Field({"degrade", {}, "the same as `degrade` of the engine", kAny, "../degrade"},
                engine.http.degrade);
  });
}

void DescribePolicies(Visitor& v, EngineConfig& engine) {
  DescribeTimeouts(v, engine.http.upstream.timeouts);
  DescribeRetry(v, engine.retry);
  DescribeLimits(v, engine);
  v.Section({"breaker", {}, "when a failing engine is left alone for a while"},
            [&](Visitor& inner) {
              inner.Number({"failures", {}, "in a row until it opens; 0: never", AtLeast(0)},
                           engine.breaker.failures);
              inner.Field({"open_for", {}, "seconds until a trial"}, engine.breaker.open_for);
              inner.Number({"trials", {}, "calls at once while it is tried", AtLeast(1)},
                           engine.breaker.trials);
            });
  v.Section({"health", {}, "how a process that lives long watches the engine"},
            [&](Visitor& inner) {
              inner.Field({"interval", {}, "seconds between checks; 0: only failures count"},
                          engine.health.interval);
              inner.Field({"timeout", {}, "seconds of one check", Above(0)}, engine.health.timeout);
            });
  DescribeStructured(v, engine);
  v.Field({"stream_inside",
           {},
           "whole calls are streamed on the wire, so that first_token and idle watch them too"},
          engine.http.stream_inside);
}

void DescribeDefaults(Visitor& v, EngineConfig& engine) {
  model::Sampling& sampling = engine.defaults;
  v.Section(
      {"defaults", {}, "for what a call leaves open; what is not set is not sent"},
      [&](Visitor& inner) {
        inner.Field({"guided_json",
                     {},
                     "false: constraints are not sent, answers are only "
                     "checked"},
                    engine.guided_json);
        inner.Field({"max_logprobs", {}, "more are refused before anything is sent", AtLeast(0)},
                    engine.max_logprobs);
        DescribeSampling(inner, sampling);
        if (inner.reads() && sampling.logprobs.value_or(0) > engine.max_logprobs) {
          inner.Problem("logprobs",
                        StrCat("must not be above max_logprobs, which is ", engine.max_logprobs));
        }
      });
  v.Field({"max_tokens", {}, "most tokens to write", AtLeast(1), "defaults.max_tokens"},
          sampling.max_tokens);
  v.Field({"temperature", {}, "0 is greedy", Within(0, 2), "defaults.temperature"},
          sampling.temperature);
}

void DescribeDebug(Visitor& v, EngineConfig& engine) {
  Key key{"debug", {}, "how much of requests and replies goes into events; `true` is summary"};
  key.plain = "level";
  v.Section(key, [&](Visitor& inner) {
    inner.Enum({"level", {}, "off, summary (cut) or raw (and the bytes of the wire, uncut)"},
               kDebugLevels, engine.debug);
    inner.Number({"truncate", {}, "characters of a text in debug events", AtLeast(1)},
                 engine.debug_truncate);
  });
  bool raw = engine.debug == engine::DebugLevel::kRaw;
  v.Field({"raw_debug", {}, "true: debug level raw", kAny, "debug.level"}, raw);
  if (raw) engine.debug = engine::DebugLevel::kRaw;
  auto truncate = static_cast<std::int64_t>(engine.debug_truncate);
  v.Field({"debug_truncate_length", {}, "characters", AtLeast(1), "debug.truncate"}, truncate);
  engine.debug_truncate = static_cast<std::size_t>(truncate);
}

NamedItems AdaptersOf(EngineConfig& engine) {
  const auto describe = [](Visitor& v, AdapterConfig& adapter) {
    v.Field({"path", {}, "where it is on the server; empty: it must be loaded already"},
            adapter.path);
  };
  return {.names =
              [&engine] {
                std::vector<std::string> names;
                for (const AdapterConfig& adapter : engine.adapters) names.push_back(adapter.name);
                return names;
              },
          .describe =
              [&engine, describe](Visitor& v, const std::string& name) {
                auto found = std::ranges::find(engine.adapters, name, &AdapterConfig::name);
                if (found == engine.adapters.end()) {
                  engine.adapters.push_back({.name = name, .path = {}});
                  found = engine.adapters.end() - 1;
                }
                describe(v, *found);
              },
          .describe_any =
              [describe](Visitor& v) {
                AdapterConfig adapter;
                describe(v, adapter);
              }};
}

void DescribeAdapters(Visitor& v, EngineConfig& engine) {
  Key key{"adapters", {}, "LoRA adapters that are loaded when somebody wants them"};
  key.plain = "path";
  v.Named(key, AdaptersOf(engine));
  std::size_t fallback = engine.adapter_fallback == kAdapterFallbacks.words[1] ? 1 : 0;
  v.Word({"adapter_fallback",
          {},
          "what a missing adapter means: the base model with a warning, or "
          "an error"},
         kAdapterFallbacks, fallback);
  engine.adapter_fallback = kAdapterFallbacks.words[fallback];
  v.Field({"load_adapters",
           {},
           "those that have a path are loaded when they are first asked for, where the server "
           "allows it"},
          engine.load_adapters);
  v.Field({"replicas",
           {},
           "further addresses of the same engine, which adapters are loaded on as well"},
          engine.replicas);
}

void DescribeAddress(Visitor& v, std::string& address) {
  Key key{"base_url",
          {"endpoint"},
          "with or without /v1; https://..., unix:run/vllm.sock; default: "
          "http://localhost:8000, https://api.openai.com or http://localhost:11434, by kind"};
  key.wants_braces = true;
  v.Field(key, address);
  if (!v.reads()) return;
  if (const Result<void> right = CheckAddress(address); !right) {
    const bool older = !v.Has({"base_url", {}, ""});
    return v.Problem(older ? key.aliases.front() : key.name,
                     StrCat("cannot be used: ", right.error().message));
  }
  address = WithScheme(address);
}

void DescribeAccess(Visitor& v, EngineConfig& engine) {
  engine::UpstreamOptions& upstream = engine.http.upstream;
  // Shown, it would be read as if somebody had written it.
  if (v.wants_all() || !engine.managed) DescribeAddress(v, upstream.base_url);
  Key secret{"api_key", {}, "the key itself, best as ${VARIABLE}; EMPTY: the server wants none"};
  secret.wants_braces = true;
  v.Field(secret, upstream.api_key);
  Key variable{"api_key_env", {}, "the variable that holds the key", kAny, "api_key"};
  variable.names_variable = true;
  v.Field(variable, upstream.api_key);
  v.Enum({"auth", {}, "auto: the key is sent unless it is empty or EMPTY"}, kAuthModes,
         upstream.auth);
  v.Enum({"api", {}, "which API messages go to"}, kApis, engine.http.api);
  const Key use{"use_completions", {}, "true: completions, false: chat", kAny, "api"};
  bool completions = engine.http.api == model::Api::kCompletions;
  v.Field(use, completions);
  if (v.Has(use)) engine.http.api = completions ? model::Api::kCompletions : model::Api::kChat;
  static const Words kPromptFormats = {
      .words = {engine::PromptFormatNames().begin(), engine::PromptFormatNames().end()}};
  v.Enum({"prompt_format", {}, "how messages become one prompt for the completions API"},
         kPromptFormats, engine.http.prompt_format);
  v.Field({"degrade",
           {},
           "a parameter that the server cannot carry is left out with a note, not refused"},
          engine.http.degrade);
  v.Field({"extra", {}, "raw fields of every request body"}, engine.http.extra);
  DescribeHeaders(v, upstream.headers);
  v.Section({"tls", {}, "for https"}, [&](Visitor& inner) {
    http::TlsOptions& tls = engine.tls;
    inner.Field({"ca_file", {}, "certificates to trust; empty: the system's"}, tls.ca_file);
    inner.Field({"cert_file", {}, "our certificate"}, tls.cert_file);
    inner.Field({"key_file", {}, "its key"}, tls.key_file);
    inner.Field({"server_name", {}, "name to expect; empty: the host's"}, tls.server_name);
    inner.Field({"verify", {}, "false: any certificate will do"}, tls.verify);
  });
}

void DescribeSim(Visitor& v, EngineConfig& engine) {
  sim::SimOptions& options = engine.sim;
  v.Section({"sim", {}, "of kind sim: the embedded simulator"}, [&](Visitor& inner) {
    sim::SimModel& model = options.models.front();
    inner.Number({"seed", {}, "another seed is another model", AtLeast(0)}, options.seed);
    inner.Enum({"pace", {}, "instant, fixed times per token, or modelled steps of a server"},
               kPaces, options.engine.latency.pace);
    inner.Field({"time_scale", {}, "multiplies all times", AtLeast(0)},
                options.engine.latency.time_scale);
    inner.Number({"max_num_seqs", {}, "sequences that run at once", AtLeast(1)},
                 options.engine.max_num_seqs);
    inner.Field({"max_model_len", {}, "tokens of prompt and answer together", AtLeast(1)},
                model.max_model_len);
    inner.Field({"reasoning", {}, "it thinks before it answers"}, model.reasons);
    inner.Field({"ignore_constraints", {}, "as a server does that does not know a field"},
                options.ignore_constraints);
    inner.Field({"deterministic", {}, "ids and times are the same in every run"},
                options.deterministic);
    inner.Field({"scenario",
                 {},
                 "a file of replies that are laid down (docs/simulator.md); counts from the folder "
                 "of the configuration"},
                engine.sim_scenario);
  });
}

// What the simulator has to know of the rest.
void TellSim(EngineConfig& engine) {
  sim::SimModel& model = engine.sim.models.front();
  if (!engine.http.model.empty()) model.served_names = {engine.http.model};
  model.adapters.clear();
  for (const AdapterConfig& adapter : engine.adapters) {
    model.adapters.push_back({.name = adapter.name, .path = adapter.path});
  }
}

}  // namespace

void Describe(Visitor& v, EngineConfig& engine, const Profiles& profiles) {
  v.Unusable(engine.unusable);
  for (const auto& [key, place] : kElsewhere) v.Elsewhere(key, place);
  v.Enum({"kind", {"backend"}, "what stands there"}, kKinds, engine.kind);
  if (engine.name == "sim" && engine.kind != Kind::kSim) {
    v.Problem("",
              "an engine may be called 'sim' only if its kind is sim: -e sim is the embedded "
              "simulator everywhere; write kind: sim, or give the engine another name");
  }
  v.Field({"profile", {}, "the profile whose values lie beneath the engine's own"}, engine.profile);
  if (v.reads()) StartFrom(v, engine, profiles);
  v.Field({"model", {"default_model"}, "the model of calls that name none; default: the server's"},
          engine.http.model);
  DescribeDialect(v, engine);
  if (v.wants_all() || engine.kind != Kind::kSim) DescribeAccess(v, engine);
  if (v.wants_all() || engine.kind == Kind::kSim) DescribeSim(v, engine);
  v.Number({"priority", {}, "lower is preferred"}, engine.priority);
  v.Field({"fallback", {}, "engines that are tried when this one fails, in order"},
          engine.fallback);
  v.Field({"roles", {}, "routes that the engine joins, behind those that are written there"},
          engine.roles);
  DescribeDefaults(v, engine);
  DescribePolicies(v, engine);
  DescribeAdapters(v, engine);
  DescribeModel(v, engine);
  DescribeDebug(v, engine);
  if (v.wants_all() || engine.kind != Kind::kSim) DescribeServe(v, engine);
  if (v.reads() && engine.kind == Kind::kSim) TellSim(engine);
}

}  // namespace weir::config
