#include "weir/http/line_reader.h"

#include <algorithm>
#include <cassert>

#include "weir/base/text.h"

namespace weir::http {

Result<void> LineReader::Feed(std::string_view bytes) {
  assert(input_.empty() && !finished_);
  WEIR_CHECK(Verdict());
  input_ = bytes;
  return {};
}

Result<void> LineReader::Finish() {
  WEIR_CHECK(Verdict());
  finished_ = true;
  return {};
}

bool LineReader::Next(std::string_view& line) {
  while (Take(line)) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) return true;
  }
  return false;
}

// Takes the next line up to its LF; the rest of the input, if it has none, is carried over.
bool LineReader::Take(std::string_view& line) {
  if (too_long_) return false;
  if (carry_used_) {
    carry_.clear();
    carry_used_ = false;
  }
  const std::size_t end = std::min(input_.find('\n'), input_.size());
  const bool ended = end < input_.size();
  if (carry_.size() + end > max_line_bytes_) {
    too_long_ = true;
    input_ = {};
    return false;
  }
  if (ended && carry_.empty()) {
    line = input_.substr(0, end);
  } else {
    carry_.append(input_.substr(0, end));
    carry_used_ = ended || (finished_ && !carry_.empty());
    line = carry_;
  }
  input_.remove_prefix(ended ? end + 1 : end);
  return ended || carry_used_;
}

Result<void> LineReader::Verdict() const {
  if (!too_long_) return {};
  return Fail(Code::kProtocolError,
              StrCat("the server sent a line of more than ", max_line_bytes_, " bytes"));
}

}  // namespace weir::http
