#pragma once

// Flow: a graph of nodes that every row passes through, as plain values. read.h makes it of YAML
// (docs/flows.md is the grammar), C++ fills it in by hand; both are compiled by graph.h.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "weir/agent/agent.h"
#include "weir/base/clock.h"
#include "weir/json/value.h"
#include "weir/model/confidence.h"
#include "weir/model/sampling.h"

namespace weir::flow {

// A template or an expression, and where it stands: "flow.yaml:12:5". The place may be empty.
struct Source {
  std::string text;
  std::string place;

  bool empty() const { return text.empty(); }
};

// The JSON Schema of a value.
struct Shape {
  std::optional<json::Value> schema;  // unset: anything
  std::string file;                   // the file it was read from; references start there
  std::string place;
};

struct Node;
using Nodes = std::vector<Node>;

// Asks a model; its answer is what later nodes see.
struct Step {
  std::string engine;  // empty: the flow's
  std::string model;   // empty: the engine's
  std::string adapter;
  std::string profile;  // named defaults of the configuration; what stands here wins over them
  Source system;        // templates
  Source user;
  std::vector<Source> media;  // expressions: a path or an address, or a list of them
  Shape output;               // of a JSON answer; unset, the answer is a text ...
  std::optional<model::Constraint> constraint;  // ... which may be bound in other ways
  // Put behind the system prompt of a step with an `output`; "" puts nothing there. Unset: a
  // sentence that asks for JSON, with the schema.
  std::optional<std::string> instruction;
  model::Sampling sampling;
  model::Reasoning reasoning;
  model::ConfidenceRule confidence;
  int retries = 0;  // a failed node is begun anew so often, after all that its engine tries
  std::optional<Duration> timeout;  // the clock `total` of a call; unset: the engine's
  bool keeps_cut = false;  // a text that is cut at the token limit is an answer, not a failure
  bool batch = false;      // the row is a whole request, its answer a whole reply: batch.h
  // Set: not one call but an agent, which works with tools until it hands in a result. `output` is
  // then the schema of that result, `timeout` the clock of each turn.
  std::optional<agent::Agent> agent;
};

// An external program that is kept alive: a JSON line {"row_id", "input", NODE...} in, a JSON list
// of outputs out. No item: the row ends here; several: it becomes several.
struct Program {
  std::vector<std::string> argv;                // a path with a slash counts from the flow's folder
  Duration timeout = std::chrono::seconds(60);  // of one row; then it is killed and restarted
  int processes = 1;                            // at once
};

// Exactly one of the four.
struct Apply {
  Source where;                                     // keeps rows of which this is true
  std::vector<std::pair<std::string, Source>> set;  // an object of expressions
  Source each;                                      // a list; the row becomes one for each item
  std::optional<Program> program;
  Shape output;
};

struct Branch;

// Branches side by side, each on the row as it is here.
struct Parallel {
  std::vector<Branch> branches;
};

struct Case;

// One of several ways, by a value. What the last node of the way gave is the value of the switch.
struct Switch {
  Source on;
  std::vector<Case> cases;  // the first that equals it
  // Unset: a value that no case has fails the row.
  std::optional<Nodes> otherwise;
};

// The nodes, once for each item of a list, side by side; the value is the list of what the last
// node gave. An item that fails fails the row.
struct Map {
  Source over;
  std::string as = "item";  // the name of the item
  Nodes nodes;
};

struct Node {
  std::string id;     // unique in the flow; [A-Za-z_][A-Za-z0-9_]*
  std::string place;  // "flow.yaml:12:5"
  bool yield = true;  // false: computed and seen by later nodes, but not written
  // All rows are through the nodes before it when the first enters. Top level only.
  bool barrier = false;
  std::variant<Step, Apply, Parallel, Switch, Map> what;
};

struct Branch {
  std::string name;
  std::string join;  // the name under which later nodes see its last value; empty: they do not
  std::string place;
  Nodes nodes;
};

struct Case {
  json::Value equals;
  std::string place;
  Nodes nodes;
};

// Rows made of files. `unit` "file": {path, name, text}; "line": {path, name, line, text};
// "function" and "class" (units.h): {path, name, kind, line, end_line, text, id}.
struct FileRows {
  std::string glob;  // counts from the flow's folder; ** crosses folders
  std::string unit = "file";
  std::size_t max_bytes = 16 << 20;  // of one file
  std::string except;                // a folder whose files are no rows: that of the run itself
};

struct Flow {
  std::string name;
  std::string file;    // empty in C++
  std::string folder;  // what paths count from
  std::string description;
  std::string engine;   // of steps that name none; empty: the configuration's default
  std::string profile;  // the same
  Shape input;          // of a row
  std::string id;       // the field of a row that is its id; empty: its number, from 0
  std::optional<std::uint64_t> seed;  // unset: 0
  std::optional<int> concurrency;     // calls at once; unset: the profile's, else 16
  bool warmup = true;                 // send each shared prefix once before the first row
  std::optional<FileRows> files;      // rows when the command names none
  // Beneath these, too, files of `media` may lie; they count from `folder`.
  std::vector<std::string> media_folders;
  json::Value vars;                // object: {{ vars.x }}, which --set changes
  std::vector<std::string> parts;  // the files it was read from, includes and schemas too
  Nodes nodes;
};

}  // namespace weir::flow
