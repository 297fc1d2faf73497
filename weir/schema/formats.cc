#include "weir/schema/formats.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "weir/base/text.h"
#include "weir/schema/formats_net.h"
#include "weir/schema/pattern.h"

namespace weir::schema {
namespace {

// Takes exactly `count` digits; -1 if they are not there.
int TakeDigits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return -1;
  int value = 0;
  for (const char c : text.substr(0, count)) {
    if (!IsDigit(c)) return -1;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool Take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

bool TakeDate(std::string_view& text) {
  const int year = TakeDigits(text, 4);
  if (year < 0 || !Take(text, '-')) return false;
  const int month = TakeDigits(text, 2);
  if (month < 1 || month > 12 || !Take(text, '-')) return false;
  const int day = TakeDigits(text, 2);
  constexpr std::array kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  const int days = kDays[static_cast<std::size_t>(month - 1)] + (leap && month == 2 ? 1 : 0);
  return day >= 1 && day <= days;
}

bool IsDate(std::string_view text) { return TakeDate(text) && text.empty(); }

bool IsTime(std::string_view text) {
  const int hour = TakeDigits(text, 2);
  if (hour < 0 || hour > 23 || !Take(text, ':')) return false;
  const int minute = TakeDigits(text, 2);
  if (minute < 0 || minute > 59 || !Take(text, ':')) return false;
  const int second = TakeDigits(text, 2);
  if (second < 0 || second > 60) return false;
  if (Take(text, '.')) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) return false;
    text.remove_prefix(digits);
  }
  int offset = 0;
  if (!Take(text, 'Z') && !Take(text, 'z')) {
    const bool east = text.starts_with('+');
    if (!Take(text, '+') && !Take(text, '-')) return false;
    const int hours = TakeDigits(text, 2);
    if (hours < 0 || hours > 23 || !Take(text, ':')) return false;
    const int minutes = TakeDigits(text, 2);
    if (minutes < 0 || minutes > 59) return false;
    offset = (hours * 60 + minutes) * (east ? 1 : -1);
  }
  // A leap second is the last one of a day in universal time.
  constexpr int kDay = 24 * 60;
  const bool last = (hour * 60 + minute - offset + 2 * kDay) % kDay == kDay - 1;
  return text.empty() && (second < 60 || last);
}

bool IsDateTime(std::string_view text) {
  return TakeDate(text) && (Take(text, 'T') || Take(text, 't')) && IsTime(text);
}

// Numbers with the units in `order`, each at most once; some unit must be there. With `gapless`, no
// unit may be left out between two others.
bool TakeUnits(std::string_view& text, std::string_view order, bool gapless) {
  std::size_t next = 0;
  bool any = false;
  while (!text.empty() && IsDigit(text.front())) {
    text.remove_prefix(std::min(text.find_first_not_of("0123456789"), text.size()));
    const std::size_t unit = text.empty() ? order.npos : order.find(text.front(), next);
    if (unit == order.npos || (gapless && any && unit != next)) return false;
    text.remove_prefix(1);
    next = unit + 1;
    any = true;
  }
  return any;
}

bool IsDuration(std::string_view text) {
  if (!Take(text, 'P')) return false;
  if (text.ends_with('W')) return TakeUnits(text, "W", true) && text.empty();
  const bool date = !text.starts_with('T');
  if (date && !TakeUnits(text, "YMD", true)) return false;
  if (!Take(text, 'T')) return date && text.empty();
  return TakeUnits(text, "HMS", true) && text.empty();
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHexDigit(text[i])) return false;
  }
  return true;
}

bool IsJsonPointer(std::string_view text) {
  if (!text.empty() && text.front() != '/') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '~') continue;
    if (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1')) return false;
  }
  return true;
}

bool IsRelativeJsonPointer(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || (digits > 1 && text.front() == '0')) return false;
  text.remove_prefix(digits);
  return text == "#" || IsJsonPointer(text);
}

bool IsRegex(std::string_view text) {
  const auto pattern = Pattern::Compile(text);
  // What RE2 cannot run is a regular expression all the same.
  return pattern.has_value() || pattern.error().code == Code::kUnsupportedPattern;
}

struct Format {
  std::string_view name;
  FormatCheck check;
};

constexpr Format kFormats[] = {
    {"date-time", IsDateTime},
    {"date", IsDate},
    {"time", IsTime},
    {"duration", IsDuration},
    {"email", IsEmail},
    {"idn-email", IsIdnEmail},
    {"hostname", IsHostname},
    {"idn-hostname", IsIdnHostname},
    {"ipv4", IsIpv4},
    {"ipv6", IsIpv6},
    {"uri", IsUri},
    {"uri-reference", IsUriReference},
    {"iri", IsIri},
    {"iri-reference", IsIriReference},
    {"uri-template", IsUriTemplate},
    {"uuid", IsUuid},
    {"json-pointer", IsJsonPointer},
    {"relative-json-pointer", IsRelativeJsonPointer},
    {"regex", IsRegex},
};

}  // namespace

FormatCheck FindFormat(std::string_view name) {
  for (const Format& format : kFormats) {
    if (format.name == name) return format.check;
  }
  return nullptr;
}

}  // namespace weir::schema
