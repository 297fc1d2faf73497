#include "weir/sim/language/train/corpus.h"

#include "weir/base/text.h"

namespace weir::sim {
namespace {

constexpr std::string_view kEnd = "<|end|>";
constexpr std::string_view kThinkBegin = "<think>";
constexpr std::string_view kThinkEnd = "</think>";

}  // namespace

std::vector<Document> ReadCorpus(std::string_view corpus) {
  std::vector<Document> documents;
  const auto add = [&documents](std::string_view text, bool thought) {
    if (text = Trim(text); !text.empty()) documents.push_back({text, thought});
  };
  while (!corpus.empty()) {
    const std::size_t end = corpus.find(kEnd);
    std::string_view answer = Trim(corpus.substr(0, end));
    corpus.remove_prefix(end == corpus.npos ? corpus.size() : end + kEnd.size());
    if (const std::size_t closed = answer.find(kThinkEnd);
        answer.starts_with(kThinkBegin) && closed != answer.npos) {
      add(answer.substr(kThinkBegin.size(), closed - kThinkBegin.size()), true);
      answer.remove_prefix(closed + kThinkEnd.size());
    }
    add(answer, false);
  }
  return documents;
}

}  // namespace weir::sim
