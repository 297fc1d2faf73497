#include "weir/sim/core.h"

#include <algorithm>
#include <utility>

#include "weir/base/clock.h"
#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/sim/beam_search.h"
#include "weir/sim/digest.h"
#include "weir/sim/fault.h"
#include "weir/sim/scoring.h"
#include "weir/wire/control_server.h"

namespace weir::sim {
namespace {

constexpr int kOpenAiIdDigits = 29;
constexpr std::size_t kMaxVoices = 64;

constexpr wire::Version kThoughtsCounted{0, 28, 0};
constexpr wire::Version kRequiredSaysCalls{0, 11, 1};
constexpr wire::Version kNothingCachedShown{0, 24, 0};
constexpr wire::Version kCacheWritesShown{0, 28, 0};

std::string TypeOf(int status) {
  switch (status) {
    case 400:
      return "BadRequestError";
    case 404:
      return "NotFoundError";
    case 422:
      return "UnprocessableEntityError";
    case 500:
      return "InternalServerError";
    case 501:
      return "NotImplementedError";
    case 503:
      return "Service Unavailable";
    default:
      return std::string(http::ReasonPhrase(status));
  }
}

Refusal RefusalOf(const ScriptedReply& script) {
  const ScriptedError& error = *script.error;
  Refusal refusal;
  refusal.error.status = error.status;
  refusal.error.type = error.type.empty() ? TypeOf(error.status) : error.type;
  refusal.error.message =
      error.message.empty() ? std::string(http::ReasonPhrase(error.status)) : error.message;
  refusal.error.code = error.code;
  for (const auto& [name, value] : script.headers) refusal.headers.Set(name, value);
  refusal.error.param = error.param;
  if (!error.retry_after.empty()) refusal.headers.Set("retry-after", error.retry_after);
  return refusal;
}

std::span<const Fault> FaultsOf(const ScriptedReply* script) {
  return script == nullptr ? std::span<const Fault>() : script->faults;
}

MetricsOptions MetricsOf(const SimOptions& options) {
  MetricsOptions metrics;
  metrics.model_name = options.models.front().served_names.front();
  metrics.dialect = options.dialect;
  metrics.max_model_len = options.models.front().max_model_len;
  metrics.cache = options.engine.cache;
  metrics.max_loras = options.engine.max_loras;
  return metrics;
}

// As OpenAI writes ids: letters and digits.
std::string WordId(Random& random, int digits) {
  constexpr std::string_view kDigits =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string id;
  for (int i = 0; i < digits; ++i) id += kDigits[random.Below(kDigits.size())];
  return id;
}

}  // namespace

Refusal BusyRefusal(std::string_view message) {
  Refusal refusal;
  refusal.error.status = 503;
  refusal.error.type = "Service Unavailable";
  refusal.error.message = message;
  refusal.stage = Refusal::Stage::kEngine;
  return refusal;
}

Refusal ConstraintRefusal(const Error& error) {
  Refusal refusal;
  refusal.error.message = error.message;
  refusal.stage = Refusal::Stage::kEngine;
  refusal.constraint = true;
  return refusal;
}

Refusal BrokenRefusal(const Fault& fault) {
  Refusal refusal;
  refusal.error = {.status = 500,
                   .type = "InternalServerError",
                   .message = fault.text.empty() ? "Internal server error" : fault.text};
  return refusal;
}

Result<void> SimOptions::Validate() const {
  if (models.empty()) return Fail(Code::kConfigError, "the simulator needs at least one model");
  for (const SimModel& model : models) {
    if (model.served_names.empty() || model.served_names.front().empty()) {
      return Fail(Code::kConfigError, "a model of the simulator has no name");
    }
    if (model.max_model_len < 1) {
      return Fail(Code::kConfigError,
                  StrCat("max_model_len must be at least 1, got ", model.max_model_len));
    }
  }
  const Latency& latency = engine.latency;
  for (const Spread& spread : {latency.ttft, latency.itl}) {
    if (spread.least < Duration::zero() || spread.most < spread.least) {
      return Fail(Code::kConfigError,
                  "a latency must not be negative, and its lower end not above the upper one");
    }
  }
  if (!(latency.time_scale >= 0 && latency.time_scale <= 1e6)) {
    return Fail(Code::kConfigError,
                StrCat("time_scale must be in [0, 1000000], got ", latency.time_scale));
  }
  if (engine.max_num_seqs < 1) {
    return Fail(Code::kConfigError, "max_num_seqs must be at least 1, got 0");
  }
  if (engine.max_num_batched_tokens < 1 || engine.cache.blocks < 1 || engine.cache.block_size < 1) {
    return Fail(
        Code::kConfigError,
        "max_num_batched_tokens, the blocks of the cache and their size must be at least 1");
  }
  return {};
}

Result<std::shared_ptr<SimCore>> NewSimCore(SimOptions options) {
  WEIR_CHECK(options.Validate());
  return std::make_shared<SimCore>(std::move(options));
}

SimCore::SimCore(SimOptions options)
    : options_(std::move(options)),
      pieces_(NewPieceTree()),
      metrics_(MetricsOf(options_)),
      scheduler_(options_.engine, metrics_),
      rehearsal_(options_.script, options_.seed),
      log_({.entries = options_.logged_requests}),
      adapters_(options_.models),
      ids_seed_(options_.deterministic ? options_.seed : Random::FromSystem().Next()) {}

// What is known of a request once it is admitted.
struct SimCore::Draft {
  const Cue& cue;
  const Admitted& admitted;
  const ScriptedReply* script;
  std::vector<std::uint64_t> digests;  // by prompt
  SamplingRules rules;
};

std::shared_ptr<const LanguageModel> SimCore::VoiceOf(std::size_t model,
                                                      const std::string& adapter) {
  std::uint64_t voice = options_.seed + model;
  if (!adapter.empty()) voice = StableHash(adapter.data(), adapter.size(), voice + 1);
  const std::scoped_lock lock(voices_mutex_);
  if (voices_.size() >= kMaxVoices && !voices_.contains(voice)) voices_.clear();
  std::shared_ptr<const LanguageModel>& known = voices_[voice];
  if (known == nullptr) known = std::make_shared<const LanguageModel>(voice);
  return known;
}

SequenceRequest SimCore::RequestOf(const Draft& draft, std::size_t prompt,
                                   std::size_t sequences) const {
  const model::Call& call = draft.cue.call;
  SequenceRequest request;
  request.prompt = draft.admitted.prompts[prompt].tokens;
  request.sequences = static_cast<std::int64_t>(sequences);
  request.max_tokens = draft.admitted.rooms[prompt];
  request.adapter = draft.admitted.adapter;
  request.salt = call.cache_salt;
  request.priority = call.priority.value_or(0);
  request.seed = draft.digests[prompt];
  request.reuse_prefix = !call.sampling.prompt_logprobs;
  if (draft.script != nullptr) {
    request.ttft = draft.script->ttft;
    request.itl = draft.script->itl;
  }
  return request;
}

// A model of vLLM thinks when it was started with a parser for thoughts, one of Ollama when it is
// asked to. Completions go on from a prompt as it is.
bool SimCore::Reasons(const SimModel& model, const model::Call& call) const {
  if (call.api == model::Api::kCompletions) return false;
  return model.reasons || (options_.dialect.kind == wire::ServerKind::kOllama &&
                           call.reasoning.enable.value_or(false));
}

std::expected<std::vector<Author>, Refusal> SimCore::NewAuthors(const Draft& draft,
                                                                std::size_t prompt) {
  const model::Call& call = draft.cue.call;
  const model::Sampling& sampling = call.sampling;
  const SimModel& model = options_.models[draft.admitted.model];
  const RenderedPrompt& rendered = draft.admitted.prompts[prompt];
  const std::shared_ptr<const LanguageModel> voice =
      VoiceOf(draft.admitted.model, draft.admitted.adapter);
  const bool laid_down = draft.script != nullptr && draft.script->lays_down();
  AuthorOptions base;
  base.rules = draft.rules;
  base.room = draft.admitted.rooms[prompt];
  base.stop = sampling.stop;
  base.stop_shown = sampling.include_stop_in_output.value_or(false);
  base.logprobs = sampling.logprobs;
  base.chat = call.api != model::Api::kCompletions;
  base.token_ids = sampling.return_token_ids.value_or(false);
  if (model.reasons && base.chat && !call.reasoning.include.value_or(true)) {
    base.logprobs.reset();  // they would tell the thoughts
    base.token_ids = false;
  }
  base.tokens_as_ids = sampling.return_tokens_as_token_ids.value_or(false);
  base.thoughts_shown = call.reasoning.include.value_or(true);
  base.thinking_budget = call.reasoning.thinking_budget.value_or(-1);
  base.repetition = sampling.repetition_detection;
  if (draft.script != nullptr) base.finish_word = draft.script->finish;
  const model::ToolChoice::Kind choice = call.tool_choice.kind;
  if (choice != model::ToolChoice::Kind::kNamed && !draft.cue.calls_dropped) {
    base.called = model::Finish::kToolCalls;
    const bool required = choice == model::ToolChoice::Kind::kRequired;
    if (required && !draft.cue.stream && options_.dialect.version < kRequiredSaysCalls) {
      base.called = model::Finish::kNone;
    }
    // A stream says so whenever a piece of a call has left, even one that was cut.
    if (draft.cue.stream || !required) base.called_and_cut = model::Finish::kToolCalls;
  }
  // With the ids of the tokens asked for, vLLM leaves the text of the prompt out.
  if (!base.chat && call.echo.value_or(false) && !base.token_ids) {
    base.echo = draft.cue.prompts[prompt].ids.empty() ? std::string(draft.cue.prompts[prompt].text)
                                                      : Tokenizer::Decode(rendered.tokens, true);
    if (sampling.logprobs) base.echo_tokens = rendered.tokens;
  }

  std::vector<Author> authors;
  const auto add = [&](AuthorOptions one) {
    one.index = static_cast<std::int64_t>(authors.size());
    authors.emplace_back(voice, pieces_, rendered, std::move(one));
  };
  if (sampling.beam_width && !laid_down) {
    for (Beam& beam : SearchBeams(*voice, rendered, sampling, base.room)) {
      AuthorOptions one = base;
      one.outline = {{.fixed = std::move(beam.tokens)}};
      one.room = static_cast<std::int64_t>(one.outline.front().fixed.size());
      one.end_named = true;
      one.rules = {};
      one.stop.clear();
      one.repetition = {};
      add(std::move(one));
    }
    return authors;
  }
  const std::span<const Fault> faults = FaultsOf(draft.script);
  const Fault* violate = FindFault(faults, Fault::Kind::kViolate);
  const std::int64_t candidates = sampling.beam_width.value_or(sampling.n.value_or(1));
  for (std::int64_t i = 0; i < candidates; ++i) {
    AuthorOptions one = base;
    one.seed = StableHash(&i, sizeof i, draft.digests[prompt]);
    auto outline = MakeOutline(
        {.call = call,
         .script = draft.script,
         .constraints = constraints_,
         .seed = one.seed,
         .reasons = Reasons(model, call),
         .short_ids = options_.dialect.short_ids,
         .call_prefix =
             options_.dialect.kind == wire::ServerKind::kVllm ? "chatcmpl-tool-" : "call_",
         .ignore_constraint = options_.ignore_constraints ||
                              FindFault(faults, Fault::Kind::kIgnoreConstraint) != nullptr,
         .compact_json = draft.cue.compact_json,
         .white_space = FindFault(faults, Fault::Kind::kRunawayWhitespace) != nullptr,
         .violate = violate != nullptr ? violate->text : std::string()});
    if (!outline) return std::unexpected(ConstraintRefusal(outline.error()));
    one.outline = *std::move(outline);
    add(std::move(one));
  }
  return authors;
}

Outcome SimCore::Rehearse(const Cue& cue) {
  Outcome outcome;
  outcome.script = rehearsal_.Find(cue);
  const ScriptedReply* script = outcome.script.get();
  if (script == nullptr) return outcome;
  outcome.delay = options_.engine.latency.Scaled(script->delay);
  if (script->error) {
    outcome.answer = RefusalOf(*script);
  } else if (script->garbage) {
    outcome.answer = RawAnswer{"", *script->garbage};
  } else if (script->html) {
    outcome.answer = RawAnswer{"text/html; charset=utf-8", *script->html};
  }
  return outcome;
}

Outcome SimCore::Decide(const Cue& cue) {
  Outcome outcome = Rehearse(cue);
  const ScriptedReply* script = outcome.script.get();
  if (script != nullptr && script->answers_itself()) return outcome;

  const model::Call& call = cue.call;
  auto admitted = Admit(options_, adapters_, call, cue.prompts, cue.stream);
  if (!admitted) {
    outcome.answer = std::move(admitted).error();
    return outcome;
  }
  Draft draft{.cue = cue,
              .admitted = *admitted,
              .script = script,
              .digests = {},
              .rules = SamplingRules::Of(call.sampling)};
  const std::string& base = options_.models[admitted->model].served_names.front();
  std::vector<Part> parts;
  for (std::size_t i = 0; i < cue.prompts.size(); ++i) {
    draft.digests.push_back(DigestOf(call, cue.prompts[i], base, admitted->adapter, options_.seed));
    auto authors = NewAuthors(draft, i);
    if (!authors) {
      outcome.answer = std::move(authors).error();
      return outcome;
    }
    const std::size_t sequences = authors->size();
    for (Author& author : *authors) author.Shift(static_cast<std::int64_t>(i * sequences));
    parts.push_back({RequestOf(draft, i, sequences), *std::move(authors)});
  }
  const bool thoughts =
      options_.models[admitted->model].reasons && options_.dialect.version >= kThoughtsCounted;
  const bool writes_shown = options_.dialect.kind == wire::ServerKind::kVllm &&
                            options_.dialect.version >= kCacheWritesShown &&
                            options_.engine.cache.prefix_caching;
  const bool ids_told = call.sampling.return_token_ids.value_or(false);
  PerformanceOptions playing{
      .at_once = call.sampling.beam_width.has_value(),
      .opened_first = cue.stream && call.api == model::Api::kChat &&
                      options_.dialect.kind == wire::ServerKind::kVllm,
      .in_one = !cue.stream,
      .continuous_usage = call.continuous_usage,
      .cached_shown = options_.switches.prompt_tokens_details,
      .nothing_cached_shown = options_.dialect.version >= kNothingCachedShown,
      .thoughts_counted = thoughts,
      .cache_block = writes_shown ? options_.engine.cache.block_size : 0,
      .refusal = script != nullptr ? script->refusal.value_or("") : "",
      .openings = {}};
  if (ids_told && cue.stream) {
    for (const RenderedPrompt& prompt : admitted->prompts) {
      playing.openings.push_back(wire::PromptIdsExtra(call.api, prompt.tokens));
    }
  }
  Taken taken{.performance = Performance(std::move(parts), std::move(playing)),
              .model = admitted->name};
  if (call.sampling.prompt_logprobs) {
    const auto voice = VoiceOf(admitted->model, admitted->adapter);
    for (const RenderedPrompt& prompt : admitted->prompts) {
      taken.prompt_logprobs.push_back(
          PromptLogprobs(*voice, prompt.tokens, *call.sampling.prompt_logprobs));
    }
  }
  if (ids_told) {
    for (RenderedPrompt& prompt : admitted->prompts) {
      taken.prompt_tokens.push_back(std::move(prompt.tokens));
    }
  }
  outcome.answer.emplace<Taken>(std::move(taken));
  return outcome;
}

model::ReplyInfo SimCore::NewInfo(model::Api api, std::string_view model,
                                  std::string_view request_id, std::int64_t wall_nanos) {
  model::ReplyInfo info;
  info.id = api == model::Api::kCompletions ? "cmpl-"
            : api == model::Api::kResponses ? "resp_"
                                            : "chatcmpl-";
  if (request_id.empty()) {
    const std::uint64_t number = ++replies_;
    Random random(StableHash(&number, sizeof number, ids_seed_));
    const bool openai = options_.dialect.kind == wire::ServerKind::kOpenAi;
    info.id += openai ? WordId(random, kOpenAiIdDigits)
                      : HexId(random, options_.dialect.short_ids ? 16 : 32);
  } else {
    info.id += request_id;
  }
  info.request_id = request_id;
  info.model = model;
  info.created = SecondsOf(wall_nanos);
  if (options_.dialect.fingerprint_shown) {
    const std::string& base = options_.models.front().served_names.front();
    Random random(StableHash(base.data(), base.size()));
    info.system_fingerprint = options_.dialect.kind == wire::ServerKind::kVllm
                                  ? StrCat("vllm-", Version(), "-", HexId(random, 8))
                                  : StrCat("fp_", HexId(random, 10));
  }
  return info;
}

std::int64_t SimCore::SecondsOf(std::int64_t wall_nanos) const {
  return options_.deterministic ? kStillSeconds : wall_nanos / kNanosPerSecond;
}

std::vector<model::ModelEntry> SimCore::Models() const {
  std::vector<model::ModelEntry> entries;
  const bool tagged = options_.dialect.kind == wire::ServerKind::kOllama;
  for (const SimModel& model : options_.models) {
    const std::string& root = model.root.empty() ? model.served_names.front() : model.root;
    for (const std::string& name : model.served_names) {
      const bool has_tag = name.find(':') != name.npos;
      entries.push_back({.id = StrCat(name, tagged && !has_tag ? ":latest" : ""),
                         .root = root,
                         .parent = "",
                         .owned_by = "vllm",
                         .max_model_len = model.max_model_len,
                         .extra = {}});
    }
  }
  for (const Adapters::Loaded& loaded : adapters_.All()) {
    const Adapter& adapter = loaded.adapter;
    entries.push_back({.id = adapter.name,
                       .root = adapter.path.empty() ? adapter.name : adapter.path,
                       .parent = !adapter.base_model.empty()
                                     ? adapter.base_model
                                     : options_.models[loaded.model].served_names.front(),
                       .owned_by = "vllm",
                       .max_model_len = std::nullopt,
                       .extra = {}});
  }
  return entries;
}

std::string SimCore::Version() const {
  if (!options_.server_version.empty()) return options_.server_version;
  const wire::Version& version = options_.dialect.version;
  return StrCat(version.major, ".", version.minor, ".", version.patch);
}

std::string SimCore::MetricsText(std::int64_t wall_nanos) const {
  Metrics::Gauges gauges = scheduler_.gauges();
  gauges.sleep_level = sleep_level_;
  gauges.wall_nanos = wall_nanos;
  gauges.process = ProcessNow();
  return metrics_.Text(gauges);
}

bool SimCore::sleeping() const { return sleep_level_ > 0 || scheduler_.paused(); }

void SimCore::Sleep(int level) {
  scheduler_.Pause();
  if (level == 0) return;
  sleep_level_ = level;
  scheduler_.ResetPrefixes();
}

void SimCore::Wake() {
  sleep_level_ = 0;
  scheduler_.Resume();
}

}  // namespace weir::sim
