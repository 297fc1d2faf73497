#pragma once

// A run without models, for tests of run folders: its answers follow from the row and the node, so
// that what an interrupted run leaves can be compared with what a whole one does.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "weir/flow/folder.h"
#include "weir/flow/graph.h"

namespace weir::flow {

// Three nodes: `Extract` (an object), `label` (a text), `scores` (a list).
Graph FolderGraph();

// Every file below a folder but the ledger, by its path.
std::map<std::string, std::string> FilesBelow(const std::string& folder);

struct ScriptOptions {
  FolderOptions folder;
  std::uint64_t rows = 9;
  std::size_t passes = 2;
  std::uint64_t window = 3;  // rows that are worked on before the first of them is written
};

class ScriptedRun {
 public:
  ScriptedRun(const Graph& graph, std::string path, ScriptOptions options);

  // Begins the run, or goes on with it where it is, and works up to the end of `rows` rows, or to
  // the first failure. `stop_after`: rows written, then it leaves without a Close().
  Result<void> Go(std::optional<std::uint64_t> stop_after = {});

  // Asked for although the answer was in the ledger; must stay 0.
  int asked_again() const { return asked_again_; }
  int asked() const { return asked_; }
  // What the next Go() writes to; outlives the run.
  void UseDisk(store::FileOps& ops) { options_.folder.ops = &ops; }

 private:
  using Key = std::tuple<std::size_t, std::uint64_t, std::string, std::size_t>;

  Result<RunFolder> Open();
  Result<Finished> Ask(RunFolder& folder, std::size_t pass, std::uint64_t row,
                       const std::string& child, std::size_t node);
  Result<void> Work(RunFolder& folder, std::size_t pass, std::uint64_t row);
  Result<RowRecord> Gather(RunFolder& folder, std::size_t pass, std::uint64_t row);
  Result<void> Pass(RunFolder& folder, std::size_t pass, std::uint64_t from, std::uint64_t rows,
                    std::optional<std::uint64_t>& stop_after);

  const Graph& graph_;
  const std::string path_;
  ScriptOptions options_;
  std::set<Key> answered_;
  std::uint64_t written_ = 0;
  int asked_ = 0;
  int asked_again_ = 0;
};

}  // namespace weir::flow
