#pragma once

// MarkFinder: the first of several marks in a text that may go on.

#include <bitset>
#include <cstddef>
#include <string_view>
#include <vector>

#include "weir/text/family.h"

namespace weir::text {

class MarkFinder {
 public:
  struct Hit {
    std::size_t at = 0;  // up to here there is no mark, whatever comes; the size of the text: none
    std::size_t size = 0;  // of the mark; 0: none yet, but what stands at `at` may become one
    int mark = -1;         // what it was added as
  };

  // The bytes of `text` must outlive this. Of two equal marks the first added counts. A mark of
  // kStart counts at one place of the text alone, which Find() is told. The letters of a tag, a
  // mark that begins with '<' or "]<", count in any case.
  void Add(std::string_view text, int mark, Where where = Where::kAnywhere);

  // Looks from `from` on. Where several marks begin at one place, the longest is taken; unless the
  // text `ends`, that waits until no longer one can come. `begins_line`: the text begins a line.
  Hit Find(std::string_view text, std::size_t from, std::size_t start, bool ends,
           bool begins_line = false) const;

 private:
  struct Entry {
    std::string_view text;
    int mark;
    Where where;
  };

  std::vector<Entry> entries_;
  std::bitset<256> begins_;  // by first byte, of what may stand at more places than the start
};

}  // namespace weir::text
