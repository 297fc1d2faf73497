// The rooms beside generation: health, models, tokens, adapters, sleep, counters.

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/uri.h"
#include "weir/sim/face/refuse.h"
#include "weir/sim/face/visit.h"
#include "weir/wire/control_server.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/openai_server.h"
#include "weir/wire/python_text.h"
#include "weir/wire/request_reader.h"

namespace weir::sim {
namespace {

using async::Task;

constexpr Duration kDrainWatch = std::chrono::milliseconds(2);

constexpr wire::Version kPathsHidden{0, 26, 0};
constexpr wire::Version kFailuresAreInternal{0, 23, 0};
constexpr wire::Version kInPlaceNamed{0, 14, 0};
constexpr wire::Version kResetAnswers{0, 26, 0};
constexpr wire::Version kLevelZeroPauses{0, 16, 0};

bool IsVllm(const SimOptions& options) { return options.dialect.kind == wire::ServerKind::kVllm; }
bool IsForeign(const SimOptions& options) { return !IsVllm(options); }
bool LoadsAdapters(const SimOptions& options) {
  return IsVllm(options) && options.switches.runtime_lora;
}
bool InDevMode(const SimOptions& options) { return IsVllm(options) && options.switches.dev_mode; }

std::string Flag(std::string_view key, bool value) {
  std::string body;
  json::Writer out(body);
  out.BeginObject();
  out.Key(key);
  out.Bool(value);
  out.EndObject();
  return body;
}

std::string Word(std::string_view key, std::string_view value) {
  std::string body;
  json::Writer out(body);
  out.BeginObject();
  out.Field(key, value);
  out.EndObject();
  return body;
}

Task<void> ServeHealth(Visit& visit) { return RespondEmpty(visit, 200); }

Task<void> ServeVersion(Visit& visit) {
  return RespondJson(visit, 200, Word("version", visit.core.Version()));
}

Task<void> ServeLoad(Visit& visit) {
  const bool tracked = visit.core.options().switches.load_tracking;
  const std::int64_t load = tracked ? visit.core.load().load() : 0;
  return RespondJson(visit, 200, StrCat("{\"server_load\":", load, "}"));
}

Task<void> ServeMetrics(Visit& visit) {
  return RespondText(visit, 200, "text/plain; version=0.0.4; charset=utf-8",
                     visit.core.MetricsText(visit.WallNanos()));
}

Task<void> ServeModels(Visit& visit) {
  const std::int64_t now = visit.core.SecondsOf(visit.WallNanos());
  return RespondJson(visit, 200, wire::EncodeModels(visit.core.Models(), now, visit.dialect()));
}

Task<void> ServeModel(Visit& visit) {
  const std::string_view escaped = visit.path().substr(visit.path().rfind('/') + 1);
  const std::string name = schema::PercentDecode(escaped);
  for (const model::ModelEntry& entry : visit.core.Models()) {
    if (entry.id != name && entry.id != StrCat(name, ":latest")) continue;
    co_return co_await RespondJson(
        visit, 200,
        wire::EncodeModel(entry, visit.core.SecondsOf(visit.WallNanos()), visit.dialect()));
  }
  co_await RespondError(visit, UnknownModel(visit.core.options(), name));
}

std::expected<Admitted, Refusal> ModelNamed(const SimCore& core, const std::string& name) {
  return core.ModelOf({.model = name});
}

Task<void> ServeTokenize(Visit& visit) {
  const auto incoming = wire::DecodeTokenize(visit.exchange.body(), visit.dialect());
  if (!incoming) co_return co_await RespondError(visit, RefusalOf(incoming.error()));
  const auto found = ModelNamed(visit.core, incoming->call.model);
  if (!found) co_return co_await RespondError(visit, found.error());
  const std::int64_t window = visit.core.options().models[found->model].max_model_len;
  const std::vector<TokenId> tokens = Render(incoming->call, {incoming->call.prompt, {}}).tokens;
  std::vector<std::string> texts;
  if (incoming->token_texts) {
    for (const TokenId token : tokens) texts.emplace_back(Tokenizer::Piece(token));
  }
  co_await RespondJson(
      visit, 200, wire::EncodeTokenize(tokens, window, incoming->token_texts ? &texts : nullptr));
}

Task<void> ServeDetokenize(Visit& visit) {
  const auto incoming = wire::DecodeDetokenize(visit.exchange.body(), visit.dialect());
  if (!incoming) co_return co_await RespondError(visit, RefusalOf(incoming.error()));
  const auto found = ModelNamed(visit.core, incoming->model);
  if (!found) co_return co_await RespondError(visit, found.error());
  std::vector<TokenId> tokens;
  for (const std::int64_t id : incoming->tokens) {
    if (id < 0 || id >= Tokenizer::size()) {
      const Refusal refusal = RefusalOf(
          {.message = StrCat("Token id ", id, " is out of vocabulary"), .param = "tokens"});
      co_return co_await RespondError(visit, refusal);
    }
    tokens.push_back(static_cast<TokenId>(id));
  }
  co_await RespondJson(visit, 200, wire::EncodeDetokenize(Tokenizer::Decode(tokens, false)));
}

Refusal Refused(int status, std::string_view type, std::string message) {
  return RefusalOf({.status = status, .type = std::string(type), .message = std::move(message)});
}

// A simulated adapter has no file: every path exists but those that say they do not.
bool IsMissing(std::string_view path) { return path.contains("missing"); }

Task<void> ServeLoadAdapter(Visit& visit) {
  const auto wanted =
      wire::DecodeAdapter(wire::AdapterChange::kLoad, visit.exchange.body(), visit.dialect());
  if (!wanted) co_return co_await RespondError(visit, RefusalOf(wanted.error()));
  if (wanted->name.empty() || wanted->path.empty()) {
    const Refusal refusal =
        Refused(400, "InvalidUserInput", "Both 'lora_name' and 'lora_path' must be provided.");
    co_return co_await RespondError(visit, refusal);
  }
  if (!visit.core.options().switches.lora) {
    const bool internal = visit.dialect().version >= kFailuresAreInternal;
    const Refusal refusal =
        Refused(internal ? 500 : 400, internal ? "InternalServerError" : "BadRequestError",
                "LoRA is not enabled. Use --enable-lora to enable LoRA.");
    co_return co_await RespondError(visit, refusal);
  }
  if (IsMissing(wanted->path)) {
    const bool hidden = visit.dialect().version >= kPathsHidden;
    const Refusal refusal =
        Refused(404, "NotFoundError",
                StrCat("Loading lora ", wanted->name, " failed: No adapter found for ",
                       hidden ? std::string_view("<path>") : std::string_view(wanted->path)));
    co_return co_await RespondError(visit, refusal);
  }
  if (!visit.core.adapters().Load({.name = wanted->name, .path = wanted->path}, wanted->in_place)) {
    std::string message = StrCat("The lora adapter '", wanted->name, "' has already been loaded.");
    if (visit.dialect().version >= kInPlaceNamed) {
      message += " If you want to load the adapter in place, set 'load_inplace' to True.";
    }
    const Refusal refusal = Refused(400, "InvalidUserInput", std::move(message));
    co_return co_await RespondError(visit, refusal);
  }
  co_await RespondText(visit, 200, "",
                       StrCat("Success: LoRA adapter '", wanted->name, "' added successfully."));
}

Task<void> ServeUnloadAdapter(Visit& visit) {
  const auto wanted =
      wire::DecodeAdapter(wire::AdapterChange::kUnload, visit.exchange.body(), visit.dialect());
  if (!wanted) co_return co_await RespondError(visit, RefusalOf(wanted.error()));
  if (wanted->name.empty()) {
    const Refusal refusal = Refused(400, "InvalidUserInput",
                                    "'lora_name' needs to be provided to unload a LoRA adapter.");
    co_return co_await RespondError(visit, refusal);
  }
  if (!visit.core.adapters().Unload(wanted->name)) {
    const Refusal refusal = Refused(
        404, "NotFoundError", StrCat("The lora adapter '", wanted->name, "' cannot be found."));
    co_return co_await RespondError(visit, refusal);
  }
  co_await RespondText(visit, 200, "",
                       StrCat("Success: LoRA adapter '", wanted->name, "' removed successfully."));
}

// pydantic's complaint about a part of the query; null when it is right.
std::optional<Refusal> RefuseQuery(const Visit& visit, std::string_view name,
                                   std::span<const std::string_view> words,
                                   std::string_view expected) {
  const std::string_view value = visit.Query(name);
  if (value.empty() || std::ranges::find(words, value) != words.end()) return std::nullopt;
  const std::string entry =
      StrCat("{'type': 'literal_error', 'loc': ('query', ", wire::PythonRepr(name),
             "), 'msg': ", wire::PythonRepr(StrCat("Input should be ", expected)),
             ", 'input': ", wire::PythonRepr(value),
             ", 'ctx': {'expected': ", wire::PythonRepr(expected), "}}");
  return RefusalOf(wire::ValidationError({entry}, StrCat("query.", name), visit.dialect()));
}

std::optional<Refusal> RefuseMode(const Visit& visit) {
  constexpr std::string_view kModes[] = {"abort", "wait", "keep"};
  return RefuseQuery(visit, "mode", kModes, "'abort', 'wait' or 'keep'");
}

// What becomes of the requests that run: "abort" ends them, "wait" lets them end first, "keep"
// freezes them. Fails when the client hangs up meanwhile.
Task<Result<void>> Quieten(Visit& visit) {
  const std::string_view mode = visit.Query("mode");
  Scheduler& scheduler = visit.core.scheduler();
  if (mode.empty() || mode == "abort") scheduler.AbortAll();
  if (mode == "wait") {
    scheduler.Close();
    while (!scheduler.drained()) {
      const Result<void> waited = co_await async::Sleep(visit.exchange.context(), kDrainWatch);
      if (!waited) co_return waited;
    }
  }
  co_return Result<void>();
}

Task<void> ServeSleep(Visit& visit) {
  constexpr std::string_view kLevels[] = {"0", "1", "2"};
  std::optional<Refusal> refusal = RefuseMode(visit);
  if (!refusal) refusal = RefuseQuery(visit, "level", kLevels, "'0', '1' or '2'");
  const std::int64_t level = ParseInt(visit.Query("level")).value_or(1);
  const bool pauses = level == 0 && visit.dialect().version >= kLevelZeroPauses;
  // The allocator that could give the memory back is not there: the engine fails without a word.
  if (!refusal && !pauses && !visit.core.options().switches.sleep_mode) {
    refusal = Refused(500, "InternalServerError", "");
  }
  if (refusal) co_return co_await RespondError(visit, *refusal);
  const Result<void> quiet = co_await Quieten(visit);
  if (!quiet) co_return;
  visit.core.Sleep(static_cast<int>(level));
  co_await RespondEmpty(visit, 200);
}

Task<void> ServeWake(Visit& visit) {
  visit.core.Wake();
  return RespondEmpty(visit, 200);
}

Task<void> ServeIsSleeping(Visit& visit) {
  return RespondJson(visit, 200, Flag("is_sleeping", visit.core.sleeping()));
}

Task<void> ServePause(Visit& visit) {
  if (const std::optional<Refusal> refusal = RefuseMode(visit)) {
    co_return co_await RespondError(visit, *refusal);
  }
  const Result<void> quiet = co_await Quieten(visit);
  if (!quiet) co_return;
  visit.core.scheduler().Pause();
  co_await RespondJson(visit, 200, Word("status", "paused"));
}

Task<void> ServeResume(Visit& visit) {
  visit.core.scheduler().Resume();
  return RespondJson(visit, 200, Word("status", "resumed"));
}

Task<void> ServeIsPaused(Visit& visit) {
  return RespondJson(visit, 200, Flag("is_paused", visit.core.scheduler().paused()));
}

Task<void> ServeResetPrefixes(Visit& visit) {
  visit.core.scheduler().ResetPrefixes();
  if (visit.dialect().version < kResetAnswers) return RespondEmpty(visit, 200);
  return RespondJson(visit, 200, Flag("success", true));
}

// A body without the list aborts everything.
Task<void> ServeAbort(Visit& visit) {
  const auto body = json::Read(visit.exchange.body());
  const json::View ids = body ? body->Find("request_ids") : json::View();
  Scheduler& scheduler = visit.core.scheduler();
  const std::int64_t aborted =
      ids.IsArray() ? scheduler.Abort(wire::StringsOf(ids)) : scheduler.AbortAll();
  return RespondJson(visit, 200, StrCat("{\"status\":\"aborted\",\"aborted\":", aborted, "}"));
}

Task<void> ServeWorldSize(Visit& visit) { return RespondJson(visit, 200, R"({"world_size":1})"); }

constexpr Route kControlRoutes[] = {
    {"GET", "/health", ServeHealth, IsVllm},
    {"GET", "/ping", ServeHealth, IsVllm},
    {"POST", "/ping", ServeHealth, IsVllm},
    {"GET", "/version", ServeVersion, IsVllm},
    {"GET", "/load", ServeLoad, IsVllm},
    {"GET", "/metrics", ServeMetrics, IsVllm},
    {"GET", "/v1/models", ServeModels},
    {"GET", "/v1/models/*", ServeModel, IsForeign},
    {"POST", "/tokenize", ServeTokenize, IsVllm},
    {"POST", "/detokenize", ServeDetokenize, IsVllm},
    {"POST", "/v1/load_lora_adapter", ServeLoadAdapter, LoadsAdapters},
    {"POST", "/v1/unload_lora_adapter", ServeUnloadAdapter, LoadsAdapters},
    {"POST", "/sleep", ServeSleep, InDevMode},
    {"POST", "/wake_up", ServeWake, InDevMode},
    {"GET", "/is_sleeping", ServeIsSleeping, InDevMode},
    {"POST", "/pause", ServePause, InDevMode},
    {"POST", "/resume", ServeResume, InDevMode},
    {"GET", "/is_paused", ServeIsPaused, InDevMode},
    {"POST", "/reset_prefix_cache", ServeResetPrefixes, InDevMode},
    {"POST", "/abort_requests", ServeAbort, InDevMode},
    {"GET", "/get_world_size", ServeWorldSize, InDevMode},
};

}  // namespace

std::span<const Route> ControlRoutes() { return kControlRoutes; }

}  // namespace weir::sim
