#include "weir/sim/constraint/walk_testing.h"

#include <string_view>

namespace weir::sim {
namespace {

// How likely a byte is, against the others that may come.
double WeightOf(unsigned char byte, std::size_t written, bool in_string) {
  const double late = 1 + static_cast<double>(written) / 20;
  const char c = static_cast<char>(byte);
  if (c == '"' || (!in_string && (c == '}' || c == ']'))) return 8 * late * late;
  if (c == ',' || c == ' ') return 0.5 / late;
  if (c == '\\' || byte < 0x20 || byte >= 0x80) return 0.001 / (late * late);
  return c == '{' || c == '[' ? 0.5 / late : 1 / late;
}

}  // namespace

std::string WalkText(const schema::Language& language, Random& random) {
  constexpr std::size_t kLongest = 20'000;
  std::string text;
  schema::Matcher matcher = language.Begin();
  while (text.size() < kLongest) {
    if (matcher.Complete() && (matcher.CanEndOnly() || random.Uniform() < 0.5)) break;
    const schema::ByteSet next = matcher.Next();
    const bool in_string = next['Z'];  // where letters are free
    double total = 0;
    for (std::size_t b = 0; b < next.size(); ++b) {
      if (next[b]) total += WeightOf(static_cast<unsigned char>(b), text.size(), in_string);
    }
    double left = random.Uniform() * total;
    char chosen = 0;
    for (std::size_t b = 0; b < next.size(); ++b) {
      if (!next[b]) continue;
      chosen = static_cast<char>(b);
      left -= WeightOf(static_cast<unsigned char>(b), text.size(), in_string);
      if (left <= 0) break;
    }
    if (!matcher.Advance({&chosen, 1})) break;
    text += chosen;
  }
  return text;
}

std::string WalkAnswer(const CompiledConstraint& constraint, Random& random) {
  std::string text;
  for (const Stretch& stretch : constraint.stretches) {
    if (!stretch.fixed.empty()) {
      text += stretch.fixed;
    } else {
      text += stretch.language ? WalkText(*stretch.language, random) : "(free)";
    }
  }
  return text;
}

}  // namespace weir::sim
