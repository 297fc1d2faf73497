#include <algorithm>
#include <memory>

#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/listeners.h"
#include "weir/cli/run_call.h"
#include "weir/cli/work.h"
#include "weir/client/proxy_advice.h"
#include "weir/client/wiring.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

std::string ModelsJson(const model::EngineInfo& info) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Field("engine", info.name);
  out.Field("kind", info.kind);
  out.Field("base_url", info.base_url);
  if (!info.dialect.empty()) out.Field("dialect", info.dialect);
  if (!info.version.empty()) out.Field("version", info.version);
  out.Key("models");
  out.BeginArray();
  for (const model::ModelEntry& model : info.models) {
    out.BeginObject();
    out.Field("id", model.id);
    if (!model.root.empty()) out.Field("root", model.root);
    if (!model.parent.empty()) out.Field("parent", model.parent);
    if (!model.owned_by.empty()) out.Field("owned_by", model.owned_by);
    if (model.max_model_len) {
      out.Key("max_model_len");
      out.Int(*model.max_model_len);
    }
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return text + "\n";
}

std::string ModelsText(const model::EngineInfo& info) {
  std::size_t width = 0;
  for (const model::ModelEntry& model : info.models) width = std::max(width, model.id.size());
  std::string text;
  for (const model::ModelEntry& model : info.models) {
    std::string notes;
    if (!model.parent.empty()) StrAppend(notes, "  adapter of ", model.parent);
    if (model.max_model_len) StrAppend(notes, "  ", *model.max_model_len, " tokens");
    StrAppend(text, model.id);
    if (!notes.empty()) StrAppend(text, std::string(width - model.id.size(), ' '), notes);
    text += '\n';
  }
  return text;
}

int RunModels(Session& session, const CommonFlags& flags) {
  const Result<ChosenEngine> chosen = EngineOf(flags, session);
  if (!chosen) return Refuse(session, flags, chosen.error());
  async::Loop loop;  // outlives the connections
  Result<client::Fleet> fleet = client::Fleet::Build(chosen->config, chosen->engine, session.env);
  if (!fleet) return Refuse(session, flags, fleet.error());
  const Result<std::shared_ptr<model::Engine>> engine = fleet->Get(chosen->engine.name);
  if (!engine) return Refuse(session, flags, engine.error());
  Result<Listeners> listeners =
      Listeners::Open(loop, chosen->config.events, flags.events_file, session);
  if (!listeners) return Refuse(session, flags, listeners.error());
  Work work(loop, session.terminal, listeners->sinks());
  const async::Context ctx = work.NewContext(chosen->engine.http.upstream.timeouts.total);
  const Result<model::EngineInfo> info = loop.Run((*engine)->Describe(ctx));
  listeners->Finish(session.terminal);
  if (!info) {
    return Refuse(session, flags, WithAdvice(info.error(), *chosen, session));
  }
  session.terminal.Out(flags.form() == Output::kJson ? ModelsJson(*info) : ModelsText(*info));
  return kExitOk;
}

}  // namespace

void AddModelsCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<CommonFlags>();  // shared by what the command keeps
  CLI::App& command = AddCommand(app, "models", "List the models and adapters of an engine");
  TextFlag(command, "engine,-e,--engine", flags->engine,
           "name from weir.yaml, \"sim\", or an address");
  LooseNumberFlag(command, "--timeout", flags->timeout, "seconds for all of it");
  TextFlag(command, "-o,--output", flags->output, "text or json").OneOf({"text", "json"});
  TextFlag(command, "--events", flags->events_file, "append events and spans to this file");
  SetRun(command, session, [flags, &session] { return RunModels(session, *flags); });
}

}  // namespace weir::cli
