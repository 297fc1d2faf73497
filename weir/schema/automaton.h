#pragma once

// Which bytes may come next, and is this a complete text: the question of a decoder that is held
// to a language, and of a client that watches a stream for the first byte that breaks one.
//
//   WEIR_TRY(const Language language, LanguageOfRegex(regex));
//   Matcher matcher = language.Begin();
//   matcher.Advance("2024-");        // false: no text of the language begins so
//   matcher.Accepts("12");           // the same question, without moving
//   matcher.Next()['1'];             // may this byte come next?
//
// The bytes are UTF-8 and may be cut anywhere. A matcher is never alive on a text that no
// continuation can complete.

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "weir/base/result.h"
#include "weir/schema/regex.h"

namespace weir::schema {

struct Grammar;

namespace internal {
class Machine;  // automaton_machine.h
struct Place;
}  // namespace internal

struct LanguageOptions {
  std::size_t max_states = 200'000;        // of the automaton, repetitions written out
  std::size_t max_cache_bytes = 16 << 20;  // of what a regular language learns while it runs
  std::size_t max_items = 20'000;          // readings of one text followed at once
  // A rule of up to this size is copied to where it is used; 0 copies none. Without recursion the
  // whole grammar becomes one finite automaton, if max_states allows.
  std::size_t max_inlined_states = 1000;
};

using ByteSet = std::bitset<256>;

// A cursor in one text. It keeps its language alive; a copy costs two reference counts, and copies
// may move in different threads. Of a regular language a step is one table look-up (the first time,
// a computation under a lock that all matchers of the language share); with recursive rules
// a step costs time in the number of readings still open, which is small for grammars that people
// write, and memory in the nesting.
class Matcher {
 public:
  // Takes the next bytes. False when no text of the language continues so; the matcher is dead
  // from then on.
  bool Advance(std::string_view bytes);
  // Whether Advance(bytes) would succeed.
  bool Accepts(std::string_view bytes) const;

  ByteSet Next() const;     // exact: Advance() succeeds for these bytes and for no others
  bool Complete() const;    // what was taken is a text of the language
  bool CanEndOnly() const;  // ... and nothing can follow it
  bool Dead() const { return place_ == nullptr; }
  // Both are alive and have the same continuations for sure: what was learned about one holds for
  // the other. Cheap, and therefore allowed to miss some that have.
  bool Alike(const Matcher& other) const;
  // Dead because max_items was reached, not because the text is wrong.
  bool GaveUp() const { return gave_up_; }

 private:
  friend class Language;
  Matcher(std::shared_ptr<const internal::Machine> machine,
          std::shared_ptr<const internal::Place> place);

  std::shared_ptr<const internal::Machine> machine_;
  std::shared_ptr<const internal::Place> place_;
  bool gave_up_ = false;
};

// An immutable set of texts; copying is cheap, use from many threads is allowed.
class Language {
 public:
  Matcher Begin() const;
  bool Contains(std::string_view text) const;  // the whole text
  bool empty() const;                          // there is no text at all
  bool regular() const;                        // runs as a finite automaton, without a stack

 private:
  friend Result<Language> LanguageOfGrammar(const Grammar& grammar, const LanguageOptions& options);
  explicit Language(std::shared_ptr<const internal::Machine> machine);

  std::shared_ptr<const internal::Machine> machine_;
};

// The whole texts that an expression matches, as if it stood between ^(?: and )$. Fails with
// kUnsupportedPattern when that takes more than max_states.
Result<Language> LanguageOfRegex(const Regex& regex, const LanguageOptions& options = {});

// The texts of a grammar's start rule. Every context-free grammar is taken, left recursion and
// ambiguity included. Fails with kInvalidGrammar when max_states is passed.
Result<Language> LanguageOfGrammar(const Grammar& grammar, const LanguageOptions& options = {});

}  // namespace weir::schema
