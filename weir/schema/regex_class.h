#pragma once

// Sets of Unicode code points, as the character classes of expressions and grammars name them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::schema {

inline constexpr char32_t kLastCodePoint = 0x10FFFF;

struct CodeRange {
  char32_t low = 0;
  char32_t high = 0;  // included

  friend bool operator==(const CodeRange&, const CodeRange&) = default;
};

// Sorted ranges that neither touch nor overlap. Surrogates never belong to a set: they are no
// characters of a valid text.
class CodeSet {
 public:
  CodeSet() = default;
  explicit CodeSet(std::vector<CodeRange> ranges);  // in any order, overlapping or not

  static CodeSet All() { return CodeSet({{0, kLastCodePoint}}); }

  const std::vector<CodeRange>& ranges() const { return ranges_; }
  bool empty() const { return ranges_.empty(); }
  bool Contains(char32_t c) const;
  CodeSet Complement() const;

  friend CodeSet Union(const CodeSet& a, const CodeSet& b);
  friend CodeSet Intersection(const CodeSet& a, const CodeSet& b);
  friend bool operator==(const CodeSet&, const CodeSet&) = default;

 private:
  std::vector<CodeRange> ranges_;
};

CodeSet DigitSet();  // \d of ECMA-262: ASCII only
CodeSet WordSet();   // \w: ASCII letters, digits and the underscore
CodeSet SpaceSet();  // \s: every white space and line terminator, U+FEFF too
CodeSet LineSet();   // what `.` does not match: \n \r U+2028 U+2029

// A class as it was written. Unicode properties stay names, because RE2 knows them by name and
// their sets are large.
struct CharClass {
  CodeSet set;                          // united with
  std::vector<std::string> properties;  // these, in RE2's spelling: "\p{Greek}", "\P{Lu}"
  bool negated = false;                 // ... and then all of it turned round

  friend bool operator==(const CharClass&, const CharClass&) = default;
};

// The code points of a class. The sets of properties come from RE2 itself, so that both ways of
// running an expression know the same version of Unicode; each is found once per process (some
// 10 ms) and kept.
CodeSet Resolve(const CharClass& char_class);

// Adds what stands between the braces of \p{...} (or \P{...}, if `negated`) to the class: general
// categories and scripts by their long and short names, `Any`, `ASCII`, `Assigned`,
// `ASCII_Hex_Digit`, `Hex_Digit` and `White_Space`. False for every other name.
bool AddProperty(CharClass& char_class, std::string_view text, bool negated);

}  // namespace weir::schema
