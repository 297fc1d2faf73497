#include "weir/sim/core.h"

#include <algorithm>
#include <utility>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/http/headers.h"
#include "weir/sim/admission.h"
#include "weir/sim/compose.h"
#include "weir/sim/digest.h"
#include "weir/sim/writer.h"

namespace weir::sim {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

Duration Draw(const Spread& spread, Random& random) {
  const auto width = static_cast<std::uint64_t>((spread.most - spread.least).count());
  return spread.least + Duration(random.Below(width + 1));
}

Duration Scaled(Duration time, double scale) {
  return Duration(static_cast<std::int64_t>(static_cast<double>(time.count()) * scale));
}

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

Refusal RefusalOf(const ScriptedError& error) {
  Refusal refusal;
  refusal.error.status = error.status;
  refusal.error.type = error.type.empty() ? TypeOf(error.status) : error.type;
  refusal.error.message =
      error.message.empty() ? std::string(http::ReasonPhrase(error.status)) : error.message;
  refusal.retry_after = error.retry_after;
  return refusal;
}

Refusal RefusalOf(const Error& error) {
  Refusal refusal;
  refusal.error.message = error.message;
  refusal.stage = Refusal::Stage::kEngine;
  refusal.constraint = true;
  return refusal;
}

bool IsLaidDown(const ScriptedReply& reply) { return reply.text || !reply.tool_calls.empty(); }

// Characters, not bytes: that is how the server counts what it holds back.
std::size_t HoldBack(const model::Sampling& sampling) {
  if (sampling.include_stop_in_output.value_or(false)) return 0;
  std::size_t longest = 1;
  for (const std::string& stop : sampling.stop) {
    const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
    const auto inner = static_cast<std::size_t>(std::ranges::count_if(stop, continues));
    longest = std::max(longest, stop.size() - inner);
  }
  return longest - 1;
}

void SetFinish(std::string_view word, Plan& plan) {
  if (word.empty()) return;
  for (PlannedChoice& choice : plan.choices) {
    choice.finish = model::ParseFinish(word);
    choice.finish_text = word;
  }
}

void SetUsage(std::int64_t prompt_tokens, Plan& plan) {
  std::int64_t written = 0;
  for (const PlannedChoice& choice : plan.choices) {
    written += static_cast<std::int64_t>(choice.ends.size());
  }
  plan.usage.prompt_tokens = prompt_tokens;
  plan.usage.completion_tokens = written;
  plan.usage.total_tokens = prompt_tokens + written;
}

// The choices of one prompt, appended to the plan.
Result<void> AddChoices(const model::Call& call, const Prompt& prompt, const ScriptedReply& script,
                        ComposeOptions options, Plan& plan) {
  const std::uint64_t digest = options.seed;
  const std::int64_t candidates =
      std::max(call.sampling.n.value_or(1), call.sampling.beam_width.value_or(1));
  for (std::int64_t i = 0; i < candidates; ++i) {
    options.seed = StableHash(&i, sizeof i, digest);
    if (IsLaidDown(script)) {
      plan.choices.push_back(ComposeScripted(options, script));
    } else {
      WEIR_TRY(PlannedChoice choice, Compose(options));
      plan.choices.push_back(std::move(choice));
    }
    if (!plan.chat && call.echo.value_or(false)) plan.choices.back().echo = prompt.text;
  }
  return {};
}

Plan NewPlan(const model::Call& call) {
  Plan plan;
  plan.chat = call.api != model::Api::kCompletions;
  plan.greedy = IsGreedy(call.sampling);
  plan.logprobs = call.sampling.logprobs;
  plan.hold_back = HoldBack(call.sampling);
  plan.return_token_ids = call.sampling.return_token_ids.value_or(false);
  plan.continuous_usage = call.continuous_usage;
  return plan;
}

}  // namespace

Refusal BusyRefusal() {
  Refusal refusal;
  refusal.error = {503,
                   "Service Unavailable",
                   "The engine is currently busy and cannot accept new requests. Please try again "
                   "later or on a different instance.",
                   {}};
  refusal.stage = Refusal::Stage::kEngine;
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
  for (const Spread& spread : {ttft, itl}) {
    if (spread.least < Duration::zero() || spread.most < spread.least) {
      return Fail(Code::kConfigError,
                  "a latency must not be negative, and its lower end not above the upper one");
    }
  }
  if (!(time_scale >= 0 && time_scale <= 1e6)) {
    return Fail(Code::kConfigError, StrCat("time_scale must be in [0, 1000000], got ", time_scale));
  }
  if (max_num_seqs < 1) return Fail(Code::kConfigError, "max_num_seqs must be at least 1, got 0");
  return {};
}

Result<std::shared_ptr<SimCore>> NewSimCore(SimOptions options) {
  WEIR_CHECK(options.Validate());
  return std::make_shared<SimCore>(std::move(options));
}

SimCore::SimCore(SimOptions options)
    : options_(std::move(options)),
      scheduler_(options_.max_num_seqs, options_.max_waiting),
      rehearsal_(options_.script) {}

std::vector<Duration> SimCore::DrawTimes(std::size_t steps, std::uint64_t seed,
                                         const ScriptedReply& script) const {
  std::vector<Duration> due;
  if (options_.instant && !script.ttft && !script.itl) return due;
  const Spread none;
  const Spread ttft =
      script.ttft ? Spread::Fixed(*script.ttft) : (options_.instant ? none : options_.ttft);
  const Spread itl =
      script.itl ? Spread::Fixed(*script.itl) : (options_.instant ? none : options_.itl);
  Random random(seed);
  due.reserve(steps);
  Duration at{};
  for (std::size_t step = 0; step < steps; ++step) {
    at += Scaled(Draw(step == 0 ? ttft : itl, random), options_.time_scale);
    due.push_back(at);
  }
  return due;
}

Outcome SimCore::Decide(const model::Call& call, std::span<const Prompt> prompts) {
  static const ScriptedReply kUnscripted;
  const ScriptedReply* rehearsed = rehearsal_.Find(call, prompts);
  const ScriptedReply& script = rehearsed == nullptr ? kUnscripted : *rehearsed;
  const Duration delay = Scaled(script.delay, options_.time_scale);
  if (script.error) return {RefusalOf(*script.error), delay};
  if (script.garbage) return {RawAnswer{"", *script.garbage}, delay};
  if (script.html) return {RawAnswer{"text/html; charset=utf-8", *script.html}, delay};

  auto admitted = Admit(options_, call, prompts);
  if (!admitted) return {std::move(admitted).error(), delay};
  Plan plan = NewPlan(call);
  plan.model = admitted->name();
  std::uint64_t digest = 0;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const std::vector<std::string> topics =
        TopicsOf(plan.chat ? std::string_view(LastUserText(call)) : prompts[i].text);
    digest = DigestOf(call, prompts[i], admitted->model->served_names.front(), admitted->adapter,
                      options_.seed);
    const ComposeOptions compose{.call = call,
                                 .topics = topics,
                                 .seed = digest,
                                 .room = admitted->rooms[i],
                                 .short_ids = options_.dialect.short_ids};
    const Result<void> added = AddChoices(call, prompts[i], script, compose, plan);
    if (!added) return {RefusalOf(added.error()), delay};
  }
  SetFinish(script.finish, plan);
  SetUsage(admitted->prompt_tokens, plan);
  const std::size_t steps = plan.steps();
  if (script.drop_after) plan.drop_after = std::min(*script.drop_after, steps);
  if (script.stall_after) plan.stall_after = std::min(*script.stall_after, steps);
  plan.due = DrawTimes(steps, digest, script);
  return {std::move(plan), delay};
}

model::ReplyInfo SimCore::NewInfo(const Plan& plan, std::string_view request_id,
                                  std::int64_t wall_nanos) {
  model::ReplyInfo info;
  info.id = plan.chat ? "chatcmpl-" : "cmpl-";
  if (request_id.empty()) {
    const std::uint64_t number = ++replies_;
    Random random(StableHash(&number, sizeof number, options_.seed));
    info.id += HexId(random, options_.dialect.short_ids ? 16 : 32);
  } else {
    info.id += request_id;
  }
  info.request_id = request_id;
  info.model = plan.model;
  info.created = wall_nanos / kNanosPerSecond;
  if (options_.dialect.fingerprint_shown) {
    Random random(StableHash(plan.model.data(), plan.model.size()));
    info.system_fingerprint = StrCat("vllm-", Version(), "-", HexId(random, 8));
  }
  return info;
}

std::vector<model::ModelEntry> SimCore::Models() const {
  std::vector<model::ModelEntry> entries;
  for (const SimModel& model : options_.models) {
    const std::string& root = model.root.empty() ? model.served_names.front() : model.root;
    for (const std::string& name : model.served_names) {
      entries.push_back({.id = name,
                         .root = root,
                         .parent = "",
                         .owned_by = "vllm",
                         .max_model_len = model.max_model_len,
                         .extra = {}});
    }
    for (const std::string& adapter : model.adapters) {
      entries.push_back({.id = adapter,
                         .root = adapter,
                         .parent = model.served_names.front(),
                         .owned_by = "vllm",
                         .max_model_len = std::nullopt,
                         .extra = {}});
    }
  }
  return entries;
}

std::string SimCore::Version() const {
  if (!options_.server_version.empty()) return options_.server_version;
  const wire::Version& version = options_.dialect.version;
  return StrCat(version.major, ".", version.minor, ".", version.patch);
}

}  // namespace weir::sim
