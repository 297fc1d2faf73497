#include "weir/cli/jobs_variant.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/frame_table.h"
#include "weir/cli/jobs_board.h"
#include "weir/cli/jobs_engines.h"
#include "weir/cli/jobs_store.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

struct VariantFlags {
  JobsFlags jobs;
  std::string agent;
  std::string variant;
  std::string engine;
  std::string model;
  std::string provider;
  bool activate = true;
  bool force = false;

  bool writes() const { return !engine.empty() || !model.empty() || !provider.empty(); }
};

std::string ConfigOf(const VariantFlags& flags) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  for (const auto& [name, value] :
       {std::pair("engine", &flags.engine), std::pair("model", &flags.model),
        std::pair("provider", &flags.provider)}) {
    if (!value->empty()) out.Field(name, *value);
  }
  out.EndObject();
  return text;
}

std::string VariantsText(const std::vector<jobs::Variant>& variants, const Session& session) {
  FrameTable table({{.head = "agent", .words = true},
                    {.head = "variant", .words = true},
                    {.head = "active", .words = true},
                    {.head = "provider", .drop = 1, .words = true},
                    {.head = "engine", .drop = 2, .words = true},
                    {.head = "model", .drop = 1, .words = true}});
  for (const jobs::Variant& variant : variants) {
    const Result<json::Value> config = json::Read(variant.config);
    const auto text = [&](std::string_view key) {
      return TableCell{.text = config ? std::string(config->Find(key).StringOr("")) : ""};
    };
    table.Add({{.text = variant.agent},
               {.text = variant.variant},
               {.text = variant.active ? "yes" : "", .colour = kGreen},
               text("provider"),
               text("engine"),
               text("model")});
  }
  return LinesOf(table, session);
}

std::string VariantsJson(const std::vector<jobs::Variant>& variants) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.PlainKey("variants");
  out.BeginArray();
  for (const jobs::Variant& variant : variants) {
    out.BeginObject();
    out.Field("agent", variant.agent);
    out.Field("variant", variant.variant);
    out.PlainKey("active");
    out.Bool(variant.active);
    out.PlainKey("config");
    out.Raw(variant.config);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return text + "\n";
}

Result<std::vector<jobs::Variant>> VariantsOf(jobs::JobStore& store, const std::string& agent) {
  WEIR_TRY(std::vector<jobs::Variant> variants, store.Variants());
  std::erase_if(variants, [&](const jobs::Variant& variant) {
    return !agent.empty() && variant.agent != agent;
  });
  return variants;
}

void WarnOfNoQueue(const Session& session, const VariantFlags& flags, jobs::JobStore& store) {
  const Result<std::vector<jobs::QueueInfo>> queues = store.Queues();
  if (!queues || std::ranges::any_of(*queues, [&](const jobs::QueueInfo& queue) {
        return queue.spec.name == flags.agent;
      })) {
    return;
  }
  session.terminal.Warn(StrCat("there is no queue ", flags.agent,
                               " yet: a variant counts once one of that name is there"));
}

int List(Session& session, const VariantFlags& flags, const OpenedStore& opened) {
  const Result<std::vector<jobs::Variant>> variants = VariantsOf(*opened.store, flags.agent);
  if (!variants) return StopJobs(session, flags.jobs, variants.error());
  if (flags.jobs.json()) {
    session.terminal.Out(VariantsJson(*variants));
  } else if (variants->empty()) {
    if (!flags.agent.empty()) WarnOfNoQueue(session, flags, *opened.store);
    session.terminal.Note(StrCat(
        flags.agent.empty() ? std::string("no queue has variants")
                            : StrCat("queue ", flags.agent, " has no variants"),
        ": its jobs are done as its flow says; make one with: weir jobs variant ",
        flags.agent.empty() ? std::string("AGENT") : flags.agent, " NAME -e ENGINE", opened.flag));
  } else {
    session.terminal.Out(VariantsText(*variants, session));
  }
  return kExitOk;
}

// Whether this configuration has what the variant names. Workers may have another one.
Result<void> CheckNames(const Session& session, json::View variant) {
  const std::string engine(variant.Find("engine").StringOr(""));
  const std::string provider(variant.Find("provider").StringOr(""));
  if (engine.empty() && provider.empty()) return {};
  WEIR_TRY(const config::Config config, config::Load(session.config_file, session.env));
  if (!engine.empty()) {
    const bool role = config.routes.roles.contains(engine);
    const auto found = config::ResolveEngine(config, role ? "" : engine, session.env);
    if (!found) return std::unexpected<Error>(found.error());
    return {};
  }
  WEIR_TRY(const engine::Resolution found, EngineOfProvider(config, provider, session.env));
  if (found.warning) session.terminal.Warn(*found.warning);
  return {};
}

// What the variant will say: that of the flags, or that of the store.
Result<json::Value> ConfigToBe(const VariantFlags& flags, jobs::JobStore& store) {
  if (flags.writes()) return json::Read(ConfigOf(flags));
  WEIR_TRY(const std::vector<jobs::Variant> variants, VariantsOf(store, flags.agent));
  const auto found = std::ranges::find(variants, flags.variant, &jobs::Variant::variant);
  return found == variants.end() ? json::Value() : json::Read(found->config);
}

// A variant that nobody could work with is not made the active one.
Result<void> MayBeSet(const Session& session, const VariantFlags& flags, jobs::JobStore& store) {
  WEIR_TRY(const json::Value config, ConfigToBe(flags, store));
  const Result<void> known = CheckNames(session, config);
  if (known) return {};
  if (flags.activate && !flags.force) {
    Error error = known.error();
    StrAppend(error.message,
              "; a worker with this configuration could not work with the variant: --force "
              "activates it all the same, for workers that have another one");
    return std::unexpected<Error>(std::move(error));
  }
  session.terminal.Warn(StrCat("workers with this configuration could not work with the variant: ",
                               known.error().message));
  return {};
}

int Set(Session& session, const VariantFlags& flags, const OpenedStore& opened) {
  jobs::JobStore& store = *opened.store;
  const auto stop = [&](const Error& error) { return StopJobs(session, flags.jobs, error); };
  if (!flags.writes() && !flags.activate) {
    return stop({.code = Code::kConfigError,
                 .message = "there is nothing to do: say what the variant is with -e, -m or "
                            "--provider, or leave --no-activate away"});
  }
  if (!flags.engine.empty() && !flags.provider.empty()) {
    return stop({.code = Code::kConfigError,
                 .message = "-e names an engine and --provider finds one: give one of them"});
  }
  const Result<void> may_be = MayBeSet(session, flags, store);
  if (!may_be) return stop(may_be.error());
  if (flags.writes()) WarnOfNoQueue(session, flags, store);
  const Result<void> set =
      store.SetVariant({.agent = flags.agent,
                        .variant = flags.variant,
                        .config = flags.writes() ? ConfigOf(flags) : std::string(),
                        .active = flags.activate});
  if (!set) return stop(set.error());
  const Result<std::vector<jobs::Variant>> variants = VariantsOf(store, flags.agent);
  if (!variants) return stop(variants.error());
  if (flags.jobs.json()) {
    session.terminal.Out(VariantsJson(*variants));
    return kExitOk;
  }
  const auto now = std::ranges::find(*variants, flags.variant, &jobs::Variant::variant);
  const bool active = now != variants->end() && now->active;
  session.terminal.Out(StrCat("variant ", flags.variant, " of ", flags.agent,
                              active ? " is active\n" : " is written, and not active\n"));
  session.terminal.Note(
      active ? std::string("workers look every 100 jobs by default (--refresh-every of weir jobs "
                           "work), and what they have begun ends as it began")
             : StrCat("activate it with: weir jobs variant ", flags.agent, " ", flags.variant,
                      opened.flag));
  return kExitOk;
}

int Variants(Session& session, const VariantFlags& flags) {
  if (flags.variant.empty() && flags.writes()) {
    return StopJobs(session, flags.jobs,
                    {.code = Code::kConfigError,
                     .message = "a variant needs a name: weir jobs variant AGENT NAME -e ENGINE"});
  }
  const bool sets = !flags.variant.empty();
  const Result<OpenedStore> opened =
      OpenJobs(flags.jobs, sets ? StoreUse::kMake : StoreUse::kLook, session);
  if (!opened) return StopJobs(session, flags.jobs, opened.error());
  return sets ? Set(session, flags, *opened) : List(session, flags, *opened);
}

}  // namespace

void AddJobsVariant(CLI::App& jobs, Session& session) {
  auto flags = std::make_shared<VariantFlags>();  // shared by what the command keeps
  CLI::App& command =
      AddCommand(jobs, "variant",
                 "What the jobs of a queue are worked with: list, write or activate a variant");
  TextFlag(command, "agent", flags->agent, "the queue; without one, all of them are listed")
      .Shows("AGENT");
  TextFlag(command, "name", flags->variant,
           "the variant that becomes the active one; with -e, -m or --provider it is "
           "written first")
      .Shows("NAME");
  TextFlag(command, "-e,--engine", flags->engine, "asked instead of every engine of the flow");
  TextFlag(command, "-m,--model", flags->model, "its model; default: the engine's own");
  TextFlag(command, "--provider", flags->provider,
           "a provider's name instead of an engine's: vllm, ollama, ...");
  SwitchFlag(command, "--activate,!--no-activate", flags->activate,
             "jobs are worked with it from now on (default)");
  SwitchFlag(command, "--force", flags->force,
             "activate it although this configuration has no such engine");
  AddStoreFlag(command, flags->jobs);
  AddOutputFlag(command, flags->jobs);
  SetRun(command, session, [flags, &session] { return Variants(session, *flags); });
}

}  // namespace weir::cli
