#pragma once

// Lists of words: keywords, types, formats.

#include <algorithm>
#include <iterator>
#include <string_view>

namespace weir::schema {

template <class List>
bool HasWord(const List& list, std::string_view word) {
  return std::ranges::find(list, word) != std::end(list);
}

}  // namespace weir::schema
