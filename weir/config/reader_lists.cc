// What a Reader takes that is more than one value: lists and maps.

#include "weir/base/text.h"
#include "weir/config/reader.h"
#include "weir/json/builder.h"
#include "weir/json/pointer.h"

namespace weir::config {

std::optional<std::vector<std::string>> Reader::TextsOf(const Key& key, const Spot& spot) {
  std::vector<std::string> texts;
  if (!spot.value.IsArray()) {
    if (!spot.value.IsString()) {
      WrongKind(spot, "a list of texts");
      return std::nullopt;
    }
    std::optional<std::string> text = TextOf(key, spot);
    if (text) texts.push_back(*std::move(text));
    return texts;
  }
  std::size_t index = 0;
  for (const json::View item : spot.value.items()) {
    Spot place{.value = item, .pointer = spot.pointer, .spelled = spot.spelled};
    json::AppendToken(place.pointer, index++);
    if (!item.IsString()) {
      WrongKind(place, "a list of texts");
      return std::nullopt;
    }
    std::optional<std::string> text = TextOf(key, place);
    if (!text) return std::nullopt;
    texts.push_back(*std::move(text));
  }
  return texts;
}

void Reader::Field(const Key& key, std::vector<std::string>& value) {
  const Spot spot = Find(key);
  if (!spot.says()) return;
  std::optional<std::vector<std::string>> texts = TextsOf(key, spot);
  if (!texts) return;
  value = *std::move(texts);
  Took(key, spot);
}

void Reader::Field(const Key& key, std::vector<std::int64_t>& value) {
  const Spot spot = Find(key);
  if (!spot.says()) return;
  constexpr std::string_view kExpected = "a list of whole numbers";
  if (!spot.value.IsArray()) return WrongKind(spot, kExpected);
  std::vector<std::int64_t> numbers;
  std::size_t index = 0;
  for (const json::View item : spot.value.items()) {
    const std::optional<std::int64_t> number = item.AsInt64();
    Spot place{.value = item, .pointer = spot.pointer, .spelled = spot.spelled};
    json::AppendToken(place.pointer, index++);
    if (!number) return WrongKind(place, kExpected);
    numbers.push_back(*number);
  }
  value = std::move(numbers);
  Took(key, spot);
}

void Reader::Field(const Key& key, std::map<std::string, std::string>& value) {
  const Spot spot = Find(key);
  if (!spot.says()) return;
  if (!spot.value.IsObject()) return WrongKind(spot, "a map of texts");
  std::map<std::string, std::string> texts;
  for (const auto& [name, item] : spot.value.members()) {
    Spot place{.value = item, .pointer = spot.pointer, .spelled = name};
    json::AppendToken(place.pointer, name);
    std::optional<std::string> text;
    if (item.IsBool()) {
      text = *item.AsBool() ? "true" : "false";  // {VERBOSE: true}
    } else {
      text = TextOf(key, place);
    }
    if (!text) return;
    texts.insert_or_assign(std::string(name), *std::move(text));
  }
  value = std::move(texts);
  Took(key, spot);
}

json::Value Reader::Expanded(const Key& key, const Spot& spot) {
  json::Builder out;
  const auto copy = [&](const auto& self, json::View value) -> void {
    if (const auto text = value.AsString()) {
      out.String(TextOf(key, spot, *text).value_or(""));
    } else if (value.IsArray()) {
      out.BeginArray();
      for (const json::View item : value.items()) self(self, item);
      out.EndArray();
    } else if (value.IsObject()) {
      out.BeginObject();
      for (const auto& [name, inner] : value.members()) {
        out.Key(name);
        self(self, inner);
      }
      out.EndObject();
    } else {
      out.Copy(value);
    }
  };
  copy(copy, spot.value);
  return std::move(out).Finish();
}

void Reader::Field(const Key& key, json::Value& value) {
  const Spot spot = Find(key);
  if (!spot.says()) return;
  if (!spot.value.IsObject()) return WrongKind(spot, "a map of keys");
  value = key.has_variables ? Expanded(key, spot) : shared_.document.value.Share(spot.value);
  Took(key, spot);
}

}  // namespace weir::config
