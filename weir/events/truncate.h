#pragma once

// Texts and documents cut to what a person wants to see in an event, without the secrets in them.

#include <cstddef>
#include <string>
#include <string_view>

#include "weir/json/value.h"
#include "weir/json/writer.h"

namespace weir::events {

inline constexpr std::size_t kUncut = static_cast<std::size_t>(-1);

// The first `max_chars` characters and "...(truncated M chars)", M being how many are left out;
// a text that is no longer than that stays as it is. A cut text is redacted first, since half a key
// no longer looks like one; others are left to the sink. No character is cut in two.
std::string TruncateText(std::string_view text, std::size_t max_chars);

// Writes a document whose texts, at any depth, are truncated like that. Members whose name
// IsSecretName() become "[REDACTED]", except null, true, false, "" and "EMPTY", and except the
// "token" of an object with a "logprob" or "bytes", which is a model's text. Keys are not cut.
void WriteTruncated(json::Writer& out, json::View value, std::size_t max_chars);

// A text, truncated, as a JSON string.
void WriteTruncated(json::Writer& out, std::string_view text, std::size_t max_chars);

}  // namespace weir::events
