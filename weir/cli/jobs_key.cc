#include "weir/cli/jobs_key.h"

#include <cstdint>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

constexpr std::size_t kLongestPlain = 200;

// 128 bits: two of ten million rows are never taken for the same by chance.
std::string Fingerprint(std::string_view text) {
  return StrCat(HexText(StableHash(text.data(), text.size(), 1)),
                HexText(StableHash(text.data(), text.size(), 2)));
}

// So that no part runs into the next.
void AppendPart(std::string& out, std::string_view part) { StrAppend(out, part.size(), ":", part); }

Result<std::string> FieldKey(const KeyRule& rule, json::View row) {
  const json::View field = row.Find(rule.field);
  const std::string_view text =
      field.IsNumber() ? field.NumberText() : field.StringOr(std::string_view());
  if (text.empty()) {
    return Fail(Code::kInvalidRequest, StrCat("the row has no key: `", rule.field, "` ",
                                              !field.exists()    ? "is not there"
                                              : field.IsString() ? "is empty"
                                                                 : "is no text and no number",
                                              "; give it one, or name another field with --key"));
  }
  std::string key = StrCat(rule.field, "=");
  key += text.size() <= kLongestPlain ? std::string(text) : Fingerprint(text);
  if (!rule.salt.empty()) StrAppend(key, " ", rule.salt);
  return key;
}

}  // namespace

Result<std::string> JobKey(const KeyRule& rule, json::View row) {
  if (!rule.field.empty()) return FieldKey(rule, row);
  std::string all;
  for (const std::string* part : {&rule.digest, &rule.engine, &rule.model, &rule.salt}) {
    AppendPart(all, *part);
  }
  all += json::Canonical(row);
  return Fingerprint(all);
}

}  // namespace weir::cli
