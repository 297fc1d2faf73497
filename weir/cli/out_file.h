#pragma once

// A file that is written piece by piece and is whole or not there: what stood in its place is
// replaced when all of it is on the disk.

#include <string>
#include <string_view>

#include "weir/base/result.h"

namespace weir::cli {

// Refuses words of a form (text, json, jsonl, csv) as the value of -o where it names something
// else. `names` is what it does name, and how forms are asked for: "a file, --format a form".
Result<void> CheckNoForm(std::string_view out, std::string_view names);

class OutFile {
 public:
  // What is no ordinary file, such as a pipe, is written to as it stands. Fails with kConfigError.
  static Result<OutFile> Open(const std::string& path);
  OutFile(OutFile&& other) noexcept;
  OutFile& operator=(OutFile&&) = delete;
  // Without Finish(), nothing has changed.
  ~OutFile();

  // Both fail with kIoError.
  Result<void> Write(std::string_view text);
  Result<void> Finish();

 private:
  OutFile(std::string path, std::string fresh, int fd)
      : path_(std::move(path)), fresh_(std::move(fresh)), fd_(fd) {}

  std::string path_;
  std::string fresh_;  // what is written; empty: `path_` itself
  int fd_;
};

}  // namespace weir::cli
