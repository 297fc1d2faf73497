#include "weir/http/cut_testing.h"

namespace weir::http {

Pieces CutEvery(std::string_view text, std::size_t step) {
  Pieces pieces;
  for (std::size_t i = 0; i < text.size(); i += step) pieces.push_back(text.substr(i, step));
  return pieces;
}

void ForEveryCut(std::string_view text, const std::function<void(const Pieces&)>& check) {
  check({text});
  check(CutEvery(text, 1));
  check(CutEvery(text, 3));
  for (std::size_t i = 1; i < text.size(); ++i) check({text.substr(0, i), text.substr(i)});
}

}  // namespace weir::http
