#include "weir/jobs/batch_spool.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <unistd.h>

#include "weir/base/text.h"

namespace weir::jobs {

BatchSpool::BatchSpool(std::string path)
    : path_(std::move(path)),
      partial_(path_ + ".partial"),
      file_(std::fopen(partial_.c_str(), "wbe")),
      good_(file_ != nullptr) {}

BatchSpool::~BatchSpool() {
  if (file_ != nullptr) std::fclose(file_);
}

void BatchSpool::Write(std::string_view piece) {
  good_ = good_ && std::fwrite(piece.data(), 1, piece.size(), file_) == piece.size();
}

Result<void> BatchSpool::Finish() {
  good_ = good_ && std::fflush(file_) == 0 && ::fsync(::fileno(file_)) == 0;
  good_ = good_ && std::rename(partial_.c_str(), path_.c_str()) == 0;
  if (good_) return {};
  return Fail(Code::kIoError, StrCat("cannot write ", path_), std::strerror(errno));
}

}  // namespace weir::jobs
