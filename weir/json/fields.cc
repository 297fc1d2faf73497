#include "weir/json/fields.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/pointer.h"

namespace weir::json {
namespace {

std::string Below(const std::string& pointer, std::string_view key) {
  std::string inside = pointer;
  AppendToken(inside, key);
  return inside;
}

}  // namespace

Fields::Fields(const YamlDocument& document, std::string pointer)
    : document_(document), pointer_(std::move(pointer)) {
  const Result<View> found = Resolve(document_.value, pointer_);
  if (found) object_ = *found;
  if (object_.exists() && !object_.IsObject() && !object_.IsNull()) {
    error_ = Error{.code = Code::kConfigError,
                   .message = StrCat(document_.Where(pointer_), ": expected a map of keys, found ",
                                     KindName(object_.kind()))};
  }
}

View Fields::Find(std::string_view key, std::string_view alias) {
  known_.emplace_back(key);
  if (!alias.empty()) known_.emplace_back(alias);
  found_ = key;
  View value = object_.Find(key);
  if (value.exists() || alias.empty()) return value.IsNull() ? View() : value;
  found_ = alias;
  value = object_.Find(alias);
  return value.IsNull() ? View() : value;
}

bool Fields::Peek(std::string_view key, std::string_view alias) const {
  const View value = object_.Find(key);
  if (value.exists()) return !value.IsNull();
  const View other = alias.empty() ? View() : object_.Find(alias);
  return other.exists() && !other.IsNull();
}

Error Fields::ErrorAt(std::string_view key, std::string_view what) const {
  const std::string where = document_.Where(Below(pointer_, key));
  return Error{.code = Code::kConfigError, .message = StrCat(where, ": ", key, " ", what)};
}

void Fields::Wrong(std::string_view expected, View got) {
  if (error_) return;
  error_ = ErrorAt(found_, StrCat("must be ", expected, ", found ", KindName(got.kind())));
}

void Fields::Take(std::string_view key, std::string& out, std::string_view alias) {
  const View value = Find(key, alias);
  if (!value.exists()) return;
  if (value.IsNumber()) {
    out = value.NumberText();  // a model named 7 is a name, too
  } else if (const auto text = value.AsString()) {
    out = *text;
  } else {
    Wrong("a text", value);
  }
}

void Fields::Take(std::string_view key, bool& out, std::string_view alias) {
  const View value = Find(key, alias);
  if (!value.exists()) return;
  if (const auto flag = value.AsBool()) {
    out = *flag;
  } else {
    Wrong("true or false", value);
  }
}

void Fields::Take(std::string_view key, double& out, std::string_view alias) {
  const View value = Find(key, alias);
  if (!value.exists()) return;
  if (const auto number = value.AsDouble()) {
    out = *number;
  } else {
    Wrong("a number", value);
  }
}

void Fields::Take(std::string_view key, std::int64_t& out, std::string_view alias) {
  const View value = Find(key, alias);
  if (!value.exists()) return;
  if (const auto number = value.AsInt64()) {
    out = *number;
  } else {
    Wrong("a whole number", value);
  }
}

void Fields::Take(std::string_view key, std::vector<std::string>& out, std::string_view alias) {
  const View value = Find(key, alias);
  if (!value.exists()) return;
  std::vector<std::string> texts;
  if (const auto one = value.AsString()) texts.emplace_back(*one);
  for (const View item : value.items()) {
    if (!item.IsString()) return Wrong("a list of texts", item);
    texts.emplace_back(*item.AsString());
  }
  if (!value.IsString() && !value.IsArray()) return Wrong("a list of texts", value);
  out = std::move(texts);
}

void Fields::Take(std::string_view key, Value& out, std::string_view alias) {
  const View value = Find(key, alias);
  if (value.exists()) out = document_.value.Share(value);
}

void Fields::TakeWord(std::string_view key, std::size_t& out, const std::vector<std::string>& words,
                      std::string_view alias) {
  std::string word;
  Take(key, word, alias);
  if (!Peek(key, alias) || error_) return;
  const auto at = std::ranges::find(words, word);
  if (at == words.end()) {
    error_ = ErrorAt(found_, StrCat("must be one of ", Join(words, ", "), ", found '", word, "'"));
    return;
  }
  out = static_cast<std::size_t>(at - words.begin());
}

std::string Fields::Inside(std::string_view key) {
  Find(key, {});
  return Below(pointer_, key);
}

View Fields::Get(std::string_view key) { return Find(key, {}); }

Result<void> Fields::Finish() {
  if (error_) return Fail(*error_);
  for (const auto& [key, value] : object_.members()) {
    if (std::ranges::find(known_, key) != known_.end()) continue;
    const std::string where =
        FormatMark(document_.file_name, document_.KeyMarkOf(Below(pointer_, key)));
    const std::optional<std::string> nearest = Nearest(key, known_);
    return weir::Fail(
        Code::kConfigError,
        nearest ? StrCat(where, ": unknown key '", key, "'; did you mean '", *nearest, "'?")
                : StrCat(where, ": unknown key '", key, "'; known here: ", Join(known_, ", ")));
  }
  return {};
}

}  // namespace weir::json
