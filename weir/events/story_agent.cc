#include "weir/events/story_agent.h"

#include <algorithm>
#include <iterator>

#include "weir/base/text.h"
#include "weir/events/story_words.h"

namespace weir::events {
namespace {

std::string Tokens(json::View event) {
  if (!event.Find("prompt_tokens").exists()) return {};
  return StrCat(", ", WholeOf(event, "prompt_tokens"), " + ", WholeOf(event, "completion_tokens"),
                " tokens");
}

std::string Tool(json::View event) {
  const std::string_view name = TextOf(event, "tool_name");
  return std::string(name.empty() ? "a tool" : name);
}

// ": why" where something is known of it.
std::string Because(json::View event) {
  const std::string why = Why(event);
  return StrCat(why.empty() ? "" : ": ", why);
}

std::string TellStart(json::View event) {
  const std::int64_t turn = WholeOf(event, "turn");
  std::string told = turn == 0 ? "begins" : StrCat("goes on from turn ", turn);
  const std::string_view engine = TextOf(event, "engine");
  if (!engine.empty()) StrAppend(told, " on ", engine);
  if (event.Find("tools").exists()) {
    StrAppend(told, " with ", CountOf(WholeOf(event, "tools"), "tool"));
  }
  const std::int64_t most = WholeOf(event, "max_turns");
  if (most > 0) StrAppend(told, ", at most ", CountOf(most, "turn"));
  return told;
}

std::string TellTurn(json::View event) {
  std::string told = StrCat("turn ", WholeOf(event, "turn"));
  const std::string_view phase = TextOf(event, "phase");
  if (!phase.empty()) StrAppend(told, " (", phase, ")");
  StrAppend(told, " took ", TimeOr(event.Find("duration_ms"), "some time"), Tokens(event));
  const std::string_view finish = TextOf(event, "finish_reason");
  if (!finish.empty()) StrAppend(told, ", ", finish);
  const std::int64_t calls = WholeOf(event, "tool_calls");
  if (calls > 0) StrAppend(told, ", ", CountOf(calls, "tool call"));
  if (event.Find("confidence").IsNumber()) {
    StrAppend(told, ", confidence ", AnyOf(event, "confidence"));
  }
  return told;
}

std::string TellToolCall(json::View event) {
  std::string told = StrCat("calls ", Tool(event));
  if (event.Find("mutates").BoolOr(false)) told += ", which may change files";
  if (event.Find("tool_confidence").IsNumber()) {
    StrAppend(told, ", confidence ", AnyOf(event, "tool_confidence"));
  }
  return told;
}

std::string TellToolResult(json::View event) {
  const std::string_view status = TextOf(event, "status");
  const std::string time = TimeOr(event.Find("duration_ms"), "some time");
  if (status == "denied") return StrCat(Tool(event), " was denied", Because(event));
  if (status == "interrupted") return StrCat(Tool(event), " was interrupted", Because(event));
  if (status != "ok") return StrCat(Tool(event), " failed after ", time, Because(event));
  std::string told = StrCat(Tool(event), " answered in ", time);
  if (event.Find("tool_output_chars").exists()) {
    StrAppend(told, ", ", CountOf(WholeOf(event, "tool_output_chars"), "character"));
  }
  return told;
}

std::string TellSubmit(json::View event) {
  return StrCat("submits at turn ", WholeOf(event, "turn"), ": ", TextOf(event, "status"));
}

std::string TellLowConfidence(json::View event) {
  return StrCat("asks again (", WholeOf(event, "attempt"), " of ", WholeOf(event, "max_retries"),
                "), as the confidence ", AnyOf(event, "confidence"), " in ", Tool(event),
                " is below ", AnyOf(event, "threshold"));
}

std::string TellCompacted(json::View event) {
  std::string told = StrCat(CountOf(WholeOf(event, "messages_before"), "message"), " became ",
                            WholeOf(event, "messages_after"));
  if (event.Find("tokens_before").exists()) {
    StrAppend(told, ", as they had ", CountOf(WholeOf(event, "tokens_before"), "token"));
  }
  return told;
}

std::string TellError(json::View event) {
  const std::string_view code = TextOf(event, "error_code");
  return StrCat("fails at turn ", WholeOf(event, "turn"), code.empty() ? "" : " with ", code,
                Because(event));
}

std::string TellEnd(json::View event) {
  return StrCat(TextOf(event, "status") == "ok" ? "is done after " : "has failed after ",
                CountOf(WholeOf(event, "turns"), "turn"), " and ",
                TimeOr(event.Find("duration_ms"), "some time"), ", ",
                CountOf(WholeOf(event, "tool_calls"), "tool call"), Tokens(event));
}

std::string Row(json::View event, std::string_view what) {
  std::string told = StrCat("row ", AnyOf(event, "row"), " ", what);
  const json::View files = event.Find("files");
  if (files.IsNumber()) StrAppend(told, ", ", CountOf(WholeOf(event, "files"), "file"));
  if (files.IsArray()) {
    StrAppend(told, ", ", CountOf(static_cast<std::int64_t>(files.size()), "file"));
  }
  if (files.IsString()) StrAppend(told, ", ", files.StringOr(""));
  return told;
}

std::string TellAccept(json::View event) { return Row(event, "is accepted"); }
std::string TellReject(json::View event) { return Row(event, "is rejected"); }
std::string TellAgain(json::View event) { return Row(event, "is to be done again"); }

}  // namespace

std::optional<std::string> TellAgent(std::string_view name, json::View event) {
  constexpr struct {
    std::string_view name;
    std::string (*tell)(json::View);
  } kTellers[] = {{"agent.start", TellStart},
                  {"agent.turn", TellTurn},
                  {"tool_call", TellToolCall},
                  {"tool_result", TellToolResult},
                  {"submit_result", TellSubmit},
                  {"agent.retry_low_confidence", TellLowConfidence},
                  {"context.compacted", TellCompacted},
                  {"agent_error", TellError},
                  {"agent.end", TellEnd},
                  {"review.accept", TellAccept},
                  {"review.reject", TellReject},
                  {"review.retry", TellAgain}};
  const auto* teller = std::ranges::find(kTellers, name, [](const auto& its) { return its.name; });
  if (teller == std::end(kTellers)) return std::nullopt;
  return teller->tell(event);
}

}  // namespace weir::events
