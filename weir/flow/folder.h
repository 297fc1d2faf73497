#pragma once

// The run folder: what a run leaves behind, and what it goes on from after it was killed.
//
//   run.json  graph.json  metadata.json  NODE/000.jsonl ...  flattened/000.jsonl ...
//   errors.jsonl  attempts.jsonl  events.jsonl  ledger
//
// Every finished (row, node) is one record of the ledger before anything else knows of it. Rows are
// written in the order of the input; a thread of the folder's own brings files and ledger to the
// disk five times a second and then notes in the ledger up to which row, and which byte of each
// file, that is. Opened again, files are cut back to that note, and records behind it are kept in
// memory: at most those of the rows that were on their way, or waited for one (row_queue.h).
// Outputs hold no times and no latencies, so that an interrupted run and a whole one give the same
// bytes.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/result.h"
#include "weir/flow/answers.h"
#include "weir/flow/graph.h"
#include "weir/json/value.h"
#include "weir/store/file_ops.h"

namespace weir::flow {

enum class OutputFormat : std::uint8_t { kJsonLines, kCsv };

struct NodeOutput {
  std::size_t node = 0;
  std::string row_id;
  json::Value value;
};

// One row that came to the end of the flow, with the values that may be written.
struct FlatRow {
  std::string row_id;
  std::vector<std::pair<std::size_t, json::Value>> values;  // by node
};

struct RowError {
  std::string row_id;
  std::string node;  // its id; "input" for a row that is none
  Error error;
  std::vector<std::string> skipped;  // ids of the nodes that it did not come to
};

// Everything that is to be written of one row of one pass, children in their order.
struct RowRecord {
  std::uint64_t row = 0;
  std::uint64_t origin = 0;          // the number of the row of the input, in every pass
  std::uint32_t input_checksum = 0;  // RowSource::checksum() behind this row
  std::vector<NodeOutput> outputs;
  std::vector<FlatRow> flat;
  std::vector<RowError> errors;
  std::vector<std::string> carried;  // JSON lines for the next pass, one for each row that goes on
};

// Where an opened run stands.
struct Progress {
  std::size_t pass = 0;
  std::uint64_t rows = 0;            // written whole in this pass
  std::uint32_t input_checksum = 0;  // behind them
  json::Value totals;                // what `totals` gave then; null: nothing
  std::string carried;               // the path of what the pass before carried; empty in the first
  bool finished = false;             // there is nothing left to do
  int rounds = 0;                    // how often failed rows were tried again, this time included
};

struct FolderOptions {
  OutputFormat format = OutputFormat::kJsonLines;
  std::size_t max_lines_per_file = 10'000;
  bool flattened = true;
  Duration flush_every = std::chrono::milliseconds(200);
  std::size_t max_buffered_bytes = 64 << 20;  // then Write() waits for the disk
  store::FileOps* ops = nullptr;              // null: SystemFileOps()
  // Of Resume(): rows that failed are tried again. All rows go through the flow once more, and the
  // outputs are written anew; what was answered is Before(). Nothing happens when none had failed.
  bool retry_failed = false;
  // The same, also where none had failed: a review has sent rows back.
  bool retry_sent_back = false;
  // Asked by Write(), on its thread, whenever a note for the ledger begins.
  std::function<std::string()> totals;  // JSON
};

// What a run is of. On resume, whatever differs is refused by the name it has here.
struct Identity {
  // {"flow": "sha…", "input": {...}, ...}: an object; equal members mean the same run.
  json::Value members;
};

class RunFolder final : public Answers {
 public:
  // A new run in `path`, which is made; a folder that is not empty is refused, and --resume named
  // if it holds a run. `info` (an object) is what run.json begins with, beside the identity.
  static Result<RunFolder> Create(const std::string& path, const Graph& graph, Identity identity,
                                  json::Value info, FolderOptions options);

  // A run that was begun before. Fails with kConfigError when `identity` is another one, saying
  // each member that changed from what to what, or when another process has the run open.
  static Result<RunFolder> Resume(const std::string& path, const Graph& graph, Identity identity,
                                  FolderOptions options);

  // run.json of a folder, to find out what to resume. Fails with kConfigError when it is no run.
  static Result<json::Value> ReadRun(const std::string& path);

  RunFolder(RunFolder&&) noexcept;
  RunFolder& operator=(RunFolder&&) noexcept;
  ~RunFolder() override;  // what is buffered may be lost, as in a kill: Close() before

  const Progress& progress() const;  // where it was opened
  const std::string& path() const override;
  int rounds() const override { return progress().rounds; }

  // What the ledger has of a (row, node) that was not yet written; good until the row is written.
  const Finished* Recorded(std::size_t pass, std::uint64_t row, std::string_view child,
                           std::size_t node) const override;

  // The rows of a pass ask in their order, but for those on their way at once. Good until that row
  // is written.
  Result<const Past*> Before(std::size_t pass, std::uint64_t origin, std::string_view child,
                             std::size_t node) override;
  // Rows up to this one were written before a resume, and will not be asked for.
  void SkipTo(std::size_t pass, std::uint64_t origin);

  Result<void> Record(const Finished& finished) override;

  // Rows come in order, each once. Fails with kIoError when an earlier write failed, too: the run
  // ends, and can be resumed when the disk is well again.
  Result<void> Write(RowRecord record);

  // A line of attempts.jsonl; written with the next flush.
  Result<void> NoteCall(const AskedOnce& asked) override;

  // All rows of the pass are written; the next Write() begins the next one. What was carried is
  // then on the disk: its path.
  Result<std::string> EndPass();

  // Everything is on the disk. `summary` (an object) goes into run.json; `finished`: nothing is
  // left to do.
  Result<void> Close(json::View summary, bool finished);

 private:
  class Core;
  explicit RunFolder(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace weir::flow
