#include "weir/flow/folder_testing.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/store/files.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = 64 << 20;

json::Value Parsed(const std::string& text) {
  Result<json::Value> value = json::Read(text);
  if (!value) std::abort();
  return *std::move(value);
}

json::Value AnswerOf(std::size_t pass, std::uint64_t row, const std::string& child,
                     std::size_t node) {
  if (node == 1) return json::Value::Of(StrCat("label \"", row, "\"\nof ", pass));
  if (node == 2) return Parsed(StrCat("[", row, ",1.50,null]"));
  return Parsed(StrCat("{\"name\":\"row ", row, "\",\"inner\":{\"child\":\"", child,
                       "\",\"pass\":", pass, "},\"size\":", row * 1000, "}"));
}

// The children that a row becomes.
std::vector<std::string> ChildrenOf(std::uint64_t row) {
  if (row % 4 == 3) return {"0", "1"};
  return {""};
}

bool Fails(std::uint64_t row) { return row % 5 == 2; }

std::string IdOf(std::uint64_t row, const std::string& child) {
  return child.empty() ? StrCat(row) : StrCat(row, ".", child);
}

}  // namespace

Graph FolderGraph() {
  Flow flow;
  flow.name = "scripted";
  Node extract{.id = "Extract", .what = Step{.user = {.text = "read {{ input.text }}"}}};
  std::get<Step>(extract.what).output.schema = Parsed(
      R"({"type": "object", "properties": {"name": {"type": "string"}, "inner": {}, "size": {}}})");
  Node label{.id = "label", .what = Step{.user = {.text = "name it"}}};
  Node scores{.id = "scores", .what = Apply{.program = Program{.argv = {"score"}}}};
  flow.nodes = {extract, label, scores};
  Result<Graph> graph = Graph::Compile(std::move(flow));
  if (!graph) std::abort();
  return *std::move(graph);
}

std::map<std::string, std::string> FilesBelow(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().lexically_relative(folder).string();
    if (path == "ledger" || !entry.is_regular_file()) continue;
    files[path] = store::ReadFile(entry.path().string(), kMaxFileBytes)->value_or("");
  }
  return files;
}

ScriptedRun::ScriptedRun(const Graph& graph, std::string path, ScriptOptions options)
    : graph_(graph), path_(std::move(path)), options_(std::move(options)) {}

Result<RunFolder> ScriptedRun::Open() {
  FolderOptions options = options_.folder;
  options.totals = [this] { return StrCat("{\"written\":", written_, "}"); };
  Identity identity{Parsed(R"({"flow": "a1b2", "model": "m"})")};
  if (!fs::exists(path_ + "/run.json")) {
    return RunFolder::Create(path_, graph_, std::move(identity), Parsed(R"({"flow": "scripted"})"),
                             std::move(options));
  }
  return RunFolder::Resume(path_, graph_, std::move(identity), std::move(options));
}

Result<Finished> ScriptedRun::Ask(RunFolder& folder, std::size_t pass, std::uint64_t row,
                                  const std::string& child, std::size_t node) {
  if (const Finished* known = folder.Recorded(pass, row, child, node)) return *known;
  const Key key(pass, row, child, node);
  ++asked_;
  if (answered_.contains(key)) ++asked_again_;
  Finished finished{.pass = pass, .row = row, .child = child, .node = node};
  finished.prompt_tokens = 100;
  finished.cost = 0.25;
  if (Fails(row) && node == 1) {
    finished.outcome = Error{.code = Code::kTimeout, .message = StrCat("row ", row, " took long")};
  } else {
    finished.outcome = AnswerOf(pass, row, child, node);
  }
  WEIR_CHECK(folder.Record(finished));
  answered_.insert(key);
  return finished;
}

// Asks the model for all that a row needs.
Result<void> ScriptedRun::Work(RunFolder& folder, std::size_t pass, std::uint64_t row) {
  for (const std::string& child : ChildrenOf(row)) {
    for (std::size_t node = 0; node < 3; ++node) {
      WEIR_TRY(const Finished finished, Ask(folder, pass, row, child, node));
      if (std::holds_alternative<Error>(finished.outcome)) break;
    }
  }
  return {};
}

Result<RowRecord> ScriptedRun::Gather(RunFolder& folder, std::size_t pass, std::uint64_t row) {
  RowRecord record{
      .row = row, .origin = row, .input_checksum = static_cast<std::uint32_t>(row + 1)};
  for (const std::string& child : ChildrenOf(row)) {
    const std::string id = IdOf(row, child);
    FlatRow flat{.row_id = id};
    for (std::size_t node = 0; node < 3; ++node) {
      WEIR_TRY(const Finished finished, Ask(folder, pass, row, child, node));
      if (const Error* error = std::get_if<Error>(&finished.outcome)) {
        record.errors.push_back({id, "label", *error, {"scores"}});
        break;
      }
      const json::Value& value = std::get<json::Value>(finished.outcome);
      record.outputs.push_back({node, id, value});
      flat.values.emplace_back(node, value);
    }
    if (Fails(row)) continue;
    record.carried.push_back(StrCat("{\"row\":\"", id, "\"}"));
    record.flat.push_back(std::move(flat));
  }
  return record;
}

Result<void> ScriptedRun::Pass(RunFolder& folder, std::size_t pass, std::uint64_t from,
                               std::uint64_t rows, std::optional<std::uint64_t>& stop_after) {
  for (std::uint64_t row = from; row < rows; ++row) {
    for (std::uint64_t ahead = row; ahead < std::min(rows, row + options_.window); ++ahead) {
      WEIR_CHECK(Work(folder, pass, ahead));
    }
    WEIR_TRY(RowRecord record, Gather(folder, pass, row));
    ++written_;
    WEIR_CHECK(folder.Write(std::move(record)));
    if (stop_after && --*stop_after == 0) return Fail(Code::kCancelled, "stopped");
  }
  return {};
}

Result<void> ScriptedRun::Go(std::optional<std::uint64_t> stop_after) {
  WEIR_TRY(RunFolder folder, Open());
  const Progress& progress = folder.progress();
  written_ = progress.totals.Find("written").AsUint64().value_or(0);
  std::string carried = progress.carried;
  std::uint64_t from = progress.rows;
  const std::size_t first = progress.finished ? options_.passes : progress.pass;
  for (std::size_t pass = first; pass < options_.passes; ++pass) {
    std::uint64_t rows = options_.rows;
    if (pass > 0) {
      WEIR_TRY(const auto spool, store::ReadFile(carried, kMaxFileBytes));
      if (!spool) return Fail(Code::kInternal, StrCat("there is no ", carried));
      rows = static_cast<std::uint64_t>(std::ranges::count(*spool, '\n'));
    }
    WEIR_CHECK(Pass(folder, pass, from, rows, stop_after));
    from = 0;
    if (pass + 1 < options_.passes) {
      WEIR_TRY(carried, folder.EndPass());
    }
  }
  return folder.Close(Parsed(StrCat("{\"written\":", written_, "}")), true);
}

}  // namespace weir::flow
