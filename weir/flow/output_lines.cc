#include "weir/flow/output_lines.h"

#include <algorithm>
#include <utility>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/flow/csv.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

constexpr std::string_view kRowId = "row_id";

std::string CellName(std::string_view name) {
  return name == kRowId ? StrCat(kRowId, "_") : std::string(name);
}

bool HasName(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// Member names that a node's value has for certain; nothing for a value that is no object.
struct Known {
  bool text = false;
  std::vector<std::string> members;
};

Known KnownOf(const GraphNode& node) {
  Known known;
  if (node.output) {
    for (const json::Member member : node.output->source().Find("properties").members()) {
      known.members.emplace_back(member.key);
    }
  } else if (const Step* step = node.step(); step != nullptr) {
    known.text = !step->constraint;
  } else if (const Apply* apply = node.apply(); apply != nullptr) {
    for (const auto& [name, source] : apply->set) known.members.push_back(name);
  }
  return known;
}

// A text as it is, null as nothing, everything else as JSON.
std::string CsvText(json::View value) {
  if (value.IsNull() || !value.exists()) return "";
  if (value.IsString()) return std::string(*value.AsString());
  return json::Write(value);
}

}  // namespace

void AppendNodeCells(json::View value, std::vector<Cell>& cells) {
  if (!value.IsObject()) {
    cells.push_back({value.IsString() ? "text" : "value", value});
    return;
  }
  for (const json::Member member : value.members()) {
    cells.push_back({CellName(member.key), member.value});
  }
}

void AppendFlatCells(std::string_view node, json::View value, std::vector<Cell>& cells) {
  if (!value.IsObject()) {
    cells.push_back({CellName(node), value});
    return;
  }
  for (const json::Member member : value.members()) {
    cells.push_back({StrCat(node, ".", member.key), member.value});
  }
}

void AppendJsonLine(std::string& out, std::string_view row_id, const std::vector<Cell>& cells) {
  json::Writer json(out);
  json.BeginObject();
  json.Field(kRowId, row_id);
  for (const Cell& cell : cells) json.Field(cell.name, cell.value);
  json.EndObject();
  out += '\n';
}

void AppendErrorLine(std::string& out, const RowError& error, std::uint64_t row) {
  json::Writer json(out);
  json.BeginObject();
  json.Field(kRowId, error.row_id);
  json.Field("node", error.node);
  json.Field("error", Name(error.error));
  json.Field("class", ClassName(ClassOf(error.error)));
  json.Field("message", Redact(error.error.message));
  if (!error.error.cause.empty()) json.Field("cause", Redact(error.error.cause));
  if (error.error.http_status != 0) {
    json.Key("http_status");
    json.Int(error.error.http_status);
  }
  json.Key("skipped");
  json.BeginArray();
  for (const std::string& node : error.skipped) json.String(node);
  json.EndArray();
  json.Key("row");
  json.Uint(row);
  json.EndObject();
  out += '\n';
}

std::vector<std::string> KnownNodeColumns(const GraphNode& node) {
  Known known = KnownOf(node);
  if (known.text) return {"text"};
  for (std::string& name : known.members) name = CellName(name);
  return std::move(known.members);
}

std::vector<std::string> KnownFlatColumns(const GraphNode& node) {
  Known known = KnownOf(node);
  if (known.text) return {CellName(node.node->id)};
  for (std::string& name : known.members) name = StrCat(node.node->id, ".", name);
  return std::move(known.members);
}

CsvColumns::CsvColumns(std::vector<std::string> names) {
  for (std::string& name : names) {
    if (!HasName(names_, name)) names_.push_back(std::move(name));
  }
  extra_ = "extra";
  while (HasName(names_, extra_)) extra_ += '_';
}

std::optional<CsvColumns> CsvColumns::FromHeader(const std::vector<std::string>& fields) {
  if (fields.size() < 2 || fields.front() != kRowId) return std::nullopt;
  CsvColumns columns;
  columns.names_.assign(fields.begin() + 1, fields.end() - 1);
  columns.extra_ = fields.back();
  return columns;
}

std::string CsvColumns::Header() const {
  std::vector<std::string> header = {std::string(kRowId)};
  header.insert(header.end(), names_.begin(), names_.end());
  header.push_back(extra_);
  std::string out;
  AppendCsvRecord(out, header);
  return out;
}

void CsvColumns::AppendLine(std::string& out, std::string_view row_id,
                            const std::vector<Cell>& cells) const {
  std::vector<std::string> fields(names_.size() + 2);
  fields.front() = row_id;
  std::vector<const Cell*> others;
  for (const Cell& cell : cells) {
    const auto column = std::ranges::find(names_, cell.name);
    if (column == names_.end()) {
      others.push_back(&cell);
    } else {
      fields[static_cast<std::size_t>(column - names_.begin()) + 1] = CsvText(cell.value);
    }
  }
  if (!others.empty()) {
    json::Writer json(fields.back());
    json.BeginObject();
    for (const Cell* cell : others) json.Field(cell->name, cell->value);
    json.EndObject();
  }
  AppendCsvRecord(out, fields);
}

}  // namespace weir::flow
