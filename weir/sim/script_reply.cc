#include "weir/sim/script_reply.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/http/headers.h"
#include "weir/json/writer.h"

namespace weir::sim {
namespace {

using Kind = Fault::Kind;

// What a kind of fault takes beside its name.
struct FaultWord {
  std::string_view word;
  Kind kind;
  bool placed = false;        // it happens at some token
  std::string_view text_key;  // what `text` means here; empty: it takes no text
};

constexpr FaultWord kFaultWords[] = {
    {"stall", Kind::kStall, true, ""},
    {"reset", Kind::kReset, true, ""},
    {"close", Kind::kClose, true, ""},
    {"truncated_chunk", Kind::kTruncatedChunk, true, ""},
    {"malformed_event", Kind::kMalformedEvent, true, ""},
    {"duplicate_event", Kind::kDuplicateEvent, true, ""},
    {"garbage_bytes", Kind::kGarbageBytes, true, ""},
    {"empty_choices", Kind::kEmptyChoices, true, ""},
    {"error_event", Kind::kErrorEvent, true, "message"},
    {"wrong_usage", Kind::kWrongUsage, false, ""},
    {"no_done", Kind::kNoDone, false, ""},
    {"no_finish", Kind::kNoFinish, true, ""},
    {"slow_drip", Kind::kSlowDrip, true, ""},
    {"ignore_constraint", Kind::kIgnoreConstraint, false, ""},
    {"runaway_whitespace", Kind::kRunawayWhitespace, true, ""},
    {"violate", Kind::kViolate, false, "keyword"},
};

Result<const FaultWord*> FindFault(const ScriptReader& reader, const Place& place) {
  std::string word;
  WEIR_CHECK(reader.Text(place, word));
  const FaultWord* const known = std::ranges::find(kFaultWords, word, &FaultWord::word);
  if (known != std::end(kFaultWords)) return known;
  std::vector<std::string> words;
  for (const FaultWord& each : kFaultWords) words.emplace_back(each.word);
  return reader.Wrong(place, UnknownWord("fault", word, words));
}

Result<void> ReadFaultText(const ScriptReader& reader, const Place& place, const FaultWord& word,
                           std::string& out) {
  bool found = false;
  for (const std::string_view key : {"text", "message", "keyword"}) {
    const Place field = place.At(key);
    if (!field.exists()) continue;
    if (word.text_key.empty()) {
      return reader.WrongKey(field, StrCat("`", word.word, "` takes no `", key, "`"));
    }
    if (found || (key != "text" && key != word.text_key)) {
      return reader.WrongKey(field, StrCat("the text of `", word.word, "` is its one `",
                                           word.text_key, "`, or `text`"));
    }
    found = true;
    WEIR_CHECK(reader.Text(field, out));
  }
  if (word.kind == Kind::kViolate && out.empty()) {
    return reader.Wrong(place, "`violate` needs the `keyword` of the schema that is broken");
  }
  return {};
}

Result<Fault> ReadFault(const ScriptReader& reader, const Place& place) {
  Fault fault;
  if (place.value.IsString()) {
    WEIR_TRY(const FaultWord* const word, FindFault(reader, place));
    fault.kind = word->kind;
    WEIR_CHECK(ReadFaultText(reader, place, *word, fault.text));
    return fault;
  }
  WEIR_CHECK(reader.CheckKeys(place, {"kind", "after", "text", "message", "keyword", "pause"}));
  if (!place.At("kind").exists()) return reader.Wrong(place, "a fault needs its `kind`");
  WEIR_TRY(const FaultWord* const word, FindFault(reader, place.At("kind")));
  fault.kind = word->kind;
  const Place after = place.At("after");
  if (after.exists() && !word->placed) {
    return reader.WrongKey(after, StrCat("`", word->word, "` has no place: it takes no `after`"));
  }
  WEIR_CHECK(reader.Count(after, fault.after));
  const Place pause = place.At("pause");
  if (pause.exists() && word->kind != Kind::kSlowDrip) {
    return reader.WrongKey(pause, "only `slow_drip` takes a `pause`");
  }
  WEIR_CHECK(reader.Time(pause, fault.pause));
  WEIR_CHECK(ReadFaultText(reader, place, *word, fault.text));
  return fault;
}

// `drop_after: 5` is short for `faults: [{kind: reset, after: 5}]`.
Result<void> ReadShortFault(const ScriptReader& reader, const Place& place, Kind kind,
                            std::vector<Fault>& out) {
  if (!place.exists()) return {};
  Fault fault{.kind = kind};
  WEIR_CHECK(reader.Count(place, fault.after));
  out.push_back(std::move(fault));
  return {};
}

Result<void> ReadFaults(const ScriptReader& reader, const Place& reply, std::vector<Fault>& out) {
  WEIR_CHECK(ReadShortFault(reader, reply.At("drop_after"), Kind::kReset, out));
  WEIR_CHECK(ReadShortFault(reader, reply.At("stall_after"), Kind::kStall, out));
  const Place faults = reply.At("faults");
  WEIR_CHECK(reader.CheckList(faults, "`faults` is a list of at least one fault"));
  for (std::size_t i = 0; i < faults.size(); ++i) {
    WEIR_TRY(Fault fault, ReadFault(reader, faults.At(i)));
    out.push_back(std::move(fault));
  }
  return {};
}

// What stands together: the words of an answer, or one of the things that stand in its place.
Result<void> CheckOneAnswer(const ScriptReader& reader, const Place& place) {
  constexpr std::pair<std::string_view, int> kAnswers[] = {
      {"reasoning", 0}, {"text", 0}, {"tool_calls", 0}, {"refusal", 0},
      {"error", 1},     {"html", 2}, {"garbage", 3}};
  const std::pair<std::string_view, int>* first = nullptr;
  for (const auto& answer : kAnswers) {
    const Place field = place.At(answer.first);
    if (!field.exists()) continue;
    if (first == nullptr) first = &answer;
    if (answer.second == first->second) continue;
    return reader.WrongKey(
        field, StrCat("a reply has either `", first->first, "` or `", answer.first, "`"));
  }
  for (const std::string_view key : {"text", "tool_calls"}) {
    if (!place.At("refusal").exists() || !place.At(key).exists()) continue;
    return reader.WrongKey(place.At("refusal"),
                           StrCat("a reply has either `", key, "` or `refusal`"));
  }
  return {};
}

Result<void> ReadToolCalls(const ScriptReader& reader, const Place& place,
                           std::vector<ScriptedCall>& out) {
  WEIR_CHECK(reader.CheckList(place, "`tool_calls` is a list of at least one call"));
  for (std::size_t i = 0; i < place.size(); ++i) {
    const Place item = place.At(i);
    WEIR_CHECK(reader.CheckKeys(item, {"name", "arguments", "probability"}));
    ScriptedCall call;
    if (!item.At("name").exists()) return reader.Wrong(item, "a tool call needs a `name`");
    WEIR_CHECK(reader.Text(item.At("name"), call.name));
    const json::View arguments = item.value.Find("arguments");
    // A text is sent as it is, so that broken JSON can be played.
    if (arguments.IsString()) {
      call.arguments = arguments.StringOr("");
    } else {
      call.arguments = arguments.exists() ? json::Write(arguments) : "{}";
    }
    WEIR_CHECK(reader.Probability(item.At("probability"), call.probability));
    out.push_back(std::move(call));
  }
  return {};
}

Result<void> ReadError(const ScriptReader& reader, const Place& place,
                       std::optional<ScriptedError>& out) {
  if (!place.exists()) return {};
  WEIR_CHECK(
      reader.CheckKeys(place, {"status", "type", "message", "param", "code", "retry_after"}));
  ScriptedError& error = out.emplace();
  std::optional<std::int64_t> status;
  WEIR_CHECK(reader.Int(place.At("status"), 400, status));
  if (status.value_or(0) > 599) return reader.Wrong(place.At("status"), "`status` is in 400..599");
  error.status = static_cast<int>(status.value_or(error.status));
  WEIR_CHECK(reader.Text(place.At("type"), error.type));
  WEIR_CHECK(reader.Text(place.At("message"), error.message));
  WEIR_CHECK(reader.Text(place.At("param"), error.param));
  WEIR_CHECK(reader.PlainText(place.At("code"), error.code));
  const Place after = place.At("retry_after");
  WEIR_CHECK(reader.PlainText(after, error.retry_after));
  if (const Result<void> right = http::CheckHeader("Retry-After", error.retry_after); !right) {
    return reader.Wrong(after, right.error().message);
  }
  return {};
}

Result<void> ReadHeaders(const ScriptReader& reader, const Place& place, TextPairs& out) {
  WEIR_CHECK(reader.PlainTexts(place, out));
  for (const auto& [name, value] : out) {
    const Place field = place.At(name);
    if (const Result<void> right = http::CheckHeader(name, value); !right) {
      return reader.WrongKey(field, right.error().message);
    }
    for (const std::string_view framing : {"Content-Length", "Transfer-Encoding", "Connection"}) {
      if (!EqualsIgnoreCase(name, framing)) continue;
      return reader.WrongKey(
          field, StrCat("`", framing, "` is the server's own; to break the framing, use `faults`"));
    }
  }
  return {};
}

}  // namespace

Result<ScriptedReply> ReadScriptedReply(const ScriptReader& reader, const Place& place) {
  WEIR_CHECK(reader.CheckKeys(place, {"text", "reasoning", "tool_calls", "refusal", "probability",
                                      "finish", "error", "garbage", "html", "headers", "delay",
                                      "ttft", "itl", "faults", "drop_after", "stall_after"}));
  WEIR_CHECK(CheckOneAnswer(reader, place));
  ScriptedReply reply;
  WEIR_CHECK(reader.Text(place.At("text"), reply.text));
  WEIR_CHECK(reader.Text(place.At("reasoning"), reply.reasoning));
  WEIR_CHECK(ReadToolCalls(reader, place.At("tool_calls"), reply.tool_calls));
  WEIR_CHECK(reader.Text(place.At("refusal"), reply.refusal));
  WEIR_CHECK(reader.Probability(place.At("probability"), reply.probability));
  WEIR_CHECK(reader.Text(place.At("finish"), reply.finish));
  WEIR_CHECK(ReadError(reader, place.At("error"), reply.error));
  WEIR_CHECK(reader.Text(place.At("garbage"), reply.garbage));
  WEIR_CHECK(reader.Text(place.At("html"), reply.html));
  WEIR_CHECK(ReadHeaders(reader, place.At("headers"), reply.headers));
  WEIR_CHECK(reader.Time(place.At("delay"), reply.delay));
  WEIR_CHECK(reader.Time(place.At("ttft"), reply.ttft));
  WEIR_CHECK(reader.Time(place.At("itl"), reply.itl));
  WEIR_CHECK(ReadFaults(reader, place, reply.faults));
  return reply;
}

}  // namespace weir::sim
