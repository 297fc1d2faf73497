#include "weir/sim/script_reader.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/pointer.h"

namespace weir::sim {

Place Place::At(std::string_view key) const {
  Place child{value.Find(key), pointer};
  json::AppendToken(child.pointer, key);
  return child;
}

Place Place::At(std::size_t index) const {
  Place child{value[index], pointer};
  json::AppendToken(child.pointer, index);
  return child;
}

Result<void> ScriptReader::Text(const Place& place, std::string& out) const {
  if (!place.exists()) return {};
  const auto text = place.value.AsString();
  if (!text) return Wrong(place, StrCat("expected a text, found ", KindName(place.value.kind())));
  out = *text;
  return {};
}

Result<void> ScriptReader::Text(const Place& place, std::optional<std::string>& out) const {
  if (!place.exists()) return {};
  return Text(place, out.emplace());
}

Result<void> ScriptReader::PlainText(const Place& place, std::string& out) const {
  if (place.value.IsNumber()) {
    out = place.value.NumberText();
    return {};
  }
  if (const auto truth = place.value.AsBool()) {
    out = *truth ? "true" : "false";
    return {};
  }
  return Text(place, out);
}

Result<void> ScriptReader::PlainTexts(const Place& place, TextPairs& out) const {
  if (!place.exists()) return {};
  if (!place.value.IsObject()) {
    return Wrong(place, StrCat("expected a mapping, found ", KindName(place.value.kind())));
  }
  for (const json::Member member : place.value.members()) {
    auto& [name, text] = out.emplace_back(member.key, "");
    WEIR_CHECK(PlainText(place.At(name), text));
  }
  return {};
}

Result<void> ScriptReader::Int(const Place& place, std::int64_t least,
                               std::optional<std::int64_t>& out) const {
  if (!place.exists()) return {};
  const auto number = place.value.AsInt64();
  if (!number || *number < least) {
    return Wrong(place, StrCat("expected a whole number of at least ", least));
  }
  out = number;
  return {};
}

Result<void> ScriptReader::Count(const Place& place, std::size_t& out) const {
  std::optional<std::int64_t> number;
  WEIR_CHECK(Int(place, 0, number));
  if (number) out = static_cast<std::size_t>(*number);
  return {};
}

Result<void> ScriptReader::Bool(const Place& place, std::optional<bool>& out) const {
  if (!place.exists()) return {};
  out = place.value.AsBool();
  if (!out) return Wrong(place, "expected true or false");
  return {};
}

Result<void> ScriptReader::Time(const Place& place, Duration& out) const {
  if (!place.exists()) return {};
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ms", 1e6}, {"us", 1e3}, {"s", 1e9}, {"m", 60e9}};
  constexpr double kLongest = 86400e9;
  if (place.value.AsInt64() == 0) {
    out = Duration();
    return {};
  }
  const std::string_view text = place.value.StringOr("");
  for (const auto& [unit, nanos] : kUnits) {
    if (!text.ends_with(unit)) continue;
    const auto number = ParseDouble(text.substr(0, text.size() - unit.size()));
    if (!number || *number < 0 || *number * nanos > kLongest) break;
    out = Duration(static_cast<std::int64_t>(*number * nanos));
    return {};
  }
  return Wrong(place, "expected a time of at most a day with its unit, such as 250ms or 2s");
}

Result<void> ScriptReader::Time(const Place& place, std::optional<Duration>& out) const {
  if (!place.exists()) return {};
  return Time(place, out.emplace());
}

std::optional<double> ScriptReader::Fraction(const Place& place) const {
  const auto number = place.value.AsDouble();
  if (!number || *number < 0 || *number > 1) return std::nullopt;
  return number;
}

Result<void> ScriptReader::Rate(const Place& place, double& out) const {
  if (!place.exists()) return {};
  const auto number = Fraction(place);
  if (!number) return Wrong(place, "expected a number from 0 (never) to 1 (always)");
  out = *number;
  return {};
}

Result<void> ScriptReader::Probability(const Place& place, std::optional<double>& out) const {
  if (!place.exists()) return {};
  out = Fraction(place);
  if (!out || *out == 0) return Wrong(place, "expected a probability: above 0, at most 1");
  return {};
}

Result<void> ScriptReader::CheckKeys(const Place& place,
                                     std::initializer_list<std::string_view> known) const {
  if (!place.value.IsObject()) {
    return Wrong(place, StrCat("expected a mapping, found ", KindName(place.value.kind())));
  }
  for (const json::Member member : place.value.members()) {
    if (std::ranges::find(known, member.key) != known.end()) continue;
    const std::vector<std::string> names(known.begin(), known.end());
    return WrongKey(place.At(member.key), UnknownWord("key", member.key, names));
  }
  return {};
}

Result<void> ScriptReader::CheckList(const Place& place, std::string_view what) const {
  if (!place.exists() || (place.value.IsArray() && !place.value.empty())) return {};
  return Wrong(place, what);
}

std::unexpected<Error> ScriptReader::Wrong(const Place& place, std::string_view what) const {
  return Fail(Code::kConfigError, StrCat(document_.Where(place.pointer), ": ", what));
}

std::unexpected<Error> ScriptReader::WrongKey(const Place& place, std::string_view what) const {
  const json::Mark mark = document_.KeyMarkOf(place.pointer);
  return Fail(Code::kConfigError, StrCat(json::FormatMark(document_.file_name, mark), ": ", what));
}

std::string UnknownWord(std::string_view what, std::string_view word,
                        const std::vector<std::string>& known) {
  std::string message = StrCat("unknown ", what, " `", Truncate(word, 60), "`");
  if (const auto near = Nearest(word, known)) {
    StrAppend(message, "; did you mean `", *near, "`?");
  } else {
    StrAppend(message, "; known are ", Join(known, ", "));
  }
  return message;
}

}  // namespace weir::sim
