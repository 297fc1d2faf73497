#pragma once

// What is inside a RunFolder: outputs on their way, the ledger, and the thread that brings both to
// the disk.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "weir/flow/folder.h"
#include "weir/flow/history.h"
#include "weir/flow/ledger.h"
#include "weir/flow/output_files.h"
#include "weir/flow/output_lines.h"
#include "weir/store/journal.h"

namespace weir::flow {

// The outputs of a run: one for each node, by its index, and then these.
struct FolderLayout {
  std::vector<OutputName> names;
  std::size_t flattened = 0;
  std::size_t errors = 0;
  std::size_t attempts = 0;
  std::size_t carried = 0;

  static FolderLayout Of(const Graph& graph, OutputFormat format);
};

// Where an opened run begins.
struct FolderStart {
  std::string path;
  const Graph* graph = nullptr;
  FolderLayout layout;
  FolderOptions options;  // those of the run, not of whoever resumed it
  json::Value run;        // run.json, without what Close() adds
  Note note;
  std::vector<Finished> behind;
  std::vector<std::uint64_t> rounds;  // LedgerReader::rounds()
};

class RunFolder::Core {
 public:
  Core(FolderStart start, store::Journal journal);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // CSV outputs that have files go on with the columns of those.
  Result<void> ReadColumns();

  const Progress& progress() const { return progress_; }
  const std::string& path() const { return path_; }
  const Finished* Recorded(std::size_t pass, std::uint64_t row, std::string_view child,
                           std::size_t node) const;
  Result<const Past*> Before(std::size_t pass, std::uint64_t origin, std::string_view child,
                             std::size_t node);
  void SkipTo(std::size_t pass, std::uint64_t origin);
  Result<void> Record(const Finished& finished);
  Result<void> Write(RowRecord&& record);
  Result<void> Attempt(std::string&& line);
  Result<std::string> EndPass();
  Result<void> Close(json::View summary, bool finished);

 private:
  using Key = std::tuple<std::size_t, std::uint64_t, std::string, std::size_t>;
  using KeyView = std::tuple<std::size_t, std::uint64_t, std::string_view, std::size_t>;
  // What the thread takes from the buffers in one go.
  struct Batch {
    std::vector<std::pair<std::size_t, std::vector<Piece>>> pieces;
    std::string note;  // of what stands in them and before; empty: none
    std::size_t bytes = 0;
    std::uint64_t seal = 0;
  };

  Result<void> CheckRow(const RowRecord& record) const;
  void AddRow(const RowRecord& record);
  void AddLine(std::size_t output, std::string_view row_id, const std::vector<Cell>& cells);
  void AddText(std::size_t output, std::string_view line);
  std::vector<std::string> FirstColumns(std::size_t output, const std::vector<Cell>& cells) const;
  void Grow(std::size_t bytes);
  Result<void> WaitForRoom(std::unique_lock<std::mutex>& lock);
  bool NoteIsDue() const;
  void Seal(bool finished);
  Result<void> Drain();
  Result<void> Broken() const;
  void Break(const Error& error);
  void Stop();

  void Run();
  Batch TakeBatch();
  Result<void> Flush(const Batch& batch);

  std::string SpoolOf(std::uint64_t pass) const;
  void RemoveSpools(std::uint64_t before);
  Result<void> Summarize(json::View summary, bool finished) const;
  Result<void> WriteMetadata() const;

  const std::string path_;
  const Graph& graph_;
  const FolderLayout layout_;
  const FolderOptions options_;
  store::FileOps& ops_;
  const json::Value run_;
  store::Journal journal_;

  // The caller's.
  Progress progress_;
  std::size_t pass_ = 0;
  std::uint64_t rows_ = 0;
  std::uint32_t input_checksum_ = 0;
  std::map<Key, Finished, std::less<>> recorded_;
  std::optional<History> history_;   // unset: no row was ever tried again
  std::vector<CsvColumns> columns_;  // by output
  std::vector<Cell> cells_;          // kept for their memory, as is the line
  std::string line_;
  TimePoint noted_at_;
  std::uint64_t noted_bytes_ = 0;  // of the ledger then
  std::size_t note_size_ = 0;

  // The thread's.
  std::vector<OutputWriter> writers_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::condition_variable flushed_;
  std::vector<OutputBuffer> buffers_;
  std::string note_;  // for the next batch
  std::size_t waiting_bytes_ = 0;
  std::size_t writing_bytes_ = 0;
  std::uint64_t sealed_ = 0;  // notes that were begun ...
  std::uint64_t noted_ = 0;   // ... and the last that is on the disk
  std::optional<Error> broken_;
  bool urgent_ = false;
  bool stop_ = false;

  std::thread thread_;
};

// run.json: `run`, how it stands, and what is known at the end; that may be absent.
std::string RunJson(json::View run, std::string_view state, json::View summary);

// What differs between two identities, as "model: \"a\" is now \"b\""; empty: nothing.
std::vector<std::string> Differences(json::View was, json::View is);

}  // namespace weir::flow
