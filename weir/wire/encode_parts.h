#pragma once

// The pieces that whole replies and chunks have in common, written as vLLM writes them.

#include <span>
#include <string_view>

#include "weir/json/writer.h"
#include "weir/model/reply.h"
#include "weir/wire/dialect.h"

namespace weir::wire {

// {"content":[...]}, the form of chat; OpenAI adds "refusal":null.
void WriteChatLogprobs(std::span<const model::Token> tokens, json::Writer& out,
                       bool refusal_shown = false);
// {"text_offset":[...],"token_logprobs":...}, the form of completions.
void WriteTextLogprobs(std::span<const model::Token> tokens, json::Writer& out);

enum class UsageForm : std::uint8_t {
  kWhole,       // every field, null when it is not known
  kLast,        // of a stream: only what is known
  kContinuous,  // with every chunk of a stream
};
void WriteUsage(const model::Usage& usage, UsageForm form, const Dialect& dialect,
                json::Writer& out);

// Members of an object.
void WriteInt(std::string_view key, std::int64_t value, json::Writer& out);
void WriteNull(std::string_view key, json::Writer& out);

void WriteInts(std::span<const std::int64_t> values, json::Writer& out);

// The first version whose messages have what OpenAI's have: refusal, annotations, audio.
inline constexpr Version kOpenAiFields{0, 9, 0};

// The last event of a stream.
inline constexpr std::string_view kDoneEvent = "data: [DONE]\n\n";

// The marks between which a model thinks, where no parser takes its thoughts out of the text.
inline constexpr std::string_view kThinkBegin = "<think>";
inline constexpr std::string_view kThinkEnd = "</think>";

// The word for `finish`: the server's own where it is not one of ours.
std::string_view FinishWord(model::Finish finish, const std::string& text);

// A member whose value is null when `text` is empty.
void WriteTextOrNull(std::string_view key, std::string_view text, json::Writer& out);

}  // namespace weir::wire
