#pragma once

// What tests of agents share: answers that call tools, and a listener.

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/trace.h"
#include "weir/model/engine_testing.h"

namespace weir::agent {

struct Wanted {
  std::string name;
  std::string arguments = "{}";
};

// An answer that calls tools.
model::ScriptedAnswer Calls(std::initializer_list<Wanted> calls);
// One that hands in {"status": "success", "summary": ...}.
model::ScriptedAnswer Submits(std::string_view summary = "done");
// One that ends for this reason, behind a text.
model::ScriptedAnswer Ends(model::Finish finish, std::string text);
// The same answer, sampled with this log-probability for every token of a tool's name.
model::ScriptedAnswer Unsure(model::ScriptedAnswer answer, double logprob);
// With token counts.
model::ScriptedAnswer Costs(model::ScriptedAnswer answer, std::int64_t prompt,
                            std::int64_t completion);

// Hears events as "name key=value key=value".
class EventLines final : public TraceSink {
 public:
  EventLines() : TraceSink(false) {}
  void OnEvent(std::string_view name, std::span<const TraceField> fields) override;
  void OnSpanStart(const SpanRecord& /*span*/) override {}
  void OnSpanEnd(const SpanRecord& /*span*/) override {}

  // Those of this name.
  std::vector<std::string> Of(std::string_view name) const;

  std::vector<std::string> lines;
};

}  // namespace weir::agent
