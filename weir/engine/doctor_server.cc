// From readiness to the clock: what the server says of itself.

#include "weir/base/text.h"
#include "weir/engine/adapter.h"
#include "weir/engine/doctor_facts.h"
#include "weir/engine/doctor_steps.h"

namespace weir::engine {
namespace {

constexpr wire::Version kOldest{0, 4, 2};  // what is older was never looked at

struct Server {
  Examination& found;
  std::unique_ptr<Adapter> adapter;
  std::unique_ptr<Upstream> upstream;
  std::string date;          // of the latest good response
  std::int64_t date_at = 0;  // our clock then

  const HttpEngineOptions& options() const { return found.options.http; }
};

async::Task<Result<std::string>> Get(async::Context ctx, Server& server, std::string_view path) {
  const Duration limit = server.found.options.step_limit;
  const model::Timeouts timeouts{.connect = limit, .first_token = limit, .idle = limit};
  WEIR_CO_TRY(const std::unique_ptr<http::Response> response,
              co_await server.upstream->Exchange(ctx, "GET", path, "", timeouts));
  server.date = response->headers().Find("Date").value_or("");
  server.date_at = ctx.loop->WallNanos();
  co_return co_await response->ReadAll(ctx, limits::kReplyBodyBytes);
}

// What to do when a question about the server has no good answer.
std::string UnansweredRemedy(const Examination& found, const Error& error) {
  if (error.code == Code::kTimeout) {
    return "the server takes connections and does not answer: look into its log; an engine that "
           "hangs must be restarted";
  }
  if (found.through_proxy && error.http_status != 0) {
    return "the proxy may have said this itself: see HTTP_PROXY and NO_PROXY";
  }
  if (error.http_status == 503) return "the engine has died or is not ready: see the server's log";
  if (error.http_status == 404 || error.http_status == 405) {
    return "check the address (what stands in front of /v1?) and `kind:` of the engine";
  }
  return {};
}

async::Task<bool> ExamineHealth(async::Context ctx, Server& server) {
  Examination& found = server.found;
  const std::string_view path = server.adapter->HealthPath();
  if (path.empty()) {
    found.Skip("health", StrCat("a server of kind ", server.adapter->kind(), " has no /health"));
    co_return true;
  }
  const TimePoint start = ctx.Now();
  const Result<std::string> answer = co_await Get(ctx, server, path);
  if (answer) {
    found.Ok("health", StrCat("GET ", path, " answers 200 in ", Took(ctx.Now() - start)));
    co_return true;
  }
  const int status = answer.error().http_status;
  if (status / 100 == 4) {
    found.Note("health", StrCat("GET ", path, " answers ", status),
               StrCat("is this a server of kind ", server.adapter->kind(),
                      "? A gateway may hide the path"));
    co_return true;
  }
  found.Fail("health", answer.error(), UnansweredRemedy(found, answer.error()));
  co_return false;
}

bool IsHere(const std::string& host) {
  return host.empty() || host == "localhost" || host.ends_with(".localhost") || host == "::1" ||
         host.starts_with("127.");
}

Error NoEntry(const Error& refusal, bool key_sent) {
  Error error = refusal;
  error.message =
      key_sent ? "the server does not take the key" : "the server wants a key, and none is sent";
  return error;
}

// What the list of models, which needs the key, has to say of it.
bool ExamineKey(Server& server, const Result<std::string>& models) {
  Examination& found = server.found;
  const UpstreamOptions& options = server.upstream->options();
  const bool key_sent = wire::Authorization(options.auth, options.api_key).has_value();
  const int status = models ? 200 : models.error().http_status;
  if (status == 401 || status == 403) {
    found.Fail("auth", NoEntry(models.error(), key_sent),
               key_sent ? "the key must be one of the server's --api-key (or its VLLM_API_KEY): "
                          "see $VLLM_API_KEY here, or `api_key_env:` of the engine"
                        : "set $VLLM_API_KEY, or `api_key_env:` of the engine, to one of the "
                          "server's --api-key");
    return false;
  }
  if (!models) return true;  // says nothing of keys
  const Result<http::Url> url = http::ParseUrl(options.base_url);
  const bool open = url && !url->tls && !IsHere(url->host);
  if (key_sent && open) {
    found.Warn("auth", StrCat("the key is taken, and travels to ", url->host, " in plain http"),
               "use https (a proxy with TLS in front of the server), or a tunnel");
  } else if (key_sent) {
    found.Ok("auth", "the key is taken, or none is wanted");
  } else {
    found.Ok("auth", "no key is sent (EMPTY), and none is wanted");
  }
  return true;
}

async::Task<Result<std::string>> GetModels(async::Context ctx, Server& server) {
  const std::vector<std::string_view> paths = server.adapter->ModelPaths();
  for (std::size_t i = 0;; ++i) {
    Result<std::string> answer = co_await Get(ctx, server, paths[i]);
    const bool elsewhere = !answer && answer.error().http_status == 404;
    if (!elsewhere || i + 1 == paths.size()) co_return answer;
  }
}

void CompareDialects(Examination& found, const std::string& version, const wire::Dialect& spoken) {
  const std::optional<wire::Dialect>& set = found.options.http.upstream.dialect;
  const std::string what = StrCat("vLLM ", version, ", dialect ", spoken.name);
  if (spoken.version < kOldest) {
    found.Warn("version", what, "weir needs vLLM 0.4.2 or later: update the server");
  } else if (set && set->constraints != spoken.constraints) {
    found.Warn(
        "version", StrCat(what, ", but `dialect: ", set->name, "` is set"),
        "leave `dialect:` away: this server ignores constraints as that dialect spells them");
  } else if (set && set->name != spoken.name) {
    found.Note("version", StrCat(what, ", but `dialect: ", set->name, "` is set"),
               "leave `dialect:` away, so that the server is spoken to as it understands");
  } else {
    const bool guided = spoken.constraints == wire::ConstraintSpelling::kGuided;
    found.Ok("version", what,
             StrCat("regex, choice and grammar travel as ",
                    guided ? "guided_regex and its like" : "structured_outputs"));
  }
}

async::Task<void> ExamineVersion(async::Context ctx, Server& server) {
  Examination& found = server.found;
  const Adapter& adapter = *server.adapter;
  found.dialect = server.options().upstream.dialect.value_or(adapter.DialectOf(""));
  if (adapter.VersionPath().empty()) {
    found.Ok("version", StrCat("dialect ", found.dialect.name, ", by its kind"));
    co_return;
  }
  const Result<std::string> answer = co_await Get(ctx, server, adapter.VersionPath());
  const std::string version = answer ? adapter.VersionOf(*answer) : "";
  const bool vllm = server.options().kind == wire::ServerKind::kVllm;
  if (!version.empty() && vllm) {
    const wire::Dialect spoken = adapter.DialectOf(*answer);
    CompareDialects(found, version, spoken);
    if (!server.options().upstream.dialect) found.dialect = spoken;
    co_return;
  }
  if (!version.empty()) {
    found.Ok("version", StrCat("Ollama ", version, ", dialect ", found.dialect.name));
    co_return;
  }
  const std::unique_ptr<Adapter> ollama = NewOllamaAdapter();
  const Result<std::string> other = co_await Get(ctx, server, ollama->VersionPath());
  if (vllm && other && !ollama->VersionOf(*other).empty()) {
    found.Warn("version", StrCat("this is Ollama ", ollama->VersionOf(*other), ", not vLLM"),
               "set `kind: ollama` for the engine: constraints and options have other names there");
    co_return;
  }
  found.Warn(
      "version",
      StrCat("the server does not tell its version; dialect ", found.dialect.name, " is spoken"),
      "if it is older than that, set `dialect:` (docs/dialects.md)");
}

async::Task<void> ExamineLoad(async::Context ctx, Server& server) {
  if (server.options().kind != wire::ServerKind::kVllm) {
    server.found.Skip("load", "only vLLM tells how busy it is");
    co_return;
  }
  const Result<std::string> metrics = co_await Get(ctx, server, "/metrics");
  const std::optional<Finding> load =
      metrics ? JudgeLoad(wire::ReadServerLoad(*metrics)) : std::nullopt;
  if (!metrics && ctx.Now() >= ctx.deadline) {
    server.found.Fail("load", metrics.error(), "the time given (--timeout) is over: give more");
  } else if (load) {
    server.found.Add(*load);
  } else {
    server.found.Skip("load", metrics ? std::string("/metrics does not speak of vLLM's queue")
                                      : StrCat("/metrics is not there: ", Name(metrics.error())));
  }
}

}  // namespace

async::Task<bool> ExamineState(async::Context ctx, Examination& found, http::Client& client) {
  Server server{.found = found, .adapter = NewAdapter(found.options.http.kind), .upstream = {}};
  Result<std::unique_ptr<Upstream>> upstream = Upstream::Make(found.options.http.upstream, client);
  if (!upstream) {
    found.Fail("address", upstream.error());
    found.SkipRest("the address cannot be used");
    co_return false;
  }
  server.upstream = *std::move(upstream);
  if (!co_await ExamineHealth(ctx, server)) {
    found.SkipRest("the server is not ready");
    co_return false;
  }
  const Result<std::string> listed = co_await GetModels(ctx, server);
  if (!ExamineKey(server, listed)) {
    found.SkipRest("the server lets nobody in without its key");
    co_return false;
  }
  if (!listed) found.Skip("auth", "the list of models, which needs the key, is not there");
  co_await ExamineVersion(ctx, server);
  Result<std::vector<model::ModelEntry>> models;
  if (listed) {
    models = server.adapter->DecodeModels(*listed);
  } else {
    models = std::unexpected<Error>(listed.error());
  }
  if (!models) {
    found.Fail("models", models.error(), UnansweredRemedy(found, models.error()));
    found.SkipRest("the server does not list its models");
    co_return false;
  }
  const model::ModelEntry* const entry = ExamineModels(found, *models);
  ExamineAdapters(found, *models);
  if (entry != nullptr) ExamineLimits(found, *entry);
  co_await ExamineLoad(ctx, server);
  found.Add(JudgeClock(server.date, server.date_at));
  if (entry == nullptr) found.SkipRest("the model is not there");
  co_return entry != nullptr;
}

}  // namespace weir::engine
