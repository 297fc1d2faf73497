#include "weir/wire/dialect.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "weir/base/text.h"

namespace weir::wire {
namespace {

struct Named {
  std::string_view name;
  Version version;
};

constexpr Named kNamed[] = {
    {"vllm-0.6", {0, 6, 6}},   {"vllm-0.10", {0, 10, 0}}, {"vllm-0.11", {0, 11, 2}},
    {"vllm-0.12", {0, 12, 0}}, {"vllm-0.16", {0, 16, 0}}, {"vllm-latest", {0, 28, 0}},
};
constexpr std::string_view kOpenAiName = "openai";
constexpr std::string_view kOllamaName = "ollama";
constexpr const Named& kLatest = kNamed[std::size(kNamed) - 1];

// The first version in which each habit is the new one.
constexpr Version kBeamWidthIsN{0, 6, 3};
constexpr Version kNestedErrors{0, 10, 1};
constexpr Version kTokenIds{0, 10, 2};
constexpr Version kStructuredOutputs{0, 11, 0};
constexpr Version kBothReasoningNames{0, 11, 1};
constexpr Version kBestOfRemoved{0, 12, 0};
constexpr Version kShortIds{0, 12, 0};
constexpr Version kOnlyReasoning{0, 16, 0};
constexpr Version kUsageOnRequest{0, 18, 0};
constexpr Version kFingerprint{0, 21, 0};
constexpr Version kPromptText{0, 23, 0};
constexpr Version kEmptyToolCallsHidden{0, 24, 0};

Dialect Make(std::string name, Version version) {
  Dialect dialect;
  dialect.name = std::move(name);
  dialect.version = version;
  dialect.error_shape = version < kNestedErrors ? ErrorShape::kFlat : ErrorShape::kNested;
  dialect.constraints = version < kStructuredOutputs ? ConstraintSpelling::kGuided
                                                     : ConstraintSpelling::kStructuredOutputs;
  dialect.reasoning = version < kBothReasoningNames ? ReasoningField::kReasoningContent
                      : version < kOnlyReasoning    ? ReasoningField::kBoth
                                                    : ReasoningField::kReasoning;
  dialect.beam_width_is_n = version >= kBeamWidthIsN;
  dialect.has_best_of = version < kBestOfRemoved;
  dialect.empty_tool_calls_shown = version < kEmptyToolCallsHidden;
  dialect.token_ids_shown = version >= kTokenIds;
  dialect.prompt_text_shown = version >= kPromptText;
  dialect.short_ids = version >= kShortIds;
  dialect.fingerprint_shown = version >= kFingerprint;
  dialect.usage_by_default = version < kUsageOnRequest;
  return dialect;
}

// A server that has nothing of vLLM's own.
Dialect MakeForeign(ServerKind kind, std::string_view name) {
  Dialect dialect = Make(std::string(name), kLatest.version);
  dialect.kind = kind;
  dialect.error_shape = ErrorShape::kNestedWords;
  dialect.has_best_of = kind == ServerKind::kOpenAi;
  dialect.token_ids_shown = false;
  dialect.prompt_text_shown = false;
  return dialect;
}

// Takes a number from the front of `text`.
std::optional<int> TakeNumber(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data() || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

// "0.26.1rc1.dev1177+ga9a17e709" is 0.26.1; what follows the numbers does not matter.
std::optional<Version> ParseVersion(std::string_view text) {
  text = Trim(text);
  if (text.starts_with("0.1.dev")) return std::nullopt;  // a source build without tags
  if (text.starts_with('v')) text.remove_prefix(1);
  Version version;
  const std::optional<int> major = TakeNumber(text);
  if (!major || !text.starts_with('.')) return std::nullopt;
  text.remove_prefix(1);
  const std::optional<int> minor = TakeNumber(text);
  if (!minor) return std::nullopt;
  version.major = *major;
  version.minor = *minor;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    version.patch = TakeNumber(text).value_or(0);
  }
  return version;
}

}  // namespace

Result<Dialect> DialectByName(std::string_view name) {
  for (const Named& named : kNamed) {
    if (named.name == name) return Make(std::string(named.name), named.version);
  }
  if (name == kOpenAiName) return MakeForeign(ServerKind::kOpenAi, name);
  if (name == kOllamaName) return MakeForeign(ServerKind::kOllama, name);
  const std::vector<std::string> names = DialectNames();
  std::string message =
      StrCat("there is no dialect \"", name, "\" in this version; there are ", Join(names, ", "));
  if (const std::optional<std::string> near = Nearest(name, names)) {
    StrAppend(message, "; did you mean ", *near, "?");
  }
  return Fail(Code::kConfigError, std::move(message));
}

std::vector<std::string> DialectNames() {
  std::vector<std::string> names = ClientDialectNames();
  names.emplace_back(kOpenAiName);
  names.emplace_back(kOllamaName);
  return names;
}

std::vector<std::string> ClientDialectNames() {
  std::vector<std::string> names;
  for (const Named& named : kNamed) names.emplace_back(named.name);
  return names;
}

Dialect DialectOfVersion(std::string_view version) {
  const Version parsed = ParseVersion(version).value_or(kLatest.version);
  const auto named = std::ranges::find(kNamed, parsed, &Named::version);
  if (named != std::end(kNamed)) return Make(std::string(named->name), parsed);
  return Make(StrCat("vllm-", parsed.major, ".", parsed.minor, ".", parsed.patch), parsed);
}

}  // namespace weir::wire
