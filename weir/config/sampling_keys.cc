#include "weir/config/sampling_keys.h"

#include <utility>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/writer.h"
#include "weir/model/sampling_fields.h"

namespace weir::config {
namespace {

// In a file it is a map, whose keys are tokens and whose values are numbers.
void DescribeBias(Visitor& v, std::map<std::string, double>& bias) {
  json::Builder out;
  out.BeginObject();
  for (const auto& [token, value] : bias) {
    out.Key(token);
    out.Double(value);
  }
  out.EndObject();
  json::Value map = bias.empty() ? json::Value() : std::move(out).Finish();
  v.Field({"logit_bias", {}, "likelier or less likely tokens: token id -> -100 to 100"}, map);
  if (!v.reads()) return;
  bias.clear();
  for (const json::Member member : map.members()) {
    const std::optional<double> value = member.value.AsDouble();
    if (value && *value >= -100 && *value <= 100) {
      bias.emplace(member.key, *value);
    } else {
      v.Problem("logit_bias", StrCat("must have numbers from -100 to 100, found ",
                                     Truncate(json::Write(member.value), 60), " for ", member.key));
    }
  }
}

}  // namespace

void DescribeSampling(Visitor& v, model::Sampling& sampling) {
  for (const model::SamplingField& field : model::SamplingFields()) {
    const Key key{field.name,
                  {},
                  field.about,
                  {.least = field.least, .most = field.most, .above = field.above}};
    std::visit([&](auto member) { v.Field(key, sampling.*member); }, field.field);
  }
  v.Field({"stop", {}, "texts that end the answer"}, sampling.stop);
  v.Field({"stop_token_ids", {}, "tokens that end the answer"}, sampling.stop_token_ids);
  v.Field({"bad_words", {}, "texts that the answer must not have"}, sampling.bad_words);
  v.Field({"allowed_token_ids", {}, "no other tokens are written"}, sampling.allowed_token_ids);
  DescribeBias(v, sampling.logit_bias);
  v.Field({"repetition_detection",
           {},
           "ends answers that go in circles: max_pattern_size, min_pattern_size, min_count"},
          sampling.repetition_detection);
  if (v.reads() && sampling.min_tokens && sampling.max_tokens &&
      *sampling.min_tokens > *sampling.max_tokens) {
    v.Problem("min_tokens", StrCat("must not be above max_tokens, which is ", *sampling.max_tokens,
                                   ", got ", *sampling.min_tokens));
  }
}

}  // namespace weir::config
