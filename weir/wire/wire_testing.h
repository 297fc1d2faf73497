#pragma once

// Material for tests of whatever speaks the wire: calls with everything in them, and the events of
// a stream.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/model/call.h"
#include "weir/wire/dialect.h"

namespace weir::wire {

inline constexpr std::int64_t kWall = 1'700'000'000'123'000'000;  // 2023-11-14T22:13:20.123Z

// The value of a JSON text that is known to be right.
json::Value Json(std::string_view text);

// A chat or completions call of one user message or prompt: "hi".
model::Call SimpleCall(model::Api api = model::Api::kChat);

// A call in which every field that the dialect carries is set, apart from those that exclude each
// other (beams, best_of, a constraint).
model::Call FullCall(model::Api api, const Dialect& dialect);

// The data of each event in a text/event-stream body whose events are single `data:` lines.
std::vector<std::string> EventsOf(std::string_view body);

}  // namespace weir::wire
