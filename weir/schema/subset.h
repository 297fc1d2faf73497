#pragma once

// What the decoders behind model servers make of a schema. None enforces all of JSON Schema: some
// keywords are refused with an error, others are ignored without a word. The facts stand in one
// table in subset_table.cc, each decoder with the version that was looked at.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/value.h"

namespace weir::schema {

enum class Decoder : std::uint8_t { kXgrammar, kGuidance, kOutlines, kLlamaCpp, kOpenAiStrict };

inline constexpr Decoder kDecoders[] = {Decoder::kXgrammar, Decoder::kGuidance, Decoder::kOutlines,
                                        Decoder::kLlamaCpp, Decoder::kOpenAiStrict};

std::string_view DecoderName(Decoder decoder);  // "xgrammar", "llama.cpp", "openai-strict", ...
// What the table was checked against, for a person.
std::string_view CheckedAgainst(Decoder decoder);

enum class Verdict : std::uint8_t { kEnforced, kIgnored, kRefused };

std::string_view VerdictName(Verdict verdict);  // "enforced", "ignored", "refused"

struct Finding {
  std::string pointer;  // of the schema that holds the keyword
  std::string keyword;
  Verdict verdict = Verdict::kIgnored;
  bool certain = true;  // false: inferred, or known of another version
  std::string message;  // "at /properties/a: xgrammar refuses \"multipleOf\": ..."
};

// What is ignored or refused, and what is enforced only in part, in the order of the schema.
// Keywords without effect (uniqueItems: false) and annotations are not told.
std::vector<Finding> Explain(json::View schema, Decoder decoder);

}  // namespace weir::schema
