#include "weir/wire/ignored_fields.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/wire/field_table.h"

namespace weir::wire {
namespace {

struct VersionSpan {
  std::string_view key;
  Version from;   // of vLLM: the first version that reads it ...
  Version until;  // ... and the first that does not any more
  bool sent;
  std::string_view instead;
};

constexpr Version kSince011{0, 11, 0};
constexpr Version kUntil012{0, 12, 0};

// No version of vLLM reads a field whose two versions are one.
constexpr VersionSpan kIgnored[] = {
    {"guided_json", kAlways, kUntil012, true, "ask with a schema (call --schema)"},
    {"guided_regex", kAlways, kUntil012, true, "ask with a pattern (call --regex)"},
    {"guided_choice", kAlways, kUntil012, true, "ask with a choice (call --choice)"},
    {"guided_grammar", kAlways, kUntil012, true, "ask with a grammar (call --grammar)"},
    {"guided_whitespace_pattern", kAlways, kUntil012, true,
     "vLLM has it in structured_outputs: {whitespace_pattern: ...} now"},
    {"guided_decoding_backend", kAlways, kUntil012, false,
     "vLLM has it as a flag of the server now, --structured-outputs-config.backend"},
    {"structured_outputs", kSince011, kNever, true,
     "ask with a schema, a pattern, a choice or a grammar, which are written as the server reads "
     "them"},
    {"best_of", kAlways, kUntil012, true,
     "give it as a parameter (call --best-of, `defaults: {best_of: N}`), which weir sees to "
     "itself"},
    {"functions", kAlways, kAlways, true, "give tools (call --tools)"},
    {"function_call", kAlways, kAlways, true, "give a tool choice (call --tool-choice)"},
};

const VersionSpan* FindSpan(std::string_view key) {
  const auto* const span = std::ranges::find(kIgnored, key, &VersionSpan::key);
  return span == std::end(kIgnored) ? nullptr : span;
}

std::string NameOfServer(const Dialect& dialect) {
  if (dialect.kind == ServerKind::kOllama) return "Ollama";
  const Version& version = dialect.version;
  return StrCat("vLLM ", version.major, ".", version.minor, ".", version.patch);
}

// The version of vLLM that brought a field; kAlways where none did.
Version CameWith(std::string_view key, model::Api api) {
  const FieldSince* const row = FindField(key);
  const Version since = row == nullptr ? kAlways : row->For(ServerKind::kVllm, api);
  return since == kNever ? kAlways : since;
}

}  // namespace

std::optional<IgnoredField> FindIgnored(std::string_view key, model::Api api,
                                        const Dialect& dialect) {
  if (dialect.kind == ServerKind::kOpenAi) return std::nullopt;
  const VersionSpan* const span = FindSpan(key);
  if (span == nullptr) {
    const Version since = CameWith(key, api);
    if (dialect.kind != ServerKind::kVllm || dialect.version >= since) return std::nullopt;
    return IgnoredField{.why = StrCat(NameOfServer(dialect),
                                      " ignores this field of extra without a word: it came with ",
                                      since.major, ".", since.minor, ".", since.patch),
                        .sent = true};
  }
  const Version& version = dialect.version;
  const bool read = version >= span->from && version < span->until;
  if (dialect.kind == ServerKind::kVllm && read) return std::nullopt;
  return IgnoredField{
      .why = StrCat(NameOfServer(dialect), " ignores this field of extra without a word",
                    span->sent ? "" : ", so it was left out", ": ", span->instead),
      .sent = span->sent};
}

bool HasVersionedField(json::View extra, model::Api api) {
  return std::ranges::any_of(extra.members(), [api](const json::Member& member) {
    const VersionSpan* const span = FindSpan(member.key);
    return span != nullptr ? span->from < span->until : CameWith(member.key, api) > kAlways;
  });
}

}  // namespace weir::wire
