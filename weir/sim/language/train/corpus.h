#pragma once

// Reads corpus.txt: answers, each closed by <|end|>, some with their thoughts between <think> and
// </think> before them.

#include <string_view>
#include <vector>

namespace weir::sim {

struct Document {
  std::string_view text;
  bool thought = false;
};

// The views are into `corpus`. White space around a document does not belong to it.
std::vector<Document> ReadCorpus(std::string_view corpus);

}  // namespace weir::sim
