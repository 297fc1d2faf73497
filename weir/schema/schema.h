#pragma once

// JSON Schema 2020-12, 2019-09 and draft 7: compiled once into one compact form, then asked from
// any number of threads whether a value obeys it, and if not, what a model should change.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::schema {

struct Compiled;

enum class Draft : std::uint8_t { k7, k2019, k2020 };

// Gives the document behind an absolute URI that has no fragment. It is the only way to anything
// outside the schema; the meta-schemas of the three drafts are always known. See file_loader.h.
using Loader = std::function<Result<json::Value>(std::string_view uri)>;

struct CompileOptions {
  Draft default_draft = Draft::k2020;  // of a schema without "$schema"
  bool assert_formats = false;         // "format" is checked, not only noted
  bool check_meta_schema = false;      // validate the schema by its meta-schema first
  Loader loader;                       // none: a reference to the outside is an error
  std::string base_uri;                // of a schema without "$id"; may stay empty

  std::size_t max_depth = 512;          // of a schema inside a schema
  std::size_t max_nodes = 1'000'000;    // subschemas, those of loaded documents included
  std::size_t max_documents = 256;      // that the loader may be asked for
  std::size_t max_recursion = 4096;     // schemas that one validation may be inside of
  std::size_t max_steps = 100'000'000;  // subschemas that one validation may apply
};

// One reason why a value is refused.
struct Violation {
  std::string instance_path;  // a JSON pointer to the value at fault; "" is the whole instance
  std::string schema_path;    // a JSON pointer to the keyword; "uri#pointer" in another document
  std::string keyword;        // "type", "required", ...; "false" for the schema `false`
  // For a model or a person, with the place: "at /items/3/price: expected a number, got the string
  // \"12\"".
  std::string message;

  friend bool operator==(const Violation&, const Violation&) = default;
};

struct CheckOptions {
  std::size_t max_violations = 64;  // at least 1
};

// Immutable; copying is cheap and every function may be called from many threads at once.
class Schema {
 public:
  // Fails with kInvalidSchema (the message has a JSON pointer to the place), kInvalidPattern,
  // kUnsupportedPattern, or kUnsupportedSchema for what is right but cannot be served: a draft or
  // vocabulary that is not known, or a limit. A reference that leads nowhere, or in a circle
  // without ever going deeper into the instance, is kInvalidSchema. The first form copies.
  static Result<Schema> Compile(json::View schema, const CompileOptions& options = {});
  static Result<Schema> Compile(json::Value schema, const CompileOptions& options = {});

  // Whether the instance obeys. A validation that breaks max_recursion or max_steps counts as
  // refused here and in the two below, which say so.
  bool Accepts(json::View instance) const;

  // The first violation, as a kSchemaMismatch.
  Result<void> Validate(json::View instance) const;

  // All violations, in the order of the schema; empty exactly when Accepts() is true.
  std::vector<Violation> Check(json::View instance, const CheckOptions& options = {}) const;

  json::View source() const;  // the schema as it was given; lives as long as any copy of this
  Draft draft() const;        // of the root

  // The compiled form, for whoever walks it: see compiled.h.
  const Compiled& compiled() const { return *compiled_; }

 private:
  explicit Schema(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

  // Shared because one schema serves many threads.
  std::shared_ptr<const Compiled> compiled_;
};

// The meta-schemas and vocabularies of the three drafts as text; empty if `uri` (without fragment)
// is none of them.
std::string_view MetaSchemaText(std::string_view uri);

}  // namespace weir::schema
