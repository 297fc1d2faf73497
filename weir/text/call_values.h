#pragma once

// What a text becomes when the form of a call does not say its type: what the tool's schema wants.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/lenient.h"
#include "weir/json/value.h"
#include "weir/text/call_list.h"

namespace weir::text {

// What the schema of a tool says about one value. It knows as much of JSON Schema as it takes to
// tell text from the rest, and is as patient as lists of tools in the wild need: "dict" and "float"
// are types as well. It refers to the tool, which must outlive it.
class Wanted {
 public:
  // Types, as bits. A number that must be an integer is kInteger alone.
  using Kinds = std::uint8_t;
  static constexpr Kinds kText = 1, kNumber = 2, kInteger = 4, kBool = 8, kNull = 16, kArray = 32,
                         kObject = 64, kAnything = 127;

  Wanted() = default;  // nothing is known
  static Wanted ArgumentsOf(const model::ToolSpec* tool);

  // kAnything when the schema does not say.
  Kinds kinds() const;
  bool knows(std::string_view key) const { return Lookup(schema_, key, 0).exists(); }
  Wanted Property(std::string_view key) const;
  Wanted Item() const;
  std::vector<std::string_view> PropertyNames() const;

 private:
  Wanted(json::View schema, json::View root) : schema_(schema), root_(root) {}

  json::View Resolve(json::View schema) const;
  json::View Lookup(json::View schema, std::string_view key, int depth) const;
  Kinds KindsOf(json::View schema, int depth, int& budget) const;

  json::View schema_;
  json::View root_;  // for references
};

// The JSON of a text that was written without a type. What may be text stays byte for byte unless
// it is plainly something else that is wanted as well; without a schema it is JSON if it reads as a
// number, a constant, an object or an array. `key` is for the notes.
std::string BendText(std::string_view text, const Wanted& wanted, std::string_view key,
                     CallList& list);

// The JSON of a text that the model declared to be JSON. What is none stays a text.
std::string ReadDeclaredJson(std::string_view text, std::string_view key, CallList& list);

// The value of a document, without a key at its end that was cut from its value.
json::Value WithoutCutKey(std::string_view text, const json::Mended& mended);

std::string Quoted(std::string_view text);  // as a JSON string

// `text` without what its end has left of `mark`: a part, not the whole of it.
std::string_view WithoutPartOf(std::string_view text, std::string_view mark);

}  // namespace weir::text
