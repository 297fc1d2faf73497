#pragma once

// Regular expressions of ECMA-262 as a tree. JSON Schema means the `u` flag; what engines without
// the flag let pass and real schemas contain (Annex B: `\-` and `\"`, a lone `{` or `]`, `[\w-.]`)
// is read the same way here.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/schema/regex_class.h"

namespace weir::schema {

inline constexpr std::uint32_t kNoLimit = 0xFFFFFFFF;

struct RegexNode {
  enum class Kind : std::uint8_t {
    kClass,      // one character of classes[index]
    kConcat,     // all children, one after the other; none of them is the empty text
    kAlternate,  // one of the children; none of them is nothing at all
    kRepeat,     // children[0], from min to max times
    kBegin,      // ^
    kEnd,        // $
    kWordBoundary,
    kNotWordBoundary,
    kRule,  // rule `index`; only in grammars
  };

  Kind kind = Kind::kConcat;
  std::uint32_t index = 0;
  std::uint32_t min = 0;
  std::uint32_t max = 0;  // kNoLimit: as many as you like
  std::vector<std::uint32_t> children = {};
};

// Nodes name each other and their classes by index, so that a tree of any depth is freed flat.
// Several expressions may share the two tables (a grammar does); `root` is the one parsed last.
struct Regex {
  std::vector<RegexNode> nodes;
  std::vector<CharClass> classes;
  std::uint32_t root = 0;

  std::uint32_t Add(RegexNode node);
  std::uint32_t AddClass(CharClass char_class);
  std::uint32_t AddChar(char32_t c);
  std::uint32_t AddText(std::string_view utf8);  // valid UTF-8, taken literally
  std::uint32_t AddConcat(std::vector<std::uint32_t> children);
  std::uint32_t AddAlternate(std::vector<std::uint32_t> children);
  std::uint32_t AddRepeat(std::uint32_t child, std::uint32_t min, std::uint32_t max);
};

struct RegexOptions {
  std::size_t max_bytes = 64 * 1024;   // of the expression
  std::size_t max_depth = 200;         // groups inside each other
  std::uint32_t max_repeat = 100'000;  // the largest number between braces
  bool ignore_case = false;            // the `i` flag, for ASCII letters only
  bool dot_all = false;                // the `s` flag: `.` matches line ends too
};

// Fails with kInvalidPattern where the text is no expression, and with kUnsupportedPattern where
// it is one that linear time cannot run (lookaround, back references), names a property that is
// not known here, or passes a limit. The message has the byte offset and what stands there.
Result<Regex> ParseRegex(std::string_view ecma, const RegexOptions& options = {});

// The same, added to the tables of `regex`; its root is the new expression. After a failure
// the tables hold leftovers that nothing refers to.
Result<void> ParseRegexInto(Regex& regex, std::string_view ecma, const RegexOptions& options);

// Both cases of every ASCII letter of the set.
CodeSet FoldAscii(const CodeSet& set);

}  // namespace weir::schema
