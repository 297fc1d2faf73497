#include "weir/wire/batches.h"

#include <array>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::wire {
namespace {

constexpr std::array<std::string_view, 7> kMoments = {
    "in_progress_at", "finalizing_at", "completed_at", "failed_at",
    "expired_at",     "cancelling_at", "cancelled_at"};

void NumberOrNull(json::Writer& out, std::string_view key, std::optional<std::int64_t> number) {
  out.PlainKey(key);
  if (number) {
    out.Int(*number);
  } else {
    out.Null();
  }
}

void TextOrNull(json::Writer& out, std::string_view key, std::string_view text) {
  out.PlainKey(key);
  if (text.empty()) {
    out.Null();
  } else {
    out.String(text);
  }
}

std::optional<std::int64_t> TimeOf(const BatchObject& batch, std::string_view name) {
  const auto found = batch.times.find(name);
  return found == batch.times.end() ? std::nullopt : std::optional(found->second);
}

void WriteErrors(json::Writer& out, const std::vector<BatchError>& errors) {
  out.PlainKey("errors");
  if (errors.empty()) return out.Null();
  out.BeginObject();
  out.Field("object", "list");
  out.PlainKey("data");
  out.BeginArray();
  for (const BatchError& error : errors) {
    out.BeginObject();
    out.Field("code", error.code);
    NumberOrNull(out, "line", error.line);
    out.Field("message", error.message);
    TextOrNull(out, "param", error.param.value_or(""));
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
}

void WriteMetadata(json::Writer& out,
                   const std::map<std::string, std::string, std::less<>>& metadata) {
  out.PlainKey("metadata");
  if (metadata.empty()) return out.Null();
  out.BeginObject();
  for (const auto& [key, value] : metadata) out.Field(key, value);
  out.EndObject();
}

std::string Text(json::View value) { return std::string(value.StringOr("")); }

Result<json::Value> ReadObject(std::string_view body, std::string_view what) {
  Result<json::Value> read = json::Read(body);
  if (read && read->IsObject()) return read;
  return Fail(Code::kProtocolError,
              StrCat("the server did not answer with ", what, " but with: ", Truncate(body, 200)),
              read ? "" : read.error().message);
}

BatchObject BatchOf(json::View view) {
  BatchObject batch;
  batch.id = Text(view.Find("id"));
  batch.endpoint = Text(view.Find("endpoint"));
  batch.input_file_id = Text(view.Find("input_file_id"));
  batch.completion_window = Text(view.Find("completion_window"));
  batch.status = Text(view.Find("status"));
  batch.output_file_id = Text(view.Find("output_file_id"));
  batch.error_file_id = Text(view.Find("error_file_id"));
  for (const json::View error : view.Find("errors").Find("data").items()) {
    BatchError& one = batch.errors.emplace_back();
    one.code = Text(error.Find("code"));
    one.message = Text(error.Find("message"));
    if (error.Find("param").IsString()) one.param = Text(error.Find("param"));
    one.line = error.Find("line").AsInt64();
  }
  const json::View counts = view.Find("request_counts");
  batch.counts = {.total = counts.Find("total").AsInt64().value_or(0),
                  .completed = counts.Find("completed").AsInt64().value_or(0),
                  .failed = counts.Find("failed").AsInt64().value_or(0)};
  batch.created_at = view.Find("created_at").AsInt64().value_or(0);
  for (const auto& [key, value] : view.members()) {
    const std::optional<std::int64_t> time = value.AsInt64();
    if (key.ends_with("_at") && key != "created_at" && time) batch.times.emplace(key, *time);
  }
  for (const auto& [key, value] : view.Find("metadata").members()) {
    batch.metadata.emplace(key, Text(value));
  }
  return batch;
}

}  // namespace

std::string EncodeFile(const FileObject& file) {
  std::string body;
  json::Writer out(body);
  out.BeginObject();
  out.Field("object", "file");
  out.Field("id", file.id);
  out.Field("purpose", file.purpose);
  out.Field("filename", file.filename);
  NumberOrNull(out, "bytes", file.bytes);
  NumberOrNull(out, "created_at", file.created_at);
  NumberOrNull(out, "expires_at", file.expires_at);
  out.Field("status", "processed");
  out.PlainKey("status_details");
  out.Null();
  out.EndObject();
  return body;
}

Result<FileObject> DecodeFile(std::string_view body) {
  WEIR_TRY(const json::Value read, ReadObject(body, "a file object"));
  FileObject file{.id = Text(read.Find("id")),
                  .filename = Text(read.Find("filename")),
                  .purpose = Text(read.Find("purpose")),
                  .bytes = read.Find("bytes").AsInt64().value_or(0),
                  .created_at = read.Find("created_at").AsInt64().value_or(0),
                  .expires_at = read.Find("expires_at").AsInt64()};
  if (!file.id.empty()) return file;
  return Fail(Code::kProtocolError, "the server answered with a file object that has no id");
}

std::string EncodeBatch(const BatchObject& batch) {
  std::string body;
  json::Writer out(body);
  out.BeginObject();
  out.Field("id", batch.id);
  out.Field("object", "batch");
  out.Field("endpoint", batch.endpoint);
  WriteErrors(out, batch.errors);
  out.Field("input_file_id", batch.input_file_id);
  out.Field("completion_window", batch.completion_window);
  out.Field("status", batch.status);
  TextOrNull(out, "output_file_id", batch.output_file_id);
  TextOrNull(out, "error_file_id", batch.error_file_id);
  NumberOrNull(out, "created_at", batch.created_at);
  NumberOrNull(out, "expires_at", TimeOf(batch, "expires_at"));
  for (const std::string_view moment : kMoments) NumberOrNull(out, moment, TimeOf(batch, moment));
  out.PlainKey("request_counts");
  out.BeginObject();
  NumberOrNull(out, "total", batch.counts.total);
  NumberOrNull(out, "completed", batch.counts.completed);
  NumberOrNull(out, "failed", batch.counts.failed);
  out.EndObject();
  WriteMetadata(out, batch.metadata);
  out.EndObject();
  return body;
}

Result<BatchObject> DecodeBatch(std::string_view body) {
  WEIR_TRY(const json::Value read, ReadObject(body, "a batch object"));
  BatchObject batch = BatchOf(read);
  if (!batch.id.empty() && !batch.status.empty()) return batch;
  return Fail(Code::kProtocolError,
              "the server answered with a batch object that has no id, or no status");
}

std::string EncodePage(const std::vector<std::string>& items, std::string_view first,
                       std::string_view last, bool more) {
  std::string body;
  json::Writer out(body);
  out.BeginObject();
  out.Field("object", "list");
  out.PlainKey("data");
  out.BeginArray();
  for (const std::string& item : items) out.Raw(item);
  out.EndArray();
  TextOrNull(out, "first_id", first);
  TextOrNull(out, "last_id", last);
  out.PlainKey("has_more");
  out.Bool(more);
  out.EndObject();
  return body;
}

Result<BatchPage> DecodeBatchPage(std::string_view body) {
  WEIR_TRY(const json::Value read, ReadObject(body, "a list of batches"));
  if (!read.Find("data").IsArray()) {
    return Fail(Code::kProtocolError, "the server answered with a list of batches without `data`");
  }
  BatchPage page{.batches = {}, .more = read.Find("has_more").BoolOr(false)};
  for (const json::View item : read.Find("data").items()) page.batches.push_back(BatchOf(item));
  return page;
}

std::string EncodeBatchOrder(const BatchOrder& order) {
  std::string body;
  json::Writer out(body);
  out.BeginObject();
  out.Field("input_file_id", order.input_file_id);
  out.Field("endpoint", order.endpoint);
  out.Field("completion_window", order.completion_window);
  if (!order.metadata.empty()) WriteMetadata(out, order.metadata);
  out.EndObject();
  return body;
}

std::string EncodeBatchResult(const BatchResult& result) {
  std::string line;
  json::Writer out(line);
  out.BeginObject();
  out.Field("id", result.id);
  out.Field("custom_id", result.custom_id);
  out.PlainKey("response");
  if (result.error) {
    out.Null();
  } else {
    out.BeginObject();
    out.PlainKey("status_code");
    out.Int(result.status);
    out.Field("request_id", result.request_id);
    out.PlainKey("body");
    out.Raw(result.body);
    out.EndObject();
  }
  out.PlainKey("error");
  if (result.error) {
    out.BeginObject();
    out.Field("code", result.error->code);
    out.Field("message", result.error->message);
    out.EndObject();
  } else {
    out.Null();
  }
  out.EndObject();
  return line + "\n";
}

std::optional<BatchVerdict> ReadBatchVerdict(std::string_view line) {
  const Result<json::Value> read = json::Read(line);
  if (!read) return std::nullopt;
  const std::optional<std::string_view> custom_id = read->Find("custom_id").AsString();
  if (!custom_id) return std::nullopt;
  BatchVerdict verdict{.custom_id = std::string(*custom_id)};
  const std::optional<std::int64_t> status = read->Find("response").Find("status_code").AsInt64();
  verdict.answered = status.has_value();
  verdict.good = status && *status / 100 == 2 && !read->Find("error").IsObject();
  return verdict;
}

}  // namespace weir::wire
