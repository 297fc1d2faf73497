#include "weir/json/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

#include "weir/base/text.h"
#include "weir/json/number.h"

namespace weir::json::internal {
namespace {

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

PlainScalar FromBase(std::string_view digits, int base) {
  std::uint64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, value, base);
  if (digits.empty() || parsed.ptr != end) return {};
  if (parsed.ec != std::errc()) return {PlainKind::kTooLarge, {}};
  return {PlainKind::kNumber, StrCat(value)};
}

std::string_view TakeDigits(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view digits = text.substr(0, end);
  text.remove_prefix(end);
  return digits;
}

// The JSON spelling of [-+]? digits, with dot and exponent: "+01." is "1.0".
std::optional<std::string> JsonNumber(std::string_view text) {
  std::string out;
  if (text.starts_with('-')) out = "-";
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  std::string_view whole = TakeDigits(text);
  std::string_view fraction;
  const bool dot = text.starts_with('.');
  if (dot) {
    text.remove_prefix(1);
    fraction = TakeDigits(text);
  }
  if (whole.empty() && fraction.empty()) return std::nullopt;
  while (whole.size() > 1 && whole.front() == '0') whole.remove_prefix(1);
  out += whole.empty() ? "0" : whole;
  if (dot) StrAppend(out, '.', fraction.empty() ? "0" : fraction);
  out += text;
  if (!IsNumber(out)) return std::nullopt;
  return out;
}

}  // namespace

PlainScalar ResolvePlain(std::string_view text) {
  if (IsOneOf(text, {"", "~", "null", "Null", "NULL"})) return {PlainKind::kNull, {}};
  if (IsOneOf(text, {"true", "True", "TRUE"})) return {PlainKind::kTrue, {}};
  if (IsOneOf(text, {"false", "False", "FALSE"})) return {PlainKind::kFalse, {}};
  if (IsNumber(text)) return {PlainKind::kNumber, std::string(text)};
  if (text.starts_with("0x")) return FromBase(text.substr(2), 16);
  if (text.starts_with("0o")) return FromBase(text.substr(2), 8);
  if (IsOneOf(text, {".nan", ".NaN", ".NAN"})) return {PlainKind::kNotFinite, {}};
  if (std::optional<std::string> number = JsonNumber(text)) {
    return {PlainKind::kNumber, *std::move(number)};
  }
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (IsOneOf(text, {".inf", ".Inf", ".INF"})) return {PlainKind::kNotFinite, {}};
  return {};
}

}  // namespace weir::json::internal
