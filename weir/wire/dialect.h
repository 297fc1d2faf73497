#pragma once

// Dialect: what one server understands, decided by its kind and version. The table in dialect.cc is
// the only place that knows in which version a spelling changed.

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir::wire {

struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;

  friend auto operator<=>(const Version&, const Version&) = default;
};

// Whose habits a server has. Clients are given vLLM's only; the others are played by the simulator.
enum class ServerKind : std::uint8_t { kVllm, kOpenAi, kOllama };

// The shape of an error body (four are met in the field).
enum class ErrorShape : std::uint8_t {
  kFlat,         // {"object":"error","message",...,"code":int}        vLLM up to 0.10.0
  kNested,       // {"error":{"message","type","param","code":int}}    vLLM since 0.10.1
  kNestedWords,  // {"error":{...,"code":"word"}}                      OpenAI, vLLM's Rust front-end
};

enum class ConstraintSpelling : std::uint8_t { kGuided, kStructuredOutputs };

// Which name carries reasoning text in replies.
enum class ReasoningField : std::uint8_t { kReasoningContent, kBoth, kReasoning };

struct Dialect {
  ServerKind kind = ServerKind::kVllm;
  std::string name = "vllm-latest";
  Version version{0, 28, 0};
  ErrorShape error_shape = ErrorShape::kNested;
  ConstraintSpelling constraints = ConstraintSpelling::kStructuredOutputs;
  ReasoningField reasoning = ReasoningField::kReasoning;
  bool beam_width_is_n = true;          // false: beams are counted by best_of
  bool has_best_of = false;             // removed in vLLM 0.12
  bool empty_tool_calls_shown = false;  // "tool_calls":[] in whole replies, up to 0.23
  bool token_ids_shown = true;          // token_ids keys in replies, since 0.10.2
  bool prompt_text_shown = true;        // prompt_text key in replies, since 0.23
  bool short_ids = true;                // 16 hex digits in ids; 32 up to 0.11
  bool fingerprint_shown = true;        // system_fingerprint is set, since 0.21
  bool usage_by_default = false;        // any stream_options object asks for usage, up to 0.17
};

// The dialect of a name of `--dialect` (vllm-0.6 ... vllm-latest, openai, ollama); fails naming the
// known ones. The version of those that are not vLLM is that of the vLLM which knows what they
// know.
Result<Dialect> DialectByName(std::string_view name);
std::vector<std::string> DialectNames();

// The names of vLLM's dialects: those that a client can be given.
std::vector<std::string> ClientDialectNames();

// The dialect of a server that reports this version, e.g. "0.11.2", "0.26.1rc1.dev1177+ga9a17e709".
// Source builds ("0.1.dev18498+g7a33ba95f") and versions we cannot read count as the latest.
Dialect DialectOfVersion(std::string_view version);

}  // namespace weir::wire
