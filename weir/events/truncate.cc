#include "weir/events/truncate.h"

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"

namespace weir::events {
namespace {

// How far beyond the cut a secret may reach that begins before it.
constexpr std::size_t kBeyond = 1024;

bool IsHarmless(json::View value) {
  const std::string_view text = value.StringOr("EMPTY");
  return value.IsNull() || value.IsBool() || (value.IsString() && RedactValue(text) == text);
}

bool IsModelsText(std::string_view key, json::View object) {
  return key == "token" && (object.Find("logprob").exists() || object.Find("bytes").exists());
}

}  // namespace

std::string TruncateText(std::string_view text, std::size_t max_chars) {
  if (text.size() <= max_chars) return std::string(text);
  const std::size_t cut = OffsetOfCharacter(text, max_chars);
  if (cut == text.size()) return std::string(text);
  const std::size_t left_out = CountCharacters(text.substr(cut));
  const std::string redacted = Redact(Utf8Prefix(text, cut + kBeyond));
  return StrCat(std::string_view(redacted).substr(0, OffsetOfCharacter(redacted, max_chars)),
                "...(truncated ", left_out, " chars)");
}

void WriteTruncated(json::Writer& out, std::string_view text, std::size_t max_chars) {
  if (text.size() <= max_chars) return out.String(text);
  out.String(TruncateText(text, max_chars));
}

void WriteTruncated(json::Writer& out, json::View value, std::size_t max_chars) {
  if (value.IsObject()) {
    out.BeginObject();
    for (const auto& [key, member] : value.members()) {
      out.Key(key);
      if (IsSecretName(key) && !IsHarmless(member) && !IsModelsText(key, value)) {
        out.String("[REDACTED]");
      } else {
        WriteTruncated(out, member, max_chars);
      }
    }
    out.EndObject();
  } else if (value.IsArray()) {
    out.BeginArray();
    for (const json::View item : value.items()) WriteTruncated(out, item, max_chars);
    out.EndArray();
  } else if (value.IsString()) {
    WriteTruncated(out, value.StringOr(""), max_chars);
  } else if (value.exists()) {
    out.Value(value);
  } else {
    out.Null();
  }
}

}  // namespace weir::events
