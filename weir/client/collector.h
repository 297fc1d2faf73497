#pragma once

// The way of spans and figures to an OpenTelemetry collector.

#include <map>
#include <memory>
#include <string>

#include "weir/base/env.h"
#include "weir/config/config.h"
#include "weir/events/otlp.h"
#include "weir/http/client.h"

namespace weir::client {

class Collector {
 public:
  // `loop` must outlive it. Fails when the address of the collector cannot be used.
  static Result<std::unique_ptr<Collector>> Open(async::Loop& loop,
                                                 const config::EventsConfig& config,
                                                 const Env& env);

  events::OtlpSink& sink() { return sink_; }

  // Sends what waits; runs the loop. A collector that does not take it costs a few seconds at most,
  // and is the error that comes back: nothing else fails for it.
  Result<void> Export();

 private:
  Collector(async::Loop& loop, http::Origin origin, http::FieldBlock fields, const Env& env);
  async::Task<Result<void>> Post(async::Context ctx, std::string target, std::string body);

  async::Loop& loop_;
  events::OtlpSink sink_;
  const std::unique_ptr<http::Client> client_;
  const http::Origin origin_;
  const http::FieldBlock fields_;
};

}  // namespace weir::client
