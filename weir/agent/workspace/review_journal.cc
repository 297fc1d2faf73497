#include "weir/agent/workspace/review_journal.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/store/file_ops.h"
#include "weir/store/journal_scan.h"

namespace weir::agent {
namespace {

std::string TextOf(const DecisionRecord& record) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Field("id", record.id);
  out.Field("node", record.node);
  out.Field("row", record.row);
  if (record.decision == Decision::kAccepting) {
    out.PlainKey("files");
    out.BeginArray();
    for (const IntendedFile& file : record.files) {
      out.BeginObject();
      out.Field("path", file.path);
      out.Field("after", file.after);
      out.EndObject();
    }
    out.EndArray();
    out.PlainKey("write_conflicts");
    out.Bool(record.write_conflicts);
  }
  if (record.decision == Decision::kRetrying) out.Field("overrides", record.overrides);
  out.EndObject();
  return text;
}

Result<DecisionRecord> Parse(std::string_view payload, std::uint8_t type) {
  if (type < 1 || type > static_cast<std::uint8_t>(Decision::kGivenUp)) {
    return Fail(Code::kIoError, StrCat("a record of type ", int{type}, " is unknown; was it ",
                                       "written by a later version?"));
  }
  WEIR_TRY(const json::Value read, json::Read(payload));
  DecisionRecord record{.decision = static_cast<Decision>(type),
                        .id = std::string(read.Find("id").StringOr("")),
                        .node = std::string(read.Find("node").StringOr("")),
                        .row = std::string(read.Find("row").StringOr("")),
                        .files = {},
                        .write_conflicts = read.Find("write_conflicts").BoolOr(false),
                        .overrides = {}};
  if (!read.Find("id").IsString() || !read.Find("row").IsString()) {
    return Fail(Code::kIoError, "a record names no row");
  }
  const json::View files = read.Find("files");
  record.files.reserve(files.size());
  for (const json::View file : files.items()) {
    record.files.push_back({.path = std::string(file.Find("path").StringOr("")),
                            .after = std::string(file.Find("after").StringOr(""))});
  }
  if (const json::View overrides = read.Find("overrides"); overrides.exists()) {
    record.overrides = json::Value::CopyOf(overrides);
  }
  return record;
}

store::Journal::OnRecord Into(std::map<RowKey, DecisionRecord>& last, const std::string& path) {
  return [&last, &path](std::string_view payload, std::uint8_t type) -> Result<void> {
    Result<DecisionRecord> record = Parse(payload, type);
    if (!record) {
      return Fail(Code::kIoError, StrCat("cannot read the decisions in ", path),
                  std::move(record).error().message);
    }
    const RowKey key(record->node, record->row);
    last.insert_or_assign(key, *std::move(record));
    return {};
  };
}

}  // namespace

Result<ReviewJournal> ReviewJournal::Open(const std::string& path) {
  std::map<RowKey, DecisionRecord> last;
  WEIR_TRY(store::Journal journal, store::Journal::Open(path, {}, Into(last, path)));
  return ReviewJournal(std::move(journal), std::move(last));
}

Result<ReviewJournal> ReviewJournal::Read(const std::string& path) {
  std::map<RowKey, DecisionRecord> last;
  store::FileOps& ops = store::SystemFileOps();
  const store::File file(ops, ops.Open(path, O_RDONLY, 0));
  if (file.open()) {
    WEIR_CHECK(
        store::ScanJournal(file, path, store::JournalOptions().max_record_bytes, Into(last, path)));
  } else if (errno != ENOENT) {
    return Fail(Code::kIoError, StrCat("cannot read the decisions in ", path),
                std::strerror(errno));
  }
  return ReviewJournal(std::nullopt, std::move(last));
}

Result<void> ReviewJournal::Append(DecisionRecord record) {
  if (!journal_) return Fail(Code::kInvalidRequest, "the review was opened only to look");
  WEIR_CHECK(journal_->Append(static_cast<std::uint8_t>(record.decision), TextOf(record)));
  const RowKey key(record.node, record.row);
  last_.insert_or_assign(key, std::move(record));
  return journal_->Sync();
}

const DecisionRecord* ReviewJournal::Last(const RowKey& row) const {
  const auto at = last_.find(row);
  return at == last_.end() ? nullptr : &at->second;
}

}  // namespace weir::agent
