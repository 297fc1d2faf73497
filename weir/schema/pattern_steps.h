#pragma once

// The expressions that most schemas have: ^, then one class of ASCII characters after the other,
// each so many times, as in "^[A-Z]{3}-[0-9]{4,8}$". They need no engine: whoever takes as much as
// each step allows never has to go back.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "weir/schema/regex.h"

namespace weir::schema {

class PatternSteps {
 public:
  // nullopt: it is none of those.
  static std::optional<PatternSteps> Of(const Regex& regex);

  // Whether the expression matches somewhere in `text`.
  bool Found(std::string_view text) const;

  // Of ASCII characters.
  struct Class {
    std::uint64_t low = 0;   // 0 to 63
    std::uint64_t high = 0;  // 64 to 127

    bool Has(char c) const;
    bool Meets(const Class& other) const;
  };
  struct Step {
    Class chars;
    std::uint32_t min = 1;
    std::uint32_t max = 1;
  };

 private:
  std::vector<Step> steps_;
  bool to_end_ = false;  // nothing may follow
};

}  // namespace weir::schema
