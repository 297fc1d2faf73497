#pragma once

// What tests of agents share: answers that call tools.

#include <initializer_list>
#include <string>
#include <string_view>

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

}  // namespace weir::agent
