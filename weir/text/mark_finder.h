#pragma once

// MarkFinder: the first of several marks in a text that may go on.

#include <bitset>
#include <cstddef>
#include <string_view>
#include <vector>

namespace weir::text {

class MarkFinder {
 public:
  struct Hit {
    std::size_t at = 0;  // up to here there is no mark, whatever comes; the size of the text: none
    std::size_t size = 0;  // of the mark; 0: none yet, but what stands at `at` may become one
    int mark = -1;         // what it was added as
  };

  // The bytes of `text` must outlive this. Of two equal marks the first added counts. A mark
  // `only_at_start` counts at one place of the text alone, which Find() is told.
  void Add(std::string_view text, int mark, bool only_at_start = false);

  // Looks from `from` on. Where several marks begin at one place, the longest is taken; unless the
  // text `ends`, that waits until no longer one can come.
  Hit Find(std::string_view text, std::size_t from, std::size_t start, bool ends) const;

 private:
  struct Entry {
    std::string_view text;
    int mark;
    bool only_at_start;
  };

  std::vector<Entry> entries_;
  std::bitset<256> begins_;  // by first byte
};

}  // namespace weir::text
