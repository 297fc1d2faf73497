#include "weir/agent/tools/builtin_call.h"

#include <algorithm>

#include "weir/agent/tools/inputs.h"
#include "weir/base/glob.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

constexpr std::size_t kBinaryBytes = 8'000;

json::View Given(const BuiltinCall& call, std::string_view name) {
  if (!SpeaksOf(call.schema, name)) return call.fixed.Find(name);
  const json::View value = call.arguments.Find(name);
  return value.exists() && !value.IsNull() ? value : call.fixed.Find(name);
}

}  // namespace

std::optional<std::string_view> BuiltinCall::Text(std::string_view name) const {
  const std::string_view text = Given(*this, name).StringOr("");
  return text.empty() ? std::nullopt : std::optional(text);
}

std::optional<std::int64_t> BuiltinCall::Number(std::string_view name) const {
  return Given(*this, name).AsInt64();
}

bool BuiltinCall::Flag(std::string_view name) const { return Given(*this, name).BoolOr(false); }

Result<std::string_view> BuiltinCall::Need(std::string_view name) const {
  json::View value = Given(*this, name);
  if (!value.exists() && !SpeaksOf(schema, name)) value = row.Find(name);
  if (const auto text = value.AsString()) return *text;
  return Fail(Code::kInvalidRequest, StrCat("`", name, "` is missing; it is a text"));
}

bool MatchesGlob(std::string_view glob, std::string_view path, std::string_view folder) {
  if (!glob.contains('/')) return GlobMatches(glob, path.substr(path.rfind('/') + 1));
  std::size_t prefix = 0;
  for (const std::string_view part : Split(folder, '/')) {
    if (!part.empty() && part != ".") prefix += part.size() + 1;
  }
  return GlobMatches(glob, path) || GlobMatches(glob, path.substr(std::min(prefix, path.size())));
}

std::size_t LinesIn(std::string_view text) {
  const auto ends = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  return ends + (text.empty() || text.ends_with('\n') ? 0 : 1);
}

bool LooksBinary(std::string_view text) { return text.substr(0, kBinaryBytes).contains('\0'); }

bool AppendLine(std::string& out, std::string_view line, std::size_t max_bytes) {
  if (out.size() + line.size() + 1 > max_bytes) return false;
  StrAppend(out, line, "\n");
  return true;
}

}  // namespace weir::agent
