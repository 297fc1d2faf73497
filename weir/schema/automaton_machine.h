#pragma once

// What runs behind a Matcher.

#include <cstddef>
#include <memory>
#include <string_view>

#include "weir/schema/automaton.h"
#include "weir/schema/automaton_network.h"

namespace weir::schema::internal {

// Where a text stands. Immutable and never a dead end: that is a null pointer.
struct Place {
  Place() = default;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  virtual ~Place() = default;

  bool complete = false;
};
using PlacePtr = std::shared_ptr<const Place>;

class Machine {
 public:
  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  virtual ~Machine() = default;

  virtual PlacePtr Start() const = 0;  // null: the language is empty
  // Null when the bytes break the language, or (with `gave_up` set) a limit.
  virtual PlacePtr Advance(const PlacePtr& from, std::string_view bytes, bool& gave_up) const = 0;
  virtual ByteSet Next(const Place& place) const = 0;
  // False may be wrong, true may not. Both places are of this machine.
  virtual bool Alike(const Place& a, const Place& b) const = 0;
  virtual bool regular() const = 0;
};

// For a network without calls: a deterministic automaton, built as texts ask for it.
std::shared_ptr<const Machine> NewFiniteMachine(Network network, const LanguageOptions& options);
// For all others: every reading of the text at once, their stacks shared as a graph.
std::shared_ptr<const Machine> NewStackMachine(Network network, const LanguageOptions& options);

}  // namespace weir::schema::internal
