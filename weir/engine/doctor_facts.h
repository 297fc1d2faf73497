#pragma once

// What the doctor makes of the facts: pure functions from what was seen to a finding.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/engine/doctor.h"
#include "weir/http/examine.h"
#include "weir/wire/load_reader.h"

namespace weir::engine {

// A failed step out of an error: by the habit of our sentences, what follows the first semicolon is
// what to do. `remedy` is used where the sentence has none.
Finding Failure(std::string_view step, const Error& error, std::string_view remedy = {});

// The certificate of a handshake that succeeded.
Finding JudgeCertificate(const http::TlsReport& report, std::int64_t wall_nanos);

// The header Date, which came while our clock said `wall_nanos`.
Finding JudgeClock(std::string_view date, std::int64_t wall_nanos);

// Nothing where the figures do not speak of vLLM's queue.
std::optional<Finding> JudgeLoad(const wire::ServerLoad& load);

// How the answers to one constraint came out.
struct ProbeCount {
  int obeyed = 0;
  int broke = 0;
  int cut = 0;          // the thoughts used up the tokens: it says nothing
  std::string example;  // an answer that broke it
};
inline constexpr int kProbeTries = 3;
inline constexpr int kProbeMustObey = 2;
// `what` is the constraint for a person: "JSON schema", "regex".
Finding JudgeProbe(std::string_view step, std::string_view what, const ProbeCount& count,
                   wire::ServerKind kind);

// Whether thoughts, or the markup of a tool call, stand in the text of an answer: no parser took
// them out.
bool HoldsThoughts(std::string_view text);
bool HoldsToolCall(std::string_view text);

// "0.4 ms", "250 ms".
std::string Took(Duration time);

}  // namespace weir::engine
