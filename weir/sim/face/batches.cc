// The room of batches. What becomes of one is the business of batch_desk.cc.

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/sim/face/batch_desk.h"
#include "weir/sim/face/refuse.h"
#include "weir/sim/face/visit.h"
#include "weir/wire/batch_check.h"
#include "weir/wire/openai_server.h"

namespace weir::sim {
namespace {

using async::Task;

constexpr std::uint64_t kUsuallyListed = 20;
constexpr std::uint64_t kMostBatchesListed = 100;
constexpr std::string_view kWindow = "24h";

std::expected<void, Refusal> ReadMetadata(json::View metadata, wire::BatchOrder& order) {
  constexpr std::size_t kPairs = 16;
  constexpr std::size_t kKeyBytes = 64;
  constexpr std::size_t kValueBytes = 512;
  if (!metadata.exists() || metadata.IsNull()) return {};
  if (!metadata.IsObject()) {
    return std::unexpected(RefusalOf(wire::WrongParameter("object_type", "metadata", metadata)));
  }
  if (metadata.size() > kPairs) {
    return std::unexpected(
        Refuse(400,
               StrCat("Invalid 'metadata': too many properties. Expected at "
                      "most ",
                      kPairs, " properties, but got ", metadata.size(), " instead."),
               "metadata", "object_above_max_properties"));
  }
  for (const auto& [key, value] : metadata.members()) {
    if (!value.IsString()) {
      return std::unexpected(
          RefusalOf(wire::WrongParameter("string_type", StrCat("metadata.", key), value)));
    }
    if (key.size() > kKeyBytes || value.StringOr("").size() > kValueBytes) {
      return std::unexpected(
          Refuse(400,
                 StrCat("Invalid 'metadata': string too long. Keys have at most ", kKeyBytes,
                        " characters, values ", kValueBytes, "."),
                 "metadata", "string_above_max_length"));
    }
    order.metadata.emplace(key, value.StringOr(""));
  }
  return {};
}

std::expected<wire::BatchOrder, Refusal> ReadOrder(const std::string& text) {
  const Result<json::Value> body = json::Read(text);
  if (!body || !body->IsObject()) return std::unexpected(RefusalOf(wire::UnreadableBody()));
  for (const char* name : {"input_file_id", "endpoint", "completion_window"}) {
    const json::View value = body->Find(name);
    if (value.IsString()) continue;
    const std::string_view what = value.exists() ? "string_type" : "missing";
    return std::unexpected(RefusalOf(wire::WrongParameter(what, name, value)));
  }
  wire::BatchOrder order{
      .input_file_id = std::string(body->Find("input_file_id").StringOr("")),
      .endpoint = std::string(body->Find("endpoint").StringOr("")),
      .completion_window = std::string(body->Find("completion_window").StringOr("")),
      .metadata = {}};
  const std::vector<std::string>& endpoints = wire::BatchEndpoints();
  if (std::ranges::find(endpoints, order.endpoint) == endpoints.end()) {
    return std::unexpected(
        Refuse(400,
               StrCat("Invalid value: '", Truncate(order.endpoint, 100),
                      "'. Supported values are: '", Join(endpoints, "', '"), "'."),
               "endpoint", "invalid_value"));
  }
  if (order.completion_window != kWindow) {
    return std::unexpected(Refuse(400,
                                  StrCat("Invalid value: '", Truncate(order.completion_window, 60),
                                         "'. Supported values are: '", kWindow, "'."),
                                  "completion_window", "invalid_value"));
  }
  if (auto metadata = ReadMetadata(body->Find("metadata"), order); !metadata) {
    return std::unexpected(std::move(metadata).error());
  }
  return order;
}

Task<void> ServeCreate(Visit& visit) {
  if (const std::optional<Refusal> refusal = RefuseMedia(visit)) {
    co_return co_await RespondError(visit, *refusal);
  }
  const std::expected<wire::BatchOrder, Refusal> order = ReadOrder(visit.exchange.body());
  if (!order) co_return co_await RespondError(visit, order.error());
  const std::optional<wire::BatchObject> batch =
      visit.desk.Open(*order, visit.core.SecondsOf(visit.WallNanos()));
  if (!batch) {
    const Refusal refusal =
        Refuse(429, StrCat("Too many batches: at most ", visit.desk.options().kept, " may run."));
    co_return co_await RespondError(visit, refusal);
  }
  co_await RespondJson(visit, 200, wire::EncodeBatch(*batch));
}

std::string_view BatchIdIn(std::string_view path) {
  path.remove_prefix(std::string_view("/v1/batches/").size());
  return path.substr(0, path.find('/'));
}

Refusal NoBatch(std::string_view id) {
  return Refuse(404, StrCat("No batch found with id '", Truncate(id, 100), "'."));
}

Task<void> ServeBatch(Visit& visit) {
  const std::string_view id = BatchIdIn(visit.path());
  const std::optional<wire::BatchObject> batch = visit.desk.Get(id);
  if (!batch) {
    const Refusal refusal = NoBatch(id);
    co_return co_await RespondError(visit, refusal);
  }
  co_await RespondJson(visit, 200, wire::EncodeBatch(*batch));
}

Task<void> ServeBatchCancel(Visit& visit) {
  const std::string_view id = BatchIdIn(visit.path());
  const std::optional<wire::BatchObject> batch =
      visit.desk.Cancel(id, visit.core.SecondsOf(visit.WallNanos()));
  if (!batch) {
    const Refusal refusal = NoBatch(id);
    co_return co_await RespondError(visit, refusal);
  }
  if (batch->status != "cancelling") {
    const Refusal refusal =
        Refuse(409, StrCat("Cannot cancel a batch with status '", batch->status, "'."));
    co_return co_await RespondError(visit, refusal);
  }
  co_await RespondJson(visit, 200, wire::EncodeBatch(*batch));
}

Task<void> ServeBatches(Visit& visit) {
  const std::string_view asked = visit.Query("limit");
  const std::optional<std::uint64_t> limit = asked.empty() ? kUsuallyListed : ParseUint(asked);
  if (!limit || *limit < 1 || *limit > kMostBatchesListed) {
    const Refusal refusal =
        Refuse(400,
               StrCat("Invalid 'limit': expected an integer from 1 to ", kMostBatchesListed,
                      ", but got '", Truncate(asked, 20), "' instead."),
               "limit", "invalid_value");
    co_return co_await RespondError(visit, refusal);
  }
  const std::vector<wire::BatchObject> batches = visit.desk.List();
  const std::string_view after = visit.Query("after");
  auto next = batches.begin();
  if (!after.empty()) {
    next = std::ranges::find(batches, after, &wire::BatchObject::id);
    if (next == batches.end()) {
      const Refusal refusal = NoBatch(after);
      co_return co_await RespondError(visit, refusal);
    }
    ++next;
  }
  std::vector<std::string> items;
  std::string_view first;
  std::string_view last;
  for (; next != batches.end() && items.size() < *limit; ++next) {
    items.push_back(wire::EncodeBatch(*next));
    if (first.empty()) first = next->id;
    last = next->id;
  }
  co_await RespondJson(visit, 200, wire::EncodePage(items, first, last, next != batches.end()));
}

constexpr Route kBatchRoutes[] = {
    {"POST", "/v1/batches", ServeCreate, HasBatches},
    {"GET", "/v1/batches", ServeBatches, HasBatches},
    {"GET", "/v1/batches/*", ServeBatch, HasBatches},
    {"POST", "/v1/batches/*/cancel", ServeBatchCancel, HasBatches},
};

}  // namespace

bool HasBatches(const SimOptions& options) {
  if (options.dialect.kind == wire::ServerKind::kOpenAi) return true;
  return options.dialect.kind == wire::ServerKind::kVllm &&
         options.dialect.version >= wire::Dialect().version;
}

std::span<const Route> BatchRoutes() { return kBatchRoutes; }

}  // namespace weir::sim
