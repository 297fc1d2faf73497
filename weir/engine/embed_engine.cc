#include "weir/engine/embed_engine.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "weir/json/builder.h"

namespace weir::engine {
namespace {

constexpr std::string_view kDimensions = "dimensions";

model::EmbedCall EmbedCallOf(const model::Call& call) {
  model::EmbedCall out{.model = call.model, .dimensions = call.extra.Find(kDimensions).AsInt64()};
  out.texts.reserve(call.messages.size());
  for (const model::Message& message : call.messages) out.texts.push_back(message.AllText());
  json::Builder rest;
  rest.BeginObject();
  for (const auto& [key, value] : json::View(call.extra).members()) {
    if (key == kDimensions) continue;
    rest.Key(key);
    rest.Copy(value);
  }
  rest.EndObject();
  out.extra = std::move(rest).Finish();
  return out;
}

Result<json::Value> ListOf(const std::vector<std::vector<float>>& vectors) {
  json::Builder out;
  out.BeginArray();
  for (const std::vector<float>& vector : vectors) {
    if (!std::ranges::all_of(vector, [](float number) { return std::isfinite(number); })) {
      return Fail(Code::kProtocolError,
                  "the server answered with a vector that holds what is no number (NaN or "
                  "infinite); look at its log");
    }
    out.BeginArray();
    for (const float number : vector) out.Double(number);
    out.EndArray();
  }
  out.EndArray();
  return std::move(out).Finish();
}

class EmbedEngine final : public model::Engine {
 public:
  explicit EmbedEngine(std::unique_ptr<Control> control) : control_(std::move(control)) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    const TimePoint began = ctx.Now();
    WEIR_CO_TRY(const model::Embeddings embeddings,
                co_await control_->Embed(ctx, EmbedCallOf(call)));
    model::Reply reply;
    reply.info.id = embeddings.id;
    reply.info.created = embeddings.created;
    reply.info.model = embeddings.model;
    reply.info.total = reply.info.first_token = ctx.Now() - began;
    reply.usage = embeddings.usage;
    reply.usage.completion_tokens = 0;
    model::Choice& choice = reply.choices.emplace_back();
    choice.finish = model::Finish::kStop;
    WEIR_CO_TRY(choice.value, ListOf(embeddings.vectors));
    co_return reply;
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context /*ctx*/, const model::Call& /*call*/) override {
    co_return Fail(Code::kUnsupportedParam, "embeddings come whole: they cannot be streamed");
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    const HttpEngineOptions& options = control_->options();
    model::EngineInfo info{.name = options.name,
                           .kind = std::string(control_->kind()),
                           .base_url = options.upstream.base_url,
                           .model = options.model};
    WEIR_CO_TRY(info.models, co_await control_->Models(ctx));
    co_return info;
  }

 private:
  const std::unique_ptr<Control> control_;
};

}  // namespace

std::unique_ptr<model::Engine> NewEmbedEngine(std::unique_ptr<Control> control) {
  return std::make_unique<EmbedEngine>(std::move(control));
}

}  // namespace weir::engine
