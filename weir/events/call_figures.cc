#include "weir/events/call_figures.h"

namespace weir::events {
namespace {

constexpr double kSecondsBounds[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.5,  1.0,
                                     2.0,  5.0,  10.0, 20,  60,  120., 300.};
constexpr double kMillisInSecond = 1000;

}  // namespace

// The fields of one event, by name.
class CallFigures::Fields {
 public:
  explicit Fields(std::span<const TraceField> fields) : fields_(fields) {}

  std::string Text(std::string_view key) const {
    const TraceField* const field = Find(key);
    const auto* const text = field ? std::get_if<std::string_view>(&field->value) : nullptr;
    return text ? std::string(*text) : std::string();
  }
  std::optional<std::int64_t> Count(std::string_view key) const {
    const TraceField* const field = Find(key);
    const auto* const count = field ? std::get_if<std::int64_t>(&field->value) : nullptr;
    return count ? std::optional(*count) : std::nullopt;
  }
  std::optional<double> Seconds(std::string_view key) const {
    const TraceField* const field = Find(key);
    if (field == nullptr) return std::nullopt;
    if (const auto* const number = std::get_if<double>(&field->value)) {
      return *number / kMillisInSecond;
    }
    const auto* const count = std::get_if<std::int64_t>(&field->value);
    return count ? std::optional(static_cast<double>(*count) / kMillisInSecond) : std::nullopt;
  }

 private:
  const TraceField* Find(std::string_view key) const {
    for (const TraceField& field : fields_) {
      if (field.key == key) return &field;
    }
    return nullptr;
  }

  const std::span<const TraceField> fields_;
};

CallFigures::CallFigures(MetricsRegistry& registry, std::size_t max_models)
    : TraceSink(false), registry_(registry), max_models_(max_models) {}

void CallFigures::OnEvent(std::string_view name, std::span<const TraceField> event) {
  const Fields fields(event);
  if (name == "llm:request") {
    registry_
        .GaugeOf("weir_requests_in_flight", "Requests that wait for their answer or its end.",
                 {{"engine", fields.Text("engine")}})
        .Add(1);
  } else if (name == "llm:response") {
    AddResponse(fields);
  } else if (name == "provider:retry") {
    registry_
        .CounterOf("weir_retries_total", "Requests that were sent again.",
                   {{"error", fields.Text("error")}})
        .Add();
  } else if (name == "engine:fallback") {
    registry_
        .CounterOf("weir_fallbacks_total", "Calls that another engine was asked for.",
                   {{"from", fields.Text("from")}, {"to", fields.Text("to")}})
        .Add();
  } else if (name == "verify:repair") {
    registry_
        .CounterOf("weir_repairs_total", "Defects of answers that were mended.",
                   {{"engine", fields.Text("engine")}})
        .Add();
  } else if (name == "verify:retry") {
    registry_
        .CounterOf("weir_answer_retries_total", "Answers that were asked for again with a reason.",
                   {{"error", fields.Text("error")}})
        .Add();
  }
}

void CallFigures::AddResponse(const Fields& fields) {
  const std::string engine = fields.Text("engine");
  registry_.GaugeOf("weir_requests_in_flight", "", {{"engine", engine}}).Add(-1);
  // Who names no model gets that of the server, which the answer tells.
  const std::string asked = fields.Text("model");
  const std::string model = asked.empty() ? fields.Text("response_model") : asked;
  const Labels whose = {{"engine", engine}, {"model", ModelLabel(model)}};
  Labels outcome = whose;
  outcome.emplace_back("status", fields.Text("status"));
  outcome.emplace_back("error", fields.Text("error"));
  registry_.CounterOf("weir_requests_total", "Requests that have ended.", outcome).Add();
  if (const auto seconds = fields.Seconds("duration_ms")) {
    registry_
        .HistogramOf("weir_request_duration_seconds", "From a request to the end of its answer.",
                     kSecondsBounds, whose)
        .Observe(*seconds);
  }
  if (const auto seconds = fields.Seconds("ttft_ms")) {
    registry_
        .HistogramOf("weir_first_token_seconds", "From a request to its first token.",
                     kSecondsBounds, whose)
        .Observe(*seconds);
  }
  AddTokens(whose, "input", fields.Count("prompt_tokens"));
  AddTokens(whose, "output", fields.Count("completion_tokens"));
}

void CallFigures::AddTokens(const Labels& whose, std::string_view kind,
                            std::optional<std::int64_t> count) {
  if (!count || *count < 0) return;
  Labels labels = whose;
  labels.emplace_back("kind", kind);
  registry_.CounterOf("weir_tokens_total", "Tokens as the servers counted them.", labels)
      .Add(static_cast<std::uint64_t>(*count));
}

std::string CallFigures::ModelLabel(std::string_view model) {
  const std::scoped_lock lock(mutex_);
  if (models_.contains(model)) return std::string(model);
  if (models_.size() >= max_models_) return "other";
  return *models_.emplace(model).first;
}

}  // namespace weir::events
