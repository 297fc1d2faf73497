#include "weir/cli/jobs_lines.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/flow/batch.h"
#include "weir/flow/csv.h"
#include "weir/flow/output_lines.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

using jobs::JobState;

constexpr std::size_t kMostColumns = 10'000;
constexpr std::string_view kFirstColumns[] = {"id", "status", "error"};

// Null where there is none.
json::Value ResultOf(const jobs::JobInfo& job) {
  Result<json::Value> result = json::Read(job.result, {.max_bytes = job.result.size()});
  return result ? *std::move(result) : json::Value();
}

// What the flow gave, each as a record of its own.
std::vector<json::View> RecordsOf(json::View result) {
  if (!result.IsArray()) return {result};
  std::vector<json::View> records;
  for (const json::View item : result.items()) records.push_back(item);
  if (records.empty()) records.emplace_back();
  return records;
}

std::vector<flow::Cell> CellsOf(json::View record) {
  std::vector<flow::Cell> cells;
  if (!record.IsObject()) {
    if (record.exists() && !record.IsNull()) cells.push_back({.name = "value", .value = record});
    return cells;
  }
  for (const json::Member member : record.members()) {
    flow::AppendFlatCells(member.key, member.value, cells);
  }
  for (flow::Cell& cell : cells) {
    if (std::ranges::find(kFirstColumns, cell.name) != std::end(kFirstColumns)) cell.name += '_';
  }
  return cells;
}

// A text as it is, everything else as JSON.
std::string FieldOf(json::View value) {
  if (value.IsNull() || !value.exists()) return "";
  return value.IsString() ? std::string(*value.AsString()) : json::Write(value);
}

// Of "http_429"; 0 for other errors.
std::int64_t HttpStatusOf(std::string_view error) {
  constexpr std::string_view kHttp = "http_";
  return error.starts_with(kHttp) ? ParseInt(error.substr(kHttp.size())).value_or(0) : 0;
}

std::unexpected<Error> NoBatch(const jobs::JobInfo& job, std::string_view what) {
  return Fail(Code::kConfigError,
              StrCat("job ", job.id, " (row ", job.row_id, ") ", what,
                     "; --format openai-batch is for jobs that were submitted with it, the others "
                     "take jsonl or csv"));
}

}  // namespace

std::string_view StatusOf(const jobs::JobInfo& job) {
  return job.state == JobState::kDone ? "ok" : jobs::StateName(job.state);
}

void AppendJobLine(std::string& out, const jobs::JobInfo& job, bool attempts) {
  json::Writer line(out);
  line.BeginObject();
  line.Field("id", job.row_id);
  line.PlainKey("job");
  line.Int(job.id);
  line.Field("status", StatusOf(job));
  if (!job.result.empty()) {
    line.PlainKey("result");
    line.Raw(job.result);
  }
  if (!job.error.empty()) {
    line.PlainKey("error");
    line.BeginObject();
    line.Field("name", job.error);
    line.Field("message", job.message);
    line.EndObject();
  }
  if (attempts) {
    line.PlainKey("attempts");
    line.Raw(job.tries.empty() ? "[]" : job.tries);
  }
  if (!job.metadata.empty()) {
    line.PlainKey("metadata");
    line.Raw(job.metadata);
  }
  line.EndObject();
  out += '\n';
}

Result<void> AppendBatchLine(std::string& out, const jobs::JobInfo& job) {
  const Result<json::Value> row = json::Read(job.row, {.max_bytes = job.row.size()});
  const json::View id = row ? row->Find("custom_id") : json::View();
  if (!id.IsString() || !row->Find("body").IsObject()) {
    return NoBatch(job, "is no request of a batch: it has no `custom_id` and `body`");
  }
  if (job.state != JobState::kDone) {
    const bool cancelled = job.state == JobState::kCancelled;
    out += flow::BatchErrorLine(*id.AsString(),
                                {.name = cancelled ? "cancelled" : job.error,
                                 .message = cancelled ? "the job was cancelled" : job.message,
                                 .http_status = HttpStatusOf(job.error)});
    return {};
  }
  const json::Value result = ResultOf(job);
  const json::View body = result.Find(flow::kBatchStep);
  if (!body.IsObject()) return NoBatch(job, "has a result that is no answer to a batch");
  out += flow::BatchLine(*id.AsString(), body);
  return {};
}

Result<void> JobColumns::Learn(const jobs::JobInfo& job) {
  const json::Value result = ResultOf(job);
  for (const json::View record : RecordsOf(result)) {
    for (flow::Cell& cell : CellsOf(record)) {
      if (std::ranges::find(names_, cell.name) != names_.end()) continue;
      if (names_.size() == kMostColumns) {
        return Fail(Code::kConfigError,
                    StrCat("the results have more than ", kMostColumns,
                           " different fields, too many for columns; take --format jsonl"));
      }
      names_.push_back(std::move(cell.name));
    }
  }
  return {};
}

std::string JobColumns::Header() const {
  std::vector<std::string> fields(std::begin(kFirstColumns), std::end(kFirstColumns));
  fields.insert(fields.end(), names_.begin(), names_.end());
  std::string out;
  flow::AppendCsvRecord(out, fields);
  return out;
}

void JobColumns::Append(std::string& out, const jobs::JobInfo& job) const {
  const json::Value result = ResultOf(job);
  for (const json::View record : RecordsOf(result)) {
    std::vector<std::string> fields = {job.row_id, std::string(StatusOf(job)), job.error};
    fields.resize(std::size(kFirstColumns) + names_.size());
    for (const flow::Cell& cell : CellsOf(record)) {
      const auto column = std::ranges::find(names_, cell.name) - names_.begin();
      if (std::cmp_less(column, names_.size())) {
        fields[std::size(kFirstColumns) + static_cast<std::size_t>(column)] = FieldOf(cell.value);
      }
    }
    flow::AppendCsvRecord(out, fields);
  }
}

}  // namespace weir::cli
