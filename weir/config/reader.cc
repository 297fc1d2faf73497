#include "weir/config/reader.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "weir/base/expand.h"
#include "weir/base/text.h"
#include "weir/json/pointer.h"

namespace weir::config {
namespace {

constexpr std::size_t kMostProblems = 1000;
constexpr std::size_t kMostItems = 4096;  // engines, profiles, adapters

std::string Below(const std::string& pointer, std::string_view key) {
  std::string inside = pointer;
  json::AppendToken(inside, key);
  return inside;
}

// "retry.max_retries" below "/engines/a" is "/engines/a/retry/max_retries"; "../" goes up.
std::string Below(std::string pointer, std::string_view dotted, char separator) {
  constexpr std::string_view kUp = "../";
  while (dotted.starts_with(kUp)) {
    dotted.remove_prefix(kUp.size());
    pointer.resize(pointer.rfind('/'));
  }
  for (const std::string_view part : Split(dotted, separator)) json::AppendToken(pointer, part);
  return pointer;
}

// Whether a key seems to stand where the name of a variable should.
bool LooksLikeKey(std::string_view text) {
  constexpr std::size_t kLong = 20;
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !IsVariableName(text) || text.starts_with("hf_") ||
         (text.size() >= kLong && std::ranges::any_of(text, lower) &&
          std::ranges::any_of(text, digit));
}

// What is wrong with the number; empty if nothing is.
std::string OutOf(const Range& range, double value) {
  const bool low = range.least && (range.above ? value <= *range.least : value < *range.least);
  const bool high = range.most && value > *range.most;
  if (!low && !high) return "";
  const std::string got = StrCat(", got ", PlainNumber(value));
  const std::string least = PlainNumber(range.least.value_or(0));
  const std::string most = PlainNumber(range.most.value_or(0));
  if (range.least && range.most) {
    if (*range.least == *range.most)
      return StrCat("must be ", least, ", the only one there is", got);
    return StrCat("must be in ", range.above ? "(" : "[", least, ", ", most, "]", got);
  }
  if (low) return StrCat("must be ", range.above ? "above " : "at least ", least, got);
  return StrCat("must be at most ", most, got);
}

}  // namespace

void Reading::Wrong(json::Mark mark, std::string_view key, std::string_view what) {
  if (problems.size() >= kMostProblems) return;
  std::string message =
      StrCat(json::FormatMark(document.file_name, mark), ": ", key, key.empty() ? "" : " ", what);
  problems.push_back(
      {.mark = mark, .error = {.code = Code::kConfigError, .message = std::move(message)}});
}

std::vector<Error> Reading::Errors() && {
  std::map<std::tuple<int, int, std::size_t>, Error> sorted;
  for (Problem& problem : problems) {
    sorted.emplace(std::tuple(problem.mark.line, problem.mark.column, sorted.size()),
                   std::move(problem.error));
  }
  std::vector<Error> errors;
  errors.reserve(sorted.size());
  for (auto& [place, error] : sorted) errors.push_back(std::move(error));
  return errors;
}

Reader::Reader(Reading& shared, std::string pointer, std::string path)
    : shared_(shared), pointer_(std::move(pointer)), path_(std::move(path)) {
  const Result<json::View> found = json::Resolve(shared_.document.value, pointer_);
  if (found) object_ = *found;
}

Reader::Spot Reader::Look(const Key& key) const {
  if (!plain_key_.empty()) {
    if (plain_key_ != key.name) return {};
    return {.value = object_, .pointer = pointer_, .spelled = key.name};
  }
  Spot spot{
      .value = object_.Find(key.name), .pointer = Below(pointer_, key.name), .spelled = key.name};
  for (const std::string_view alias : key.aliases) {
    if (spot.says()) break;
    const json::View other = object_.Find(alias);
    if (other.exists())
      spot = {.value = other, .pointer = Below(pointer_, alias), .spelled = alias};
  }
  return spot;
}

void Reader::Conflicts(const Key& key, const Spot& spot) {
  for (const std::string_view alias : key.aliases) {
    if (alias == spot.spelled || !object_.Find(alias).exists()) continue;
    shared_.Wrong(shared_.document.KeyMarkOf(Below(pointer_, alias)), alias,
                  StrCat("says the same as ", spot.spelled, "; leave one of them away"));
  }
  if (key.short_for.empty() || !spot.says()) return;
  const std::string longer = Below(pointer_, key.short_for, '.');
  const Result<json::View> value = json::Resolve(shared_.document.value, longer);
  if (!value || value->IsNull()) return;
  const std::string_view name =
      key.short_for.starts_with("../") ? key.short_for.substr(3) : key.short_for;
  shared_.Wrong(shared_.document.KeyMarkOf(spot.pointer), spot.spelled,
                StrCat(key.names_variable ? "stands for " : "is short for ", name,
                       ", which is there, too; leave one of them away"));
}

Reader::Spot Reader::Find(const Key& key) {
  known_.emplace_back(key.name);
  for (const std::string_view alias : key.aliases) known_.emplace_back(alias);
  Spot spot = Look(key);
  if (!spot.value.exists()) return spot;
  Conflicts(key, spot);
  const bool older = std::ranges::find(key.aliases, spot.spelled) != key.aliases.end();
  if (older) {
    shared_.notes.push_back(
        StrCat(shared_.document.Where(spot.pointer), ": ", spot.spelled, " is read as ", key.name));
  }
  return spot;
}

bool Reader::Has(const Key& key) const { return Look(key).says(); }

std::string Reader::PathOf(const Key& key) const {
  return key.short_for.empty() ? Below(path_, key.name) : Below(path_, key.short_for, '.');
}

void Reader::Took(const Key& key, const Spot& spot, std::string_view variable) {
  ++taken_;
  const json::Mark mark = shared_.document.MarkOf(spot.pointer);
  std::string text = json::FormatMark(shared_.document.file_name, mark);
  if (!variable.empty()) StrAppend(text, " ($", variable, ")");
  shared_.sources.insert_or_assign(PathOf(key), Reading::Source{mark, std::move(text)});
}

void Reader::CameFrom(std::string_view key, std::string_view source) {
  shared_.sources.insert_or_assign(Below(path_, key, '.'),
                                   Reading::Source{{}, std::string(source)});
}

void Reader::Wrong(const Spot& spot, std::string_view what) {
  shared_.Wrong(shared_.document.MarkOf(spot.pointer), spot.spelled, what);
}

void Reader::WrongKind(const Spot& spot, std::string_view expected) {
  Wrong(spot, StrCat("must be ", expected, ", found ", json::KindName(spot.value.kind())));
}

void Reader::Problem(std::string_view key, std::string_view what) {
  if (key.empty()) return shared_.Wrong(shared_.document.MarkOf(pointer_), "", what);
  Wrong(Spot{.value = {}, .pointer = Below(pointer_, key), .spelled = key}, what);
}

void Reader::MissingVariable(const Spot& spot, std::string_view what) {
  if (unusable_ == nullptr) return Wrong(spot, what);
  if (*unusable_) return;
  *unusable_ =
      Error{.code = Code::kConfigError,
            .message = StrCat(shared_.document.Where(spot.pointer), ": ", spot.spelled, " ", what)};
}

std::optional<std::string> Reader::TextOf(const Key& key, const Spot& spot,
                                          std::string_view written, std::string* used) {
  if (const std::string_view name = BareVariable(written); key.wants_braces && !name.empty()) {
    Wrong(spot, StrCat("is ", written, "; did you mean ${", name,
                       "}? A dollar that is meant is written $$"));
    return std::nullopt;
  }
  if (!key.has_variables || !HasVariables(written)) return std::string(written);
  Expansion expansion = Expand(written, shared_.env);
  if (!expansion.wrong.empty()) {
    Wrong(spot, expansion.wrong);
    return std::nullopt;
  }
  if (!expansion.missing.empty()) {
    MissingVariable(spot, StrCat("needs the variable ", expansion.missing,
                                 ", which is not set; export it, or give a default: ${",
                                 expansion.missing, ":-...}"));
    return std::nullopt;
  }
  if (used != nullptr && !expansion.used.empty()) *used = expansion.used.back();
  return std::move(expansion.text);
}

std::optional<std::string> Reader::TextOf(const Key& key, const Spot& spot, std::string* used) {
  // A model that is named 7 has a name, too.
  if (spot.value.IsNumber()) return std::string(spot.value.NumberText());
  if (const auto text = spot.value.AsString()) return TextOf(key, spot, *text, used);
  WrongKind(spot, "a text");
  return std::nullopt;
}

std::optional<std::string> Reader::VariableOf(const Spot& spot, std::string_view name) {
  constexpr std::string_view kSays = "must be the name of a variable, such as VLLM_API_KEY, ";
  if (spot.value.StringOr("").starts_with('$')) {
    Wrong(spot, StrCat(kSays, "without a dollar; the value of one goes into api_key: ${NAME}"));
    return std::nullopt;
  }
  std::optional<std::string> text = shared_.env.Get(name);
  if (text) return text;
  if (LooksLikeKey(name)) {
    // A key is not shown.
    Wrong(spot, StrCat(kSays, "and this looks like a key; export it, and name the variable here"));
  } else {
    MissingVariable(spot, StrCat("names the variable ", name,
                                 ", which is not set; export it or remove the key"));
  }
  return std::nullopt;
}

void Reader::Field(const Key& key, std::string& value) {
  const Spot spot = Find(key);
  if (!spot.says()) return;
  std::string used;
  std::optional<std::string> text = TextOf(key, spot, &used);
  if (text && key.names_variable) {
    if (text->empty()) return;
    used = *text;
    text = VariableOf(spot, used);
  }
  if (!text) return;
  value = *std::move(text);
  Took(key, spot, used);
}

void Reader::Field(const Key& key, bool& value) {
  const Spot spot = Find(key);
  if (!spot.says()) return;
  std::optional<bool> flag = spot.value.AsBool();
  if (const auto written = spot.value.AsString(); written && HasVariables(*written)) {
    const std::optional<std::string> text = TextOf(key, spot, *written);
    if (!text) return;
    if (*text == "true" || *text == "false") flag = *text == "true";
  }
  if (!flag) return WrongKind(spot, "true or false");
  value = *flag;
  Took(key, spot);
}

std::optional<double> Reader::NumberOf(const Key& key, const Spot& spot,
                                       std::string_view expected) {
  std::optional<double> number = spot.value.AsDouble();
  if (const auto written = spot.value.AsString(); written && HasVariables(*written)) {
    const std::optional<std::string> text = TextOf(key, spot, *written);
    if (!text) return std::nullopt;
    number = ParseDouble(*text);
  }
  if (!number) WrongKind(spot, expected);
  return number;
}

void Reader::Field(const Key& key, std::int64_t& value) {
  constexpr std::string_view kExpected = "a whole number";
  const Spot spot = Find(key);
  if (!spot.says()) return;
  std::optional<std::int64_t> number = spot.value.AsInt64();
  if (spot.value.IsString()) {
    const std::optional<double> read = NumberOf(key, spot, kExpected);
    if (!read) return;
    constexpr double kExact = 9007199254740992;  // 2^53
    if (std::abs(*read) <= kExact && *read == std::trunc(*read)) {
      number = static_cast<std::int64_t>(*read);
    }
  }
  if (!number && spot.value.IsNumber()) {
    return Wrong(spot,
                 StrCat("must be a whole number, got ", Truncate(spot.value.NumberText(), 40)));
  }
  if (!number) return WrongKind(spot, kExpected);
  const std::string wrong = OutOf(key.range, static_cast<double>(*number));
  if (!wrong.empty()) return Wrong(spot, wrong);
  value = *number;
  Took(key, spot);
}

void Reader::Field(const Key& key, double& value) {
  const Spot spot = Find(key);
  if (!spot.says()) return;
  const std::optional<double> number = NumberOf(key, spot, "a number");
  if (!number) return;
  const std::string wrong = OutOf(key.range, *number);
  if (!wrong.empty()) return Wrong(spot, wrong);
  value = *number;
  Took(key, spot);
}

void Reader::Field(const Key& key, Duration& value) {
  const Spot spot = Find(key);
  if (!spot.says()) return;
  const std::optional<double> seconds = NumberOf(key, spot, "a number of seconds");
  if (!seconds) return;
  constexpr double kNanos = 1e9;
  const bool possible = *seconds >= 0 && *seconds <= kMostSeconds;
  const Duration time(possible ? std::llround(*seconds * kNanos) : -1);
  if (!possible || (key.range.above && time <= Duration::zero())) {
    return Wrong(spot, StrCat("must be a number of seconds ",
                              key.range.above ? "above 0" : "that is not negative",
                              *seconds > 0 ? StrCat(", at most ", PlainNumber(kMostSeconds)) : "",
                              ", got ", PlainNumber(*seconds)));
  }
  value = time;
  Took(key, spot);
}

void Reader::Word(const Key& key, const Words& words, std::size_t& index) {
  const Spot spot = Find(key);
  if (!spot.says()) return;
  std::optional<std::string> word;
  if (spot.value.IsBool()) {
    word = *spot.value.AsBool() ? "true" : "false";
  } else {
    word = TextOf(key, spot);
  }
  if (!word) return;
  const auto at = std::ranges::find(words.words, *word);
  const auto alias = std::ranges::find(words.aliases, *word, &Words::Alias::word);
  if (at != words.words.end()) {
    index = static_cast<std::size_t>(at - words.words.begin());
  } else if (alias != words.aliases.end()) {
    if (!alias->refusal.empty()) return Wrong(spot, StrCat(*word, " ", alias->refusal));
    index = alias->index;
    if (alias->noted) {
      shared_.notes.push_back(StrCat(shared_.document.Where(spot.pointer), ": ", spot.spelled, " ",
                                     *word, " is read as ", words.words[index]));
    }
  } else {
    const std::vector<std::string> known(words.words.begin(), words.words.end());
    const std::optional<std::string> nearest = Nearest(*word, known);
    return Wrong(spot,
                 StrCat("must be one of ", Join(known, ", "), ", found '", Truncate(*word, 60), "'",
                        nearest ? StrCat("; did you mean '", *nearest, "'?") : ""));
  }
  Took(key, spot);
}

Reader Reader::Inside(const Key& key, const Spot& spot, std::string path) const {
  Reader inner(shared_, spot.pointer, std::move(path));
  inner.object_ = spot.value;
  inner.unusable_ = unusable_;
  const bool scalar = spot.says() && !spot.value.IsObject() && !spot.value.IsArray();
  if (scalar) inner.plain_key_ = key.plain;
  return inner;
}

void Reader::Section(const Key& key, const Describer& describe) {
  const Spot spot = Find(key);
  Reader inner = Inside(key, spot, Below(path_, key.name));
  describe(inner);
  inner.name_ = spot.spelled;
  inner.meant_ = key.meant;
  inner.Finish();
}

void Reader::Item(const Key& key, const NamedItems& items, const Spot& spot,
                  const std::string& name) {
  Reader inner = Inside(key, spot, Below(Below(path_, key.name), name));
  if (name.empty()) return inner.Problem("", StrCat("one of ", key.name, " has an empty name"));
  // A number in the place of a path is a slip.
  if (!key.plain.empty() && (spot.value.IsNumber() || spot.value.IsBool())) {
    return WrongKind(spot, StrCat("a text (its ", key.plain, ") or a section"));
  }
  items.describe(inner, name);
  inner.FinishItem(name);
}

void Reader::FinishItem(const std::string& name) {
  std::string own = name;
  if (plain_key_.empty() && object_.IsObject()) Field({"name", {}, ""}, own);
  if (own != name) Problem("name", StrCat("is '", name, "' by its place, found '", own, "'"));
  shared_.sources.erase(Below(path_, "name"));
  Finish();
}

void Reader::ListItem(const Key& key, const NamedItems& items, Spot spot,
                      std::vector<std::string>& seen) {
  Spot place{
      .value = spot.value.Find("name"), .pointer = Below(spot.pointer, "name"), .spelled = "name"};
  if (spot.value.IsString() && !key.plain.empty()) {
    place = {.value = spot.value, .pointer = spot.pointer, .spelled = key.name};
    spot.value = {};
  }
  const std::string_view one = key.name.substr(0, key.name.size() - 1);
  const bool has_name = place.says() && !place.value.StringOr("x").empty();
  if (spot.value.exists() && !spot.value.IsObject()) {
    return shared_.Wrong(
        shared_.document.MarkOf(spot.pointer), "",
        StrCat("expected a map of keys, found ", json::KindName(spot.value.kind())));
  }
  if (!has_name) {
    const bool vowel = one.starts_with('e') || one.starts_with('a');
    return Wrong(place,
                 StrCat("is missing: ", vowel ? "an " : "a ", one, " of a list names itself"));
  }
  const std::optional<std::string> name = TextOf(key, place);
  if (!name) return;
  if (std::ranges::find(seen, *name) != seen.end()) {
    Wrong(place, StrCat("is there twice: '", *name, "'; give one of them another name"));
    // Read for its own mistakes alone.
    Reader twin = Inside(key, spot, Below(path_, "twins"));
    items.describe_any(twin);
    return twin.FinishItem(*name);
  }
  seen.push_back(*name);
  Item(key, items, spot, *name);
}

void Reader::Named(const Key& key, const NamedItems& items) {
  const Spot spot = Find(key);
  if (spot.says()) AllItems(key, items, spot);
}

void Reader::Whole(const Key& key, const NamedItems& items) {
  AllItems(key, items, {.value = object_, .pointer = pointer_, .spelled = key.name});
  object_ = {};
}

void Reader::AllItems(const Key& key, const NamedItems& items, const Spot& spot) {
  if (!spot.value.IsObject() && !spot.value.IsArray()) {
    return WrongKind(spot, "a map of names or a list");
  }
  if (spot.value.size() > kMostItems) {
    return Wrong(spot, StrCat("has ", spot.value.size(), " entries, and may have ", kMostItems));
  }
  for (const auto& [name, value] : spot.value.members()) {
    Item(key, items, {.value = value, .pointer = Below(spot.pointer, name), .spelled = key.name},
         std::string(name));
  }
  std::vector<std::string> seen;
  for (std::size_t i = 0; i < spot.value.items().size(); ++i) {
    Spot item{.value = spot.value[i], .pointer = spot.pointer, .spelled = key.name};
    json::AppendToken(item.pointer, i);
    ListItem(key, items, std::move(item), seen);
  }
}

void Reader::Others(const Key&,
                    std::map<std::string, std::vector<std::string>, std::less<>>& value) {
  takes_others_ = true;
  for (const auto& [name, item] : object_.members()) {
    if (std::ranges::find(known_, name) != known_.end() || item.IsNull()) continue;
    const Spot spot{.value = item, .pointer = Below(pointer_, name), .spelled = name};
    const Key key{name, {}, ""};
    std::optional<std::vector<std::string>> texts = TextsOf(key, spot);
    if (!texts) continue;
    value.insert_or_assign(std::string(name), *std::move(texts));
    Took(key, spot);
  }
}

// What a plain value in the section's place may have been meant for.
std::string Reader::PlainAdvice() const {
  if (meant_.empty() || object_.IsArray()) return "";
  const std::string value =
      std::string(object_.IsNumber() ? object_.NumberText() : object_.StringOr("..."));
  return StrCat("; write ", name_, ": {", meant_, ": ", Truncate(value, 60), "}");
}

void Reader::Finish() {
  if (!plain_key_.empty() || object_.IsNull() || !object_.exists()) return;
  if (!object_.IsObject()) {
    return shared_.Wrong(
        shared_.document.MarkOf(pointer_), "",
        StrCat(name_, name_.empty() ? "expected" : " must be", " a map of keys, found ",
               json::KindName(object_.kind()), PlainAdvice()));
  }
  for (const auto& [key, value] : object_.members()) {
    if (takes_others_ || std::ranges::find(known_, key) != known_.end()) continue;
    if (shared_.problems.size() >= kMostProblems) return;
    shared_.Wrong(shared_.document.KeyMarkOf(Below(pointer_, key)), "",
                  StrCat("unknown key '", Truncate(key, 60), "'; ", AdviceOn(key)));
  }
}

std::string Reader::AdviceOn(std::string_view unknown) const {
  if (const auto found = elsewhere_.find(unknown); found != elsewhere_.end()) {
    const std::string& place = found->second;
    const std::size_t dot = place.find('.');
    if (dot == place.npos) return StrCat("write ", place);
    return StrCat("it belongs under `", place.substr(0, dot), ":`: ", place.substr(0, dot), ": {",
                  place.substr(dot + 1), ": ...}");
  }
  const std::optional<std::string> nearest = Nearest(unknown, known_);
  return nearest ? StrCat("did you mean '", *nearest, "'?")
                 : StrCat("known here: ", Join(known_, ", "));
}

}  // namespace weir::config
