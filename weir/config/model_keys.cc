#include "weir/config/model_keys.h"

namespace weir::config {
namespace {

const Words kToolModes = {.words = {"auto", "native", "guided", "prompted", "none"}};

void DescribeTools(Visitor& v, EngineConfig& engine) {
  std::size_t mode = engine.tool_mode ? static_cast<std::size_t>(*engine.tool_mode) + 1 : 0;
  v.Word({"tool_mode",
          {},
          "how tools are offered: native (the server's own), guided (by a schema), prompted (in "
          "the prompt); auto: what the model's card says"},
         kToolModes, mode);
  engine.tool_mode.reset();
  if (mode > 0) engine.tool_mode = static_cast<text::ToolMode>(mode - 1);
}

}  // namespace

void DescribeModel(Visitor& v, EngineConfig& engine) {
  DescribeTools(v, engine);
  v.Section({"prices", {}, "for a million tokens; without them costs are unknown"},
            [&](Visitor& inner) {
              inner.Field({"input", {}, "of prompts", AtLeast(0)}, engine.prices.input);
              inner.Field({"output", {}, "of answers", AtLeast(0)}, engine.prices.output);
              inner.Field({"cached_input", {}, "of what the server's cache had", AtLeast(0)},
                          engine.prices.cached_input);
              inner.Field({"currency", {}, "of all three"}, engine.prices.currency);
            });
  Key confidence{"confidence", {}, "how sure an answer has to be, by its log-probabilities"};
  confidence.meant = "threshold";
  v.Section(confidence, [&](Visitor& inner) {
    model::ConfidenceRule& rule = engine.confidence;
    inner.Field({"report", {}, "true: replies say how sure they are"}, rule.report);
    inner.Field({"threshold", {}, "below it the call is asked again", Within(0, 1)},
                rule.threshold);
    inner.Number({"max_retries", {}, "askings after the first", AtLeast(0)}, rule.max_retries);
    inner.Field(
        {"temperature", {}, "of a repetition; default: a little above the first's", Within(0, 2)},
        rule.temperature);
  });
}

}  // namespace weir::config
