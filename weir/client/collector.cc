#include "weir/client/collector.h"

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/base/version.h"

namespace weir::client {
namespace {

constexpr Duration kPatience = std::chrono::seconds(3);

events::OtlpOptions Options() {
  Random random = Random::FromSystem();
  return {.origin = {.service = "weir", .version = std::string(kVersion), .run = random.Next()}};
}

}  // namespace

Collector::Collector(async::Loop& loop, http::Origin origin, http::FieldBlock fields,
                     const Env& env)
    : loop_(loop),
      sink_(loop, Options()),
      client_(std::make_unique<http::Client>(
          http::ClientOptions{}, http::NewSystemDialer({.proxy = http::ProxyFromEnv(env)}))),
      origin_(std::move(origin)),
      fields_(std::move(fields)) {}

Result<std::unique_ptr<Collector>> Collector::Open(async::Loop& loop,
                                                   const config::EventsConfig& config,
                                                   const Env& env) {
  std::string address = config.otlp;
  while (address.ends_with('/')) address.pop_back();
  Result<http::Url> url = http::ParseUrl(address);
  if (!url) return Fail(Code::kConfigError, StrCat("events.otlp: ", url.error().message));
  http::Headers headers{{"Content-Type", "application/json"}};
  for (const auto& [name, value] : config.otlp_headers) headers.Set(name, value);
  WEIR_TRY(http::FieldBlock fields, http::FixedFields(headers));
  return std::unique_ptr<Collector>(
      new Collector(loop, http::MakeOrigin(*std::move(url)), std::move(fields), env));
}

async::Task<Result<void>> Collector::Post(async::Context ctx, std::string target,
                                          std::string body) {
  const http::Request request{
      .target = target, .fixed = &fields_, .headers = {}, .body = std::move(body), .timeouts = {}};
  WEIR_CO_TRY(const std::unique_ptr<http::Response> response,
              co_await client_->Send(ctx, origin_, request));
  WEIR_CO_CHECK(co_await response->ReadAll(ctx, limits::kErrorBodyBytes));
  if (response->status() / 100 == 2) co_return Result<void>();
  co_return Fail(Code::kHttpStatus,
                 StrCat("the collector at ", origin_.key, " answered with ", response->status()));
}

Result<void> Collector::Export() {
  Result<void> outcome;
  sink_.Export([&](std::string_view path, std::string body) {
    if (!outcome) return false;  // one refusal is enough to know
    const async::Context ctx = async::Context(loop_).WithTimeout(kPatience);
    outcome = loop_.Run(Post(ctx, std::string(path), std::move(body)));
    return outcome.has_value();
  });
  return outcome;
}

}  // namespace weir::client
