// `options` of a request: the names that Ollama gives to sampling.

#include <algorithm>

#include "weir/base/text.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/ollama_client_writer.h"

namespace weir::wire {
namespace {

using model::Sampling;

template <class T>
struct SamplingOption {
  std::string_view name;
  std::optional<T> Sampling::* value;
};

constexpr SamplingOption<double> kReals[] = {{"temperature", &Sampling::temperature},
                                             {"top_p", &Sampling::top_p},
                                             {"min_p", &Sampling::min_p},
                                             {"repeat_penalty", &Sampling::repetition_penalty},
                                             {"presence_penalty", &Sampling::presence_penalty},
                                             {"frequency_penalty", &Sampling::frequency_penalty}};
constexpr SamplingOption<std::int64_t> kIntegers[] = {
    {"top_k", &Sampling::top_k}, {"seed", &Sampling::seed}, {"num_predict", &Sampling::max_tokens}};

// The object, begun with its first member, so that an empty one is never sent.
class Options {
 public:
  explicit Options(OllamaWriter& out) : out_(out) {}

  json::Writer& Key(std::string_view name) {
    if (json_ == nullptr) {
      json_ = &out_.Key("options");
      json_->BeginObject();
    }
    names_.push_back(name);
    json_->Key(name);
    return *json_;
  }
  bool Has(std::string_view name) const { return std::ranges::find(names_, name) != names_.end(); }
  void End() {
    if (json_ != nullptr) json_->EndObject();
  }

 private:
  OllamaWriter& out_;
  json::Writer* json_ = nullptr;
  std::vector<std::string_view> names_;
};

}  // namespace

Result<void> WriteOllamaOptions(OllamaWriter& out) {
  const model::Call& call = out.call();
  const json::View raw = call.extra.Find("options");
  if (IsSet(raw) && (!raw.IsObject() || raw.has_duplicate_keys())) {
    return Fail(Code::kInvalidRequest,
                "options in extra must be an object that names no option twice");
  }
  Options options(out);
  for (const auto& [name, value] : kReals) {
    if (call.sampling.*value) options.Key(name).Double(*(call.sampling.*value));
  }
  for (const auto& [name, value] : kIntegers) {
    if (call.sampling.*value) options.Key(name).Int(*(call.sampling.*value));
  }
  if (!call.sampling.stop.empty()) {
    json::Writer& json = options.Key("stop");
    json.BeginArray();
    for (const std::string& text : call.sampling.stop) json.String(text);
    json.EndArray();
  }
  if (call.budget.context_window) options.Key("num_ctx").Int(*call.budget.context_window);
  for (const json::Member member : raw.members()) {
    if (options.Has(member.key)) {
      out.Degrade(StrCat("options.", member.key),
                  "the call sets this option itself; that of extra lost");
    } else if (!member.value.IsNull()) {
      options.Key(member.key).Value(member.value);
    }
  }
  options.End();
  return {};
}

}  // namespace weir::wire
