#include "weir/wire/request_reader.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/wire/field_table.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/openai_server.h"
#include "weir/wire/python_text.h"

namespace weir::wire {
namespace {

constexpr Version kPhraseAsType{0, 9, 0};    // the phrase of the status instead of a class
constexpr Version kDecorated{0, 14, 0};      // " (parameter=..., value=...)" behind messages
constexpr Version kOwnValidators{0, 28, 0};  // validators answer without pydantic's wrapping

// "messages.0.role" -> ('body', 'messages', 0, 'role')
std::string LocationTuple(std::string_view location) {
  std::string tuple = "('body',";
  for (const std::string_view step : Split(location, '.')) {
    if (step.empty()) continue;
    StrAppend(tuple, " ", ParseInt(step) ? std::string(step) : PythonRepr(step), ",");
  }
  if (!location.empty()) tuple.pop_back();
  return tuple + ")";
}

// A whole number that has no place in 64 bits.
bool IsHuge(json::View value) {
  return value.IsNumber() &&
         value.NumberText().find_first_not_of("-0123456789") == std::string_view::npos;
}

// What pydantic says beside "Input should be 'a' or 'b'".
std::string ExpectedContext(std::string_view message) {
  constexpr std::string_view kBegin = "Input should be ";
  return StrCat("{'expected': ", PythonRepr(message.substr(kBegin.size())), "}");
}

// One bit of 64; keys that share it are told apart by their bytes.
std::uint64_t MarkOf(std::string_view key) {
  if (key.empty()) return 1;
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(key[at]); };
  return std::uint64_t{1} << ((byte(0) + 3 * key.size() + 5 * byte(key.size() - 1)) % 64);
}

}  // namespace

ServerError ValidationError(const std::vector<std::string>& entries, std::string param,
                            const Dialect& dialect) {
  ServerError error;
  if (dialect.version >= kPhraseAsType) error.type = "Bad Request";
  if (dialect.error_shape == ErrorShape::kFlat) {
    error.message = StrCat("[", Join(entries, ", "), "]");
    return error;
  }
  error.message = StrCat(entries.size(), " validation error", entries.size() == 1 ? "" : "s", ":");
  for (const std::string& entry : entries) StrAppend(error.message, "\n  ", entry);
  error.param = std::move(param);
  return error;
}

RequestReader::RequestReader(model::Api api, json::View body, const Dialect& dialect)
    : api_(api), body_(body), dialect_(dialect) {
  if (!body.IsObject()) return;
  for (const json::Member& member : body.members()) marks_ |= MarkOf(member.key);
  read_.reserve(body.size());
}

json::View RequestReader::Take(std::string_view key) {
  if ((marks_ & MarkOf(key)) == 0) return {};
  const json::View value = body_.Find(key);
  if (!value.exists()) return value;
  const FieldSince* const row = FindField(key);
  if (row != nullptr && dialect_.version < row->For(dialect_.kind, api_)) return {};
  read_.push_back(key);
  return value;
}

void RequestReader::Read(std::string_view key, std::optional<std::int64_t>& out, Null null) {
  const json::View value = Take(key);
  if (!value.exists() || (value.IsNull() && null == Null::kAllowed)) return;
  const std::optional<std::string_view> text = NumberText(value);
  const std::optional<std::int64_t> number = text ? ParseInt(Trim(*text)) : value.AsInt64();
  if (number) {
    out = number;
  } else if (text) {
    Complain("int_parsing", key,
             "Input should be a valid integer, unable to parse string as an integer", value);
  } else if (IsHuge(value)) {
    const bool low = value.NumberText().starts_with('-');
    const std::string_view limit = low ? "-9223372036854775808" : "9223372036854775807";
    Complain(low ? "greater_than_equal" : "less_than_equal", key,
             StrCat("Input should be ", low ? "greater" : "less", " than or equal to ", limit),
             value, StrCat(low ? "{'ge': " : "{'le': ", limit, "}"));
  } else if (value.IsNumber()) {
    Complain("int_from_float", key,
             "Input should be a valid integer, got a number with a fractional part", value);
  } else {
    Complain("int_type", key, "Input should be a valid integer", value);
  }
}

void RequestReader::Read(std::string_view key, std::optional<double>& out, Null null) {
  const json::View value = Take(key);
  if (!value.exists() || (value.IsNull() && null == Null::kAllowed)) return;
  const std::optional<std::string_view> text = NumberText(value);
  const std::optional<double> number = text ? ParseDouble(Trim(*text)) : value.AsDouble();
  if (number) {
    out = number;
  } else if (text) {
    Complain("float_parsing", key,
             "Input should be a valid number, unable to parse string as a number", value);
  } else {
    Complain("float_type", key, "Input should be a valid number", value);
  }
}

void RequestReader::Read(std::string_view key, std::optional<bool>& out, Null null) {
  ReadBool(key, Take(key), out, null);
}

void RequestReader::ReadBool(std::string_view key, json::View value, std::optional<bool>& out,
                             Null null) {
  if (!value.exists() || (value.IsNull() && null == Null::kAllowed)) return;
  if (value.IsBool()) {
    out = value.AsBool();
    return;
  }
  if (strict()) return Complain("bool_type", key, "", value);
  const std::string word = ToLower(value.IsNumber() ? value.NumberText() : value.StringOr(""));
  for (const std::string_view yes : {"1", "true", "t", "yes", "y", "on"}) {
    if (word == yes) out = true;
  }
  for (const std::string_view no : {"0", "false", "f", "no", "n", "off"}) {
    if (word == no) out = false;
  }
  if (out) return;
  if (value.IsString() || value.IsNumber()) {
    Complain("bool_parsing", key, "Input should be a valid boolean, unable to interpret input",
             value);
  } else {
    Complain("bool_type", key, "Input should be a valid boolean", value);
  }
}

void RequestReader::Read(std::string_view key, std::string& out) {
  const json::View value = Take(key);
  if (!IsSet(value)) return;
  if (value.IsString()) {
    out = StringOf(value);
  } else {
    Complain("string_type", key, "Input should be a valid string", value);
  }
}

void RequestReader::Read(std::string_view key, std::vector<std::int64_t>& out) {
  const json::View value = Take(key);
  if (!IsSet(value)) return;
  out = IntsOf(value);
  if (!value.IsArray()) {
    Complain("list_type", key, "Input should be a valid list", value);
  } else if (out.size() != value.size()) {
    Complain("int_type", key, "Input should be a valid integer", value);
  }
}

void RequestReader::Read(std::string_view key, std::vector<std::string>& out) {
  const json::View value = Take(key);
  if (!IsSet(value)) return;
  out = StringsOf(value);
  if (!value.IsArray()) {
    Complain("list_type", key, "Input should be a valid list", value);
  } else if (out.size() != value.size()) {
    Complain("string_type", key, "Input should be a valid string", value);
  }
}

void RequestReader::ReadObject(std::string_view key, json::Value& out) {
  const json::View value = Take(key);
  if (!IsSet(value)) return;
  if (value.IsObject()) {
    out = json::Value::CopyOf(value);
  } else {
    Complain("dict_type", key, "Input should be a valid dictionary", value);
  }
}

void RequestReader::ReadArray(std::string_view key, json::Value& out) {
  const json::View value = Take(key);
  if (!IsSet(value)) return;
  if (value.IsArray()) {
    out = json::Value::CopyOf(value);
  } else {
    Complain("list_type", key, "Input should be a valid list", value);
  }
}

std::optional<std::string_view> RequestReader::NumberText(json::View value) const {
  return strict() ? std::nullopt : value.AsString();
}

void RequestReader::Complain(std::string_view type, std::string_view location,
                             std::string_view message, json::View input, std::string_view context) {
  if (strict()) {
    if (!wrong_) wrong_ = WrongParameter(type, location, input);
    return;
  }
  if (complaints_.empty()) {
    first_location_ = location.empty() ? "body" : StrCat("body.", location);
  }
  const std::string more =
      type == "literal_error" ? ExpectedContext(message) : std::string(context);
  complaints_.push_back(StrCat("{'type': ", PythonRepr(type), ", 'loc': ", LocationTuple(location),
                               ", 'msg': ", PythonRepr(message), ", 'input': ", PythonRepr(input),
                               more.empty() ? "" : ", 'ctx': ", more, "}"));
}

void RequestReader::Refuse(std::string message, std::string_view param, const std::string& value) {
  if (refusal_) return;
  if (dialect_.version < kOwnValidators) {
    const std::vector<std::string> entries = {StrCat(
        "{'type': 'value_error', 'loc': ('body',), 'msg': ", PythonRepr("Value error, " + message),
        ", 'input': ", PythonRepr(body_), ", 'ctx': {'error': ValueError(", PythonRepr(message),
        ")}}")};
    refusal_ = ValidationError(entries, "body", dialect_);
    return;
  }
  refusal_ = ServerError{.message = std::move(message)};
  if (param.empty()) return;
  StrAppend(refusal_->message, " (parameter=", param, value.empty() ? "" : ", value=", value, ")");
  refusal_->param = param;
}

void RequestReader::RefuseLate(std::string message, std::string_view param,
                               const std::string& value) {
  if (late_) return;
  late_ = ServerError{.message = std::move(message)};
  if (param.empty() || dialect_.version < kDecorated) return;
  StrAppend(late_->message, " (parameter=", param, value.empty() ? "" : ", value=", value, ")");
  late_->param = param;
}

std::optional<ServerError> RequestReader::TakeError() {
  if (refusal_) return std::move(refusal_);
  if (wrong_) return std::move(wrong_);
  if (!complaints_.empty()) return ValidationError(complaints_, first_location_, dialect_);
  return std::move(late_);
}

json::Value RequestReader::Rest() const {
  json::Builder builder;
  builder.BeginObject();
  bool any = false;
  for (const json::Member member : body_.members()) {
    if (member.value.IsNull() || std::ranges::find(read_, member.key) != read_.end()) continue;
    builder.Key(member.key);
    builder.Copy(member.value);
    any = true;
  }
  builder.EndObject();
  if (!any) return {};
  return std::move(builder).Finish();
}

}  // namespace weir::wire
