#include "weir/flow/read_keys.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/pointer.h"

namespace weir::flow {

void FlowReading::Wrong(std::string place, std::string message) {
  if (full()) return;
  if (problems.size() == kMostProblems) {
    place.clear();
    message = "there are more problems; mend these first";
  }
  problems.push_back({.place = std::move(place), .message = std::move(message)});
}

std::optional<std::string> ScalarText(json::View value) {
  if (const auto text = value.AsString()) return std::string(*text);
  if (value.IsNumber()) return std::string(value.NumberText());
  if (const auto flag = value.AsBool()) return std::string(*flag ? "true" : "false");
  return std::nullopt;
}

std::string PathFrom(const std::string& folder, std::string_view path) {
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

std::string RelativeTo(const std::string& folder, const std::string& path) {
  const std::filesystem::path from = folder.empty() ? "." : folder;
  const std::string relative = std::filesystem::path(path).lexically_proximate(from).string();
  return relative.contains('/') ? relative : StrCat("./", relative);
}

Keys::Keys(FlowReading& reading, const FlowFileText& file, json::View value, std::string pointer,
           std::string what)
    : reading_(reading),
      file_(file),
      value_(value),
      pointer_(std::move(pointer)),
      what_(std::move(what)) {
  if (value_.IsObject() || value_.IsNull() || !value_.exists()) return;
  reading_.Wrong(place(),
                 StrCat(what_, " must be a map of keys, found ", json::KindName(value_.kind())));
}

json::View Keys::Find(std::string_view key) {
  known_.emplace_back(key);
  const json::View value = value_.Find(key);
  return value.IsNull() ? json::View() : value;
}

bool Keys::Has(std::string_view key) const {
  const json::View value = value_.Find(key);
  return value.exists() && !value.IsNull();
}

std::string Keys::Text(std::string_view key) {
  const json::View value = Find(key);
  if (!value.exists()) return {};
  if (value.IsString() || value.IsNumber()) return *ScalarText(value);
  WrongKind(key, "a text", value);
  return {};
}

Source Keys::Code(std::string_view key) {
  const json::View value = Find(key);
  if (!value.exists()) return {};
  if (auto text = ScalarText(value)) return {.text = *std::move(text), .place = PlaceOf(key)};
  WrongKind(key, "a text (put it in quotes if it starts with { or [)", value);
  return {};
}

std::optional<bool> Keys::Flag(std::string_view key) {
  const json::View value = Find(key);
  if (value.exists() && !value.IsBool()) WrongKind(key, "true or false", value);
  return value.AsBool();
}

std::optional<double> Keys::Number(std::string_view key, NumberRange range) {
  const json::View value = Find(key);
  if (!value.exists()) return std::nullopt;
  const auto number = value.AsDouble();
  if (!number) {
    WrongKind(key, "a number", value);
    return std::nullopt;
  }
  if (*number < range.least || *number > range.most) {
    const bool open = range.most == std::numeric_limits<double>::max();
    Wrong(key, open
                   ? StrCat("must be at least ", range.least, ", found ", *number)
                   : StrCat("must be from ", range.least, " to ", range.most, ", found ", *number));
    return std::nullopt;
  }
  return number;
}

std::optional<std::int64_t> Keys::Whole(std::string_view key, NumberRange range) {
  const json::View value = Find(key);
  if (!value.exists()) return std::nullopt;
  const auto whole = value.AsInt64();
  if (!whole) {
    WrongKind(key, "a whole number", value);
    return std::nullopt;
  }
  return Number(key, range) ? whole : std::nullopt;
}

std::optional<Duration> Keys::Seconds(std::string_view key) {
  constexpr double kMost = 1e9;
  const auto seconds = Number(key, {.least = 0, .most = kMost});
  if (!seconds) return std::nullopt;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*seconds));
}

std::optional<std::vector<std::string>> Keys::Texts(std::string_view key) {
  const json::View value = Find(key);
  if (!value.exists()) return std::nullopt;
  std::vector<std::string> texts;
  if (value.IsString()) texts.emplace_back(*value.AsString());
  if (!value.IsString() && !value.IsArray()) {
    WrongKind(key, "a list of texts", value);
    return std::nullopt;
  }
  for (const json::View item : value.items()) {
    auto text = ScalarText(item);
    if (!text) {
      WrongKind(key, "a list of texts", item);
      return std::nullopt;
    }
    texts.push_back(*std::move(text));
  }
  return texts;
}

std::string Keys::PointerOf(std::string_view key) const {
  std::string pointer = pointer_;
  json::AppendToken(pointer, key);
  return pointer;
}

std::string Keys::PlaceOf(std::string_view key) const { return file_.yaml.Where(PointerOf(key)); }

std::string Keys::place() const { return file_.yaml.Where(pointer_); }

void Keys::Wrong(std::string_view key, std::string_view message) {
  reading_.Wrong(PlaceOf(key), StrCat("`", key, "` of ", what_, " ", message));
}

void Keys::WrongKind(std::string_view key, std::string_view expected, json::View found) {
  Wrong(key, StrCat("must be ", expected, ", found ", json::KindName(found.kind())));
}

void Keys::Finish() {
  for (const auto& [key, value] : value_.members()) {
    if (std::ranges::find(known_, key) != known_.end()) continue;
    const json::Mark mark = file_.yaml.KeyMarkOf(PointerOf(key));
    const auto nearest = Nearest(key, known_);
    std::vector<std::string> names = known_;
    std::ranges::sort(names);
    const auto [first, last] = std::ranges::unique(names);
    names.erase(first, last);
    reading_.Wrong(json::FormatMark(file_.yaml.file_name, mark),
                   nearest ? StrCat("`", Truncate(key, 60), "` is no key of ", what_,
                                    "; did you mean `", *nearest, "`?")
                           : StrCat("`", Truncate(key, 60), "` is no key of ", what_,
                                    "; it has: ", Join(names, ", ")));
  }
}

}  // namespace weir::flow
