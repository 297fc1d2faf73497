#pragma once

// What the jobs of one queue are worked with, as several places say it and may say otherwise later.
// The first of them that names an engine or a model wins: the flags, the overlay file, the active
// variant in the store; else the flow and its configuration.

#include <memory>
#include <optional>
#include <string>

#include "weir/client/engine_host.h"
#include "weir/config/reload.h"
#include "weir/engine/registry.h"
#include "weir/flow/graph.h"
#include "weir/jobs/worker.h"

namespace weir::cli {

struct AgentEnginesOptions {
  std::string agent;        // the queue's name
  std::string config_file;  // empty: what Load() finds
  Env env;
  std::string engine;   // of -e
  std::string model;    // of -m
  std::string overlay;  // a YAML file; empty: none
};

// The keys of an overlay, and of a variant in the store.
struct OverlayChoice {
  std::string engine;
  std::string provider;
  std::string model;
  std::string variant;

  friend bool operator==(const OverlayChoice&, const OverlayChoice&) = default;
};

// Of the text of an overlay file: {engine, provider (or model_provider), model, variant (or
// variant_id)} for every agent, or {AGENT: {...}, ...}. Fails with kConfigError and the place.
Result<OverlayChoice> ReadOverlay(std::string_view text, std::string_view file_name,
                                  std::string_view agent);

// The engine by which a configuration has a provider, and what is to be said of it.
Result<engine::Resolution> EngineOfProvider(const config::Config& config,
                                            const std::string& provider, const Env& env);

class AgentEngines {
 public:
  // `graph` and `store` outlive it.
  static Result<std::unique_ptr<AgentEngines>> Open(AgentEnginesOptions options,
                                                    const flow::Graph& graph,
                                                    jobs::JobStore& store);

  // Reads everything again; the same engines as long as nothing has changed. A vLLM server that
  // does not answer gives way to an Ollama engine, where the configuration has one. The model of an
  // engine that names none is the one that its server says it has, and unknown without an answer.
  async::Task<Result<jobs::Resolved>> Resolve(async::Context ctx);

  // The next Resolve() reads weir.yaml and what it names (cards of models, scenarios) although
  // weir.yaml itself has not changed, and gives new engines.
  void ReadAgain() { read_again_ = true; }

 private:
  AgentEngines(AgentEnginesOptions options, const flow::Graph& graph, jobs::JobStore& store,
               config::ConfigWatcher watcher)
      : options_(std::move(options)), graph_(graph), store_(store), watcher_(std::move(watcher)) {}

  async::Task<Result<OverlayChoice>> Choose(async::Context ctx);
  Result<std::string> EngineOf(const OverlayChoice& choice, async::Context ctx) const;
  async::Task<Result<jobs::Resolved>> Make(async::Context ctx, std::string engine,
                                           OverlayChoice choice);
  async::Task<Result<model::EngineInfo>> Look(async::Context ctx, flow::EngineHost& host,
                                              std::string engine) const;
  // The engine that is asked first.
  std::string NameOf(const jobs::Resolved& resolved) const;
  // Of an engine that names no model: the one that its server has, once it answers.
  async::Task<void> NameModel(async::Context ctx, jobs::Resolved& resolved) const;

  const AgentEnginesOptions options_;
  const flow::Graph& graph_;
  jobs::JobStore& store_;
  config::ConfigWatcher watcher_;
  bool read_again_ = false;

  // What the last resolution was made of, and what it was.
  std::shared_ptr<const config::Config> made_under_;
  OverlayChoice made_for_;
  std::optional<jobs::Resolved> made_;
  bool gave_way_ = false;  // to Ollama
};

}  // namespace weir::cli
