#pragma once

// What a row carries through the graph: what it sees, what it has given so far.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/flow/folder.h"
#include "weir/flow/graph.h"
#include "weir/json/value.h"

namespace weir::flow {

// One row on its way, or a child of it. Values are shared between copies.
struct Traveller {
  std::string child;         // "" for the row itself, "2.0" for its child's child
  std::string id;            // the same for people, behind the row's id
  std::uint64_t origin = 0;  // the number of the row of the input
  json::Value row;
  std::vector<std::pair<std::string, json::Value>> names;  // what earlier nodes gave
  json::Value last;                                        // what the last of them gave
  std::vector<std::pair<std::size_t, json::Value>> flat;   // what is to be written of it

  void Name(std::string_view name, json::Value value);
  // A child of it, number `k`.
  Traveller Child(std::size_t k) const;
};

// What the work of an agent on it is known by: its id, made so that the children of a row and rows
// of the input never share one ("a.0" is child 0 of the row "a", "a.0." the row "a.0").
std::string WorkKey(const Traveller& traveller);

// Whether this is the key of a child of the row with that key, or of a child's child.
bool IsBelow(std::string_view key, std::string_view row_key);

// Every path that the templates and expressions of a node read: "answer.confidence".
std::vector<std::string> PathsOf(const GraphNode& node);

// The names that some templates and expressions begin their paths with, each once.
std::vector<std::string> RootsOf(const GraphNode& node);

// The object that templates read: those of `roots` that there are. `vars` is an object or null.
json::Value VariablesOf(const Traveller& traveller, const std::vector<std::string>& roots,
                        json::View vars);

// One line for the next pass, and back.
std::string Pack(const Traveller& traveller);
Result<Traveller> Unpack(json::View packed);

}  // namespace weir::flow
