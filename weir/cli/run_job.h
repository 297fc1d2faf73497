#pragma once

// What a run was asked to do: from the flags of `weir run`, or from the run.json of a run that is
// to go on.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/cli/flow_files.h"
#include "weir/flow/folder.h"
#include "weir/flow/rows.h"
#include "weir/flow/run.h"

namespace weir::cli {

struct RunJob {
  std::string flow;    // FILE, FILE#NAME or a folder
  std::string folder;  // of the run
  bool resumed = false;
  bool retry_failed = false;  // of a run that is resumed
  std::string input;  // a file of rows; "-": stdin; empty: the files of the flow or of --files
  std::string files;  // a glob ...
  std::string files_folder = ".";  // ... and what it counts from
  std::string engine;
  std::optional<std::int64_t> seed;
  std::optional<std::int64_t> limit;
  std::vector<std::string> set;  // KEY=VALUE
  std::string model;             // instead of those of a batch
  std::string format = "jsonl";  // of the outputs; "openai-batch": of rows and outputs
  std::string batch_file;        // where the outputs of a batch go
  bool same_ids = false;         // rows may share one; a batch's always may
  bool flattened = true;
  std::optional<std::int64_t> max_lines_per_file;
  // What follows may change from one session of a run to the next.
  std::optional<std::int64_t> concurrency;
  std::optional<std::int64_t> batch_size;
  std::optional<std::int64_t> max_total_tokens;
  bool warmup = true;
  bool auto_accept = false;  // what agents changed is merged when the run has ended
};

inline constexpr std::string_view kBatchFormat = "openai-batch";

// For run.json, and back.
json::Value JobJson(const RunJob& job);
Result<RunJob> JobOf(json::View run_json, const std::string& folder);

// A new folder for a run that names none: runs/20261121-174503-1a2b3c4d.
std::string NewRunFolder(std::int64_t wall_nanos);

// A path as another process can use it; "" and "-" stay.
std::string AbsolutePath(const std::string& path);

// Sixteen characters that change with the text of any file that the flow was read from.
Result<std::string> DigestOfFlow(const flow::Flow& flow);

// What makes it the same run: the flow with all its files, the input, the engines and their models,
// the variables and the seed.
Result<flow::Identity> IdentityOf(const RunJob& job, const LoadedFlow& loaded,
                                  const Session& session);

// The graph outlives it; what a person should know of how they are read is told.
Result<std::unique_ptr<flow::RowSource>> RowsOf(const RunJob& job, const flow::Graph& graph,
                                                const Session& session);

Result<flow::RunOptions> OptionsOf(const RunJob& job, const LoadedFlow& loaded,
                                   const Session& session);

}  // namespace weir::cli
