#pragma once

// Context-free grammars as data, and the two notations that vLLM's `structured_outputs.grammar`
// takes. Text becomes a Grammar here, a Grammar becomes a Language in automaton.h.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/schema/automaton.h"
#include "weir/schema/automaton_trees.h"
#include "weir/schema/regex.h"

namespace weir::schema {

struct GrammarRule {
  std::string name;
  std::uint32_t root = 0;  // a node of Grammar::body; kRule nodes name other rules by index
  internal::Spelling spelling = internal::Spelling::kUtf8;  // of the characters in this rule
};

// ^, $ and \b in a rule look at the rule's own text only; such a rule must not use other rules.
struct Grammar {
  Regex body;  // the nodes and classes of all rules
  std::vector<GrammarRule> rules;
  std::uint32_t start = 0;
};

enum class GrammarDialect : std::uint8_t {
  kGbnf,  // root ::= "yes" | "no"      (llama.cpp, xgrammar)
  kLark,  // start: "yes" | "no"        (lark, llguidance)
};

struct GrammarOptions {
  std::size_t max_bytes = 256 * 1024;  // of the grammar's text
  std::size_t max_rules = 10'000;
  std::size_t max_depth = 200;        // brackets inside each other
  std::uint32_t max_repeat = 10'000;  // the largest number of a counted repetition
  LanguageOptions language = {};
};

// By the first definition: "name ::=" is GBNF, "name:" is Lark.
GrammarDialect DetectGrammar(std::string_view text);

// GBNF with the start rule `root`: literals "..." and '...', classes [...] and [^...] with ranges,
// `.`, groups, | * + ? {n} {n,} {n,m}, # comments, and the escapes \n \r \t \b \f \v \a \0 \\ \" \'
// \[ \] \- \^ \xHH \uHHHH \UHHHHHHHH. Refused: xgrammar's look-ahead (=...) and macros such as
// TagDispatch(...), llama.cpp's token names <[...]>.
Result<Grammar> ParseGbnf(std::string_view text, const GrammarOptions& options = {});

// Lark with the start rule `start`: rules and TERMINALS with priorities (`A.2:`) and the marks ! ?
// before a name (all of these change trees only), aliases `-> name`, literals "..." and "..."i,
// ranges "a".."z", /regex/ with the flags i, s and u, groups, [optional], | * + ? ~n ~n..m {n,m},
// the comments // and #, %ignore, and %import common.NAME or %import common (NAME, ...) with `->`,
// for the terminals of kLarkCommon (lark_common.h). Expressions between slashes are read as
// ECMA-262. Refused: templates, other imports and every other % word, <tokens>, look-around.
//
// The language is that of the grammar without a lexer in between: a terminal may match any of its
// texts, not only the longest one, and %ignore may stand before, behind and between the symbols of
// a rule. The flag i, of literals too, folds ASCII letters only.
Result<Grammar> ParseLark(std::string_view text, const GrammarOptions& options = {});

// In the dialect that DetectGrammar() sees, down to the language. Fails with kInvalidGrammar; the
// message has line and column.
Result<Language> ParseGrammar(std::string_view text, const GrammarOptions& options = {});

}  // namespace weir::schema
