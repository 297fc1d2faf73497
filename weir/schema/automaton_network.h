#pragma once

// A grammar as a network of states: rules are fragments that call each other. Assertions are gone
// (see Unassert in the source), and every state knows whether it can still reach the end of its
// rule.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "weir/base/result.h"
#include "weir/schema/automaton.h"
#include "weir/schema/automaton_trees.h"
#include "weir/schema/grammar.h"

namespace weir::schema::internal {

inline constexpr std::uint32_t kNoState = 0xFFFFFFFF;

struct NetState {
  enum class Kind : std::uint8_t {
    kSplit,  // goes on to out and out2 (either may be kNoState), without a byte
    kTree,   // reads one character by tree `index`, then goes on to out
    kCall,   // reads a text of rule `index`, then goes on to out
    kEnd,    // the end of rule `index`
  };

  Kind kind = Kind::kSplit;
  bool live = false;  // the end of the rule can be reached
  bool tail = false;  // of a call: the end of the rule is all that follows
  std::uint32_t index = 0;
  std::uint32_t out = kNoState;
  std::uint32_t out2 = kNoState;
};

struct Network {
  std::vector<NetState> states;
  std::vector<std::uint32_t> starts;  // by rule; kNoState for those that no call names
  std::vector<std::uint32_t> ends;
  std::uint32_t start_rule = 0;
  bool has_calls = false;
  ByteTrees trees;
};

// False when there are more than max_states.
bool BuildNetwork(const Grammar& grammar, const LanguageOptions& options, Network& out);

}  // namespace weir::schema::internal
