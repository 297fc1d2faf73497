#include "weir/cli/call_flags.h"

#include <algorithm>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/input.h"
#include "weir/client/engine_host.h"
#include "weir/client/proxy_advice.h"
#include "weir/client/wiring.h"
#include "weir/config/environment.h"
#include "weir/json/builder.h"
#include "weir/json/pointer.h"
#include "weir/json/reader.h"
#include "weir/wire/codec.h"

namespace weir::cli {
namespace {

constexpr std::int64_t kMostSeconds = 1'000'000'000;  // as in weir.yaml

// Whether a key was sent, and where it was found; never the key. Empty where somebody else may have
// refused, or another header may have been meant as the key.
std::string KeyNote(const ChosenEngine& chosen, const Session& session) {
  const config::EngineConfig& engine = chosen.engine;
  const engine::UpstreamOptions& upstream = engine.http.upstream;
  const auto role = chosen.config.routes.roles.find(chosen.route);
  const bool alone = engine.fallback.empty() &&
                     (role == chosen.config.routes.roles.end() || role->second.size() < 2);
  if (!alone || !upstream.headers.empty()) return {};
  if (!wire::Authorization(upstream.auth, upstream.api_key)) return "; weir sent no key";
  std::vector<config::Origin> origins = chosen.config.origins;
  if (chosen.config.Find(engine.name) == nullptr) {
    // An address: its key can only come from the environment, where it was fit before.
    config::EngineConfig copy = engine;
    origins.clear();
    (void)config::ApplyEnvironment(copy, session.env, origins);
  }
  std::string path = "/engines";
  json::AppendToken(path, engine.name);
  path += "/api_key";
  const auto origin = std::ranges::find(origins, path, &config::Origin::pointer);
  return origin == origins.end() ? std::string("; weir sent a key")
                                 : StrCat("; weir sent the key of ", origin->source);
}

}  // namespace

void AddCommonFlags(CLI::App& command, CommonFlags& flags) {
  TextFlag(
      command, "prompt",
      [&flags](const std::string& text) {
        flags.prompt = text;
        flags.has_prompt = true;
      },
      "the prompt; without one, or with -, it is read from stdin");
  SwitchFlag(command, "--stdin", flags.with_stdin, "put stdin in front of the prompt");
  TextFlag(command, "-e,--engine", flags.engine,
           "engine of the configuration, 'sim', or an address such as "
           "http://localhost:8000 or unix:/run/vllm.sock; default: the "
           "configuration's, or http://localhost:8000");
  TextFlag(command, "-m,--model", flags.model, "model; default: the engine's");
  TextFlag(command, "--adapter", flags.adapter, "LoRA adapter to use");
  TextFlag(command, "-o,--output", flags.output,
           "text, or json for one document "
           "(JSON lines with --stream)")
      .OneOf({"text", "json"});
  NumberFlag(command, "--timeout", flags.timeout, "seconds for the whole call (the clock `total`)");
  const Flag stream = SwitchFlag(
      command, "--stream", [&flags] { flags.stream = true; },
      "print as it comes: text (the default for text), or JSON lines");
  SwitchFlag(
      command, "--no-stream", [&flags] { flags.stream = false; },
      "ask for the whole answer at once")
      .Excludes(stream);
  const Flag dry_run =
      SwitchFlag(command, "--dry-run", flags.dry_run, "print the request instead of sending it");
  SwitchFlag(command, "-v,--verbose", flags.verbose, "say on stderr what the call cost");
  TextFlag(command, "--events", flags.events_file, "append events and spans to this file")
      .Excludes(dry_run);
  ListFlag(command, "--extra", flags.extra, "further request field, KEY=VALUE; may be repeated");

  model::Sampling& sampling = flags.sampling;
  NumberFlag(command, "--max-tokens", sampling.max_tokens, "most tokens to write");
  NumberFlag(command, "--min-tokens", sampling.min_tokens, "no end before that many");
  NumberFlag(command, "--temperature", sampling.temperature, "0 (greedy) to 2");
  NumberFlag(command, "--top-p", sampling.top_p, "nucleus, above 0 up to 1");
  NumberFlag(command, "--top-k", sampling.top_k, "best k tokens only; 0: all");
  NumberFlag(command, "--min-p", sampling.min_p,
             "only tokens at least this likely, as a share of the best; 0 to 1");
  NumberFlag(command, "--repetition-penalty", sampling.repetition_penalty,
             "above 1: against what the prompt and the answer have already; above 0");
  NumberFlag(command, "--presence-penalty", sampling.presence_penalty,
             "against tokens that the answer has; -2 to 2");
  NumberFlag(command, "--frequency-penalty", sampling.frequency_penalty,
             "the same, for each time they stand there; -2 to 2");
  NumberFlag(command, "--seed", sampling.seed, "seed of the sampling");
  NumberFlag(command, "--n", sampling.n, "number of answers");
  NumberFlag(command, "--best-of", sampling.best_of, "write that many, return the best");
  NumberFlag(command, "--beam", sampling.beam_width, "beam search of this width");
  NumberFlag(command, "--logprobs", sampling.logprobs,
             "log-probabilities of the best N tokens; with -o json");
  SwitchFlag(command, "--confidence", flags.confidence.report,
             "say how sure the answer is, and each of its fields; with -o json or -v");
  NumberFlag(command, "--min-confidence", flags.confidence.threshold, "0 to 1: ask again below it");
  ListFlag(command, "--stop", sampling.stop, "text that ends the answer; may be repeated");
}

Result<ChosenEngine> EngineOf(const CommonFlags& flags, const Session& session) {
  const bool given = !session.config_file.empty();
  WEIR_CHECK(
      CheckNoFolder(given ? session.config_file : session.env.Get("WEIR_CONFIG").value_or("")));
  ChosenEngine chosen;
  WEIR_TRY(chosen.config, config::Load(session.config_file, session.env));
  const config::Config& config = chosen.config;
  const auto role = config.routes.roles.find(flags.engine.empty() ? "default" : flags.engine);
  const bool named = !flags.engine.empty() && config.Find(flags.engine) != nullptr;
  const bool routed = !named && role != config.routes.roles.end() && !role->second.empty();
  WEIR_TRY(
      config::EngineConfig engine,
      config::ResolveEngine(config, routed ? role->second.front() : flags.engine, session.env));
  client::FindRunning(engine, session.env);
  // An address has no name of its own: replies call it what the caller called it.
  if (config.Find(engine.name) == nullptr) engine.name = Redact(engine.name);
  chosen.route = routed ? role->first : engine.name;
  if (flags.timeout) {
    if (!(*flags.timeout > 0 && *flags.timeout <= kMostSeconds)) {
      return Fail(Code::kConfigError,
                  StrCat("--timeout must be a number of seconds above 0, at most ", kMostSeconds,
                         "; got ", *flags.timeout));
    }
    engine.http.upstream.timeouts.total =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*flags.timeout));
  }
  chosen.engine = std::move(engine);
  return chosen;
}

Error WithAdvice(Error error, const ChosenEngine& chosen, const Session& session) {
  error = client::WithProxyAdvice(std::move(error), chosen.engine, session.env);
  if (error.http_status == 401 || error.http_status == 403) {
    error.message += KeyNote(chosen, session);
  }
  const config::Config& config = chosen.config;
  const bool named = chosen.engine.name != config.default_engine || !config.file.empty() ||
                     session.env.Get("WEIR_ENGINE") || session.env.Get("VLLM_BASE_URL");
  if (error.code == Code::kConnectionError && !named) {
    StrAppend(error.message,
              "; no engine was named, so that the usual address was asked: name one with -e "
              "ADDRESS, try -e sim, or write a weir.yaml with weir config init");
  }
  return error;
}

Result<void> FillCall(const CommonFlags& flags, model::Call& call) {
  if (flags.sampling.logprobs && flags.form() == Output::kText) {
    return Fail(Code::kConfigError,
                "--logprobs does not show in text output; add -o json, whose `tokens` hold them");
  }
  if (flags.confidence.report && flags.form() == Output::kText && !flags.verbose) {
    return Fail(Code::kConfigError,
                "--confidence does not show in text output; add -v, or -o json, whose `confidence` "
                "has every field");
  }
  const double least = flags.confidence.threshold.value_or(0);
  if (!(least >= 0 && least <= 1)) {
    return Fail(Code::kConfigError,
                StrCat("--min-confidence must be a number from 0 to 1; got ", least));
  }
  call.model = flags.model;
  call.adapter = flags.adapter;
  call.sampling = flags.sampling;
  call.confidence = flags.confidence;
  if (flags.extra.empty()) return {};
  json::Builder builder;
  builder.BeginObject();
  for (const std::string& pair : flags.extra) {
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos || equals == 0) {
      return Fail(Code::kConfigError, StrCat("--extra wants KEY=VALUE, got '", pair, "'"));
    }
    const std::string_view text = std::string_view(pair).substr(equals + 1);
    builder.Key(std::string_view(pair).substr(0, equals));
    const Result<json::Value> value = json::Read(text);
    if (value) {
      builder.Copy(*value);
    } else if (text.starts_with('{') || text.starts_with('[')) {
      return Fail(Code::kConfigError,
                  StrCat("--extra ", std::string_view(pair).substr(0, equals),
                         " begins like JSON, but is none"),
                  value.error().message);
    } else {
      builder.String(text);
    }
  }
  builder.EndObject();
  call.extra = std::move(builder).Finish();
  return {};
}

std::vector<std::string> ThinkingWords() {
  return {"auto", "on", "off", "minimal", "low", "medium", "high"};
}

model::Reasoning ThinkingOf(std::string_view word) {
  model::Reasoning reasoning;
  if (word == "on" || word == "off") {
    reasoning.enable = word == "on";
  } else if (word != "auto") {
    reasoning.effort = word;
  }
  return reasoning;
}

Result<std::string> PromptOf(const CommonFlags& flags, const Session& session) {
  const bool only_stdin = !flags.has_prompt || flags.prompt == "-";
  std::string prompt;
  if (flags.with_stdin || (only_stdin && !session.terminal.in_is_terminal())) {
    WEIR_TRY(prompt, ReadStdin());
    if (flags.with_stdin && Trim(prompt).empty()) {
      return Fail(Code::kConfigError,
                  "--stdin, but stdin is empty: pipe a text in, or leave --stdin away");
    }
  }
  if (!only_stdin) {
    if (!prompt.empty()) prompt += prompt.ends_with('\n') ? "\n" : "\n\n";
    prompt += flags.prompt;
  }
  WEIR_CHECK(CheckUtf8(prompt, "the prompt"));
  if (!Trim(prompt).empty()) return prompt;
  return Fail(Code::kConfigError,
              "there is no prompt; give one as an argument or on stdin, e.g. weir call \"hello\"");
}

}  // namespace weir::cli
