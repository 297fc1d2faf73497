#include <memory>

#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/input.h"
#include "weir/cli/listeners.h"
#include "weir/cli/run_call.h"
#include "weir/cli/work.h"
#include "weir/client/engine_host.h"
#include "weir/client/proxy_advice.h"
#include "weir/client/wiring.h"
#include "weir/engine/control.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

struct EmbedFlags {
  CommonFlags common;
  std::vector<std::string> texts;
  std::optional<std::int64_t> dimensions;
  bool lines = false;
};

void WriteVector(json::Writer& out, const std::vector<float>& vector) {
  out.BeginArray();
  for (const float number : vector) out.Double(number);
  out.EndArray();
}

// One JSON list for each text, in their order.
std::string VectorsText(const model::Embeddings& embeddings) {
  std::string text;
  for (const std::vector<float>& vector : embeddings.vectors) {
    json::Writer out(text);
    WriteVector(out, vector);
    text += '\n';
  }
  return text;
}

std::string EmbeddingsJson(const model::Embeddings& embeddings) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Field("model", embeddings.model);
  out.Key("embeddings");
  out.BeginArray();
  for (const std::vector<float>& vector : embeddings.vectors) WriteVector(out, vector);
  out.EndArray();
  if (embeddings.usage.prompt_tokens) {
    out.Key("prompt_tokens");
    out.Int(*embeddings.usage.prompt_tokens);
  }
  out.EndObject();
  return text + "\n";
}

Result<std::vector<std::string>> TextsOf(const EmbedFlags& flags) {
  if (!flags.texts.empty() && flags.lines) {
    return Fail(Code::kConfigError,
                "--lines takes the texts from stdin, and there are some on the command line, too; "
                "leave one of them away");
  }
  for (const std::string& text : flags.texts) {
    WEIR_CHECK(CheckUtf8(text, "the text"));
  }
  if (!flags.texts.empty()) return flags.texts;
  WEIR_TRY(const std::string input, ReadStdin());
  WEIR_CHECK(CheckUtf8(input, "stdin"));
  if (Trim(input).empty()) {
    return Fail(Code::kConfigError, "there is no text to embed: give one, or pipe one in");
  }
  if (!flags.lines) return std::vector<std::string>{input};
  // Blank lines are texts, too: the vector of a line stands at the place of the line.
  std::vector<std::string_view> lines = Split(input, '\n');
  if (lines.back().empty()) lines.pop_back();
  return std::vector<std::string>(lines.begin(), lines.end());
}

async::Task<Result<model::Embeddings>> Embed(async::Context ctx, config::EngineConfig engine,
                                             model::EmbedCall call, Env env) {
  const std::unique_ptr<http::Client> transport = client::BuildTransport(engine, env);
  WEIR_CO_TRY(const std::unique_ptr<engine::Control> control,
              engine::Control::Make(client::HttpOptionsOf(engine), *transport));
  const Duration total = engine.http.upstream.timeouts.total;
  if (total > Duration::zero()) ctx = ctx.WithTimeout(total);
  co_return co_await control->Embed(ctx, call);
}

// As `weir call` does: its server is started where it does not run, and stopped afterwards.
async::Task<Result<model::Embeddings>> EmbedByOwnServer(async::Context ctx, ChosenEngine chosen,
                                                        model::EmbedCall call, Env env) {
  client::EngineHostOptions options{
      .config = chosen.config, .chosen = chosen.engine, .route = chosen.route, .env = env};
  WEIR_CO_TRY(const std::unique_ptr<client::EngineHost> host,
              co_await client::EngineHost::Open(ctx, std::move(options)));
  WEIR_CO_CHECK(co_await host->Start(ctx, chosen.engine.name));
  const config::EngineConfig engine = *host->Find(chosen.engine.name);
  Result<model::Embeddings> embeddings = co_await Embed(ctx, engine, std::move(call), env);
  co_await host->Stop(ctx, chosen.engine.name);
  co_return embeddings;
}

int RunEmbed(Session& session, const EmbedFlags& flags) {
  const CommonFlags& common = flags.common;
  const Result<ChosenEngine> chosen = EngineOf(common, session);
  if (!chosen) return Refuse(session, common, chosen.error());
  if (chosen->engine.kind == config::Kind::kSim) {
    return Refuse(session, common,
                  {.code = Code::kUnsupportedParam,
                   .message = "the embedded simulator has no embeddings; start `weir sim` and give "
                              "its address with -e"});
  }
  if (!chosen->engine.fallback.empty()) {
    session.terminal.Note(StrCat("only ", chosen->engine.name,
                                 " is asked, and no `fallback`: vectors "
                                 "of another model could not be compared"));
  }
  Result<std::vector<std::string>> texts = TextsOf(flags);
  if (!texts) return Refuse(session, common, texts.error());
  async::Loop loop;  // outlives the connections
  const model::EmbedCall call{
      .model = common.model, .texts = *std::move(texts), .dimensions = flags.dimensions};
  Result<Listeners> listeners =
      Listeners::Open(loop, chosen->config.events, common.events_file, session);
  if (!listeners) return Refuse(session, common, listeners.error());
  Work work(loop, session.terminal, listeners->sinks());
  const async::Context ctx = work.NewContext({});
  const Result<model::Embeddings> embeddings =
      loop.Run(chosen->engine.managed ? EmbedByOwnServer(ctx, *chosen, call, session.env)
                                      : Embed(ctx, chosen->engine, call, session.env));
  listeners->Finish(session.terminal);
  if (!embeddings) {
    return Refuse(session, common, WithAdvice(embeddings.error(), *chosen, session));
  }
  session.terminal.Out(common.form() == Output::kJson ? EmbeddingsJson(*embeddings)
                                                      : VectorsText(*embeddings));
  return kExitOk;
}

}  // namespace

void AddEmbedCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<EmbedFlags>();  // shared by what the command keeps
  CLI::App& command = AddCommand(app, "embed", "Turn texts into vectors, one JSON list a line");
  TextsFlag(command, "texts", flags->texts, "the texts; none: all of stdin is one text");
  SwitchFlag(command, "--lines", flags->lines, "every line of stdin is a text, blank ones too");
  TextFlag(command, "-e,--engine", flags->common.engine, "name from weir.yaml, or an address");
  TextFlag(command, "-m,--model", flags->common.model, "model; default: the engine's own");
  LooseNumberFlag(command, "--dimensions", flags->dimensions,
                  "shorter vectors, where the model has them");
  LooseNumberFlag(command, "--timeout", flags->common.timeout, "seconds for all of it");
  TextFlag(command, "-o,--output", flags->common.output, "text or json").OneOf({"text", "json"});
  TextFlag(command, "--events", flags->common.events_file, "append events and spans to this file");
  SetRun(command, session, [flags, &session] { return RunEmbed(session, *flags); });
}

}  // namespace weir::cli
