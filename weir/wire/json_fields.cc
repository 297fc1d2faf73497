#include "weir/wire/json_fields.h"

#include <algorithm>

#include "weir/base/counts.h"
#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"

namespace weir::wire {
namespace {

bool IsUnknown(const json::Member& member, std::initializer_list<std::string_view> known) {
  return IsSet(member.value) && std::ranges::find(known, member.key) == known.end();
}

constexpr std::size_t kQuotedBytes = 300;
constexpr std::size_t kReadBytes = 4096;  // enough to see a secret whole that the quote would cut

}  // namespace

std::optional<std::int64_t> CountOf(json::View view) {
  const std::optional<std::int64_t> number = view.AsInt64();
  return number && IsCount(*number) ? number : std::nullopt;
}

std::string Quoted(std::string_view text) {
  return Truncate(Redact(Utf8Prefix(Trim(text), kReadBytes)), kQuotedBytes);
}

std::vector<std::int64_t> IntsOf(json::View array) {
  std::vector<std::int64_t> ints;
  ints.reserve(array.items().size());
  for (const json::View item : array.items()) {
    if (const std::optional<std::int64_t> value = item.AsInt64()) ints.push_back(*value);
  }
  return ints;
}

std::vector<std::string> StringsOf(json::View array) {
  std::vector<std::string> strings;
  strings.reserve(array.items().size());
  for (const json::View item : array.items()) {
    if (const std::optional<std::string_view> text = item.AsString()) strings.emplace_back(*text);
  }
  return strings;
}

bool HasUnknown(json::View object, std::initializer_list<std::string_view> known) {
  for (const json::Member member : object.members()) {
    if (IsUnknown(member, known)) return true;
  }
  return false;
}

void CopyUnknown(json::View object, std::initializer_list<std::string_view> known,
                 json::Builder& builder) {
  for (const json::Member member : object.members()) {
    if (!IsUnknown(member, known)) continue;
    builder.Key(member.key);
    builder.Copy(member.value);
  }
}

json::Value UnknownMembers(json::View object, std::initializer_list<std::string_view> known) {
  if (!HasUnknown(object, known)) return {};
  json::Builder builder;
  builder.BeginObject();
  CopyUnknown(object, known, builder);
  builder.EndObject();
  return std::move(builder).Finish();
}

}  // namespace weir::wire
