#pragma once

// A file that is written piece by piece, and takes its name once it is whole and on the disk.

#include <cstdio>
#include <string>
#include <string_view>

#include "weir/base/result.h"

namespace weir::jobs {

class BatchSpool {
 public:
  explicit BatchSpool(std::string path);
  // Unfinished, it leaves PATH.partial behind, which the next one replaces.
  ~BatchSpool();
  BatchSpool(const BatchSpool&) = delete;
  BatchSpool& operator=(const BatchSpool&) = delete;

  // What cannot be written is told by Finish().
  void Write(std::string_view piece);
  // Fails with kIoError, and then there is no such file.
  Result<void> Finish();

 private:
  const std::string path_;
  const std::string partial_;
  std::FILE* file_;
  bool good_;
};

}  // namespace weir::jobs
