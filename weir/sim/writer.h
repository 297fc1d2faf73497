#pragma once

// Writer: pleasant prose about nothing in particular, decided by a seed. It takes up words of the
// question, so that an answer looks like one.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/random.h"

namespace weir::sim {

// The words of a question that are worth taking up, in its order, each once, at most eight.
std::vector<std::string> TopicsOf(std::string_view question);

class Writer {
 public:
  // `topics` must outlive the writer.
  Writer(std::uint64_t seed, const std::vector<std::string>& topics);

  // Appends one sentence. All but the first begin with a blank.
  void AppendSentence(std::string& out);

  // One to three words, as a short text in a JSON document has them.
  std::string Phrase();

  Random& random() { return random_; }

 private:
  void AppendSlot(char slot, std::string& out);

  Random random_;
  const std::vector<std::string>& topics_;
  std::size_t sentences_ = 0;
  std::size_t topic_;           // the next one to take up
  std::uint64_t last_pattern_;  // not to be used twice in a row
};

}  // namespace weir::sim
