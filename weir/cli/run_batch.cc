#include "weir/cli/run_batch.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/flow/batch.h"
#include "weir/flow/rows.h"
#include "weir/json/builder.h"
#include "weir/json/reader.h"

namespace weir::cli {
namespace {

// The lines of some files, one after another, with a look at the next.
class Lines {
 public:
  explicit Lines(std::vector<std::string> paths) : paths_(std::move(paths)) { Advance(); }

  // Absent at the end.
  json::View next() const { return next_; }

  void Advance() {
    std::string line;
    while (!std::getline(file_, line)) {
      if (at_ == paths_.size()) {
        next_ = {};
        document_ = json::Value();
        return;
      }
      file_.close();
      file_.clear();
      file_.open(paths_[at_++]);
    }
    Result<json::Value> read = json::Read(line);
    document_ = read ? *std::move(read) : json::Value();
    next_ = document_;
  }

 private:
  const std::vector<std::string> paths_;
  std::size_t at_ = 0;
  std::ifstream file_;
  json::Value document_;
  json::View next_;
};

std::vector<std::string> FilesOf(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    paths.push_back(entry.path().string());
  }
  // 1000.jsonl comes behind 999.jsonl.
  std::ranges::sort(paths, {},
                    [](const std::string& path) { return std::pair(path.size(), path); });
  return paths;
}

// Requests may share an id; folders of older versions have no numbers.
bool IsOf(json::View error, const flow::Row& row) {
  const std::optional<std::uint64_t> number = error.Find("row").AsUint64();
  return number ? *number == row.number : error.Find("row_id").StringOr("") == row.id;
}

json::Value WithoutRowId(json::View line) {
  json::Builder body;
  body.BeginObject();
  for (const auto& [key, value] : line.members()) {
    if (key == "row_id") continue;
    body.Key(key);
    body.Copy(value);
  }
  body.EndObject();
  return std::move(body).Finish();
}

}  // namespace

Result<void> WriteBatchFile(const std::string& folder, const std::string& input,
                            std::optional<std::uint64_t> limit, const std::string& out) {
  const auto failed = [&] {
    return Fail(Code::kIoError, StrCat("cannot write ", out, "; what came is in ", folder));
  };
  WEIR_TRY(const std::unique_ptr<flow::RowSource> rows,
           flow::OpenRows(input, {.id = "custom_id", .limit = limit, .same_ids = true}));
  Lines answers(FilesOf(StrCat(folder, "/", flow::kBatchStep)));
  Lines errors({folder + "/errors.jsonl"});
  const std::string partial = out + ".partial";
  std::ofstream file(partial, std::ios::trunc);
  for (;;) {
    WEIR_TRY(const std::optional<flow::Row> row, rows->Next());
    if (!row) break;
    const bool failed_next = IsOf(errors.next(), *row);
    if (!failed_next && !row->error && answers.next().Find("row_id").StringOr("") == row->id) {
      file << flow::BatchLine(row->id, WithoutRowId(answers.next()));
      answers.Advance();
      continue;
    }
    if (!failed_next) {
      file << flow::BatchErrorLine(
          row->id, {.name = "no_answer",
                    .message = StrCat("the run has no answer for this request; go on with it: ",
                                      "weir run --resume ", folder)});
      continue;
    }
    const json::View error = errors.next();
    file << flow::BatchErrorLine(row->id,
                                 {.name = std::string(error.Find("error").StringOr("no_answer")),
                                  .message = std::string(error.Find("message").StringOr("")),
                                  .http_status = error.Find("http_status").AsInt64().value_or(0)});
    errors.Advance();
  }
  file.close();
  if (!file) return failed();
  std::error_code not_renamed;
  std::filesystem::rename(partial, out, not_renamed);
  if (not_renamed) return failed();
  return {};
}

}  // namespace weir::cli
