#pragma once

// The files of a run's outputs: NAME/000.jsonl and so on, each with so many lines. One side counts
// lines into pieces, the other brings pieces to the disk, later and on another thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/flow/ledger.h"
#include "weir/store/file_ops.h"

namespace weir::flow {

// How the files of one output are called.
struct OutputName {
  std::string name;       // "extract"; in notes, too
  std::string extension;  // ".jsonl"
  bool folder = true;     // NAME/000.jsonl, and on; false: one file NAME.jsonl
  bool spool = false;     // files before the last may be gone

  std::string PathOf(std::uint64_t file) const;  // from the run folder on
};

// Bytes of one file, behind those of the piece before.
struct Piece {
  std::uint64_t file = 0;
  std::string bytes;
};

// Lines on their way to the disk.
class OutputBuffer {
 public:
  // `max_lines` of one file; 0: there is one file, or Roll() says when the next begins.
  OutputBuffer(std::size_t max_lines, const OutputState& state)
      : max_lines_(max_lines), state_(state) {}

  // Stands at the beginning of every file from now on, and does not count as a line.
  void set_header(std::string header) { header_ = std::move(header); }

  // Adds one line, which ends with a line break. Returns by how many bytes the buffer grew.
  std::size_t Add(std::string_view line);
  // Begins the next file, even if nothing comes into it.
  std::size_t Roll();

  const OutputState& state() const { return state_; }
  std::vector<Piece> Take() { return std::exchange(pieces_, {}); }

 private:
  const std::size_t max_lines_;
  OutputState state_;
  std::string header_;
  std::vector<Piece> pieces_;
};

// Writes pieces, in their order.
class OutputWriter {
 public:
  // Goes on where `state` says. `root` is the run folder; both outlive the writer.
  OutputWriter(store::FileOps& ops, const std::string& root, OutputName name,
               const OutputState& state);

  // Fails with kIoError. What was written then is not known.
  Result<void> Write(const std::vector<Piece>& pieces);
  // What was written is on the disk.
  Result<void> Sync();

 private:
  Result<void> Open(std::uint64_t file);
  std::unexpected<Error> Failed(std::string_view what) const;

  store::FileOps& ops_;
  const std::string& root_;
  const OutputName name_;
  std::optional<store::File> file_;
  std::uint64_t number_ = 0;    // of the file that is written to
  std::uint64_t position_ = 0;  // in it
  bool dirty_ = false;
};

// Cuts the files of an output back to `state`: later files are removed, the last is truncated.
// Fails with kIoError, also when files are shorter than they were: then what is missing is named.
Result<void> CutBack(store::FileOps& ops, const std::string& root, const OutputName& name,
                     const OutputState& state);

// A file that is whole or not there, with one name: written beside it, synced, renamed.
Result<void> WriteWhole(store::FileOps& ops, const std::string& path, std::string_view text);

// Makes a folder, unless it is there, and syncs the one it is in.
Result<void> MakeFolder(store::FileOps& ops, const std::string& path);

// What stands behind an error that ends a run.
inline constexpr std::string_view kResumeHint =
    "; nothing that was answered is lost: when that is mended, go on with weir run --resume";

// A kIoError: "cannot WHAT PATH", and the words of errno.
std::unexpected<Error> DiskError(std::string_view what, const std::string& path);

}  // namespace weir::flow
