#include "weir/config/describe.h"

#include <algorithm>

#include "weir/config/sampling_keys.h"

namespace weir::config {
namespace {

void DescribeRoutes(Visitor& v, engine::RouteTable& routes) {
  std::map<std::string, std::string> providers(routes.providers.begin(), routes.providers.end());
  v.Field({"provider_names",
           {},
           "which engine a provider's name in jobs and agents means; \"\" for none given, \"*\" "
           "for a name that nobody knows"},
          providers);
  if (v.reads()) routes.providers = {providers.begin(), providers.end()};
  v.Others({"ROLE",
            {},
            "engines of a role (`default`, `fast`, ...) in the order in which they are tried"},
           routes.roles);
}

void DescribeEvents(Visitor& v, EventsConfig& events) {
  v.Field({"file", {}, "where events go, as JSON lines; empty: nowhere"}, events.file);
  v.Field({"payloads", {}, "messages and answers in debug events"}, events.payloads);
  v.Field({"max_payload_chars", {}, "most characters of one payload", AtLeast(0)},
          events.max_payload_chars);
  v.Field(
      {"deltas", {}, "the pieces of streams, too, as `weir top` shows them of agents: many lines"},
      events.deltas);
  v.Field({"control_file", {}, "while this file holds `off`, nothing is written"},
          events.control_file);
  v.Field({"max_bytes", {}, "size at which the file is rotated", AtLeast(1)}, events.max_bytes);
  v.Field({"keep", {}, "rotated files that stay", AtLeast(0)}, events.keep);
  v.Field({"metrics_file",
           {},
           "figures of all calls in Prometheus' text format, written at the end; empty: none"},
          events.metrics_file);
  v.Field({"otlp", {}, "base URL of an OpenTelemetry collector; empty: none"}, events.otlp);
  v.Field({"otlp_headers", {}, "headers of every request to the collector"}, events.otlp_headers);
}

NamedItems ProfilesOf(Config& config) {
  return {.names =
              [&config] {
                std::vector<std::string> names;
                for (const auto& [name, profile] : config.profiles) names.push_back(name);
                return names;
              },
          .describe =
              [&config](Visitor& v, const std::string& name) {
                Profile& profile = config.profiles[name];
                profile.name = name;
                Describe(v, profile);
              },
          .describe_any =
              [](Visitor& v) {
                Profile profile;
                Describe(v, profile);
              }};
}

}  // namespace

NamedItems EnginesOf(Config& config) {
  return {.names =
              [&config] {
                std::vector<std::string> names;
                for (const EngineConfig& engine : config.engines) names.push_back(engine.name);
                return names;
              },
          .describe =
              [&config](Visitor& v, const std::string& name) {
                const auto found = std::ranges::find(config.engines, name, &EngineConfig::name);
                if (found != config.engines.end()) return Describe(v, *found, config.profiles);
                EngineConfig& engine = config.engines.emplace_back();
                engine.name = name;
                engine.http.name = name;
                Describe(v, engine, config.profiles);
              },
          .describe_any =
              [&config](Visitor& v) {
                EngineConfig engine;
                Describe(v, engine, config.profiles);
              }};
}

Key EnginesKey() {
  return {"engines", {}, "where models answer; a map of names, or a list whose items have `name`"};
}

void Describe(Visitor& v, Profile& profile) {
  DescribeSampling(v, profile.sampling);
  v.Field({"call_timeout", {}, "seconds of one call, all attempts included", Above(0)},
          profile.call_timeout);
  v.Field({"run_timeout", {}, "seconds of a row, all its calls together", Above(0)},
          profile.run_timeout);
  v.Field({"max_turns", {}, "turns of an agent", AtLeast(1)}, profile.max_turns);
  v.Field({"concurrency", {"max_concurrent_runners"}, "rows at once", AtLeast(1)},
          profile.concurrency);
}

void Describe(Visitor& v, Config& config) {
  std::int64_t version = 1;
  v.Field({"version", {}, "of the format of this file", Within(1, 1)}, version);
  v.Field({"default_engine",
           {},
           "the engine of calls that name none; default: the first of `routes.default`, else the "
           "one with the lowest `priority`, else the first"},
          config.default_engine);
  v.Named({"profiles", {}, "named defaults, which engines take with `profile:`"},
          ProfilesOf(config));
  v.Named(EnginesKey(), EnginesOf(config));
  Key limits{"limits", {}, "what all engines have together"};
  limits.meant = "max_in_flight";
  v.Section(limits, [&](Visitor& inner) {
    Key places{"max_in_flight", {}, "calls at once over all engines", AtLeast(1)};
    places.plain = "unlimited";
    inner.Field(places, config.max_in_flight);
  });
  v.Section({"budget", {}, "what one process may spend; a call that might exceed it is refused"},
            [&](Visitor& inner) {
              inner.Field({"max_total_tokens", {}, "of all prompts and answers", AtLeast(1)},
                          config.budget.max_tokens);
              inner.Field({"max_cost", {}, "in the currency of the prices", Above(0)},
                          config.budget.max_cost);
            });
  v.Field({"model_cards",
           {},
           "a YAML file with `cards:` of models, which come before the built-in ones; "
           "docs/tool-calling.md"},
          config.model_cards);
  v.Section({"routes", {}, "which engines stand for a role or a provider's name"},
            [&](Visitor& inner) { DescribeRoutes(inner, config.routes); });
  Key events{"events", {}, "the record of what happened"};
  events.meant = "file";
  v.Section(events, [&](Visitor& inner) { DescribeEvents(inner, config.events); });
  Key jobs{"jobs", {}, "the durable queue of weir jobs; docs/jobs.md"};
  jobs.meant = "store";
  v.Section(jobs, [&](Visitor& inner) {
    inner.Field({"store",
                 {},
                 "where jobs are kept: `sqlite:FILE` or `postgres://USER@HOST/DATABASE`; empty: "
                 "`sqlite:weir-jobs.db` in the current folder"},
                config.jobs.store);
  });
  Key flows{"flows", {}, "flows by name, for weir run FILE#NAME; docs/flows.md, weir flow check"};
  flows.has_variables = false;
  v.Field(flows, config.flows);
  v.Field({"worker",
           {},
           "what `weir jobs work` works without further words: flow, overlay, refresh_every, "
           "classifier: {flow, overlay}; docs/jobs.md"},
          config.worker);
  v.Field({"gateway", {}, "options of a gateway; kept for later versions, not read yet"},
          config.gateway);
}

}  // namespace weir::config
