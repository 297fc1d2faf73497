// The `options` of a request: what they are called, and what they must be.

#include <algorithm>

#include "weir/base/text.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/ollama_reader.h"

namespace weir::wire {
namespace {

using model::Sampling;

enum class Type : std::uint8_t { kInteger, kFloat, kBoolean, kTexts };

struct Option {
  std::string_view name;
  Type type;
};

// All that Ollama knows; what it does not know it ignores.
constexpr Option kOptions[] = {{"num_ctx", Type::kInteger},
                               {"num_batch", Type::kInteger},
                               {"num_gpu", Type::kInteger},
                               {"main_gpu", Type::kInteger},
                               {"use_mmap", Type::kBoolean},
                               {"num_thread", Type::kInteger},
                               {"num_keep", Type::kInteger},
                               {"seed", Type::kInteger},
                               {"num_predict", Type::kInteger},
                               {"top_k", Type::kInteger},
                               {"top_p", Type::kFloat},
                               {"min_p", Type::kFloat},
                               {"typical_p", Type::kFloat},
                               {"repeat_last_n", Type::kInteger},
                               {"temperature", Type::kFloat},
                               {"repeat_penalty", Type::kFloat},
                               {"presence_penalty", Type::kFloat},
                               {"frequency_penalty", Type::kFloat},
                               {"stop", Type::kTexts}};

bool Fits(Type type, json::View value) {
  switch (type) {
    case Type::kBoolean:
      return value.IsBool();
    case Type::kTexts:
      return value.IsArray();
    default:
      return value.AsDouble().has_value();
  }
}

std::string_view NameOf(Type type) {
  switch (type) {
    case Type::kInteger:
      return "integer";
    case Type::kFloat:
      return "float32";
    case Type::kBoolean:
      return "boolean";
    case Type::kTexts:
      return "array";
  }
  return "";
}

// Go cuts the fraction off.
std::optional<std::int64_t> IntOf(json::View options, std::string_view name) {
  constexpr double kMost = 9e15;
  const std::optional<double> number = options.Find(name).AsDouble();
  if (!number) return std::nullopt;
  if (const auto whole = options.Find(name).AsInt64()) return whole;
  return static_cast<std::int64_t>(std::clamp(*number, -kMost, kMost));
}

std::optional<double> Clamped(json::View options, std::string_view name, double low, double high) {
  const std::optional<double> number = options.Find(name).AsDouble();
  if (!number) return std::nullopt;
  return std::clamp(*number, low, high);
}

void Fill(json::View options, Sampling& sampling) {
  constexpr double kMost = 1e6;
  sampling.seed = IntOf(options, "seed");
  sampling.temperature = Clamped(options, "temperature", 0, 2);
  sampling.min_p = Clamped(options, "min_p", 0, 1);
  sampling.presence_penalty = Clamped(options, "presence_penalty", -2, 2);
  sampling.frequency_penalty = Clamped(options, "frequency_penalty", -2, 2);
  // From here on, what is out of range is "off".
  const std::optional<std::int64_t> predict = IntOf(options, "num_predict");
  if (predict.value_or(0) > 0) sampling.max_tokens = predict;
  const std::optional<std::int64_t> top_k = IntOf(options, "top_k");
  if (top_k.value_or(0) > 0) sampling.top_k = top_k;
  const std::optional<double> top_p = Clamped(options, "top_p", 0, 1);
  if (top_p.value_or(0) > 0) sampling.top_p = top_p;
  const std::optional<double> repeat = Clamped(options, "repeat_penalty", 0, kMost);
  if (repeat.value_or(0) > 0) sampling.repetition_penalty = repeat;
}

}  // namespace

void ReadOllamaOptions(OllamaReader& in, IncomingCall& out, std::optional<std::int64_t>& window) {
  const json::View options = in.Find("options");
  if (!IsSet(options)) return;
  if (!options.IsObject()) {
    return in.Fail(StrCat("json: cannot unmarshal ", GoTypeOf(options),
                          " into Go struct field .options of type map[string]interface {}"));
  }
  for (const Option& option : kOptions) {
    const json::View value = options.Find(option.name);
    if (!IsSet(value) || Fits(option.type, value)) continue;
    return in.Fail(StrCat("option \"", option.name, "\" must be of type ", NameOf(option.type)));
  }
  const json::View stop = options.Find("stop");
  if (StringsOf(stop).size() != stop.size()) {
    return in.Fail("option \"stop\" must be of an array of strings");
  }
  Sampling& sampling = out.call.sampling;
  Fill(options, sampling);
  sampling.stop = StringsOf(stop);
  std::erase(sampling.stop, std::string());
  const std::optional<std::int64_t> context = IntOf(options, "num_ctx");
  if (context.value_or(0) > 0) window = context;
}

}  // namespace weir::wire
