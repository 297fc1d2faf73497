#include "weir/wire/ollama_reader.h"

#include <algorithm>
#include <utility>

#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/reader.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/python_text.h"

namespace weir::wire {
namespace {

// 'x', as Go shows a character that it did not want.
std::string GoCharacter(char c) {
  if (c == '\'') return "'\\''";
  if (c == '"') return "'\"'";
  if (c == '\n') return "'\\n'";
  if (c == '\t') return "'\\t'";
  if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) {
    const auto byte = static_cast<unsigned char>(c);
    return StrCat("'\\x", kHexDigits[byte >> 4], kHexDigits[byte & 15], "'");
  }
  return StrCat("'", c, "'");
}

// The complaint of Go's decoder about a text that is not JSON.
std::string GoFault(std::string_view text) {
  const auto fault = FindPythonJsonFault(text);
  if (!fault || fault->position >= text.size() || fault->message.starts_with("Unterminated")) {
    return "unexpected EOF";
  }
  std::string_view where = "looking for beginning of value";
  if (fault->message.starts_with("Expecting property name")) {
    where = "looking for beginning of object key string";
  } else if (fault->message.starts_with("Expecting ':'")) {
    where = "after object key";
  } else if (fault->message.starts_with("Expecting ','")) {
    where = "after object key:value pair";
  } else if (fault->message.starts_with("Invalid")) {
    where = "in string literal";
  }
  const std::size_t at = OffsetOfCharacter(text, fault->position);
  if (at >= text.size()) return "unexpected EOF";
  return StrCat("invalid character ", GoCharacter(text[at]), " ", where);
}

ServerError Bad(std::string message) { return {.type = {}, .message = std::move(message)}; }

// The media type that the first bytes of an image tell.
std::string_view ImageType(std::string_view base64) {
  constexpr std::pair<std::string_view, std::string_view> kBegins[] = {
      {"/9j/", "image/jpeg"}, {"R0lGOD", "image/gif"}, {"UklGR", "image/webp"}};
  for (const auto& [begin, type] : kBegins) {
    if (base64.starts_with(begin)) return type;
  }
  return "image/png";
}

}  // namespace

std::expected<json::Value, ServerError> ReadOllamaBody(std::string_view body,
                                                       std::string_view go_struct) {
  if (Trim(body).empty()) return std::unexpected(Bad("missing request body"));
  auto root = json::Read(body, {.max_bytes = limits::kRequestBodyBytes});
  if (!root) {
    const auto fault = FindPythonJsonFault(body);
    if (fault && fault->message == "Extra data") {
      root = json::Read(body.substr(0, OffsetOfCharacter(body, fault->position)),
                        {.max_bytes = limits::kRequestBodyBytes});
    }
  }
  if (!root) return std::unexpected(Bad(GoFault(body)));
  if (!root->IsObject()) {
    return std::unexpected(Bad(StrCat("json: cannot unmarshal ", GoTypeOf(*root),
                                      " into Go value of type api.", go_struct)));
  }
  return *std::move(root);
}

std::string_view GoTypeOf(json::View value) {
  if (value.IsString()) return "string";
  if (value.IsNumber()) return "number";
  if (value.IsBool()) return "bool";
  return value.IsArray() ? "array" : "object";
}

void OllamaReader::Fail(std::string message) {
  if (!error_) error_ = Bad(std::move(message));
}

void OllamaReader::WrongType(std::string_view key, json::View value, std::string_view go_type) {
  Fail(StrCat("json: cannot unmarshal ", GoTypeOf(value), " into Go struct field ", go_struct_, ".",
              key, " of type ", go_type));
}

void OllamaReader::Read(std::string_view key, std::string& out) {
  const json::View value = Find(key);
  if (!IsSet(value)) return;
  if (!value.IsString()) return WrongType(key, value, "string");
  out = StringOf(value);
}

void OllamaReader::Read(std::string_view key, bool& out) {
  std::optional<bool> value;
  Read(key, value);
  out = value.value_or(out);
}

void OllamaReader::Read(std::string_view key, std::optional<bool>& out) {
  const json::View value = Find(key);
  if (!IsSet(value)) return;
  if (!value.IsBool()) return WrongType(key, value, "bool");
  out = value.AsBool();
}

void OllamaReader::Read(std::string_view key, std::optional<std::int64_t>& out) {
  const json::View value = Find(key);
  if (!IsSet(value)) return;
  if (!value.AsInt64()) return WrongType(key, value, "int");
  out = value.AsInt64();
}

void OllamaReader::Read(std::string_view key, std::vector<std::int64_t>& out) {
  const json::View array = Array(key, "[]int");
  out = IntsOf(array);
  if (out.size() != array.size())
    Fail(StrCat("json: cannot unmarshal string into Go struct field ", go_struct_, ".", key,
                " of type int"));
}

json::View OllamaReader::Array(std::string_view key, std::string_view go_type) {
  const json::View value = Find(key);
  if (!IsSet(value)) return {};
  if (value.IsArray()) return value;
  WrongType(key, value, go_type);
  return {};
}

void OllamaReader::ReadImages(model::Message& message) {
  for (const json::View image : Array("images", "[]api.ImageData").items()) {
    const std::string_view data = image.StringOr("");
    if (!image.IsString()) return WrongType("images", image, "api.ImageData");
    if (!Base64Decode(data)) {
      const auto wrong = std::ranges::find_if_not(data, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '+' || c == '/';
      });
      return Fail(StrCat("illegal base64 data at input byte ", wrong - data.begin()));
    }
    message.parts.push_back({.kind = model::Part::Kind::kImage,
                             .url = StrCat("data:", ImageType(data), ";base64,", data)});
  }
}

std::optional<double> ParseGoDuration(std::string_view text) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}, {"h", 3600}, {"m", 60}, {"s", 1}};
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  double seconds = 0;
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const std::optional<double> number = ParseDouble(text.substr(0, digits));
    text.remove_prefix(digits);
    const auto* const unit = std::ranges::find_if(
        kUnits, [&](const auto& known) { return text.starts_with(known.first); });
    if (!number || unit == std::end(kUnits)) return std::nullopt;
    seconds += *number * unit->second;
    text.remove_prefix(unit->first.size());
  }
  return negative ? -seconds : seconds;
}

}  // namespace weir::wire
