#pragma once

// Reply: what came back, whole; Delta: one piece of it, as a stream delivers it. Fields of the
// server that weir has no name for survive in `extra`.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/error.h"
#include "weir/json/value.h"
#include "weir/model/confidence.h"
#include "weir/model/message.h"

namespace weir::model {

enum class Finish : std::uint8_t {
  kNone,  // not finished (a delta), or the server did not say (`stream_truncated`)
  kStop,
  kLength,  // the token limit: the reply is `truncated`
  kToolCalls,
  kContentFilter,
  kAbort,
  kRepetition,
  kOther,  // a word weir does not know: see finish_text
};

Finish ParseFinish(std::string_view word);
std::string_view FinishName(Finish finish);

// Token counts as the server reported them; an absent count is unknown, not zero.
struct Usage {
  std::optional<std::int64_t> prompt_tokens;
  std::optional<std::int64_t> completion_tokens;
  std::optional<std::int64_t> total_tokens;
  std::optional<std::int64_t> cached_tokens;
  std::optional<std::int64_t> reasoning_tokens;
  json::Value extra;  // the further members of the server's object; null: none
};

// Counts that are known on either side; `extra` stays.
void AddUsage(Usage& sum, const Usage& more);

// A log-probability at or below this is vLLM's sentinel for minus infinity.
inline constexpr double kLogprobFloor = -9999.0;

struct TopToken {
  std::string text;
  double logprob = kLogprobFloor;
  std::vector<std::uint8_t> bytes;
};

struct Token {
  std::string text;
  std::optional<double> logprob;  // unset for the first token of an echoed prompt
  std::vector<std::uint8_t> bytes;
  std::optional<std::int64_t> id;
  std::optional<std::int64_t> text_offset;  // completions
  std::vector<TopToken> top;  // as sent: the sampled token may come first, order is not by value
};

// A piece of a tool call. Pieces with one index belong together: the name comes once, argument
// texts are joined in order.
struct ToolCallDelta {
  std::int64_t index = 0;
  std::string id;
  std::string name;
  std::string arguments;
};

struct Delta {
  std::int64_t choice = 0;
  std::string text;
  std::string reasoning;
  std::string refusal;
  std::vector<ToolCallDelta> tool_calls;
  std::vector<Token> tokens;
  std::vector<std::int64_t> token_ids;
  Finish finish = Finish::kNone;
  std::string finish_text;  // the server's own word, set with `finish`
  json::Value stop_reason;  // null, a token id or a stop text
  std::optional<Usage> usage;
  bool has_choice = false;  // false: the event spoke of no choice (a usage event)
  json::Value extra;        // unknown fields of this event, an object; null: none
};

struct Choice {
  std::int64_t index = 0;
  std::string text;
  std::string reasoning;
  std::string refusal;
  std::vector<ToolCall> tool_calls;
  std::vector<Token> tokens;             // filled when logprobs were asked for
  std::vector<std::int64_t> token_ids;   // filled when they were asked for
  json::Value prompt_logprobs;           // as sent (completions carry them per choice)
  json::Value value;                     // the verified answer to a JSON constraint; null: none
  std::optional<Confidence> confidence;  // when it was asked for and the server sent tokens
  Finish finish = Finish::kNone;
  std::string finish_text;
  json::Value stop_reason;
  json::Value extra;
};

// A try before the one that gave the reply: it failed, or its answer was not the best.
struct Attempt {
  std::string engine;
  std::optional<Error> error;
  std::chrono::nanoseconds duration{};
  std::chrono::nanoseconds waited{};  // after it, before the next
};

// Something asked for that was not carried out as asked, e.g. {"adapter", "sql not loaded, ..."}.
struct Degradation {
  std::string what;
  std::string why;
  bool routine = false;  // true of every call of its kind: worth a note, not a warning
};

// What is known of a reply beside its content; grows while a stream runs.
struct ReplyInfo {
  std::string id;
  std::string model;  // as the server named it
  std::int64_t created = 0;
  std::string system_fingerprint;
  std::string engine;
  std::string request_id;
  std::vector<Attempt> attempts;
  std::vector<Degradation> degradations;
  std::vector<std::string> repairs;  // what was mended in the answer, in words
  std::optional<double> cost;        // of all attempts, by the engine's prices; unset: unknown
  std::string currency;              // of the cost
  // Of a stream that has ended, in the order of its choices: what Assembler::Finish() puts there.
  std::vector<std::optional<Confidence>> confidences;
  std::chrono::nanoseconds first_token{};  // since the call began; zero: no token came
  std::chrono::nanoseconds total{};
};

// Behind an error (Error::trail): the tries before the last one, who was asked last, and what the
// answers cost that were not delivered.
struct CallTrail {
  ReplyInfo info;
  Usage usage;
};
// Empty where nothing is known.
const CallTrail& TrailOf(const Error& error);

// Whether a reader gets something of the answer by this piece.
bool HasContent(const Delta& piece);

struct Reply {
  ReplyInfo info;
  std::vector<Choice> choices;
  std::vector<Choice> others;  // candidates of best_of that were not chosen, best first
  Usage usage;
  json::Value prompt_logprobs;   // as sent (chat carries them once)
  json::Value prompt_token_ids;  // as sent
  json::Value extra;             // unknown top-level fields, an object; null: none

  const std::string& text() const;  // of the first choice; empty when there is none
};

// Builds the whole reply from the pieces of a stream.
class Assembler {
 public:
  void Add(const Delta& delta);
  // Moves the reply out. Choices are in the order of their index.
  Reply Finish(ReplyInfo info) &&;

 private:
  Choice& ChoiceOf(std::int64_t index);

  Reply reply_;
  std::vector<std::vector<std::int64_t>> call_indexes_;  // per choice: wire index of each tool call
};

}  // namespace weir::model
