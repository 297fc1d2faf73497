#include "weir/flow/cells.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::flow {
namespace {

constexpr std::size_t kShownBytes = 60;

// The types that a schema names, also behind references inside of it and in an `enum`.
std::vector<std::string> TypesOf(json::View root, json::View schema) {
  for (int deep = 0; deep < 8; ++deep) {
    const std::string_view reference = schema.Find("$ref").StringOr("");
    if (!reference.starts_with("#/")) break;
    json::View target = root;
    for (const std::string_view part : Split(reference.substr(2), '/')) target = target.Find(part);
    schema = target;
  }
  std::vector<std::string> types;
  const json::View type = schema.Find("type");
  if (type.IsString()) types.emplace_back(type.StringOr(""));
  for (const json::View one : type.items()) types.emplace_back(one.StringOr(""));
  if (!types.empty()) return types;
  for (const json::View value : schema.Find("enum").items()) {
    types.emplace_back(value.IsString()   ? "string"
                       : value.IsNumber() ? "number"
                       : value.IsBool()   ? "boolean"
                       : value.IsNull()   ? "null"
                                          : "");
  }
  return types;
}

bool IsWhole(json::View number) {
  if (number.AsInt64() || number.AsUint64()) return true;
  const double value = number.AsDouble().value_or(0.5);
  return std::trunc(value) == value;
}

}  // namespace

bool CellReader::Column::Takes(std::string_view type) const {
  return std::ranges::find(types, type) != types.end();
}

CellReader::CellReader(json::View schema, const std::vector<std::string>& columns) {
  columns_.reserve(columns.size());
  for (const std::string& name : columns) {
    Column column{.name = name, .types = {}};
    if (schema.IsObject()) {
      column.types = TypesOf(schema, schema.Find("properties").Find(name));
      column.required =
          std::ranges::any_of(schema.Find("required").items(),
                              [&](const json::View one) { return one.StringOr("") == name; });
    }
    columns_.push_back(std::move(column));
  }
}

Result<void> CellReader::Add(std::size_t column, const std::string& cell,
                             json::Builder& object) const {
  const Column& its = columns_[column];
  if (its.types.empty() || its.Takes("string")) {
    object.Key(its.name);
    if (cell.empty() && its.Takes("null")) {
      object.Null();
    } else {
      object.String(cell);
    }
    return {};
  }
  const std::string_view text = Trim(cell);
  if (text.empty()) {
    if (its.Takes("null")) {
      object.Key(its.name);
      object.Null();
      return {};
    }
    if (!its.required) return {};
  }
  std::optional<json::Value> value;
  if (its.Takes("boolean") && EqualsIgnoreCase(text, "true")) value = json::Value::Of(true);
  if (its.Takes("boolean") && EqualsIgnoreCase(text, "false")) value = json::Value::Of(false);
  if (!value) {
    if (Result<json::Value> read = json::Read(text)) {
      const bool fits = read->IsNumber()
                            ? its.Takes("number") || (its.Takes("integer") && IsWhole(*read))
                        : read->IsArray()  ? its.Takes("array")
                        : read->IsObject() ? its.Takes("object")
                                           : read->IsNull() && its.Takes("null");
      if (fits) value = *std::move(read);
    }
  }
  if (!value) {
    return Fail(
        Code::kInvalidRequest,
        StrCat("column \"", Truncate(its.name, kShownBytes), "\" ",
               text.empty() ? "is empty" : StrCat("has \"", Truncate(cell, kShownBytes), '"'),
               ", and the flow's `input` wants ", Join(its.types, " or "),
               " there; mend the cell, or the schema"));
  }
  object.Key(its.name);
  object.Copy(*value);
  return {};
}

}  // namespace weir::flow
