#pragma once

// Random instances of a schema: for tests, for examples, and for a simulated model that keeps its
// word. What comes out has been validated; what cannot be made is said, with the place.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "weir/base/random.h"
#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/schema/schema.h"

namespace weir::schema {

struct GenerateOptions {
  // How deep arrays and objects nest where the schema leaves a choice. A schema that needs more
  // gets the least it needs.
  std::size_t max_depth = 6;
  std::size_t max_bytes = 64 * 1024;  // of the instance as text; beyond half of it, all is short
  std::size_t max_steps = 50'000;     // values that one attempt may begin, those thrown away too
  int attempts = 12;                  // with other choices, before "cannot" is said
  double optional_properties = 0.5;   // the probability that a property that may be absent is there
  std::size_t typical_length = 10;    // few strings are longer by more than this than they must be
  std::size_t typical_items = 3;      // the same for arrays, and for objects with any keys
};

// Makes any number of instances of one schema; what can be known before is found out once. For one
// thread at a time.
class Generator {
 public:
  explicit Generator(const Schema& schema, const GenerateOptions& options = {});
  ~Generator();
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  // The same schema, options and state of `random` give the same bytes on every machine. "format"
  // is obeyed even where it is only noted, unless that is impossible. Fails with
  // kUnsupportedSchema: the message names the keyword that stood in the way and its place. It may
  // be that nothing obeys the schema, or that chance does not find what does.
  Result<json::Value> Next(Random& random);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One instance.
Result<json::Value> Generate(const Schema& schema, Random& random,
                             const GenerateOptions& options = {});

}  // namespace weir::schema
