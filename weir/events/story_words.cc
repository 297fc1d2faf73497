#include "weir/events/story_words.h"

#include <cmath>
#include <optional>

#include "weir/base/text.h"
#include "weir/json/writer.h"

namespace weir::events {

std::string_view TextOf(json::View event, std::string_view key) {
  return event.Find(key).StringOr("");
}

std::int64_t WholeOf(json::View event, std::string_view key) {
  return event.Find(key).AsInt64().value_or(0);
}

std::string AnyOf(json::View event, std::string_view key) {
  const json::View value = event.Find(key);
  if (!value.exists()) return {};
  return value.IsString() ? std::string(value.StringOr("")) : json::Write(value);
}

std::string FormatTime(double millis) {
  const bool seconds = millis >= 1000;
  const double shown = seconds ? std::round(millis / 10) / 100 : std::round(millis * 10) / 10;
  return StrCat(shown, seconds ? " s" : " ms");
}

std::string TimeOr(json::View millis, std::string_view otherwise) {
  const std::optional<double> time = millis.AsDouble();
  return time ? FormatTime(*time) : std::string(otherwise);
}

std::string Why(json::View event) {
  const std::string_view error = TextOf(event, "error");
  const std::string_view message = TextOf(event, "message");
  return StrCat(error, error.empty() || message.empty() ? "" : ": ", message);
}

}  // namespace weir::events
