#include "weir/wire/extra_fields.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/wire/ignored_fields.h"

namespace weir::wire {
namespace {

// Says so when the server ignores the field.
bool IsSent(std::string_view key, const ExtraRules& rules,
            std::vector<model::Degradation>& degradations) {
  if (rules.dialect == nullptr) return true;
  std::optional<IgnoredField> ignored = FindIgnored(key, rules.api, *rules.dialect);
  if (!ignored) return true;
  degradations.push_back({std::string(key), std::move(ignored->why)});
  return ignored->sent;
}

}  // namespace

Result<void> WriteExtra(json::View extra, const ExtraRules& rules, json::Writer& json,
                        std::vector<model::Degradation>& degradations) {
  if (!extra.exists() || extra.IsNull()) return {};
  if (!extra.IsObject()) {
    return Fail(Code::kInvalidRequest,
                StrCat("extra must be an object, not a ", json::KindName(extra.kind())));
  }
  if (extra.Find("extra_body").exists()) {
    return Fail(Code::kInvalidRequest,
                "extra must not hold extra_body, which only means something to Python's client: "
                "write its fields directly into extra");
  }
  if (extra.has_duplicate_keys()) {
    return Fail(Code::kInvalidRequest, "extra names a field twice");
  }
  for (const json::Member member : extra.members()) {
    if (!rules.joined.empty() && member.key == rules.joined) continue;
    if (std::ranges::find(rules.reserved, member.key) != rules.reserved.end()) {
      degradations.push_back(
          {std::string(member.key), "extra may not set this field; it was left out"});
    } else if (std::ranges::find(rules.written, member.key) != rules.written.end()) {
      degradations.push_back(
          {std::string(member.key), "the call sets this field itself; that of extra lost"});
    } else if (!member.value.IsNull() && IsSent(member.key, rules, degradations)) {
      json.Field(member.key, member.value);
    }
  }
  return {};
}

}  // namespace weir::wire
