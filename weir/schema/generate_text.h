#pragma once

// Strings that obey patterns, formats and lengths.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weir/base/random.h"
#include "weir/schema/compiled.h"

namespace weir::schema {

// All of these hold at once.
struct TextDemand {
  std::uint64_t min_length = 0;
  std::uint64_t max_length = kUnbounded;
  std::vector<std::uint32_t> patterns;    // indices into Compiled::patterns
  std::vector<std::string_view> formats;  // that must hold
  std::vector<std::string_view> wishes;   // formats that are only noted
};

class TextSampler {
 public:
  // `compiled` must outlive this.
  TextSampler(const Compiled& compiled, std::size_t typical_length, std::size_t max_bytes);
  ~TextSampler();

  // Nullopt when none is found. Adds to `work` what the search cost: about one for each text that
  // was tried, more for long ones.
  std::optional<std::string> Sample(const TextDemand& demand, Random& random, std::size_t& work);

 private:
  class Expression;

  Expression* ExpressionOf(std::uint32_t pattern);
  bool Obeys(const std::string& text, const TextDemand& demand) const;
  std::string Words(const TextDemand& demand, Random& random) const;
  std::uint64_t AimedLength(const TextDemand& demand, Random& random) const;
  std::string FromPatterns(const TextDemand& demand, std::size_t attempt, Random& random);

  const Compiled& compiled_;
  const std::size_t typical_length_;
  const std::size_t max_bytes_;
  // Parsed when first asked for; null if it cannot be.
  std::unordered_map<std::uint32_t, std::unique_ptr<Expression>> expressions_;
};

// A text of a format; empty if the format is not known.
std::string SampleFormat(std::string_view format, Random& random);
// A text for where there is little room; empty if the format is not known or has one length only.
std::string_view ShortestOfFormat(std::string_view format);

// Adds `missing` characters to a text of a format, if it is one that may be long.
void Lengthen(std::string& text, std::string_view format, std::size_t missing, Random& random);

// A short pronounceable word in lower case.
std::string SampleWord(std::size_t length, Random& random);

}  // namespace weir::schema
